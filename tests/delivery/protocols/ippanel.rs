use super::*;

const TAKEN: &str = r#"{"data":{"message_outbox_ids":[1123594208]},"meta":{"status":true,"message":"انجام شد","message_parameters":[],"message_code":"200-1"}}"#;

#[tokio::test]
async fn ippanel_uses_patterns() {
    let (request, report) = send_one(ippanel, "login", TAKEN).await;
    assert_eq!((request.0.as_str(), header(&request, "authorization")), ("POST /api/send", "the-key"));
    let expected = json!({
        "sending_type": "pattern", "from_number": "+983000505", "code": "100",
        "recipients": ["+989123456789"], "params": {"code": "255315"},
    });
    assert_eq!(json_body(&request), expected);
    assert_eq!(report, Report::sent(Some("1123594208".to_owned())));
}

#[tokio::test]
async fn ippanel_calls_without_a_pattern() {
    let (request, report) = send_message(ippanel_call, &call(), TAKEN).await;
    assert_eq!((request.0.as_str(), header(&request, "authorization")), ("POST /api/send", "the-key"));
    let expected = json!({ "sending_type": "votp", "message": "255315", "params": {"recipients": ["+989123456789"]} });
    assert_eq!(json_body(&request), expected);
    assert_eq!(report, Report::sent(Some("1123594208".to_owned())));
}

#[tokio::test]
async fn ippanel_refuses_with_an_http_status_and_a_code() {
    let refused = |code: &str, errors: &str| {
        format!(
            r#"{{"data":null,"meta":{{"status":false,"message":"255315","message_parameters":[],"message_code":"{code}","errors":{errors}}}}}"#
        )
    };
    let rejected = "422 400-2: the number was rejected";
    for (status, answer, outcome, meaning) in [
        (401, refused("400-1", "{}"), Outcome::Misconfigured, "401 400-1: the key was rejected"),
        (422, refused("400-2", r#"{"recipients":["bad"]}"#), Outcome::BadRecipient, rejected),
        (422, refused("400-2", r#"{"recipients.0":["bad"]}"#), Outcome::BadRecipient, rejected),
        (422, refused("400-2", r#"{"params.recipients.0":["bad"]}"#), Outcome::BadRecipient, rejected),
        (
            422,
            refused("400-2", r#"{"code":["bad"]}"#),
            Outcome::Misconfigured,
            "422 400-2: the line, the pattern or its variable was rejected",
        ),
        (402, refused("402-1", "{}"), Outcome::Next, "402 402-1: the credit is used up"),
        (404, refused("404-1", "{}"), Outcome::Misconfigured, "404 404-1: the pattern does not exist"),
        (200, refused("400-3", "{}"), Outcome::Next, "200 400-3: the gateway rejected the message"),
        (200, refused("code 255315", "{}"), Outcome::Next, "200: the gateway rejected the message"),
        (500, refused("500", "{}"), Outcome::Retry, "500: the gateway is unavailable"),
    ] {
        assert_outcomes(ippanel, &[(status, &answer, outcome, meaning)]).await;
    }
    let refused_call = refused("400-2", r#"{"message":["bad"]}"#);
    let rows = [
        (422, refused_call.as_str(), Outcome::Misconfigured, "422 400-2: the call was rejected"),
        (404, refused_call.as_str(), Outcome::Next, "404: the gateway rejected the request"),
    ];
    assert_outcomes(ippanel_call, &rows).await;
}

const RECIPIENTS: &str = r#"{"data":[{"recipient":"+989190000000","message":"255315","is_readable":true,"msg_parts":"1","message_status":"N"}],"meta":{"current_page":1,"total":1,"status":true,"message":"انجام شد","message_code":"200-1"}}"#;

#[tokio::test]
async fn ippanel_reports_the_status_of_the_recipient() {
    assert_eq!(built(ippanel("http://127.0.0.1:9")).status_batch(), 1);
    let (request, statuses) = statuses_of(ippanel, &["1123594208"], &RECIPIENTS.replace('N', "2")).await;
    assert_eq!(request.0, "GET /api/report/recipients?bulk_id=1123594208");
    assert_eq!(header(&request, "authorization"), "the-key");
    assert_eq!(statuses, Ok(pairs(&[("1123594208", Delivered)])));
    let rows = [("0", Waiting), ("1", Waiting), ("2", Delivered), ("3", Undelivered), ("4", Blocked), ("9", Waiting)];
    assert_states(ippanel, |number| RECIPIENTS.replace('N', number), &rows).await;
}

#[tokio::test]
async fn ippanel_is_asked_for_the_message_if_it_has_no_recipient_yet() {
    let none = r#"{"data":[],"meta":{"status":true,"message":"انجام شد","message_code":"200-1"}}"#;
    for (state, status) in [
        (0, Waiting),
        (1, Waiting),
        (2, Waiting),
        (3, Undelivered),
        (4, Undelivered),
        (5, Waiting),
        (6, Waiting),
        (7, Undelivered),
        (8, Undelivered),
        (9, Undelivered),
    ] {
        let report = format!(
            r#"{{"data":{{"messages_outbox_id":"7","state":"finish","type":"pattern","message":"255315","state_id":{state}}},"meta":{{"status":true,"message_code":"200-1"}}}}"#
        );
        let gateway = Gateway::start(vec![(200, none).into(), (200, report.as_str()).into()]);
        let statuses = built(ippanel(&gateway.url)).statuses(&["7".to_owned()]).await;
        assert_eq!(statuses, Ok(pairs(&[("7", status)])), "{state}");
        assert_eq!(gateway.requests()[1].0, "GET /api/report/by_bulk?messages_outbox_id=7");
    }
}
