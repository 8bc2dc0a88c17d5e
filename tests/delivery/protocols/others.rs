//! IranPayamak, Mediana, Asanak and MessageWay.

use super::*;

#[tokio::test]
async fn iranpayamak_uses_patterns() {
    let (request, report) =
        send_one(iranpayamak, "login", r#"{"status":"success","data":407328,"messages":null}"#).await;
    assert_eq!((request.0.as_str(), header(&request, "api-key")), ("POST /ws/v1/sms/pattern", "the-key"));
    let expected = json!({
        "code": "100", "attributes": {"code": "255315"}, "recipient": "09123456789",
        "line_number": "50002178584000", "number_format": "english", "schedule": null,
    });
    assert_eq!(json_body(&request), expected);
    assert_eq!(report, Report::sent(Some("407328".to_owned())));
    let created = Gateway::start(vec![(201, r#"{"status":"success","data":407328,"messages":null}"#).into()]);
    let report = send(iranpayamak(&created.url), &message("09123456789", "login")).await;
    assert_eq!(report, Report::sent(Some("407328".to_owned())));
    let (_, report) = send_one(iranpayamak, "login", r#"{"status":"success","data":0,"messages":null}"#).await;
    assert_eq!(report, Report::sent(None));
    let error = r#"{"status":"error","data":null,"messages":"09123456789"}"#;
    let rows = [
        (200, error, Outcome::Next, "200: the gateway rejected the message"),
        (401, error, Outcome::Misconfigured, "401: the key was rejected"),
        (422, error, Outcome::Next, "422: the gateway rejected the request"),
        (500, error, Outcome::Retry, "500: the gateway is unavailable"),
        (500, r#"{"status":"success","data":1}"#, Outcome::Retry, "500: the gateway is unavailable"),
    ];
    assert_outcomes(iranpayamak, &rows).await;
}

const MEDIANA: &str = r#"{"meta":{"requestId":"929de9cf-e4aa-4eba-af85-10eb3a4b2b3d","code":"OK","errorMessage":null,"errors":null},"data":{"succeed":true,"requestId":187484315,"requestCode":"187484315","message":"در حال ساخت","status":"PendingApproval","statusInt":2,"totalPrice":2284,"smsItems":[],"clientRef":null},"pagination":null}"#;

#[tokio::test]
async fn mediana_uses_patterns() {
    let (request, report) = send_one(mediana, "login", MEDIANA).await;
    assert_eq!((request.0.as_str(), header(&request, "x-api-key")), ("POST /sms/v1/send/pattern", "the-key"));
    let expected = json!({
        "recipients": ["09123456789"], "patternCode": "100", "parameters": {"code": "255315"},
        "type": "Informational",
    });
    assert_eq!(json_body(&request), expected);
    assert_eq!(report, Report::sent(Some("187484315".to_owned())));
    let (_, report) = send_one(mediana, "login", r#"{"Data":{"Succeed":true,"RequestId":7}}"#).await;
    assert_eq!(report, Report::sent(Some("7".to_owned())));
}

#[tokio::test]
async fn mediana_refuses_with_a_code() {
    let plan = "the plan of the account does not include this service";
    let line = "the account has no usable line";
    let pattern = "the pattern was rejected";
    for (code, outcome, meaning) in [
        (1021, Outcome::Retry, "the gateway is unavailable"),
        (1032, Outcome::Misconfigured, plan),
        (1034, Outcome::Misconfigured, plan),
        (1041, Outcome::BadRecipient, "the number was rejected"),
        (1042, Outcome::Next, "the credit is used up"),
        (1046, Outcome::Misconfigured, "the pattern parameter was rejected"),
        (1047, Outcome::Next, "the number is on the black list"),
        (1061, Outcome::Misconfigured, line),
        (1072, Outcome::Misconfigured, pattern),
        (1076, Outcome::Misconfigured, pattern),
        (1084, Outcome::Misconfigured, "the account is not verified"),
        (1101, Outcome::Misconfigured, line),
        (1102, Outcome::Misconfigured, line),
        (1111, Outcome::Next, "the gateway rejected the message"),
    ] {
        let in_meta = format!(
            r#"{{"meta":{{"requestId":"x","code":"{code}","errorMessage":"255315","errors":null}},"data":{{"succeed":false}}}}"#
        );
        let in_errors = format!(
            r#"{{"meta":{{"code":"BadRequest","errorMessage":null,"errors":[{{"errorCode":{code},"errors":["09123456789"]}}]}},"data":null}}"#
        );
        for (status, answer) in [(400, &in_meta), (200, &in_meta), (400, &in_errors)] {
            assert_outcomes(mediana, &[(status, answer, outcome, &format!("{code}: {meaning}"))]).await;
        }
    }
    let rows = [
        (200, r#"{"data":{"succeed":false}}"#, Outcome::Next, "200: the gateway rejected the message"),
        (401, "", Outcome::Misconfigured, "401: the key was rejected"),
    ];
    assert_outcomes(mediana, &rows).await;
}

#[tokio::test]
async fn mediana_reports_only_delivered_messages() {
    assert_eq!(built(mediana("http://127.0.0.1:9")).status_batch(), 1);
    let answer = |number: &str| {
        format!(
            r#"{{"meta":{{"code":"OK","errorMessage":null,"errors":null}},"data":{{"status":"x","statusInt":{number},"smsItems":[{{"smsItemId":"abc","recipient":"09120000000"}}]}}}}"#
        )
    };
    let (request, statuses) = statuses_of(mediana, &["187484315"], &answer("5")).await;
    assert_eq!(request.0, "GET /sms/v1/send-requests/status/187484315");
    assert_eq!((header(&request, "x-api-key"), statuses), ("the-key", Ok(pairs(&[("187484315", Delivered)]))));
    assert_states(mediana, answer, &[("2", Waiting), ("5", Delivered), ("6", Waiting)]).await;
}

#[tokio::test]
async fn asanak_uses_templates() {
    let taken = r#"{"meta":{"status":200,"message":"success"},"data":[123456]}"#;
    let (request, report) = send_one(asanak, "login", taken).await;
    assert_eq!(request.0, "POST /webservice/v2rest/template");
    let expected = json!({
        "template_id": 100, "destination": "09123456789", "parameters": {"code": "255315"},
        "send_to_blacklist": 1, "username": "user", "password": "the-key",
    });
    assert_eq!(json_body(&request), expected);
    assert_eq!(report, Report::sent(Some("123456".to_owned())));
    let login = "user name or password is wrong or expired";
    for (status, outcome, meaning) in [
        (401, Outcome::Misconfigured, login),
        (429, Outcome::Retry, "the gateway is unavailable"),
        (1002, Outcome::Misconfigured, "the line is not active"),
        (1004, Outcome::Retry, "the gateway is unavailable"),
        (1005, Outcome::Next, "the credit is used up"),
        (1006, Outcome::Next, "the credit is used up"),
        (1008, Outcome::Misconfigured, "the template or its parameter was rejected"),
        (1009, Outcome::Next, "the sending limit of the account is reached"),
        (1010, Outcome::BadRecipient, "the number was rejected"),
        (1013, Outcome::Next, "the line does not send at this time of day"),
        (1014, Outcome::Misconfigured, "the line may not send links"),
        (1015, Outcome::Misconfigured, login),
        (1099, Outcome::Next, "the gateway rejected the message"),
    ] {
        let answer = format!(r#"{{"meta":{{"status":{status},"message":"09123456789"}},"data":[]}}"#);
        assert_outcomes(asanak, &[(200, &answer, outcome, &format!("{status}: {meaning}"))]).await;
    }
}

fn messageway_call(url: &str) -> ProviderSettings {
    provider(Channel::Call, "messageway", url, json!({ "api_key": "the-key", "template": "2" }))
}

#[tokio::test]
async fn messageway_sends_and_calls() {
    let taken = r#"{"status":"success","referenceID":"1628936513156","sender":"30004505"}"#;
    let sent = Report::sent(Some("1628936513156".to_owned()));
    let (request, report) = send_one(messageway, "login", taken).await;
    assert_eq!((request.0.as_str(), header(&request, "apikey")), ("POST /send", "the-key"));
    let body = |method: &str, template: i64| json!({ "mobile": "09123456789", "method": method, "templateID": template, "params": ["255315"] });
    assert_eq!((json_body(&request), &report), (body("sms", 100), &sent));
    let (request, report) = send_message(messageway_call, &call(), taken).await;
    assert_eq!((json_body(&request), &report), (body("ivr", 2), &sent));
    let error = r#"{"status":"error","error":{"code":12,"message":"255315"}}"#;
    let rows = [
        (200, error, Outcome::Next, "12: the gateway rejected the message"),
        (400, error, Outcome::Next, "12: the gateway rejected the message"),
        (200, r#"{"status":"error"}"#, Outcome::Next, "the gateway rejected the message"),
        (401, error, Outcome::Misconfigured, "401: the key was rejected"),
        (503, error, Outcome::Retry, "503: the gateway is unavailable"),
        (200, r#"{"referenceID":"7"}"#, Outcome::Unknown, "200: unreadable response"),
    ];
    assert_outcomes(messageway, &rows).await;
    assert_eq!(send_one(messageway, "login", r#"{"status":"success"}"#).await.1, Report::sent(None));
}

#[tokio::test]
async fn messageway_reports_the_status_of_one_message() {
    assert_eq!(built(messageway("http://127.0.0.1:9")).status_batch(), 1);
    let answer =
        |word: &str| format!(r#"{{"status":"success","OTPStatus":"{word}","OTPVerified":false,"OTPMethod":"sms"}}"#);
    let (request, statuses) = statuses_of(messageway, &["1628936513156"], &answer("sent")).await;
    assert_eq!((request.0.as_str(), header(&request, "apikey")), ("POST /status", "the-key"));
    assert_eq!(request.2, r#"{"OTPReferenceID":"1628936513156"}"#);
    assert_eq!(statuses, Ok(pairs(&[("1628936513156", Delivered)])));
    let rows = [
        ("pending", Waiting),
        ("operatorDelivered", Waiting),
        ("sent", Delivered),
        ("seen", Delivered),
        ("notDelivered", Undelivered),
        ("failed", Undelivered),
        ("other", Waiting),
    ];
    assert_states(messageway, answer, &rows).await;
}
