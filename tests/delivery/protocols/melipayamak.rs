use super::*;

#[tokio::test]
async fn melipayamak_rest_sends_a_form() {
    let taken = r#"{"Value":"4827236412357124981","RetStatus":1,"StrRetStatus":"Ok"}"#;
    let (request, report) = send_one(melipayamak, "reset", taken).await;
    assert_eq!(request.0, "POST /api/SendSMS/BaseServiceNumber");
    assert_eq!(request.2, "username=user&password=pass%26word&text=255315&to=09123456789&bodyId=200");
    assert_eq!(report, Report::sent(Some("4827236412357124981".to_owned())), "more than 53 bits");
}

#[tokio::test]
async fn only_the_value_of_a_refusal_by_melipayamak_rest_tells_the_reason() {
    let invalid = "the line, the bodyId or its values are invalid";
    let address = "the address of this server is blocked, or an API key is required";
    let busy = "the service is unavailable or does not accept the parameters";
    let rejected = "the gateway rejected the message";
    for (value, outcome, meaning) in [
        ("-111", Outcome::Misconfigured, address),
        ("-110", Outcome::Misconfigured, address),
        ("-109", Outcome::Misconfigured, address),
        ("-108", Outcome::Misconfigured, address),
        ("-10", Outcome::Misconfigured, "the values contain a link"),
        ("-7", Outcome::Misconfigured, "the account is not allowed to use this line"),
        ("-6", Outcome::Retry, busy),
        ("-5", Outcome::Misconfigured, invalid),
        ("-4", Outcome::Misconfigured, invalid),
        ("-3", Outcome::Misconfigured, invalid),
        ("-2", Outcome::Next, rejected),
        ("-1", Outcome::Misconfigured, "the account is not active or lacks documents"),
        ("0", Outcome::Misconfigured, "user name or password is wrong"),
        ("2", Outcome::Next, "the credit is used up"),
        ("3", Outcome::Next, "the sending limit of the account is reached"),
        ("4", Outcome::Next, "the sending limit of the account is reached"),
        ("5", Outcome::Misconfigured, "the account is not allowed to use this line"),
        ("6", Outcome::Retry, "the service is unavailable"),
        ("7", Outcome::Next, "the text contains a filtered word"),
        ("9", Outcome::Misconfigured, "the account is not allowed to use this line"),
        ("10", Outcome::Misconfigured, "the account is not active or lacks documents"),
        ("11", Outcome::Next, rejected),
        ("12", Outcome::Misconfigured, "the account is not active or lacks documents"),
        ("14", Outcome::Misconfigured, "the values contain a link"),
        ("15", Outcome::Next, rejected),
        ("16", Outcome::Next, "no recipient was found"),
        ("17", Outcome::Misconfigured, invalid),
        ("18", Outcome::BadRecipient, "the number was rejected"),
        ("19", Outcome::Next, "the sending limit of the account is reached"),
        ("35", Outcome::Next, "the number is on the black list"),
    ] {
        for status in [35, 0] {
            let answer = format!(r#"{{"Value":"{value}","RetStatus":{status},"StrRetStatus":"InvalidData"}}"#);
            assert_outcomes(melipayamak, &[(200, &answer, outcome, &format!("{value}: {meaning}"))]).await;
        }
    }
    let unknown = "200: unreadable response";
    for (answer, outcome, error) in [
        (r#"{"Value":"","RetStatus":35}"#, Outcome::Next, "35: the gateway rejected the message"),
        (r#"{"Value":null,"RetStatus":35}"#, Outcome::Next, "35: the gateway rejected the message"),
        (r#"{"Value":"InvalidData","RetStatus":35}"#, Outcome::Next, "35: the gateway rejected the message"),
        (r#"{"Value":"","RetStatus":11}"#, Outcome::Next, "11: the gateway rejected the message"),
        (r#"{"Value":"4827236412357124981","RetStatus":11}"#, Outcome::Next, "11: the gateway rejected the message"),
        (r#"{"Value":"","RetStatus":1}"#, Outcome::Unknown, unknown),
        (r#"{"Value":""}"#, Outcome::Unknown, unknown),
    ] {
        assert_outcomes(melipayamak, &[(200, answer, outcome, error)]).await;
    }
}

#[tokio::test]
async fn melipayamak_console_gets_the_key_in_the_path() {
    let (request, report) = send_one(console, "login", r#"{"recId":3741437414,"status":""}"#).await;
    assert_eq!(request.0, "POST /api/send/shared/the-key");
    assert_eq!(request.2, r#"{"bodyId":100,"to":"09123456789","args":["255315"]}"#);
    assert_eq!(report, Report::sent(Some("3741437414".to_owned())));
    let rejected = "the gateway rejected the message";
    let rows = [
        (200, r#"{"recId":0,"status":"اعتبار کافی نیست"}"#, Outcome::Next, rejected),
        (200, r#"{"recId":"0","status":"09123456789"}"#, Outcome::Next, rejected),
        (200, r#"{"status":"255315"}"#, Outcome::Next, rejected),
        (401, r#"{"recId":0,"status":"key"}"#, Outcome::Misconfigured, "401: the key was rejected"),
    ];
    assert_outcomes(console, &rows).await;
}

#[tokio::test]
async fn melipayamak_rest_reports_the_status_of_one_message() {
    assert_eq!(built(melipayamak("http://127.0.0.1:9")).status_batch(), 1);
    let id = "4827236412357124981";
    let answer = r#"{"Value":"1","RetStatus":1,"StrRetStatus":"Ok"}"#;
    let (request, statuses) = statuses_of(melipayamak, &[id], answer).await;
    assert_eq!(request.0, "POST /api/SendSMS/GetDeliveries2");
    assert_eq!(request.2, format!("username=user&password=pass%26word&recID={id}"));
    assert_eq!(statuses, Ok(pairs(&[(id, Delivered)])));
    let answer = |number: &str| format!(r#"{{"Value":"{number}","RetStatus":1,"StrRetStatus":"Ok"}}"#);
    assert_states(melipayamak, answer, &STATES).await;
    let (_, refused) = statuses_of(melipayamak, &["7"], r#"{"Value":"0","RetStatus":35}"#).await;
    assert_eq!(refused, Err("200: the response contains no status".to_owned()));
}

const STATES: [(&str, DeliveryStatus); 14] = [
    ("0", Waiting),
    ("1", Delivered),
    ("2", Undelivered),
    ("3", Undelivered),
    ("5", Waiting),
    ("8", Waiting),
    ("16", Undelivered),
    ("35", Blocked),
    ("100", Undelivered),
    ("200", Waiting),
    ("300", Undelivered),
    ("400", Waiting),
    ("500", Undelivered),
    ("999", Waiting),
];

#[tokio::test]
async fn melipayamak_console_reports_the_states_in_the_order_of_the_ids() {
    assert_eq!(built(console("http://127.0.0.1:9")).status_batch(), 100);
    let ids = ["4827236412357124981", "3741437414"];
    let answer = r#"{"results":["رسیده به گوشی","لیست سیاه"],"resultsAsCode":[1,35],"status":"عملیات موفق"}"#;
    let (request, statuses) = statuses_of(console, &ids, answer).await;
    assert_eq!(request.0, "POST /api/receive/status/the-key");
    assert_eq!(request.2, r#"{"recIds":[4827236412357124981,3741437414]}"#, "more than 53 bits");
    assert_eq!(statuses, Ok(pairs(&[(ids[0], Delivered), (ids[1], Blocked)])));
    let answer = |number: &str| format!(r#"{{"results":[""],"resultsAsCode":[{number}],"status":""}}"#);
    assert_states(console, answer, &STATES).await;
    let (_, short) = statuses_of(console, &ids, r#"{"results":[""],"resultsAsCode":[1],"status":""}"#).await;
    assert_eq!(short, Err("200: the response contains no status".to_owned()));
}
