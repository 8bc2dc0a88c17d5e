use crate::helpers::{OTPS, TestApp, answer, path};
use crate::raw::Raw;

#[tokio::test]
async fn an_empty_body_of_any_media_type_is_an_empty_object() {
    let app = TestApp::start().await;
    let id = app.create().await;
    assert_eq!(app.send("PATCH", &path(id)).await.status.as_u16(), 200);
    for media_type in ["application/json", "application/x-www-form-urlencoded", "text/plain", "nonsense"] {
        assert_eq!(app.send_body("PATCH", &path(id), media_type, "").await.status.as_u16(), 200, "{media_type}");
    }
}

#[tokio::test]
async fn other_media_types_are_refused_by_name() {
    let app = TestApp::start().await;
    let id = app.create().await;
    for media_type in ["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/jsonx", ""] {
        let refusal = format!(r#"{{"detail":"Unsupported media type \"{media_type}\" in request."}}"#);
        app.send_body("PATCH", &path(id), media_type, r#"{"code":1}"#).await.is(415, &refusal);
        app.send_body("POST", OTPS, media_type, r#"{"code":1}"#).await.is(415, &refusal);
    }
    let bare = app.request("PATCH", &path(id)).header("Authorization", format!("Token {}", app.admin)).body("{}");
    answer(bare).await.is(415, r#"{"detail":"Unsupported media type \"\" in request."}"#);
    for media_type in ["application/json; charset=utf-8", "Application/JSON", " application/json ;x"] {
        assert_eq!(app.send_body("PATCH", &path(id), media_type, "{}").await.status.as_u16(), 200, "{media_type}");
    }
}

#[tokio::test]
async fn an_empty_form_field_is_null() {
    let app = TestApp::start().await;
    let id = app.create().await;
    let path = path(id);
    let form = |body: &'static str| app.send_body("PATCH", &path, "application/x-www-form-urlencoded", body);
    let moved = form("mobile_number=&email=some%40email.com&code=%DB%B1%DB%B2&valid_to=").await;
    let otp = moved.json();
    assert_eq!(
        (&otp["code"], &otp["mobile_number"], &otp["email"]),
        (&12.into(), &().into(), &"some@email.com".into())
    );
    assert_eq!(otp["valid_to"], crate::helpers::START_PLUS_EXPIRATION);
    form("code=").await.is(400, r#"{"code":["A valid integer is required."]}"#);
    form("email=+").await.is(400, r#"{"email":["This field may not be blank."]}"#);
    let bare =
        r#"{"detail":"Form parse error - a field has no value. Send JSON with Content-Type: application/json."}"#;
    for body in ["AAA", "code=1&email"] {
        form(body).await.is(400, bare);
    }
    let json = r#"{"detail":"Form parse error - the body is JSON. Send JSON with Content-Type: application/json."}"#;
    for body in [r#"{"code":1}"#, r#"{"code":1,"email":"a=b@c.co"}"#, " \n{\"code\":\"=\"}", r#"["="]"#] {
        form(body).await.is(400, json);
    }
    form("code=1&code=2").await;
    assert_eq!(app.send("GET", &path).await.json()["code"], 2, "the last one counts");
}

#[tokio::test]
async fn invalid_json_is_a_parse_error() {
    let app = TestApp::start().await;
    for body in [
        "{",
        "x",
        "{\"code\":}",
        "{\"code\":NaN}",
        "{'code':1}",
        "{}{}",
        " ",
        "\u{feff}{}",
        "{\"a\":01}",
        "{\"code\":1e400}",
        "{\"x\":-1e400}",
    ] {
        let refused = app.send_json("POST", OTPS, body).await;
        assert_eq!(refused.status.as_u16(), 400, "{body}");
        let json = refused.json();
        assert_eq!(json.as_object().unwrap().len(), 1);
        assert!(json["detail"].as_str().unwrap().starts_with("JSON parse error - "), "{}", refused.body);
    }
}

#[tokio::test]
async fn the_private_number_key_of_serde_json_has_no_special_meaning() {
    let app = TestApp::start().await;
    let id = app.create().await;
    let number = r#"{"$serde_json::private::Number":"5"}"#;
    for (body, refusal) in [
        (format!(r#"{{"code":{number}}}"#), r#"{"code":["A valid integer is required."]}"#),
        (format!(r#"{{"mobile_number":{number}}}"#), r#"{"mobile_number":["Not a valid string."]}"#),
    ] {
        app.send_json("PATCH", &path(id), body).await.is(400, refusal);
    }
    assert_eq!(app.send_json("PATCH", &path(id), number).await.status.as_u16(), 200, "an unknown field");
}

#[tokio::test]
async fn a_missing_body_times_out_after_ten_seconds() {
    let app = TestApp::start().await;
    let never = futures_util::stream::pending::<Result<String, std::io::Error>>();
    let request = app
        .request("POST", OTPS)
        .header("Authorization", format!("Token {}", app.admin))
        .header("Content-Type", "application/json")
        .body(reqwest::Body::wrap_stream(never));
    let begun = std::time::Instant::now();
    answer(request).await.is(408, r#"{"detail":"The request body did not arrive in time."}"#);
    assert!(begun.elapsed().as_secs_f64() >= 10.0);
}

#[tokio::test]
async fn json_other_than_an_object_is_refused_with_its_type() {
    let app = TestApp::start().await;
    let id = app.create().await;
    for (body, kind) in [
        ("[]", "list"),
        ("\"x\"", "str"),
        ("1", "int"),
        ("-1", "int"),
        ("1.5", "float"),
        ("1e3", "float"),
        ("true", "bool"),
    ] {
        let refusal = format!(r#"{{"non_field_errors":["Invalid data. Expected a dictionary, but got {kind}."]}}"#);
        app.send_json("POST", OTPS, body).await.is(400, &refusal);
        app.send_json("PATCH", &path(id), body).await.is(400, &refusal);
    }
    app.send_json("POST", OTPS, "null").await.is(400, r#"{"non_field_errors":["No data provided"]}"#);
}

#[tokio::test]
async fn a_body_is_limited_to_16_kib() {
    let app = TestApp::start().await;
    let id = app.create().await;
    let padded = |length: usize| format!(r#"{{"x":"{}"}}"#, "x".repeat(length - 8));
    assert_eq!(app.send_json("PATCH", &path(id), padded(16 * 1024)).await.status.as_u16(), 200);
    let refusal = r#"{"detail":"Request body is too large."}"#;
    for length in [16 * 1024 + 1, 200_000, 2_000_000] {
        app.send_json("PATCH", &path(id), padded(length)).await.is(413, refusal);
    }
    let chunks = futures_util::stream::iter((0..20).map(|_| Ok::<_, std::io::Error>("x".repeat(1024))));
    let chunked = app
        .request("POST", OTPS)
        .header("Authorization", format!("Token {}", app.admin))
        .header("Content-Type", "application/json")
        .body(reqwest::Body::wrap_stream(chunks));
    answer(chunked).await.is(413, refusal);
}

#[tokio::test]
async fn a_refused_request_keeps_its_connection_usable() {
    let app = TestApp::start().await;
    let admin = format!("Authorization: Token {}\r\n", app.admin);
    let json = "Content-Type: application/json\r\n";
    let mut raw = Raw::connect(&app);
    for (target, headers, status) in [
        (format!("PATCH {}", path(1)), String::new(), 401),
        (format!("PATCH {}", path(1)), "Authorization: Token x\r\n".to_owned(), 401),
        (format!("PATCH {}", path(1)), format!("{admin}{json}"), 404),
        (format!("PATCH {}", path(1)), admin.clone(), 404),
        (format!("PUT {}", path(1)), admin.clone(), 405),
        ("POST /nowhere".to_owned(), admin.clone(), 404),
        ("GET /healthz".to_owned(), String::new(), 200),
        (format!("POST {OTPS}"), admin.clone(), 415),
        (format!("POST {OTPS}"), format!("{admin}{json}"), 400),
        (format!("POST {OTPS}send"), format!("{admin}{json}Idempotency-Key: 1\r\n"), 400),
    ] {
        for length in [1, 1000, 16 * 1024, 16 * 1024 + 1, 900_000] {
            let head = format!("{target} HTTP/1.1\r\nHost: otpd\r\n{headers}Content-Length: {length}\r\n\r\n");
            let too_long = length > 16 * 1024 && status == 400;
            raw.send(head);
            // The body is sent in a separate segment, so the request is refused before the body arrives.
            raw.send(vec![b'x'; length]);
            let answer = raw.answer().unwrap();
            assert_eq!(answer.status, if too_long { 413 } else { status }, "{target} {headers} {length}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_request_without_a_valid_token_is_refused_without_waiting_for_its_body() {
    let app = TestApp::start().await;
    for headers in ["", "Authorization: Token x\r\n"] {
        for framing in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
            let mut raw = Raw::connect(&app);
            let head = format!("POST {OTPS} HTTP/1.1\r\nHost: otpd\r\n{headers}{framing}\r\n\r\n");
            raw.send(head);
            assert_eq!(raw.answer().unwrap().status, 401, "{headers} {framing}");
        }
    }
}
