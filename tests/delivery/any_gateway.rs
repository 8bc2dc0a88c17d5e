use otpd::delivery::Http;
use otpd::domain::attempt::{Outcome, Report};
use otpd::domain::message::{Channel, Message};
use reqwest::Method;
use serde_json::json;

use crate::gateway::{Gateway, ReceivedRequest};
use crate::protocols::header;
use crate::table::read;
use crate::{connection, message, secret, send};

#[tokio::test]
async fn a_generic_gateway_gets_the_configured_request_and_its_response_is_read() {
    let gateway = Gateway::start(vec![crate::gateway::Reply::from((200, r#"{"result":{"code":0,"id":["x7"]}}"#))]);
    let (base, path) =
        Http::split(&format!("{}/send/{{purpose}}?to={{international}}&t={{text}}", gateway.url)).unwrap();
    let http = Http {
        method: Method::PUT,
        path: secret(&path),
        headers: vec![
            ("content-type".parse().unwrap(), secret("application/json; charset=utf-8")),
            ("x-key".parse().unwrap(), secret("the-key")),
        ],
        body: Some(secret(r#"{"to":"{recipient}","c":"{code}","l":"{language}","t":"{text}","{x}":{}}"#)),
        success_pointer: Some("/result/code".to_owned()),
        success_value: "0".to_owned(),
        success_pattern: None,
        id_pointer: Some("/result/id/0".to_owned()),
    };
    let settings = (connection(&base), http.clone());
    let report = send(settings, &message("09123456789", "login")).await;
    assert_eq!(report, Report::sent(Some("x7".to_owned())));
    let request = gateway.requests().remove(0);
    let text = "%DA%A9%D8%AF%3A%20255315%0A%22%7Bcode%7D%22%20%26%20more";
    assert_eq!(request.0, format!("PUT /send/login?to=%2B989123456789&t={text}"));
    assert_eq!(header(&request, "x-key"), "the-key");
    let body = r#"{"to":"09123456789","c":"255315","l":"fa","t":"کد: 255315\n\"{code}\" & more","{x}":{}}"#;
    assert_eq!(request.2, body);

    let form = vec![("content-type".parse().unwrap(), secret("application/x-www-form-urlencoded"))];
    let gateway = Gateway::start(Vec::new());
    let http = Http { headers: form, body: Some(secret("t={text}")), success_pointer: None, id_pointer: None, ..http };
    let settings = (connection(&gateway.url), http);
    assert_eq!(send(settings, &message("09123456789", "login")).await, Report::sent(None));
    assert_eq!(gateway.requests()[0].2, format!("t={text}"));
}

#[tokio::test]
async fn a_generic_gateway_gets_e_mail_with_subject_and_html() {
    let gateway = Gateway::start(Vec::new());
    let http = Http {
        method: Method::POST,
        path: secret("/emails"),
        headers: vec![("content-type".parse().unwrap(), secret("application/json"))],
        body: Some(secret(r#"{"to":"{recipient}","subject":"{subject}","text":"{text}","html":"{html}"}"#)),
        success_pointer: None,
        success_value: "true".to_owned(),
        success_pattern: None,
        id_pointer: Some("/id".to_owned()),
    };
    let settings = (connection(&gateway.url), http);
    let report = send(settings, &message("some@example.com", "login")).await;
    assert_eq!(report, Report::sent(Some("m-1".to_owned())));
    let body = concat!(
        r#"{"to":"some@example.com","subject":"کد تأیید","text":"کد: 255315\n\"{code}\" & more","#,
        r#""html":"<p dir=\"rtl\">255315</p>"}"#
    );
    assert_eq!(gateway.requests()[0].2, body);
}

#[test]
fn the_url_of_a_gateway_is_split_into_origin_and_path() {
    for (url, path) in [
        ("https://h.example/send?to={recipient}", "/send?to={recipient}"),
        ("https://h.example?to={recipient}&back=/x", "/?to={recipient}&back=/x"),
        ("https://h.example:8443", "/"),
    ] {
        let (origin, rest) = Http::split(url).unwrap();
        assert_eq!(rest, path);
        assert!(url.starts_with(&origin), "{origin}");
    }
    let refusal = "url: the part after # is not sent; write # in a value as %23";
    assert_eq!(Http::split("https://h.example/send?key=a#b&to={recipient}"), Err(refusal.to_owned()));
    let (origin, _) = Http::split("https://sms.münchen.example/send").unwrap();
    assert_eq!(origin, "https://sms.xn--mnchen-3ya.example");
    for (body, content_type) in [
        (" {\"to\":\"{recipient}\"}", "application/json"),
        ("[1]", "application/json"),
        ("to={recipient}", "application/x-www-form-urlencoded"),
        ("\n<?xml version=\"1.0\"?><sms/>", "application/xml"),
        ("", "application/x-www-form-urlencoded"),
    ] {
        assert_eq!(Http::content_type(body), content_type);
    }
}

fn plain() -> Http {
    Http {
        method: Method::POST,
        path: secret("/send"),
        headers: Vec::new(),
        body: None,
        success_pointer: None,
        success_value: "true".to_owned(),
        success_pattern: None,
        id_pointer: None,
    }
}

/// Sends a message with these settings and returns the request that the gateway received.
async fn received(http: Http) -> ReceivedRequest {
    let gateway = Gateway::start(Vec::new());
    let settings = (connection(&gateway.url), http);
    assert_eq!(send(settings, &message("09123456789", "login")).await, Report::sent(None));
    gateway.requests().remove(0)
}

#[tokio::test]
async fn placeholder_values_are_escaped_for_the_content_type() {
    let xml = "کد: 255315&#10;&quot;{code}&quot; &amp; more";
    let json = r#"کد: 255315\n\"{code}\" & more"#;
    let form = "%DA%A9%D8%AF%3A%20255315%0A%22%7Bcode%7D%22%20%26%20more";
    let text = "کد: 255315\n\"{code}\" & more";
    for (content_type, escaped) in [
        ("application/xml", xml),
        ("text/xml; charset=utf-8", xml),
        ("Application/SOAP+XML; action=\"send\"", xml),
        ("application/vnd.api+json", json),
        ("APPLICATION/JSON; Charset=UTF-8", json),
        ("Application/X-WWW-Form-Urlencoded;charset=utf-8", form),
        ("text/plain", text),
    ] {
        let headers = vec![("content-type".parse().unwrap(), secret(content_type))];
        let body = Some(secret("<to>{recipient}</to><t a='{text}'>{text}</t>"));
        let expected = format!("<to>09123456789</to><t a='{escaped}'>{escaped}</t>");
        assert_eq!(received(Http { headers, body, ..plain() }).await.2, expected, "{content_type}");
    }
    let headers = vec![("content-type".parse().unwrap(), secret("text/xml"))];
    let body = Some(secret("<t><![CDATA[{text}]]></t><t>{text}</t>"));
    let expected = format!("<t><![CDATA[{text}]]></t><t>{xml}</t>");
    assert_eq!(received(Http { headers, body, ..plain() }).await.2, expected);
}

#[tokio::test]
async fn placeholder_values_cannot_add_a_header() {
    let headers = vec![("x-text".parse().unwrap(), secret("{code}: {text}")), ("x-key".parse().unwrap(), secret("k"))];
    let request = received(Http { headers, body: Some(secret("-")), ..plain() }).await;
    assert_eq!(header(&request, "x-text"), "255315: کد: 255315 \"{code}\" & more");
    assert_eq!(header(&request, "x-key"), "k");
}

#[tokio::test]
async fn success_pattern_is_matched_against_plain_text() {
    let success_pattern = Some(regex::Regex::new(r"(?im)^ok\b").unwrap());
    for (status, answer, outcome, error) in [
        (200, "OK 4711", Outcome::Sent, None),
        (201, "result:\r\nok: 7\r\n", Outcome::Sent, None),
        (200, "ERROR 12: no credit, not OK", Outcome::Next, Some("200: the gateway rejected the message")),
        (200, "<html>busy</html>", Outcome::Next, Some("200: the gateway rejected the message")),
        (200, " \r\n", Outcome::Unknown, Some("200: unreadable response")),
        (500, "OK 4711", Outcome::Retry, Some("500: the gateway is unavailable")),
    ] {
        let gateway = Gateway::start(vec![crate::gateway::Reply::from((status, answer))]);
        let http = Http { body: Some(secret("{code}")), success_pattern: success_pattern.clone(), ..plain() };
        let settings = (connection(&gateway.url), http);
        let report = send(settings, &message("09123456789", "login")).await;
        assert_eq!((report.outcome, report.error.as_deref()), (outcome, error), "{answer}");
    }
}

#[tokio::test]
async fn a_generic_gateway_serves_every_channel() {
    for (channel, to, body) in [
        (Channel::Sms, "09123456789", "sms 989123456789 +989123456789 255315"),
        (Channel::Call, "09123456789", "call 989123456789 +989123456789 255315"),
        (Channel::Bale, "09123456789", "bale 989123456789 +989123456789 255315"),
        (Channel::Email, "some@example.com", "email   255315"),
    ] {
        let gateway = Gateway::start(Vec::new());
        let settings = json!({
            "url": format!("{}/{{recipient}}", gateway.url), "headers": { "content-type": "text/plain" },
            "body": "{channel} {national} {international} {code}",
        });
        let settings = read(channel, "http", settings).unwrap();
        assert_eq!(send(settings, &Message { channel, ..message(to, "login") }).await, Report::sent(None));
        assert_eq!(gateway.requests()[0].2, body);
    }
}

#[test]
fn the_development_inbox_accepts_every_channel() {
    for channel in Channel::ALL {
        assert!(read(*channel, "inbox", json!({})).unwrap().is_inbox, "{channel:?}");
    }
}
