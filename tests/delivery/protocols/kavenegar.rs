use super::*;

#[tokio::test]
async fn kavenegar_uses_lookup() {
    let taken =
        r#"{"return":{"status":200,"message":"تایید شد"},"entries":[{"messageid":8792343,"status":5,"cost":120}]}"#;
    let (request, report) = send_one(kavenegar, "reset", taken).await;
    assert_eq!(request.0, "POST /v1/the%2Fkey/verify/lookup.json");
    assert_eq!(header(&request, "content-type"), "application/x-www-form-urlencoded");
    assert_eq!(request.2, "receptor=09123456789&template=200&token=255315&type=sms");
    assert_eq!(report, Report::sent(Some("8792343".to_owned())));
    let (request, report) = send_message(kavenegar, &call(), taken).await;
    assert_eq!(request.2, "receptor=09123456789&template=100&token=255315&type=call");
    assert_eq!(report, Report::sent(Some("8792343".to_owned())));
}

#[tokio::test]
async fn kavenegar_refuses_with_a_status_in_the_body() {
    for (status, outcome, meaning) in [
        (400, Outcome::Next, "400: the gateway rejected the request"),
        (401, Outcome::Misconfigured, "401: the account is disabled"),
        (402, Outcome::Next, "402: the gateway rejected the request"),
        (403, Outcome::Misconfigured, "403: the key was rejected"),
        (407, Outcome::Misconfigured, "407: the address of this server is not allowed to use the key"),
        (409, Outcome::Retry, "409: the service is unavailable"),
        (411, Outcome::BadRecipient, "411: the number was rejected"),
        (412, Outcome::Misconfigured, "412: the account is not allowed to use this line"),
        (416, Outcome::Misconfigured, "416: the address of this server is not allowed to use the key"),
        (418, Outcome::Next, "418: the credit is used up"),
        (422, Outcome::Next, "422: the gateway rejected the request"),
        (424, Outcome::Misconfigured, "424: the template does not exist or is not approved"),
        (426, Outcome::Misconfigured, "426: the plan of the account does not include this service"),
        (427, Outcome::Misconfigured, "427: the account is not allowed to use this line"),
        (428, Outcome::Next, "428: a call is not possible"),
        (429, Outcome::Misconfigured, "429: the address of this server is not allowed to use the key"),
        (430, Outcome::Misconfigured, "430: the account is not verified"),
        (431, Outcome::Next, "431: the gateway rejected the request"),
        (432, Outcome::Misconfigured, "432: the template does not contain %token"),
        (451, Outcome::Retry, "451: the service is unavailable"),
        (501, Outcome::Misconfigured, "501: a test account can send only to its owner"),
        (502, Outcome::Retry, "502: the service is unavailable"),
    ] {
        let answer = format!(r#"{{"return":{{"status":{status},"message":"09123456789"}},"entries":null}}"#);
        assert_outcomes(kavenegar, &[(status, &answer, outcome, meaning)]).await;
    }
}

#[tokio::test]
async fn kavenegar_accepts_messages_that_it_does_not_send() {
    for (status, outcome, meaning) in [
        (6, Outcome::Next, "status 6: the message was not sent"),
        (11, Outcome::Next, "status 11: the message was not sent"),
        (13, Outcome::Misconfigured, "status 13: the message was cancelled; check debugmode in the panel"),
        (14, Outcome::Next, "status 14: the number has blocked the line"),
    ] {
        let answer = format!(
            r#"{{"return":{{"status":200,"message":""}},"entries":[{{"messageid":7,"message":"255315","status":{status},"receptor":"09123456789","date":1356619709,"cost":0}}]}}"#
        );
        assert_outcomes(kavenegar, &[(200, &answer, outcome, meaning)]).await;
    }
}

#[tokio::test]
async fn kavenegar_reports_the_status_of_up_to_500_messages() {
    assert_eq!(built(kavenegar("http://127.0.0.1:9")).status_batch(), 500);
    let answer = r#"{"return":{"status":200,"message":"تایید شد"},"entries":[{"messageid":85463238,"status":10,"statustext":"رسیده به گیرنده"},{"messageid":85463239,"status":14,"statustext":""}]}"#;
    let (request, statuses) = statuses_of(kavenegar, &["85463238", "85463239", "85463240"], answer).await;
    assert_eq!(request.0, "GET /v1/the%2Fkey/sms/status.json?messageid=85463238,85463239,85463240");
    assert_eq!(statuses, Ok(pairs(&[("85463238", Delivered), ("85463239", Blocked)])));
    let answer = |status: &str| {
        format!(r#"{{"return":{{"status":200}},"entries":[{{"messageid":7,"status":{status},"statustext":""}}]}}"#)
    };
    let rows = [("1", Waiting), ("2", Waiting), ("4", Waiting), ("5", Waiting), ("6", Undelivered), ("10", Delivered)];
    assert_states(kavenegar, answer, &rows).await;
    let rows = [("11", Undelivered), ("13", Undelivered), ("14", Blocked), ("100", Undelivered), ("77", Waiting)];
    assert_states(kavenegar, answer, &rows).await;
}

#[test]
fn kavenegar_calls_back_with_the_id_and_the_status() {
    let provider = built(kavenegar("http://127.0.0.1:9"));
    let fields = |fields: &[(&str, &str)]| -> Vec<(String, String)> {
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    for (given, expected) in [
        (&[("messageid", "8792343"), ("status", "10")][..], Some(("8792343".to_owned(), Delivered))),
        (&[("status", " 14 "), ("messageid", " 7 ")], Some(("7".to_owned(), Blocked))),
        (&[("messageid", "7"), ("status", "99")], Some(("7".to_owned(), Waiting))),
        (&[("messageid", ""), ("status", "10")], None),
        (&[("messageid", "7"), ("status", "delivered")], None),
        (&[("messageid", "7")], None),
        (&[("status", "10")], None),
        (&[], None),
    ] {
        assert_eq!(provider.read_callback(&fields(given)), expected, "{given:?}");
    }
    let other = built(smsir("http://127.0.0.1:9"));
    assert_eq!(other.read_callback(&fields(&[("messageid", "7"), ("status", "10")])), None);
}
