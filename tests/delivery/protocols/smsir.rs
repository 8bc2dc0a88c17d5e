use super::*;

#[tokio::test]
async fn smsir_uses_verify() {
    let taken = r#"{"status":1,"message":"موفق","data":{"messageId":89545112,"cost":1.0}}"#;
    let (request, report) = send_one(smsir, "login", taken).await;
    assert_eq!((request.0.as_str(), header(&request, "x-api-key")), ("POST /v1/send/verify", "the-key"));
    let body = r#"{"mobile":"09123456789","templateId":100,"parameters":[{"name":"CODE","value":"255315"}]}"#;
    assert_eq!(request.2, body);
    assert_eq!(report, Report::sent(Some("89545112".to_owned())));
}

#[tokio::test]
async fn smsir_refuses_with_a_status_in_the_body() {
    let parameter = "the template parameter was rejected";
    let plan = "the plan of the account does not include this service";
    for (http, status, outcome, meaning) in [
        (500, 0, Outcome::Retry, "the gateway is unavailable"),
        (401, 10, Outcome::Misconfigured, "the key was rejected"),
        (401, 11, Outcome::Misconfigured, "the key was rejected"),
        (401, 12, Outcome::Misconfigured, "the address of this server is not allowed to use the key"),
        (401, 13, Outcome::Misconfigured, "the account is not active"),
        (401, 14, Outcome::Misconfigured, "the account is not active"),
        (403, 15, Outcome::Misconfigured, plan),
        (400, 16, Outcome::Misconfigured, parameter),
        (429, 20, Outcome::Retry, "the gateway is unavailable"),
        (400, 101, Outcome::Misconfigured, "the account is not allowed to use this line"),
        (400, 102, Outcome::Next, "the credit is used up"),
        (400, 103, Outcome::Misconfigured, parameter),
        (400, 104, Outcome::BadRecipient, "the number was rejected"),
        (400, 113, Outcome::Misconfigured, "the template does not exist"),
        (400, 114, Outcome::Misconfigured, parameter),
        (400, 115, Outcome::Next, "the number is on the black list"),
        (400, 116, Outcome::Misconfigured, parameter),
        (400, 117, Outcome::Misconfigured, parameter),
        (400, 118, Outcome::Misconfigured, parameter),
        (400, 119, Outcome::Misconfigured, plan),
        (400, 123, Outcome::Misconfigured, "the account is not allowed to use this line"),
        (400, 124, Outcome::Misconfigured, "the template is not for codes"),
        (400, 999, Outcome::Next, "the gateway rejected the message"),
    ] {
        let answer = format!(r#"{{"status":{status},"message":"09123456789","data":null}}"#);
        assert_outcomes(smsir, &[(http, &answer, outcome, &format!("{status}: {meaning}"))]).await;
    }
}

#[tokio::test]
async fn an_error_of_the_web_server_of_smsir_repeats_the_http_status() {
    let rejected = "400: the gateway rejected the request";
    for (status, outcome, error) in [
        (400, Outcome::Misconfigured, rejected),
        (401, Outcome::Misconfigured, "401: the key was rejected"),
        (404, Outcome::Next, "404: the gateway rejected the request"),
        (429, Outcome::Retry, "429: the gateway is unavailable"),
        (500, Outcome::Retry, "500: the gateway is unavailable"),
        (503, Outcome::Retry, "503: the gateway is unavailable"),
        (504, Outcome::Unknown, "504: the gateway's upstream timed out"),
    ] {
        let answer = format!(
            r#"{{"type":"https://tools.ietf.org/html/rfc7231#section-6.5.1","title":"One or more validation errors occurred.","status":{status},"traceId":"00-09123456789","errors":{{"Mobile":["255315"]}}}}"#
        );
        assert_outcomes(smsir, &[(status, &answer, outcome, error)]).await;
    }
}

#[tokio::test]
async fn smsir_reports_the_status_of_one_message() {
    assert_eq!(built(smsir("http://127.0.0.1:9")).status_batch(), 1);
    let answer = |state: &str| {
        format!(
            r#"{{"status":1,"message":"موفق","data":{{"messageId":7,"mobile":9123456789,"messageText":"255315","sendDateTime":1628950332,"lineNumber":30004505000017,"cost":1.0,"deliveryState":{state},"deliveryDateTime":1628950340}}}}"#
        )
    };
    let (request, statuses) = statuses_of(smsir, &["89545112"], &answer("1")).await;
    assert_eq!((request.0.as_str(), header(&request, "x-api-key")), ("GET /v1/send/89545112", "the-key"));
    assert_eq!(statuses, Ok(pairs(&[("89545112", Delivered)])));
    let rows = [
        ("null", Waiting),
        ("1", Delivered),
        ("2", Undelivered),
        ("3", Waiting),
        ("4", Undelivered),
        ("5", Waiting),
        ("6", Undelivered),
        ("7", Blocked),
        ("8", Waiting),
    ];
    assert_states(smsir, answer, &rows).await;
}
