use otpd::domain::limit::Limit;
use otpd::domain::user::{Permission, Role};
use otpd::http::Settings;

use crate::databases::on_postgres;
use crate::helpers::{FORBIDDEN, NO_CREDENTIALS, OTPS, TestApp, answer, path, until};

/// Returns the value of the only line that starts with `name`.
#[track_caller]
fn value(metrics: &str, name: &str) -> f64 {
    let values: Vec<&str> = metrics.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).collect();
    assert_eq!(values.len(), 1, "{name}: {values:?} in {metrics}");
    values[0].parse().unwrap()
}

#[tokio::test]
async fn the_metrics_count_events() {
    let app = TestApp::start().await;
    app.send("GET", &path(99)).await;
    // Two writes: the user, and the first use of the token, which is recorded after the response.
    app.until_used_tokens(1).await;
    until(|| app.store.metrics().batch_size.get_sample_count() == 2).await;
    let id = app.create().await;
    app.create().await;
    for path in [path(id), format!("{}/", path(id)), path(99), "/nowhere/09127770001".to_owned()] {
        app.send("GET", &path).await;
    }
    app.send("09127770001", &path(id)).await;
    let answer = app.send("GET", "/metrics").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let metrics = answer.body;
    let requests = |method, route, status| {
        let labels = format!(r#"{{method="{method}",route="{route}",status="{status}"}}"#);
        value(&metrics, &format!("otpd_http_request_duration_seconds_count{labels}"))
    };
    assert_eq!(requests("POST", "/api/notifications/otp", "201"), 2.0);
    assert_eq!(requests("GET", "/api/notifications/otp/{id}", "200"), 2.0);
    assert_eq!(requests("GET", "/api/notifications/otp/{id}", "404"), 2.0);
    assert_eq!(requests("GET", "(no such path)", "404"), 1.0);
    assert_eq!(requests("(other verb)", "/api/notifications/otp/{id}", "405"), 1.0);
    assert_eq!(value(&metrics, "otpd_codes"), 2.0);
    // With sequential requests each change has its own batch.
    for count in ["otpd_write_batch_size_count", "otpd_write_batch_size_sum", "otpd_commit_duration_seconds_count"] {
        assert_eq!(value(&metrics, count), 4.0, "{count}");
    }
    assert_eq!(value(&metrics, "otpd_write_queue_length"), 0.0);
    assert_eq!(value(&metrics, "otpd_write_queue_refusals_total"), 0.0);
    assert_eq!(value(&metrics, "otpd_purged_codes_total"), 0.0);
    assert!(value(&metrics, "otpd_database_bytes") > 0.0);
    assert_eq!(value(&metrics, "otpd_wal_bytes") > 0.0, !on_postgres());
    // A shorter part of the number may be a part of a measured time.
    assert!(!metrics.contains("0912777"), "{metrics}");
}

#[tokio::test]
async fn metrics_on_the_api_port_require_the_view_permission() {
    let app = TestApp::start().await;
    answer(app.request("GET", "/metrics")).await.is(401, NO_CREDENTIALS);
    for (name, role, permissions, status) in [
        ("viewer", Role::Staff, &[Permission::ViewOtp][..], 200),
        ("creator", Role::Staff, &[Permission::CreateOtp], 403),
        ("plain_user", Role::User, &[Permission::ViewOtp], 403),
    ] {
        let token = app.user(name, role, permissions).await;
        let seen = answer(app.request("GET", "/metrics/").header("Authorization", format!("Token {token}"))).await;
        assert_eq!(seen.status, status, "{name}");
        if status == 403 {
            seen.is(403, FORBIDDEN);
        }
    }
}

#[tokio::test]
async fn requests_per_second_are_limited_per_address() {
    let requests_per_second = std::num::NonZeroU32::new(2);
    let trusted_proxies = otpd::http::TrustedProxies(vec!["127.0.0.1/32".parse().unwrap()]);
    let app = TestApp::start_with(Settings { requests_per_second, trusted_proxies, ..Settings::default() }).await;
    let ask = async |client: &'static str| {
        let request = app.request("GET", OTPS).header("X-Forwarded-For", client);
        answer(request.header("Authorization", format!("Token {}", app.admin))).await
    };
    for (first, same, other) in [
        ("198.51.100.1", "198.51.100.1", "198.51.100.2"),
        // Entries forged by the client are further left.
        ("198.51.100.9, 198.51.100.3", "198.51.100.8, 198.51.100.3", "198.51.100.3, 198.51.100.4"),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1"),
    ] {
        assert_eq!(ask(first).await.status, 200);
        assert_eq!(ask(same).await.status, 200);
        let refused = ask(first).await;
        refused.is(429, r#"{"detail":"Request was throttled. Expected available in 1 second."}"#);
        assert_eq!(refused.header("retry-after"), "1");
        assert_eq!(refused.header("cache-control"), "no-store");
        assert_eq!(refused.header("x-request-id").len(), 16);
        assert_eq!(ask(other).await.status, 200);
    }
    assert_eq!(app.store.metrics().throttled.get(), 3);
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(ask("198.51.100.1").await.status, 200);
}

#[tokio::test]
async fn a_forged_forwarding_header_does_not_evade_the_rate_limit() {
    let requests_per_second = std::num::NonZeroU32::new(2);
    let trusted_proxies = otpd::http::TrustedProxies(vec!["127.0.0.1/32".parse().unwrap()]);
    let app = TestApp::start_with(Settings { requests_per_second, trusted_proxies, ..Settings::default() }).await;
    let mut refused = 0;
    for n in 1..=8 {
        let request = app.request("GET", "/openapi.json").header("X-Forwarded-For", "198.51.100.1");
        refused += i32::from(answer(request.header("Forwarded", format!("for=203.0.113.{n}"))).await.status == 429);
    }
    assert!(refused >= 5, "{refused}");
    assert_eq!(answer(app.request("GET", "/openapi.json").header("X-Forwarded-For", "198.51.100.1")).await.status, 200);
}

#[tokio::test]
async fn probes_are_not_throttled_or_counted() {
    let requests_per_second = std::num::NonZeroU32::new(1);
    let app = TestApp::start_with(Settings { requests_per_second, ..Settings::default() }).await;
    for _ in 0..20 {
        for path in ["/healthz", "/healthz/", "/readyz", "/readyz/"] {
            answer(app.request("GET", path)).await.is(200, r#"{"status":"ok"}"#);
        }
    }
    answer(app.request("GET", OTPS)).await.is(401, NO_CREDENTIALS);
    for path in ["/readyz//", "/healthz/x", OTPS] {
        let mut tries = 0;
        while answer(app.request("GET", path)).await.status != 429 {
            tries += 1;
            assert!(tries < 100, "{path} is never refused");
        }
    }
    assert_eq!(answer(app.request("GET", "/readyz")).await.status, 200);
}

#[tokio::test]
async fn the_metrics_port_responds_like_the_api() {
    let app = TestApp::start().await;
    let address = app.serve_metrics();
    let ask = |verb: &'static str, path: &'static str| {
        let request = app.request_at(&address, verb, path).header("X-Request-ID", "scrape");
        async { answer(request).await }
    };
    for path in ["/metrics", "/metrics/"] {
        let shown = ask("GET", path).await;
        assert_eq!(shown.status, 200);
        assert_eq!(value(&shown.body, "otpd_codes"), 0.0);
        let head = ask("HEAD", path).await;
        head.is(200, "");
        assert_eq!(head.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
        for verb in ["POST", "PUT", "DELETE", "OPTIONS"] {
            let refused = ask(verb, path).await;
            refused.is(405, &format!(r#"{{"detail":"Method \"{verb}\" not allowed."}}"#));
            assert_eq!(refused.header("allow"), "GET, HEAD");
        }
    }
    for path in ["/", "/healthz", "/readyz", OTPS, "/docs/", "/openapi.json", "/metrics/x"] {
        ask("GET", path).await.is(404, r#"{"detail":"Not found."}"#);
    }
    for (verb, path) in [("GET", "/metrics"), ("HEAD", "/metrics/"), ("POST", "/metrics"), ("GET", "/nowhere")] {
        let answer = ask(verb, path).await;
        assert_eq!(answer.header("x-request-id"), "scrape");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn every_series_used_in_alerts_exists_from_the_start() {
    let app = TestApp::start_serving(crate::outbox::delivering()).await;
    let metrics = app.send("GET", "/metrics").await.body;
    let limits = Limit::ALL.iter().map(|limit| limit.setting()).chain(["otp.max_consecutive_failures"]);
    let limits = limits.map(|limit| format!(r#"otpd_limited_requests_total{{limit="{limit}"}}"#));
    let verdicts = ["right", "wrong_code", "not_found", "used", "expired", "too_many_attempts"];
    let verdicts = verdicts.map(|verdict| format!(r#"otpd_verifications_total{{verdict="{verdict}"}}"#));
    let outcomes = ["sent", "retry", "next", "bad_recipient", "misconfigured", "unknown"];
    let attempts =
        outcomes.map(|outcome| format!(r#"otpd_message_attempts_total{{outcome="{outcome}",provider="nowhere"}}"#));
    let plain = [
        "otpd_write_queue_refusals_total",
        "otpd_throttled_requests_total",
        "otpd_events_waiting",
        "otpd_outbox_messages",
        "otpd_purged_codes_total",
    ];
    let plain = plain.map(str::to_owned);
    for name in limits.chain(verdicts).chain(attempts).chain(plain) {
        assert_eq!(value(&metrics, &name), 0.0, "{name}");
    }
    let used = if on_postgres() { "otpd_database_bytes" } else { "otpd_wal_bytes" };
    for name in [used, "otpd_commit_duration_seconds_count"] {
        assert!(value(&metrics, name) > 0.0, "{name}");
    }
}
