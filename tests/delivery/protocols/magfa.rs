use super::*;

#[tokio::test]
async fn magfa_gets_the_text_and_the_reference() {
    let taken = r#"{"status":0,"messages":[{"status":0,"id":111111111,"userId":4711,"parts":1,"tariff":1.2,"alphabet":"UCS2","recipient":"989123456789"}]}"#;
    let (request, report) = send_one(magfa, "login", taken).await;
    assert_eq!(request.0, "POST /api/http/sms/v2/send");
    // user/magfa:the-key
    assert_eq!(header(&request, "authorization"), "Basic dXNlci9tYWdmYTp0aGUta2V5");
    let expected = json!({
        "senders": ["983000"], "recipients": ["989123456789"],
        "messages": ["کد: 255315\n\"{code}\" & more"], "uids": [4711],
    });
    assert_eq!(json_body(&request), expected);
    assert_eq!(report, Report::sent(Some("111111111".to_owned())));
}

#[tokio::test]
async fn magfa_refuses_a_request_or_a_message() {
    let line = "the account is not allowed to use this line";
    let login = "user name, password or domain is wrong";
    for (status, outcome, meaning) in [
        (1, Outcome::BadRecipient, "the number was rejected"),
        (2, Outcome::Misconfigured, line),
        (8, Outcome::Next, "the line does not send at this time of day"),
        (13, Outcome::Next, "the gateway rejected the message"),
        (14, Outcome::Next, "the credit is used up"),
        (15, Outcome::Retry, "the gateway is unavailable"),
        (16, Outcome::Misconfigured, "the account is not active"),
        (17, Outcome::Misconfigured, "the account is not active"),
        (18, Outcome::Misconfigured, login),
        (19, Outcome::Misconfigured, login),
        (20, Outcome::Misconfigured, line),
        (22, Outcome::Misconfigured, "the account is not active"),
        (23, Outcome::Retry, "the gateway is unavailable"),
        (27, Outcome::Next, "the number is on the black list"),
        (28, Outcome::Next, "the gateway does not send to this operator"),
        (29, Outcome::Misconfigured, "the address of this server is not allowed to use the account"),
        (33, Outcome::Next, "the number is on the black list"),
        (34, Outcome::Misconfigured, line),
    ] {
        let of_message = format!(r#"{{"status":0,"messages":[{{"status":{status},"recipient":"989123456789"}}]}}"#);
        let of_request = format!(r#"{{"status":{status},"messages":[]}}"#);
        for answer in [of_message, of_request] {
            assert_outcomes(magfa, &[(200, &answer, outcome, &format!("{status}: {meaning}"))]).await;
        }
    }
    let rows = [
        (200, r#"{"status":0,"messages":[]}"#, Outcome::Unknown, "200: unreadable response"),
        (401, r#"{"status":18}"#, Outcome::Misconfigured, "401: the key was rejected"),
    ];
    assert_outcomes(magfa, &rows).await;
}

#[tokio::test]
async fn magfa_reports_the_status_of_up_to_100_messages() {
    assert_eq!(built(magfa("http://127.0.0.1:9")).status_batch(), 100);
    let answer = r#"{"status":0,"dlrs":[{"mid":111,"status":1,"date":"2026-06-28 10:00:00"},{"mid":222,"status":16,"date":"2026-06-28 10:00:00"}]}"#;
    let (request, statuses) = statuses_of(magfa, &["111", "222"], answer).await;
    assert_eq!(request.0, "GET /api/http/sms/v2/statuses/111,222");
    assert_eq!(header(&request, "authorization"), "Basic dXNlci9tYWdmYTp0aGUta2V5");
    assert_eq!(statuses, Ok(pairs(&[("111", Delivered), ("222", Undelivered)])));
    let answer = |number: &str| format!(r#"{{"status":0,"dlrs":[{{"mid":7,"status":{number},"date":""}}]}}"#);
    let rows = [("-1", Waiting), ("0", Waiting), ("1", Delivered), ("2", Undelivered), ("8", Waiting)];
    assert_states(magfa, answer, &rows).await;
    let (_, refused) = statuses_of(magfa, &["7"], r#"{"status":19,"dlrs":[]}"#).await;
    assert_eq!(refused, Err("200: the response contains no status".to_owned()));
}

#[tokio::test]
async fn magfa_is_asked_for_the_reference_after_a_time_out() {
    let (request, found) = find(magfa, 200, r#"{"status":0,"mid":555}"#).await;
    assert_eq!(request.0, "GET /api/http/sms/v2/mid/4711");
    assert_eq!(found, Some(Report::sent(Some("555".to_owned()))));
    assert!(built(magfa("http://127.0.0.1:9")).can_find());
    let missing = Report::not_sent(Outcome::Retry, "the gateway did not receive the message");
    for (status, answer, expected) in [
        (200, r#"{"status":0,"mid":-1}"#, Some(missing)),
        (200, r#"{"status":18,"mid":-1}"#, None),
        (200, r#"{"status":0,"mid":null}"#, None),
        (200, r#"{"status":0,"mid":0}"#, None),
        (500, r#"{"status":0,"mid":-1}"#, None),
    ] {
        assert_eq!(find(magfa, status, answer).await.1, expected, "{status} {answer}");
    }
}
