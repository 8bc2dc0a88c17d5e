use super::*;
use crate::table::read;

const TAKEN: &str = r#"{"IsSuccess":true,"StatusCode":200,"Message":"","Data":{"Items":[{"Receptor":"09123456789","Cost":940,"MessageId":"71","ClientReferenceId":"4711","SendDate":"2024-07-09T14:01:36.6632614+03:30","MessageBody":"255315"}],"TotalCost":940}}"#;

fn ghasedak_call(url: &str) -> ProviderSettings {
    provider(Channel::Call, "ghasedak", url, json!({ "api_key": "the-key", "template": "100" }))
}

fn body(is_voice: bool) -> Value {
    json!({
        "receptors": [{"mobile": "09123456789", "clientReferenceId": "4711"}], "templateName": "100",
        "inputs": [{"param": "Code", "value": "255315"}], "udh": false, "isVoice": is_voice,
    })
}

#[tokio::test]
async fn ghasedak_gets_the_reference_and_its_field_names_are_read_in_both_letter_cases() {
    let (request, report) = send_one(ghasedak, "login", TAKEN).await;
    assert_eq!(request.0, "POST /rest/api/v1/WebService/SendOtpSMS");
    assert_eq!(header(&request, "apikey"), "the-key");
    assert_eq!(json_body(&request), body(false));
    assert_eq!(report, Report::sent(Some("71".to_owned())));
    let camel = r#"{"isSuccess":true,"statusCode":200,"message":"","data":{"items":[{"receptor":"09123456789","cost":940,"messageId":72,"messageBody":"255315"}],"totalCost":940}}"#;
    assert_eq!(send_one(ghasedak, "login", camel).await.1, Report::sent(Some("72".to_owned())));
    let (request, report) = send_message(ghasedak_call, &call(), TAKEN).await;
    assert_eq!((json_body(&request), report), (body(true), Report::sent(Some("71".to_owned()))));
}

#[tokio::test]
async fn a_message_that_ghasedak_accepts_without_items_has_no_id() {
    for answer in [
        r#"{"isSuccess":true,"statusCode":200,"message":"","data":{"items":[],"totalCost":0}}"#,
        r#"{"isSuccess":true,"statusCode":200,"message":"","data":null}"#,
        r#"{"IsSuccess":true,"Message":"255315"}"#,
        r#"{"isSuccess":true,"data":{"items":[{"messageId":"code 255315"}]}}"#,
    ] {
        assert_eq!(send_one(ghasedak, "login", answer).await.1, Report::sent(None), "{answer}");
        assert_eq!(send_one(ghasedak_old, "login", answer).await.1, Report::sent(None), "{answer}");
    }
}

#[tokio::test]
async fn ghasedak_refuses_with_a_status_in_the_body() {
    for (status, outcome, error) in [
        (401, Outcome::Misconfigured, "401: the key was rejected"),
        (400, Outcome::Next, "400: the gateway rejected the request"),
        (429, Outcome::Retry, "429: the gateway is unavailable"),
        (500, Outcome::Retry, "500: the gateway is unavailable"),
        (200, Outcome::Next, "200: the gateway rejected the message"),
    ] {
        let answer = format!(r#"{{"isSuccess":false,"statusCode":{status},"message":"255315","data":null}}"#);
        assert_outcomes(ghasedak, &[(200, &answer, outcome, error)]).await;
    }
    let refused = r#"{"isSuccess":false,"message":"255315","data":null}"#;
    let rows = [
        (200, refused, Outcome::Next, "200: the gateway rejected the message"),
        (401, refused, Outcome::Misconfigured, "401: the key was rejected"),
        (500, r#"{"isSuccess":true}"#, Outcome::Retry, "500: the gateway is unavailable"),
    ];
    assert_outcomes(ghasedak, &rows).await;
    assert_outcomes(ghasedak_old, &rows).await;
}

#[tokio::test]
async fn the_old_panel_of_ghasedak_has_another_request_and_makes_no_calls() {
    let (request, report) = send_one(ghasedak_old, "login", r#"{"isSuccess":true,"message":"","data":null}"#).await;
    assert_eq!((request.0.as_str(), header(&request, "apikey")), ("POST /api/v1/Send/NewOTP", "the-key"));
    let expected = json!({
        "receptor": "09123456789", "type": "1", "template": "100",
        "allparam": [{"param": "Code", "value": "255315"}],
    });
    assert_eq!((json_body(&request), report), (expected, Report::sent(None)));
    assert_eq!(built(ghasedak_old("http://127.0.0.1:9")).status_batch(), 0);
    let settings = |panel| json!({ "api_key": "k", "template": "t", "panel": panel });
    for (channel, panel, expected) in [
        (Channel::Call, "old", "panel is not valid: expected new, because the old panel makes no calls"),
        (Channel::Sms, "older", "panel is not valid: expected new or old"),
    ] {
        assert_eq!(read(channel, "ghasedak", settings(panel)).unwrap_err().to_string(), expected);
    }
}

#[tokio::test]
async fn ghasedak_reports_the_status_of_up_to_100_messages() {
    assert_eq!(built(ghasedak("http://127.0.0.1:9")).status_batch(), 100);
    let answer = r#"{"data":[{"messageId":"2387931","clientReferenceId":"11111","message":"کد ورود شما 1234","lineNumber":"21*******","receptor":"09396387926","status":6,"price":940,"sendDate":"2024-07-09T14:01:02.193563"},{"messageId":"4248","clientReferenceId":"22222","message":"test","lineNumber":"21*******","receptor":"09396387926","status":0,"price":1805,"sendDate":"2024-07-09T14:01:36.6632614"}],"isSuccess":true,"statusCode":200,"message":""}"#;
    let (request, statuses) = statuses_of(ghasedak, &["2387931", "4248"], answer).await;
    assert_eq!(request.0, "GET /rest/api/v1/WebService/CheckSmsStatus?Ids=2387931,4248&Type=1");
    assert_eq!(header(&request, "apikey"), "the-key");
    assert_eq!(statuses, Ok(pairs(&[("2387931", Undelivered), ("4248", Waiting)])));
    let answer =
        |number: &str| format!(r#"{{"IsSuccess":true,"Data":[{{"MessageId":"7","Status":{number},"Price":940}}]}}"#);
    let rows = [("0", Waiting), ("1", Undelivered), ("2", Blocked), ("3", Waiting), ("4", Undelivered)];
    assert_states(ghasedak, answer, &rows).await;
    let rows = [("5", Delivered), ("6", Undelivered), ("7", Waiting), ("8", Waiting), ("12", Blocked)];
    assert_states(ghasedak, answer, &rows).await;
    assert_states(ghasedak, answer, &[("13", Undelivered), ("14", Delivered), ("99", Waiting)]).await;
}

#[tokio::test]
async fn ghasedak_is_asked_for_the_reference_after_a_time_out() {
    let item = |reference: &str| {
        format!(
            r#"{{"data":[{{"messageId":"2387931","clientReferenceId":"{reference}","message":"255315","receptor":"09123456789","status":3}}],"isSuccess":true,"statusCode":200,"message":""}}"#
        )
    };
    let (request, found) = find(ghasedak, 200, &item("4711")).await;
    assert_eq!(request.0, "GET /rest/api/v1/WebService/CheckSmsStatus?Ids=4711&Type=2");
    assert_eq!(found, Some(Report::sent(Some("2387931".to_owned()))));
    let missing = Report::not_sent(Outcome::Retry, "the gateway did not receive the message");
    for (status, answer, expected) in [
        (200, r#"{"isSuccess":true,"statusCode":200,"message":"","data":[]}"#.to_owned(), Some(missing)),
        (200, item("4712"), None),
        (200, r#"{"isSuccess":false,"statusCode":200,"message":"","data":[]}"#.to_owned(), None),
        (200, r#"{"isSuccess":true,"data":null}"#.to_owned(), None),
        (500, r#"{"isSuccess":true,"data":[]}"#.to_owned(), None),
    ] {
        assert_eq!(find(ghasedak, status, &answer).await.1, expected, "{status} {answer}");
    }
    assert!(built(ghasedak("http://127.0.0.1:9")).can_find());
    assert!(!built(ghasedak_old("http://127.0.0.1:9")).can_find());
    assert_eq!(built(ghasedak_old("http://127.0.0.1:9")).find(&message("09123456789", "login")).await, None);
}
