//! Accepted values of each field, and the exact text of each refusal (`docs/api.md`, "Input fields").

use serde_json::{Value, json};

use crate::helpers::{TestApp, on_field, path};

/// Patches one field of a code and returns the new value or the refusal. The code has an address if the field is
/// `email`, and a number otherwise.
async fn patched(app: &TestApp, field: &str, raw: &str) -> Result<Value, String> {
    let id = match field {
        "email" => app.create_with(r#"{"code":1,"email":"a@b.com"}"#).await,
        _ => app.create().await,
    };
    let answer = app.send_json("PATCH", &path(id), format!(r#"{{"{field}":{raw}}}"#)).await;
    match answer.status.as_u16() {
        200 => Ok(answer.json()[field].clone()),
        400 => Err(answer.body),
        status => panic!("{field} {raw}: {status} {}", answer.body),
    }
}

async fn accepts(field: &str, cases: &[(&str, Value)]) {
    let app = TestApp::start().await;
    for (raw, stored) in cases {
        assert_eq!(patched(&app, field, raw).await, Ok(stored.clone()), "{field}: {raw}");
    }
}

async fn refuses(field: &str, message: &str, cases: &[&str]) {
    let app = TestApp::start().await;
    for raw in cases {
        assert_eq!(patched(&app, field, raw).await, Err(on_field(field, message)), "{field}: {raw}");
    }
}

#[tokio::test]
async fn a_code_is_accepted_in_all_integer_notations() {
    let code = |text: &str, value: i64| (format!("{text:?}"), json!(value));
    let texts = [
        code("12", 12),
        code(" 12 ", 12),
        code("۱۲۳", 123),
        code("٤٥٦", 456),
        code("007", 7),
        code("12.0", 12),
        code("12.000", 12),
    ];
    let mut cases = vec![
        ("0", json!(0)),
        ("255315", json!(255_315)),
        ("9007199254740991", json!(9_007_199_254_740_991_i64)),
        ("3.0", json!(3)),
        ("1e3", json!(1000)),
        ("-0", json!(0)),
        ("-0.0", json!(0)),
        ("9007199254740991.0", json!(9_007_199_254_740_991_i64)),
    ];
    cases.extend(texts.iter().map(|(raw, value)| (raw.as_str(), value.clone())));
    accepts("code", &cases).await;
}

#[tokio::test]
async fn an_invalid_code_is_refused_with_the_documented_text() {
    let integer = "A valid integer is required.";
    refuses(
        "code",
        integer,
        &["true", "false", "[]", "{}", "[1]", r#""""#, r#"" ""#, r#""x""#, r#""1.5""#, "1.5", r#""1_0""#],
    )
    .await;
    refuses(
        "code",
        "Ensure this value is greater than or equal to 0.",
        &["-1", r#""-1""#, "-1.0", "-1e300", "-99999999999999999999"],
    )
    .await;
    let most = "Ensure this value is less than or equal to 9007199254740991.";
    refuses("code", most, &["9007199254740992", r#""9007199254740992""#, "18446744073709551616", "1e300"]).await;
    refuses("code", "This field may not be null.", &["null"]).await;
}

#[tokio::test]
async fn a_mobile_number_is_stored_in_one_form() {
    let stored = || json!("09123456789");
    accepts(
        "mobile_number",
        &[
            (r#""09123456789""#, stored()),
            (r#""9123456789""#, stored()),
            (r#""+989123456789""#, stored()),
            (r#""+98 912 345 6789""#, stored()),
            (r#""00989123456789""#, stored()),
            (r#""98 9123456789""#, stored()),
            (r#""0912-345-6789""#, stored()),
            (r#""0912.345.67.89""#, stored()),
            (r#""0912.345.678.9""#, stored()),
            (r#""0912.3456789""#, stored()),
            (r#""۰۹۱۲۳۴۵۶۷۸۹""#, stored()),
            (r#""٠٩١٢٣٤٥٦٧٨٩""#, stored()),
            (r#""0912\u200c3456789""#, stored()),
            ("9123456789", stored()),
            ("989123456789", stored()),
        ],
    )
    .await;
}

#[tokio::test]
async fn an_invalid_mobile_number_is_refused_with_the_documented_text() {
    refuses(
        "mobile_number",
        "Enter a valid mobile number.",
        &[
            r#""0912345678""#,
            r#""02112345678""#,
            r#""+14155550100""#,
            r#""x""#,
            r#""\u0000""#,
            "1",
            "9123456789.0",
            "912345678.0",
            "98912345678.0",
            "9.12345678e8",
            "91234567.89",
            r#""0912345678.0""#,
            r#""۰۹۱۲۳۴۵۶۷۸.۰ ""#,
            r#""0912345678.0\u200f""#,
            r#""91234567.00""#,
            r#""912345678.5""#,
            "-9123456789",
        ],
    )
    .await;
    refuses("mobile_number", "This field may not be blank.", &[r#""""#, r#""   ""#]).await;
    refuses("mobile_number", "Not a valid string.", &["true", "false", "[]", "{}"]).await;
}

#[tokio::test]
async fn an_address_is_stored_with_its_domain_in_lower_case() {
    accepts(
        "email",
        &[
            (r#""some@email.com""#, json!("some@email.com")),
            (r#""  Some.One@EMAIL.com ""#, json!("Some.One@email.com")),
            (r#""a+b@sub.example.co""#, json!("a+b@sub.example.co")),
        ],
    )
    .await;
}

#[tokio::test]
async fn an_invalid_address_is_refused_with_the_documented_text() {
    refuses(
        "email",
        "Enter a valid email address.",
        &[
            r#""x""#,
            r#""a@b""#,
            r#""a@b.com\r\nx: y""#,
            r#""@b.com""#,
            "1",
            "1.5",
            "true",
            "false",
            "[]",
            "{}",
            r#"["a@b.com"]"#,
        ],
    )
    .await;
    refuses("email", "This field may not be blank.", &[r#""""#, r#""\t""#]).await;
    let long = format!("\"{}@example.com\"", "a".repeat(243));
    refuses("email", "Ensure this field has no more than 254 characters.", &[&long]).await;
}

#[tokio::test]
async fn a_timestamp_keeps_its_microseconds_and_is_shown_in_utc() {
    accepts(
        "valid_to",
        &[
            (r#""2025-12-30T14:39:10.268800Z""#, json!("2025-12-30T14:39:10.268800Z")),
            (r#""2025-12-30 14:39""#, json!("2025-12-30T14:39:00.000000Z")),
            (r#""2025-12-30T14:39:10.1234567+03:30""#, json!("2025-12-30T11:09:10.123456Z")),
            (r#""2025-12-30""#, json!("2025-12-30T00:00:00.000000Z")),
            (r#""1999-12-31T23:59:59.999999Z""#, json!("1999-12-31T23:59:59.999999Z")),
            (r#""20311230T143910Z""#, json!("2031-12-30T14:39:10.000000Z")),
            (r#""20311230T143910.123456+0330""#, json!("2031-12-30T11:09:10.123456Z")),
        ],
    )
    .await;
}

#[tokio::test]
async fn an_invalid_timestamp_is_refused_with_the_documented_text() {
    let format =
        "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].";
    refuses(
        "valid_to",
        format,
        &[r#""""#, r#""tomorrow""#, r#""2025-02-30""#, r#""12:00""#, "1767105550", "true", "[]", "{}", r#""\u0000""#],
    )
    .await;
    refuses("valid_to", "This field may not be null.", &["null"]).await;
}
