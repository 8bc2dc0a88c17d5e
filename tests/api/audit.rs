use std::time::Duration;

use otpd::domain::user::{Permission, Role};
use otpd::service::Settings;
use serde_json::{Value, json};

use crate::databases::on_postgres;
use crate::helpers::{FORBIDDEN, START, TestApp, answer, on_field, path};
use crate::outbox::delivering;
use crate::sending::{SEND, TO_MOBILE};
use crate::verifying::{VERIFY, attempt};

const AUDIT: &str = "/api/audit/";

impl TestApp {
    /// Returns the events that match `query`, newest first.
    pub async fn audit(&self, query: &str) -> Vec<Value> {
        let page = self.send("GET", &format!("{AUDIT}?{query}")).await;
        assert_eq!(page.status, 200, "{}", page.body);
        page.json()["results"].as_array().unwrap().clone()
    }

    /// Returns the actions of the events that match `query`, newest first.
    async fn actions(&self, query: &str) -> Vec<String> {
        self.audit(query).await.iter().map(|event| event["action"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn an_event_has_the_fields_of_the_contract() {
    let app = TestApp::start().await;
    let id = app.create().await;
    app.send_json("PATCH", &path(id), r#"{"code":1,"mobile_number":null,"email":"Info@moeinmail.ir"}"#).await;
    let page = app.send("GET", AUDIT).await.json();
    assert_eq!(page["count"], 3);
    assert_eq!((&page["next"], &page["previous"]), (&Value::Null, &Value::Null));
    let [update, create, add] = page["results"].as_array().unwrap().as_slice() else { panic!("{page}") };
    let actor = json!({"kind": "user", "name": "admin", "token_prefix": &app.admin[..12]});
    let request = &update["request_id"];
    assert_eq!(request.as_str().unwrap().len(), 16);
    assert_eq!(
        update,
        &json!({
            "id": 3, "at": START, "actor": actor, "action": "otp.update", "otp": 1, "recipient": "I***@moeinmail.ir",
            "changes": {
                "code": ["•", "•"], "mobile_number": ["0912***6789", null], "email": [null, "I***@moeinmail.ir"],
            },
            "request_id": request, "address": "127.0.0.1",
        })
    );
    assert_eq!(create["action"], "otp.create");
    assert_eq!(
        create["changes"],
        json!({"code": [null, "•"], "mobile_number": [null, "0912***6789"], "valid_to": [null, "2025-12-29T14:43:32.273219Z"]})
    );
    assert_eq!(add["actor"], json!({"kind": "command", "name": "test", "token_prefix": null}));
    assert_eq!(add["changes"]["user"], json!([null, "admin"]));
    assert_eq!(add["changes"]["token"], json!([null, &app.admin[..12]]));
    let keys: Vec<&String> = update.as_object().unwrap().keys().collect();
    let expected = ["id", "at", "actor", "action", "otp", "recipient", "changes", "request_id", "address"];
    assert_eq!(keys, expected);
}

#[tokio::test]
async fn only_admins_read_the_audit_trail() {
    let app = TestApp::start().await;
    let staff = app.user("staff", Role::Staff, Permission::ALL).await;
    let send = |method| answer(app.request(method, AUDIT).header("Authorization", format!("Token {staff}")));
    send("GET").await.is(403, FORBIDDEN);
    send("POST").await.is(405, r#"{"detail":"Method \"POST\" not allowed."}"#);
}

#[tokio::test]
async fn each_change_has_one_event_and_refusals_have_none() {
    let app = TestApp::start().await;
    let id = app.create().await;
    for body in [r#"{"code":"x"}"#, r#"{"email":"a@b.com"}"#, "{"] {
        assert_eq!(app.send_json("PATCH", &path(id), body).await.status, 400);
    }
    app.send("DELETE", &path(99)).await;
    app.send_json("POST", "/api/notifications/otp/", "{}").await;
    assert_eq!(app.actions("").await, ["otp.create", "user.add"]);
    app.send_json("POST", VERIFY, attempt(1)).await;
    app.send_json("POST", VERIFY, attempt(255_315)).await;
    // A repeated code is refused without being counted.
    app.send_json("POST", VERIFY, attempt(255_315)).await;
    app.send_json("POST", "/api/notifications/otp/reset", r#"{"mobile_number":"09123456789"}"#).await;
    app.send("DELETE", &path(id)).await;
    let events = app.audit("otp=1").await;
    let seen: Vec<_> = events.iter().map(|event| (&event["action"], &event["changes"]["verdict"][1])).collect();
    let null = Value::Null;
    assert_eq!(
        seen,
        [
            (&json!("otp.delete"), &null),
            (&json!("otp.verify"), &json!("right")),
            (&json!("otp.verify"), &json!("wrong_code")),
            (&json!("otp.create"), &null)
        ]
    );
    assert_eq!(
        app.actions("").await,
        ["otp.delete", "recipient.reset", "otp.verify", "otp.verify", "otp.create", "user.add"]
    );
}

#[tokio::test]
async fn a_send_has_one_event_and_a_refused_send_has_none() {
    let app = TestApp::start_serving(delivering()).await;
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.status, 202);
    assert_eq!(app.send_json("POST", SEND, TO_MOBILE).await.status, 429);
    let events = app.audit("action=otp.send").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["changes"], json!({"channel": [null, "sms"]}));
    assert_eq!(events[0]["recipient"], "0912***6789");
}

#[tokio::test]
async fn accounts_are_audited_only_if_they_change() {
    let app = TestApp::start().await;
    app.user("support", Role::Staff, &[Permission::ViewOtp]).await;
    let name = || "support".parse().unwrap();
    let accounts = app.accounts();
    for _ in 0..2 {
        accounts.grant(name(), vec![Permission::UpdateOtp, Permission::ViewOtp]).await.unwrap();
        accounts.set_active(name(), false).await.unwrap();
    }
    let events = app.audit("actor=test").await;
    let changes: Vec<_> = events.iter().map(|event| (event["action"].as_str().unwrap(), &event["changes"])).collect();
    assert_eq!(
        changes[..2],
        [
            ("user.disable", &json!({"user": ["support", "support"], "is_active": [true, false]})),
            ("user.grant", &json!({"user": ["support", "support"], "permissions": [[2852], [2852, 2853]]})),
        ]
    );
    assert_eq!(changes.len(), 4, "{changes:?}");
}

/// Records five events. The first `indexed` of them are in the index.
async fn five_events(indexed: usize) -> TestApp {
    let app = TestApp::start().await;
    let id = app.create().await;
    app.create_with(r#"{"code":2,"email":"Sara@example.com"}"#).await;
    if indexed == 3 {
        app.index_audit().await;
    }
    app.send_json("PATCH", &path(id), r#"{"mobile_number":null,"email":"ali@example.com"}"#).await;
    app.set_clock("2025-12-30T14:38:32.273219Z");
    app.send("DELETE", &path(id)).await;
    if indexed == 5 {
        app.index_audit().await;
    }
    app
}

#[tokio::test]
async fn events_are_found_by_each_filter() {
    for indexed in [0, 3, 5] {
        let app = five_events(indexed).await;
        for (query, ids) in [
            ("", &[5, 4, 3, 2, 1][..]),
            ("limit=2", &[5, 4]),
            ("limit=2&offset=2", &[3, 2]),
            ("limit=2&offset=1", &[4, 3]),
            ("offset=5", &[]),
            ("id_max=3", &[3, 2, 1]),
            ("id_max=-1", &[]),
            ("action=otp.create", &[3, 2]),
            ("actor=admin", &[5, 4, 3, 2]),
            ("actor=admin&limit=3", &[5, 4, 3]),
            ("actor=admin&limit=2&offset=1", &[4, 3]),
            ("actor=ADMIN", &[]),
            ("actor=otpd", &[]),
            ("otp=1", &[5, 4, 2]),
            ("otp=-1", &[]),
            ("recipient=%2B98+912-345-6789", &[4, 2]),
            ("recipient=ALI@example.com", &[5, 4]),
            ("recipient=sara@EXAMPLE.com", &[3]),
            ("recipient=0912", &[]),
            ("from=2025-12-30", &[5]),
            ("to=2025-12-29", &[4, 3, 2, 1]),
            ("from=2026-01-01", &[]),
            ("from=2025-12-29&to=2025-12-29&otp=1&action=otp.update", &[4]),
            ("from=2025-12-30&otp=1", &[5]),
        ] {
            let page = app.send("GET", &format!("{AUDIT}?{query}")).await.json();
            let found: Vec<i64> =
                page["results"].as_array().unwrap().iter().map(|event| event["id"].as_i64().unwrap()).collect();
            assert_eq!(found, ids, "{indexed} in the index: {query}");
            if !query.contains("limit") && !query.contains("offset") {
                assert_eq!(page["count"], ids.len(), "{indexed} in the index: {query}");
            }
        }
    }
}

#[tokio::test]
async fn invalid_filters_are_refused() {
    let app = TestApp::start().await;
    for (query, field, message) in [
        ("id_max=x", "id_max", "Enter a number."),
        ("otp=x", "otp", "Enter a number."),
        ("action=x", "action", "Select a valid choice. x is not one of the available choices."),
        ("from=1404", "from", "Enter a valid date."),
        ("limit=0", "limit", "Ensure this value is greater than or equal to 1."),
    ] {
        app.send("GET", &format!("{AUDIT}?{query}")).await.is(400, &on_field(field, message));
    }
}

#[tokio::test]
async fn reads_are_audited_only_if_this_is_enabled() {
    for (audits_reads, expected) in [(false, &["otp.create"][..]), (true, &["otp.read", "otp.read", "otp.create"])] {
        let app = TestApp::start_serving(Settings { audits_reads, ..Settings::default() }).await;
        let id = app.create().await;
        assert_eq!(app.send("GET", &path(id)).await.status, 200);
        assert_eq!(app.send("GET", "/api/notifications/otp/").await.status, 200);
        assert_eq!(app.send("GET", &path(99)).await.status, 404);
        assert_eq!(app.actions("actor=admin").await, expected);
    }
}

#[tokio::test]
async fn events_are_neither_changed_nor_deleted_before_their_retention_is_over() {
    let app = TestApp::start().await;
    app.create().await;
    for (sql, refusal) in [
        ("UPDATE audit_events SET actor_name = 'x'", "audit events are never changed"),
        ("DELETE FROM audit_events", "audit events are deleted only after audit.retention"),
    ] {
        let refused = app.store.write(move |db| db.execute(sql, &[])).await.unwrap_err().to_string();
        assert!(refused.contains(refusal), "{sql}: {refused}");
    }
    app.set_clock("2025-12-29T15:38:32.273219Z");
    app.create().await;
    assert_eq!(app.purge_audit(Duration::from_secs(3601)).await, 0);
    assert_eq!(app.purge_audit(Duration::from_secs(1800)).await, 2);
    let page = app.send("GET", AUDIT).await.json();
    assert_eq!((&page["count"], &page["results"][0]["id"]), (&json!(1), &json!(3)));
}

/// REPLACE exists only in SQLite.
#[tokio::test]
async fn events_are_not_replaced() {
    if on_postgres() {
        return;
    }
    let app = TestApp::start().await;
    app.create().await;
    let db = rusqlite::Connection::open(app.folder.path().join("otp.db")).unwrap();
    let sql = "REPLACE INTO audit_events (id, at, actor_kind, actor_name, action, changes)
               VALUES (1, 0, 'system', 'x', 'x', '{}')";
    let refused = db.execute(sql, []).unwrap_err().to_string();
    assert!(refused.contains("audit events are never changed"), "{refused}");
}

#[tokio::test]
async fn purged_codes_are_deleted_by_the_system() {
    let app = TestApp::start().await;
    app.create().await;
    app.set_clock("2025-12-29T16:38:32.273219Z");
    app.purge_expired(Duration::from_secs(3600)).await;
    let events = app.audit("action=otp.delete").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["actor"], json!({"kind": "system", "name": "otpd", "token_prefix": null}));
    assert_eq!((&events[0]["otp"], &events[0]["recipient"]), (&json!(1), &json!("0912***6789")));
    assert_eq!(app.actions("recipient=09123456789").await, ["otp.delete", "otp.create"]);
}
