//! The requests to each gateway and the meaning of its responses, as documented by the gateway (`src/delivery/` has the
//! sources).

use std::collections::BTreeMap;
use std::time::Duration;

use otpd::delivery::{Ghasedak, Ippanel, Kavenegar, Login, Melipayamak, PanelTemplates, ProviderSettings, SmsIr};
use otpd::domain::attempt::{Outcome, Report};

use crate::gateway::{Gateway, ReceivedRequest, Reply};
use crate::{connection, message, secret, send};

fn templates() -> PanelTemplates {
    let by_purpose = BTreeMap::from([("reset".to_owned(), "200".to_owned())]);
    PanelTemplates { general: "100".to_owned(), by_purpose }
}

pub type Settings = fn(&str) -> ProviderSettings;

pub fn the_kavenegar() -> Kavenegar {
    Kavenegar { api_key: secret("the/key"), templates: templates() }
}

pub fn kavenegar(url: &str) -> ProviderSettings {
    (connection(url), the_kavenegar()).into()
}

pub fn ippanel(url: &str) -> ProviderSettings {
    let gateway = Ippanel {
        api_key: secret("the-key"),
        sender: "+983000505".to_owned(),
        templates: templates(),
        parameter: "code".to_owned(),
    };
    (connection(url), gateway).into()
}

pub fn melipayamak(url: &str) -> ProviderSettings {
    let login = Login::Rest { username: "user".to_owned(), password: secret("pass&word") };
    (connection(url), Melipayamak { login, templates: templates() }).into()
}

pub fn console(url: &str) -> ProviderSettings {
    let login = Login::Console { api_key: secret("the-key") };
    (connection(url), Melipayamak { login, templates: templates() }).into()
}

pub fn smsir(url: &str) -> ProviderSettings {
    let gateway = SmsIr { api_key: secret("the-key"), templates: templates(), parameter: "CODE".to_owned() };
    (connection(url), gateway).into()
}

pub fn ghasedak(url: &str) -> ProviderSettings {
    let gateway = Ghasedak { api_key: secret("the-key"), templates: templates(), parameter: "Code".to_owned() };
    (connection(url), gateway).into()
}

const ALL: [(&str, Settings); 6] = [
    ("kavenegar", kavenegar),
    ("ippanel", ippanel),
    ("melipayamak", melipayamak),
    ("console", console),
    ("smsir", smsir),
    ("ghasedak", ghasedak),
];

pub fn header<'a>(request: &'a ReceivedRequest, name: &str) -> &'a str {
    request.1.lines().find_map(|header| header.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default()
}

/// Sends a message with this purpose. Returns the request that the gateway received and the report about its response.
async fn send_one(settings: Settings, purpose: &str, status: u16, answer: &str) -> (ReceivedRequest, Report) {
    let gateway = Gateway::start(vec![Reply::from((status, answer))]);
    let report = send(settings(&gateway.url), &message("09123456789", purpose)).await;
    (gateway.requests().remove(0), report)
}

async fn outcome(settings: Settings, status: u16, answer: &str) -> (Outcome, String) {
    let report = send_one(settings, "login", status, answer).await.1;
    (report.outcome, report.error.or(report.provider_message_id).unwrap_or_default())
}

#[tokio::test]
async fn kavenegar_uses_lookup() {
    let taken =
        r#"{"return":{"status":200,"message":"تایید شد"},"entries":[{"messageid":8792343,"status":5,"cost":120}]}"#;
    let (request, report) = send_one(kavenegar, "reset", 200, taken).await;
    assert_eq!(request.0, "POST /v1/the%2Fkey/verify/lookup.json");
    assert_eq!(header(&request, "content-type"), "application/x-www-form-urlencoded");
    assert_eq!(request.2, "receptor=09123456789&template=200&token=255315&type=sms");
    assert_eq!(report, Report::sent(Some("8792343".to_owned())));
    let refused = |status: u16| format!(r#"{{"return":{{"status":{status},"message":"09123456789"}},"entries":null}}"#);
    for (status, meaning) in [
        (403, (Outcome::Misconfigured, "403: the key was rejected")),
        (411, (Outcome::BadRecipient, "411: the number was rejected")),
        (418, (Outcome::Next, "418: the credit is used up")),
        (424, (Outcome::Misconfigured, "424: the template does not exist or is not approved")),
        (409, (Outcome::Retry, "409: the service is unavailable")),
        (451, (Outcome::Retry, "451: the service is unavailable")),
        (501, (Outcome::Misconfigured, "501: a test account can send only to its owner")),
        (502, (Outcome::Retry, "502: the service is unavailable")),
        (422, (Outcome::Next, "422: the gateway rejected the request")),
    ] {
        let (outcome, error) = outcome(kavenegar, status, &refused(status)).await;
        assert_eq!((outcome, error.as_str()), meaning);
    }
}

#[tokio::test]
async fn ippanel_uses_patterns() {
    let taken =
        r#"{"data":{"message_outbox_ids":[1123544244]},"meta":{"status":true,"message":"","message_code":"200-1"}}"#;
    let (request, report) = send_one(ippanel, "login", 200, taken).await;
    assert_eq!((request.0.as_str(), header(&request, "authorization")), ("POST /api/send", "the-key"));
    let body: serde_json::Value = serde_json::from_str(&request.2).unwrap();
    let expected = serde_json::json!({
        "sending_type": "pattern", "from_number": "+983000505", "code": "100",
        "recipients": ["+989123456789"], "params": {"code": "255315"},
    });
    assert_eq!(body, expected);
    assert_eq!(report, Report::sent(Some("1123544244".to_owned())));
    let refused = |code: &str, errors: &str| {
        format!(r#"{{"data":null,"meta":{{"status":false,"message":"x","message_code":"{code}","errors":{errors}}}}}"#)
    };
    for (status, answer, meaning) in [
        (401, refused("400-1", "{}"), (Outcome::Misconfigured, "401 400-1: the key was rejected")),
        (
            422,
            refused("400-2", r#"{"recipients":["bad"]}"#),
            (Outcome::BadRecipient, "422 400-2: the number was rejected"),
        ),
        (
            422,
            refused("400-2", r#"{"recipients.0":["bad"]}"#),
            (Outcome::BadRecipient, "422 400-2: the number was rejected"),
        ),
        (200, refused("400-3", "{}"), (Outcome::Next, "200 400-3: the gateway rejected the message")),
        (
            422,
            refused("400-2", r#"{"code":["bad"]}"#),
            (Outcome::Misconfigured, "422 400-2: the line, the pattern or its variable was rejected"),
        ),
        (404, refused("404-1", "{}"), (Outcome::Misconfigured, "404 404-1: the pattern does not exist")),
        (500, refused("500", "{}"), (Outcome::Retry, "500: the gateway is unavailable")),
    ] {
        let (outcome, error) = outcome(ippanel, status, &answer).await;
        assert_eq!((outcome, error.as_str()), meaning);
    }
}

#[tokio::test]
async fn melipayamak_rest_reports_errors_with_http_status_200() {
    let taken = r#"{"Value":"4827236412357124981","RetStatus":1,"StrRetStatus":"Ok"}"#;
    let (request, report) = send_one(melipayamak, "reset", 200, taken).await;
    assert_eq!(request.0, "POST /api/SendSMS/BaseServiceNumber");
    assert_eq!(request.2, "username=user&password=pass%26word&text=255315&to=09123456789&bodyId=200");
    assert_eq!(report, Report::sent(Some("4827236412357124981".to_owned())), "more than 53 bits");
    for (value, status, meaning) in [
        ("\"0\"", 0, (Outcome::Misconfigured, "0: user name or password is wrong")),
        ("\"2\"", 0, (Outcome::Next, "2: the credit is used up")),
        ("\"-6\"", 0, (Outcome::Retry, "-6: the service is unavailable")),
        ("\"-4\"", 0, (Outcome::Misconfigured, "-4: the line, the bodyId or its values are invalid")),
        ("\"18\"", 0, (Outcome::BadRecipient, "18: the number was rejected")),
        ("\"35\"", 35, (Outcome::BadRecipient, "35: the number is blocked or invalid")),
        (
            "\"-110\"",
            0,
            (Outcome::Misconfigured, "-110: the address of this server is blocked, or an API key is required"),
        ),
        ("\"4827236412357124981\"", 11, (Outcome::Next, "4827236412357124981: the gateway rejected the message")),
        ("\"\"", 11, (Outcome::Next, "11: the gateway rejected the message")),
    ] {
        let answer = format!(r#"{{"Value":{value},"RetStatus":{status},"StrRetStatus":"x"}}"#);
        let (outcome, error) = outcome(melipayamak, 200, &answer).await;
        assert_eq!((outcome, error.as_str()), meaning);
    }
}

#[tokio::test]
async fn melipayamak_console_gets_the_key_in_the_path() {
    let (request, report) = send_one(console, "login", 200, r#"{"recId":3741437414,"status":""}"#).await;
    assert_eq!(request.0, "POST /api/send/shared/the-key");
    assert_eq!(request.2, r#"{"bodyId":100,"to":"09123456789","args":["255315"]}"#);
    assert_eq!(report, Report::sent(Some("3741437414".to_owned())));
    let (outcome, error) = outcome(console, 200, r#"{"recId":0,"status":"credit"}"#).await;
    assert_eq!((outcome, error.as_str()), (Outcome::Next, "the gateway rejected the message"));
}

#[tokio::test]
async fn smsir_uses_verify() {
    let taken = r#"{"status":1,"message":"موفق","data":{"messageId":89545112,"cost":1.0}}"#;
    let (request, report) = send_one(smsir, "login", 200, taken).await;
    assert_eq!((request.0.as_str(), header(&request, "x-api-key")), ("POST /v1/send/verify", "the-key"));
    let body = r#"{"mobile":"09123456789","templateId":100,"parameters":[{"name":"CODE","value":"255315"}]}"#;
    assert_eq!(request.2, body);
    assert_eq!(report, Report::sent(Some("89545112".to_owned())));
    for (http, status, meaning) in [
        (401, 10, (Outcome::Misconfigured, "10: the key was rejected")),
        (400, 104, (Outcome::BadRecipient, "104: the number was rejected")),
        (400, 102, (Outcome::Next, "102: the credit is used up")),
        (400, 113, (Outcome::Misconfigured, "113: the template does not exist")),
        (429, 20, (Outcome::Retry, "20: the gateway is unavailable")),
        (500, 0, (Outcome::Retry, "0: the gateway is unavailable")),
        (400, 999, (Outcome::Next, "999: the gateway rejected the message")),
    ] {
        let answer = format!(r#"{{"status":{status},"message":"09123456789","data":null}}"#);
        let (outcome, error) = outcome(smsir, http, &answer).await;
        assert_eq!((outcome, error.as_str()), meaning);
    }
}

#[tokio::test]
async fn ghasedak_field_names_are_read_in_both_letter_cases() {
    let taken = r#"{"IsSuccess":true,"StatusCode":200,"Message":"","Data":{"Items":[{"Receptor":"09123456789","MessageId":"71","MessageBody":"255315"}]}}"#;
    let (request, report) = send_one(ghasedak, "login", 200, taken).await;
    assert_eq!(request.0, "POST /rest/api/v1/WebService/SendOtpSMS");
    assert_eq!(header(&request, "apikey"), "the-key");
    let body: serde_json::Value = serde_json::from_str(&request.2).unwrap();
    let expected = serde_json::json!({
        "receptors": [{"mobile": "09123456789"}], "templateName": "100",
        "inputs": [{"param": "Code", "value": "255315"}], "udh": false, "isVoice": false,
    });
    assert_eq!(body, expected);
    assert_eq!(report, Report::sent(Some("71".to_owned())));
    for (status, meaning) in [
        (401, (Outcome::Misconfigured, "401: the key was rejected")),
        (400, (Outcome::Next, "400: the gateway rejected the request")),
        (500, (Outcome::Retry, "500: the gateway is unavailable")),
        (200, (Outcome::Next, "200: the gateway rejected the message")),
    ] {
        let answer = format!(r#"{{"isSuccess":false,"statusCode":{status},"message":"255315"}}"#);
        let (outcome, error) = outcome(ghasedak, 200, &answer).await;
        assert_eq!((outcome, error.as_str()), meaning);
    }
}

#[tokio::test]
async fn unreadable_responses_and_closed_connections_are_never_reported_as_sent() {
    for (name, settings) in ALL {
        for answer in ["", "<html>busy</html>", "[]", "null", "{}", r#"{"status":"?"}"#, r#"{"return":7}"#] {
            let (outcome, error) = outcome(settings, 200, answer).await;
            assert!(matches!(outcome, Outcome::Unknown | Outcome::Next), "{name} {answer}: {outcome:?} {error}");
        }
        for (reply, expected) in [
            (Reply::from((502, "<html>")), Outcome::Retry),
            (Reply::from((403, "<html>")), Outcome::Misconfigured),
            (Reply { after: Duration::ZERO, answer: None }, Outcome::Unknown),
        ] {
            let gateway = Gateway::start(vec![reply]);
            let report = send(settings(&gateway.url), &message("09123456789", "login")).await;
            assert_eq!(report.outcome, expected, "{name}: {report:?}");
            let error = report.error.unwrap();
            assert!(!error.contains("255315") && !error.contains("0912") && !error.contains("key/"), "{error}");
            assert_eq!(gateway.requests().len(), 1, "{name}");
        }
    }
}
