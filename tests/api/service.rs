//! Properties of every response, and the paths that need no token.

use crate::databases::on_postgres;
use crate::helpers::{OTPS, TestApp, answer, path};

#[tokio::test]
async fn every_response_has_a_request_id_and_is_not_cacheable() {
    let app = TestApp::start().await;
    let id = app.create().await;
    for answer in [
        app.send("GET", &path(id)).await,
        app.send("PUT", &path(id)).await,
        app.send("DELETE", &path(id)).await,
        app.send_json("POST", OTPS, "{").await,
        answer(app.request("GET", &path(id))).await,
        answer(app.request("GET", "/nowhere")).await,
        answer(app.request("GET", "/healthz")).await,
    ] {
        assert_eq!(answer.header("cache-control"), "no-store", "{answer:?}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let fresh = answer.header("x-request-id");
        assert!(fresh.len() == 16 && fresh.bytes().all(|b| b.is_ascii_hexdigit()), "{fresh}");
        assert_eq!(answer.header("server"), "");
        if answer.status != 204 {
            assert_eq!(answer.header("content-type"), "application/json");
        }
    }
}

#[tokio::test]
async fn a_valid_request_id_of_the_caller_is_returned() {
    let app = TestApp::start().await;
    let echoed = |id: Vec<u8>| {
        let request = app.request("GET", "/healthz").header("X-Request-ID", id);
        async { answer(request).await.header("x-request-id").to_owned() }
    };
    for good in ["a", "req-1.2_3", &"x".repeat(64)] {
        assert_eq!(echoed(good.into()).await, good);
    }
    for bad in [&b""[..], &[b'x'; 65], b"a b", b"a/b", "é".as_bytes(), b"\xff", b"a\tb"] {
        let fresh = echoed(bad.to_vec()).await;
        assert!(fresh.len() == 16 && fresh.bytes().all(|b| b.is_ascii_hexdigit()), "{fresh}");
    }
}

#[tokio::test]
async fn health_needs_no_token() {
    let app = TestApp::start().await;
    for path in ["/healthz", "/healthz/", "/readyz", "/readyz/"] {
        answer(app.request("GET", path)).await.is(200, r#"{"status":"ok"}"#);
        answer(app.request("HEAD", path)).await.is(200, "");
        let refused = answer(app.request("POST", path)).await;
        refused.is(405, r#"{"detail":"Method \"POST\" not allowed."}"#);
        assert_eq!(refused.header("allow"), "GET, HEAD");
    }
}

#[tokio::test]
async fn readiness_is_503_without_a_writer_and_reads_still_work() {
    let app = TestApp::start().await;
    let id = app.create().await;
    app.store.close();
    let busy = r#"{"detail":"Service temporarily unavailable, try again later."}"#;
    for refused in [
        answer(app.request("GET", "/readyz")).await,
        app.send_json("PATCH", &path(id), "{}").await,
        app.send("DELETE", &path(id)).await,
    ] {
        refused.is(503, busy);
        assert_eq!(refused.header("retry-after"), "1");
    }
    answer(app.request("GET", "/healthz")).await.is(200, r#"{"status":"ok"}"#);
    assert_eq!(app.send("GET", &path(id)).await.status.as_u16(), 200);
}

#[tokio::test]
async fn readiness_is_503_with_a_different_schema() {
    let app = TestApp::start().await;
    // A newer schema on PostgreSQL says which programs it supports.
    let different = if on_postgres() { 200 } else { 503 };
    for (sql, status) in [
        ("UPDATE refinery_schema_history SET version = version + 1000", different),
        ("UPDATE refinery_schema_history SET version = version - 1000", 200),
    ] {
        app.store.write(move |db| db.execute(sql, &[])).await.unwrap();
        assert_eq!(answer(app.request("GET", "/readyz")).await.status.as_u16(), status);
    }
}

#[tokio::test]
async fn readiness_is_503_with_a_newer_schema_of_postgresql_that_excludes_this_program() {
    if !on_postgres() {
        return;
    }
    let app = TestApp::start().await;
    for sql in [
        "UPDATE refinery_schema_history SET version = version + 1000",
        "UPDATE schema_compatibility SET min_reader = 1000",
    ] {
        app.store.write(move |db| db.execute(sql, &[])).await.unwrap();
    }
    assert_eq!(answer(app.request("GET", "/readyz")).await.status.as_u16(), 503);
}

#[tokio::test]
async fn an_unknown_path_is_not_found_for_everyone() {
    let app = TestApp::start().await;
    for path in
        ["/", "/api", "/api/notifications/", "/api/notifications/otp/1/2", "/api/notifications/sms/49", "//", "/%00"]
    {
        answer(app.request("GET", path)).await.is(404, r#"{"detail":"Not found."}"#);
        app.send("PATCH", path).await.is(404, r#"{"detail":"Not found."}"#);
    }
}

#[tokio::test]
async fn a_row_corrupted_on_disk_is_not_returned() {
    if on_postgres() {
        return;
    }
    let app = TestApp::start().await;
    let (id, other) = (app.create().await, app.create().await);
    let db = rusqlite::Connection::open(app.folder.path().join("otp.db")).unwrap();
    // Simulates a flipped bit: one value changes and the checksum does not.
    db.execute_batch("DROP TRIGGER otp_codes_edited").unwrap();
    db.execute("UPDATE otp_codes SET code = code + 1 WHERE id = $1", [id]).unwrap();
    let unavailable = r#"{"detail":"Service temporarily unavailable, try again later."}"#;
    app.send("GET", &path(id)).await.is(503, unavailable);
    app.send("GET", OTPS).await.is(503, unavailable);
    app.send_json("PATCH", &path(id), r#"{"code":7}"#).await.is(503, unavailable);
    assert_eq!(app.send("GET", &path(other)).await.status, 200);
    app.send("DELETE", &path(id)).await.is(204, "");
    assert_eq!(app.send("GET", OTPS).await.status, 200);
}

#[tokio::test]
async fn a_row_edited_with_sql_is_returned() {
    let app = TestApp::start().await;
    let id = app.create().await;
    let sql = "UPDATE otp_codes SET code = 42 WHERE id = $1";
    app.store.write(move |db| db.execute(sql, &otpd::values![id])).await.unwrap();
    assert_eq!(app.send("GET", &path(id)).await.json()["code"], 42);
}
