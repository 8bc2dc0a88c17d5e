//! `GET /api/notifications/otp/`: every row of the list's table in `docs/api.md`.

use serde_json::Value;

use crate::helpers::{OTPS, TestApp, on_field};

/// Creates five codes on different days in the app's time zone, Tehran. 1 and 2 have numbers, 3 to 5 have addresses.
/// 2 and 4 are still valid at the time to which the clock is set at the end.
pub async fn app_with_codes() -> TestApp {
    let app = TestApp::start().await;
    for (moment, body) in [
        ("2025-12-28T20:29:59.999999Z", r#"{"code":111222,"mobile_number":"09120000001","valid_to":"2025-12-29"}"#),
        ("2025-12-28T20:30:00Z", r#"{"code":333444,"mobile_number":"09350000002","valid_to":"2026-06-01"}"#),
        ("2025-12-29T12:00:00Z", r#"{"code":555666,"email":"Sara@Example.com","valid_to":"2025-12-30"}"#),
        ("2025-12-30T12:00:00Z", r#"{"code":111999,"email":"amir_100%@example.org","valid_to":"2026-05-01"}"#),
        ("2025-12-31T12:00:00Z", r#"{"code":7,"email":"sara@example.com","valid_to":"2025-12-31"}"#),
    ] {
        app.set_clock(moment);
        app.create_with(body).await;
    }
    app.set_clock("2026-01-01T00:00:00Z");
    app
}

pub async fn get(app: &TestApp, query: &str) -> (u16, String) {
    let answer = app.send("GET", &format!("{OTPS}?{query}")).await;
    (answer.status.as_u16(), answer.body)
}

pub async fn ids(app: &TestApp, query: &str) -> Vec<i64> {
    let (status, body) = get(app, query).await;
    assert_eq!(status, 200, "{query}: {body}");
    let page: Value = serde_json::from_str(&body).unwrap();
    let results = page["results"].as_array().unwrap();
    let ids: Vec<i64> = results.iter().map(|otp| otp["id"].as_i64().unwrap()).collect();
    if !query.contains("limit") && !query.contains("offset") {
        assert_eq!(page["count"], ids.len(), "{query}");
    }
    ids
}

pub async fn finds(cases: &[(&str, &[i64])]) {
    let app = app_with_codes().await;
    for (query, expected) in cases {
        assert_eq!(ids(&app, query).await, *expected, "{query}");
    }
}

#[tokio::test]
async fn an_empty_list_and_a_full_page_match_the_contract() {
    let app = TestApp::start().await;
    for path in [OTPS, "/api/notifications/otp"] {
        app.send("GET", path).await.is(200, r#"{"count":0,"next":null,"previous":null,"results":[]}"#);
    }
    app.create().await;
    app.create_with(r#"{"code":5,"email":"a@b.com"}"#).await;
    app.send("GET", OTPS).await.is(
        200,
        r#"{"count":2,"next":null,"previous":null,"results":[{"id":2,"code":5,"mobile_number":null,"email":"a@b.com","recipient":"a@b.com","valid_to":"2025-12-29T14:43:32.273219Z","ttl":300,"is_allow":true,"created_at":"2025-12-29T14:38:32.273219Z","updated_at":"2025-12-29T14:38:32.273219Z"},{"id":1,"code":255315,"mobile_number":"09123456789","email":null,"recipient":"09123456789","valid_to":"2025-12-29T14:43:32.273219Z","ttl":300,"is_allow":true,"created_at":"2025-12-29T14:38:32.273219Z","updated_at":"2025-12-29T14:38:32.273219Z"}]}"#,
    );
    let head = app.send("HEAD", OTPS).await;
    head.is(200, "");
    assert_eq!(head.header("content-length"), app.send("GET", OTPS).await.body.len().to_string());
}

#[tokio::test]
async fn limit_and_offset_select_the_page() {
    finds(&[
        ("limit=2", &[5, 4]),
        ("limit=2&offset=2", &[3, 2]),
        ("limit=2&offset=4", &[1]),
        ("limit=2&offset=5", &[]),
        ("offset=99999999999999999999", &[]),
        ("limit=501", &[5, 4, 3, 2, 1]),
        ("limit=99999999999999999999", &[5, 4, 3, 2, 1]),
        ("limit=&offset=", &[5, 4, 3, 2, 1]),
        ("limit=1&limit=3", &[5, 4, 3]),
        ("limit=%DB%B2", &[5, 4]),
    ])
    .await;
}

#[tokio::test]
async fn a_page_has_50_codes_by_default_and_500_at_most() {
    let app = TestApp::start().await;
    app.insert_codes(501, "person", "2024-01-01T00:00:00Z").await;
    assert_eq!(ids(&app, "offset=0").await.len(), 50);
    assert_eq!(ids(&app, "limit=500").await.len(), 500);
    assert_eq!(ids(&app, "limit=501").await.len(), 500);
    let (_, body) = get(&app, "limit=1000").await;
    assert!(body.starts_with(&format!(
        r#"{{"count":501,"next":"{}{OTPS}?limit=500&offset=500","previous":null,"results":["#,
        app.address
    )));
}

#[tokio::test]
async fn search_matches_parts_of_code_number_and_address() {
    finds(&[
        ("search=111", &[4, 1]),
        ("search=333444", &[2]),
        ("search=0935", &[2]),
        ("search=09120000001", &[1]),
        ("search=09350000001", &[]),
        ("search=0000001", &[1]),
        ("search=9990000001", &[]),
        ("search=SARA", &[5, 3]),
        ("search=example", &[5, 4, 3]),
        ("search=sara+555", &[3]),
        ("search=++sara%09555++", &[3]),
        ("search=sara+amir", &[]),
        ("search=%DB%B1%DB%B1%DB%B1", &[4, 1]),
        ("search=%D9%A1%D9%A1%D9%A1", &[4, 1]),
        ("search=%DB%B7", &[5]),
        ("search=7", &[5]),
        ("search=35", &[2]),
        ("search=35+333", &[2]),
        ("search=AM", &[5, 4, 3]),
        ("search=%25", &[4]),
        ("search=_", &[4]),
        ("search=_100%25", &[4]),
        ("search=_00", &[]),
        ("search=%25example", &[]),
        ("search=%22", &[]),
        ("search=%22sara%22", &[]),
        ("search=sara*", &[]),
        ("search=AND", &[]),
        ("search=sara+OR+amir", &[]),
        ("search=sara+NOT+amir", &[]),
        ("search=email%3Asara", &[]),
        ("search=%27%3B--", &[]),
        ("search=", &[5, 4, 3, 2, 1]),
        ("search=+", &[5, 4, 3, 2, 1]),
        ("search=%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80", &[]),
        ("search=2025", &[]),
        ("search=null", &[]),
        ("search=a+r+s+sara+exa+e+x+m+p+l", &[5, 3]),
        (&format!("search={}", "a+s+".repeat(25)), &[5, 3]),
    ])
    .await;
}

#[tokio::test]
async fn search_reflects_every_change() {
    let app = app_with_codes().await;
    app.send_json("PATCH", &format!("{OTPS}1"), r#"{"mobile_number":null,"email":"moved@example.com"}"#).await;
    assert_eq!(ids(&app, "search=09120000001").await, [0; 0]);
    assert_eq!(ids(&app, "search=moved").await, [1]);
    app.send_json("PATCH", &format!("{OTPS}1"), r#"{"email":"MOVED@example.com"}"#).await;
    assert_eq!(ids(&app, "search=moved").await, [1]);
    app.send_json("PATCH", &format!("{OTPS}1"), r#"{"code":987654}"#).await;
    assert_eq!(ids(&app, "search=111222").await, [0; 0]);
    assert_eq!(ids(&app, "search=98765").await, [1]);
    app.send("DELETE", &format!("{OTPS}1")).await;
    assert_eq!(ids(&app, "search=moved").await, [0; 0]);
    assert_eq!(ids(&app, "search=98765").await, [0; 0]);
}

#[tokio::test]
async fn lists_are_ordered_by_each_field_in_both_directions() {
    finds(&[
        ("", &[5, 4, 3, 2, 1]),
        ("ordering=", &[5, 4, 3, 2, 1]),
        ("ordering=id", &[1, 2, 3, 4, 5]),
        ("ordering=-id", &[5, 4, 3, 2, 1]),
        ("ordering=code", &[5, 1, 4, 2, 3]),
        ("ordering=-code", &[3, 2, 4, 1, 5]),
        ("ordering=mobile_number", &[3, 4, 5, 1, 2]),
        ("ordering=-mobile_number", &[2, 1, 5, 4, 3]),
        ("ordering=email", &[1, 2, 4, 3, 5]),
        ("ordering=-email", &[5, 3, 4, 2, 1]),
        ("ordering=ttl", &[1, 3, 5, 4, 2]),
        ("ordering=-ttl", &[2, 4, 5, 3, 1]),
        ("ordering=valid_to", &[1, 3, 5, 4, 2]),
        ("ordering=-valid_to", &[2, 4, 5, 3, 1]),
        ("ordering=created_at", &[1, 2, 3, 4, 5]),
        ("ordering=-created_at", &[5, 4, 3, 2, 1]),
        ("ordering=updated_at", &[1, 2, 3, 4, 5]),
        ("ordering=email,-code", &[2, 1, 4, 3, 5]),
        ("ordering=+email+,+-code+,", &[2, 1, 4, 3, 5]),
        ("ordering=-email,id,code", &[3, 5, 4, 1, 2]),
        ("ordering=email,-email", &[1, 2, 4, 3, 5]),
        ("ordering=-ttl,valid_to", &[2, 4, 5, 3, 1]),
        (&format!("ordering={}", "-ttl,valid_to,".repeat(2000)), &[2, 4, 5, 3, 1]),
    ])
    .await;
}

#[tokio::test]
async fn invalid_parameters_are_refused_by_name() {
    let app = TestApp::start().await;
    let order = "Order by one or more of: id, code, mobile_number, email, ttl, valid_to, created_at, updated_at; a - before one reverses it.";
    let long = "x".repeat(101);
    for (name, values, message) in [
        ("limit", &["x", "1.5", "1e2", "--1", "0x1"][..], "A valid integer is required."),
        ("limit", &["0", "-1", "-99999999999999999999"], "Ensure this value is greater than or equal to 1."),
        ("offset", &["x", "1.5"], "A valid integer is required."),
        ("offset", &["-1"], "Ensure this value is greater than or equal to 0."),
        ("id_min", &["x", "1.5", "0x1", "-"], "Enter a number."),
        ("id_max", &["x", "1 2"], "Enter a number."),
        ("created_date", &["x", "2025-02-30", "2025-1-1", "2025-01-01T00:00", "0000-01-01"], "Enter a valid date."),
        ("created_from", &["yesterday"], "Enter a valid date."),
        ("created_to", &["01/02/2025"], "Enter a valid date."),
        ("updated_date", &["x"], "Enter a valid date."),
        ("updated_from", &["x"], "Enter a valid date."),
        ("updated_to", &["x"], "Enter a valid date."),
        ("is_allow", &["x", "yes", "2", "null"], "Must be a valid boolean."),
        ("has_email", &["on"], "Must be a valid boolean."),
        ("has_mobile_number", &["-1"], "Must be a valid boolean."),
        ("ordering", &["x", "id,x", "-", "--id", "recipient", "is_allow", "id code"], order),
        ("search", &["%00", "a%00b"], "Null characters are not allowed."),
        ("search", &[long.as_str()], "Ensure this value has at most 100 characters."),
        ("search", &["a b c d e f g h i j k"], "Ensure this value has at most 10 different words."),
    ] {
        for value in values {
            let value = value.replace('+', "%2B");
            assert_eq!(get(&app, &format!("{name}={value}")).await, (400, on_field(name, message)), "{name}={value}");
        }
    }
    let all = r#"{"limit":["A valid integer is required."],"id_min":["Enter a number."],"is_allow":["Must be a valid boolean."]}"#;
    assert_eq!(get(&app, "is_allow=x&id_min=x&limit=x&offset=1").await, (400, all.to_owned()));
}

#[tokio::test]
async fn authorisation_is_checked_before_the_query() {
    let app = TestApp::start().await;
    let staff = app.user("staff", otpd::domain::user::Role::Staff, &[]).await;
    let ask =
        |token: &str| app.request("GET", &format!("{OTPS}?limit=x")).header("Authorization", format!("Token {token}"));
    crate::helpers::answer(ask(&staff)).await.is(403, crate::helpers::FORBIDDEN);
    crate::helpers::answer(ask("x")).await.is(401, r#"{"detail":"Invalid token."}"#);
}
