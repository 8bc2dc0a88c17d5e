use crate::helpers::{OTPS, on_field};
use crate::list::{app_with_codes, finds, get, ids};

/// A list without results.
const EMPTY: &str = r#"{"count":0,"next":null,"previous":null,"results":[]}"#;

#[tokio::test]
async fn filters_by_id_and_presence() {
    finds(&[
        ("id_min=4", &[5, 4]),
        ("id_max=2", &[2, 1]),
        ("id_min=2&id_max=3", &[3, 2]),
        ("id_min=3&id_max=2", &[]),
        ("id_min=-99999999999999999999&id_max=99999999999999999999", &[5, 4, 3, 2, 1]),
        ("id_min=99999999999999999999", &[]),
        ("id_min=", &[5, 4, 3, 2, 1]),
        ("has_mobile_number=true", &[2, 1]),
        ("has_mobile_number=FALSE", &[5, 4, 3]),
        ("has_email=1", &[5, 4, 3]),
        ("has_email=0", &[2, 1]),
        ("has_email=True&has_mobile_number=true", &[]),
        ("has_email=true&has_mobile_number=false", &[5, 4, 3]),
        ("is_allow=true", &[4, 2]),
        ("is_allow=false", &[5, 3, 1]),
        ("is_allow=true&has_email=true", &[4]),
        ("nonsense=1", &[5, 4, 3, 2, 1]),
    ])
    .await;
}

#[tokio::test]
async fn recipient_filters_are_normalised_like_input() {
    finds(&[
        ("mobile_number=09120000001", &[1]),
        ("mobile_number=%2B98+912+000+0001", &[1]),
        ("mobile_number=%DB%B0%DB%B9%DB%B1%DB%B2%DB%B0%DB%B0%DB%B0%DB%B0%DB%B0%DB%B0%DB%B1", &[1]),
        ("mobile_number=09999999999", &[]),
        ("email=SARA@EXAMPLE.COM", &[5, 3]),
        ("email=sara@example.com&ordering=id", &[3, 5]),
        ("email=unknown@example.com", &[]),
        ("email=&mobile_number=", &[5, 4, 3, 2, 1]),
    ])
    .await;
}

#[tokio::test]
async fn day_filters_use_the_configured_time_zone() {
    let cases: &[(&str, &[i64])] = &[
        ("date=2025-12-28", &[1]),
        ("date=2025-12-29", &[3, 2]),
        ("date=2025-12-30", &[4]),
        ("date=2020-01-01", &[]),
        ("from=2025-12-30", &[5, 4]),
        ("to=2025-12-29", &[3, 2, 1]),
        ("from=2025-12-29&F_to=2025-12-30", &[4, 3, 2]),
        ("from=2025-12-30&F_to=2025-12-29", &[]),
        ("date=2025-12-29&F_from=2025-12-30", &[]),
        ("from=0001-01-01&F_to=9999-12-31", &[5, 4, 3, 2, 1]),
        ("from=9999-12-31", &[]),
        ("date=", &[5, 4, 3, 2, 1]),
    ];
    let app = app_with_codes().await;
    for field in ["created", "updated"] {
        for (query, expected) in cases {
            let query = format!("{field}_{}", query.replace("F_", &format!("{field}_")));
            assert_eq!(ids(&app, &query).await, *expected, "{query}");
        }
    }
    app.send_json("PATCH", &format!("{OTPS}1"), "{}").await;
    assert_eq!(ids(&app, "updated_date=2026-01-01").await, [1]);
    assert_eq!(ids(&app, "created_date=2026-01-01").await, [0; 0]);
}

#[tokio::test]
async fn an_invalid_recipient_filter_matches_nothing() {
    let app = app_with_codes().await;
    let long = format!("{}@example.com", "a".repeat(300));
    for (name, values) in [
        ("mobile_number", &["x", "0912", "%00", "-9120000001", "1"][..]),
        ("email", &["x", "a@b", "sara@", "%00", "null", long.as_str()]),
    ] {
        for value in values {
            let (status, body) = get(&app, &format!("{name}={value}")).await;
            assert_eq!((status, body.as_str()), (200, EMPTY), "{name}={value}");
            assert_eq!(ids(&app, &format!("{name}={value}&is_allow=true&search=sara&ordering=code")).await, [0; 0]);
        }
    }
    let (status, body) = get(&app, "email=x&limit=2&offset=4").await;
    let previous = format!("{}{OTPS}?email=x&limit=2&offset=2", app.address);
    let empty = format!(r#"{{"count":0,"next":null,"previous":"{previous}","results":[]}}"#);
    assert_eq!((status, body), (200, empty));
    let (status, body) = get(&app, "email=x&id_min=x").await;
    assert_eq!(
        (status, body),
        (400, on_field("id_min", "Enter a number.")),
        "what can't be read is refused all the same"
    );
}
