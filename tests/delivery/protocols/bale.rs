use otpd::domain::code::Code;

use super::*;
use crate::table::read;

fn bale_v2(url: &str) -> ProviderSettings {
    provider(Channel::Bale, "bale", url, json!({ "client_id": "the-id", "client_secret": "the&key" }))
}

fn to_bale() -> Message {
    Message { channel: Channel::Bale, ..message("09123456789", "login") }
}

const TOKEN: &str = r#"{"access_token":"token-1","expires_in":43200,"scope":"read","token_type":"Bearer"}"#;
const NO_ACCOUNT: &str = "the number has no Bale account";

#[tokio::test]
async fn bale_v3_sends_through_a_bot() {
    let taken = r#"{"message_id":"BvQjaR.fIKt7kH.EXTddgYduJ2","error_data":null}"#;
    let (request, report) = send_message(bale, &to_bale(), taken).await;
    assert_eq!(request.0, "POST /api/v3/send_message");
    assert_eq!(header(&request, "api-access-key"), "the-key");
    let expected = json!({
        "request_id": "4711", "bot_id": 42, "phone_number": "989123456789",
        "message_data": {"otp_message": {"otp": "255315"}},
    });
    assert_eq!(json_body(&request), expected);
    assert_eq!(report, Report::sent(Some("BvQjaR.fIKt7kH.EXTddgYduJ2".to_owned())));
    for (code, outcome, error) in [
        (2, Outcome::Retry, "2: the gateway is unavailable"),
        (3, Outcome::Retry, "3: too many messages"),
        (4, Outcome::Misconfigured, "4: the request was rejected; check bot_id"),
        (8, Outcome::BadRecipient, "8: the number was rejected"),
        (17, Outcome::BadRecipient, NO_ACCOUNT),
        (20, Outcome::Next, "20: the credit is used up"),
        (21, Outcome::Next, "21: the contact limit of the account is reached"),
        (99, Outcome::Next, "99: the gateway rejected the message"),
    ] {
        let answer = format!(
            r#"{{"message_id":null,"error_data":[{{"phone_number":"989123456789","code":{code},"description":"255315"}}]}}"#
        );
        assert_outcomes(bale, &[(200, &answer, outcome, error)]).await;
    }
    let rows = [
        (401, "{}", Outcome::Misconfigured, "401: the key was rejected"),
        (404, "{}", Outcome::Next, "404: the gateway rejected the request"),
        (
            200,
            r#"{"message_id":null,"error_data":[{"description":"255315"}]}"#,
            Outcome::Next,
            "200: the gateway rejected the message",
        ),
        (200, r#"{"message_id":null,"error_data":[]}"#, Outcome::Unknown, "200: unreadable response"),
    ];
    assert_outcomes(bale, &rows).await;
}

#[tokio::test]
async fn after_a_time_out_a_request_to_bale_v3_is_repeated_and_one_to_v2_is_not() {
    let no_answer = Reply { after: Duration::ZERO, answer: None };
    let sent = Reply::from((200, r#"{"message_id":"m-7","error_data":null}"#));
    let gateway = Gateway::start(vec![no_answer.clone(), no_answer, sent]);
    let provider = built(bale(&gateway.url));
    assert_eq!(provider.send(&to_bale()).await.outcome, Outcome::Unknown);
    assert_eq!(provider.find(&to_bale()).await, None);
    assert_eq!(provider.find(&to_bale()).await, Some(Report::sent(Some("m-7".to_owned()))));
    let bodies: Vec<String> = gateway.requests().into_iter().map(|request| request.2).collect();
    assert!(bodies[0].contains(r#""request_id":"4711""#) && bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    assert_eq!(built(bale_v2("http://127.0.0.1:9")).find(&to_bale()).await, None);
    assert!(built(bale("http://127.0.0.1:9")).can_find());
    assert!(!built(bale_v2("http://127.0.0.1:9")).can_find());
}

#[tokio::test]
async fn bale_v2_fetches_a_token_and_keeps_it() {
    let sent = r#"{"balance":1000}"#;
    let gateway = Gateway::start(vec![(200, TOKEN).into(), (200, sent).into()]);
    let provider = built(bale_v2(&gateway.url));
    for _ in 0..2 {
        assert_eq!(provider.send(&to_bale()).await, Report::sent(None));
    }
    let requests = gateway.requests();
    let lines: Vec<&str> = requests.iter().map(|request| request.0.as_str()).collect();
    assert_eq!(lines, ["POST /api/v2/auth/token", "POST /api/v2/send_otp", "POST /api/v2/send_otp"]);
    let form = "grant_type=client_credentials&client_id=the-id&client_secret=the%26key&scope=read";
    assert_eq!(
        (header(&requests[0], "content-type"), requests[0].2.as_str()),
        ("application/x-www-form-urlencoded", form)
    );
    assert_eq!(header(&requests[1], "authorization"), "Bearer token-1");
    assert_eq!(requests[1].2, r#"{"phone":"989123456789","otp":255315}"#);
}

#[tokio::test]
async fn bale_v2_replaces_a_token_that_expires_or_is_refused() {
    let (brief, second) = (TOKEN.replace("43200", "60"), TOKEN.replace("token-1", "token-2"));
    let sent = r#"{"balance":1000}"#;
    let plan =
        vec![(200, brief.as_str()).into(), (200, sent).into(), (200, second.as_str()).into(), (200, sent).into()];
    let gateway = Gateway::start(plan);
    let provider = built(bale_v2(&gateway.url));
    for token in ["Bearer token-1", "Bearer token-2"] {
        assert_eq!(provider.send(&to_bale()).await, Report::sent(None));
        assert_eq!(header(gateway.requests().last().unwrap(), "authorization"), token);
    }
    let plan = vec![(200, TOKEN).into(), (401, "").into(), (200, second.as_str()).into(), (200, sent).into()];
    let gateway = Gateway::start(plan);
    assert_eq!(send(bale_v2(&gateway.url), &to_bale()).await, Report::sent(None));
    assert_eq!(header(&gateway.requests()[3], "authorization"), "Bearer token-2");
    let gateway = Gateway::start(vec![(200, TOKEN).into(), (401, "").into(), (200, TOKEN).into(), (401, "").into()]);
    let refused = Report::not_sent(Outcome::Misconfigured, "401: the key was rejected");
    assert_eq!(send(bale_v2(&gateway.url), &to_bale()).await, refused);
    assert_eq!(gateway.requests().len(), 4);
}

#[tokio::test]
async fn a_message_is_not_sent_through_bale_v2_without_a_token() {
    let rejected = "no access token: the client_id or the client_secret was rejected";
    let late = "no access token: the connection broke after the request was sent: connection closed before message \
                completed";
    for (reply, outcome, error) in [
        (Reply::from((401, r#"{"error":"invalid_client"}"#)), Outcome::Misconfigured, rejected),
        (Reply::from((400, "")), Outcome::Misconfigured, rejected),
        (Reply::from((503, "")), Outcome::Retry, "no access token: 503: the gateway is unavailable"),
        (Reply::from((504, "")), Outcome::Retry, "no access token: 504: the gateway's upstream timed out"),
        (Reply::from((200, "{}")), Outcome::Retry, "no access token: 200: unreadable response"),
        (Reply { after: Duration::ZERO, answer: None }, Outcome::Retry, late),
    ] {
        let gateway = Gateway::start(vec![reply]);
        assert_eq!(send(bale_v2(&gateway.url), &to_bale()).await, Report::not_sent(outcome, error));
        assert_eq!(gateway.requests().len(), 1);
    }
}

#[tokio::test]
async fn bale_v2_refuses_with_an_http_status_or_a_code() {
    for (status, answer, outcome, error) in [
        (400, r#"{"code":8,"message":"989123456789"}"#, Outcome::BadRecipient, "8: the number was rejected"),
        (404, r#"{"code":17,"message":"255315"}"#, Outcome::BadRecipient, NO_ACCOUNT),
        (404, r#"{"message":"255315"}"#, Outcome::BadRecipient, NO_ACCOUNT),
        (404, "<html>", Outcome::Next, "404: the gateway rejected the request"),
        (402, r#"{"code":20}"#, Outcome::Next, "20: the credit is used up"),
        (402, "", Outcome::Next, "402: the credit is used up"),
        (429, r#"{"code":18}"#, Outcome::Retry, "18: too many messages"),
        (429, "", Outcome::Retry, "429: too many messages"),
        (500, r#"{"code":2}"#, Outcome::Retry, "2: the gateway is unavailable"),
        (400, "{}", Outcome::Next, "400: the gateway rejected the request"),
        (200, "{}", Outcome::Unknown, "200: unreadable response"),
    ] {
        let gateway = Gateway::start(vec![(200, TOKEN).into(), (status, answer).into()]);
        let report = send(bale_v2(&gateway.url), &to_bale()).await;
        assert_eq!(report, Report::not_sent(outcome, error), "{status} {answer}");
    }
}

#[tokio::test]
async fn bale_v2_sends_only_numbers_of_3_to_8_digits() {
    let words = "Bale v2 sends only codes of 3 to 8 digits without a leading zero; use v3 (api_key and bot_id) or set \
                 otp.code_length";
    for code in [0, 7, 42, 123_456_789, 1_234_567_890] {
        let message = Message { code: Code::new(code).unwrap(), ..to_bale() };
        let report = send(bale_v2("http://127.0.0.1:9"), &message).await;
        assert_eq!(report, Report::not_sent(Outcome::Misconfigured, words), "{code}");
    }
    for code in [123, 12_345_678] {
        let gateway = Gateway::start(vec![(200, TOKEN).into(), (200, r#"{"balance":1}"#).into()]);
        let message = Message { code: Code::new(code).unwrap(), ..to_bale() };
        assert_eq!(send(bale_v2(&gateway.url), &message).await, Report::sent(None));
        assert_eq!(gateway.requests()[1].2, format!(r#"{{"phone":"989123456789","otp":{code}}}"#));
    }
}

#[test]
fn bale_needs_the_credentials_of_one_version() {
    for (settings, expected) in [
        (json!({}), "api_key is missing"),
        (json!({ "api_key": "k" }), "bot_id is missing"),
        (json!({ "api_key": "k", "bot_id": "my_bot" }), "bot_id is not valid: expected the number of the bot"),
        (json!({ "client_id": "i" }), "client_secret is missing"),
    ] {
        assert_eq!(read(Channel::Bale, "bale", settings).unwrap_err().to_string(), expected);
    }
}
