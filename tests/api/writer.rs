//! Which requests reach the database writer.

use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use otpd::domain::user::{Permission, Role};
use otpd::error::{Error, Kind, Result};
use reqwest::RequestBuilder;
use tokio::task::JoinHandle;

use crate::databases::on_postgres;
use crate::helpers::{FORBIDDEN, NO_CREDENTIALS, OTPS, TestApp, answer, path, until};
use crate::outbox::delivering;

const CREATED: &str = r#"{"code":255315,"mobile_number":"09123456789"}"#;
const SENT: &str = r#"{"mobile_number":"09123456789"}"#;

/// Returns the number of transactions so far.
fn batches(app: &TestApp) -> u64 {
    app.store.metrics().batch_size.get_sample_count()
}

/// Returns the number of changes so far. Several changes may share one transaction.
fn changes_made(app: &TestApp) -> f64 {
    app.store.metrics().batch_size.get_sample_sum()
}

/// Returns one valid request of every kind that changes data.
fn changes(app: &TestApp, id: i64) -> Vec<RequestBuilder> {
    let verify = r#"{"mobile_number":"09123456789","code":"255315"}"#;
    let changes = [
        ("POST", OTPS.to_owned(), CREATED),
        ("PATCH", path(id), r#"{"code":1}"#),
        ("DELETE", path(id), ""),
        ("POST", format!("{OTPS}send"), SENT),
        ("POST", format!("{OTPS}verify"), verify),
        ("POST", format!("{OTPS}reset"), SENT),
    ];
    let request = |(verb, path, body): &(&str, String, &'static str)| {
        app.request(verb, path).header("Content-Type", "application/json").body(*body)
    };
    changes.iter().map(request).collect()
}

#[tokio::test]
async fn a_request_without_a_valid_token_or_the_permission_does_not_reach_the_writer() {
    let app = TestApp::start_serving(delivering()).await;
    let id = app.create().await;
    // The three changes: the user, the code, and the first use of the token.
    app.until_used_tokens(1).await;
    until(|| changes_made(&app) == 3.0).await;
    let disabled = app.user("disabled", Role::Admin, &[]).await;
    app.accounts().set_active("disabled".parse().unwrap(), false).await.unwrap();
    let viewer = app.user("viewer", Role::Staff, &[Permission::ViewOtp]).await;
    let plain = app.user("plain", Role::User, Permission::ALL).await;
    for (used, token) in [(2, &viewer), (3, &plain)] {
        // The use of the token is recorded after the response.
        let begun = Instant::now();
        while app.used_tokens().await < used {
            answer(app.request("PUT", OTPS).header("Authorization", format!("Token {token}"))).await;
            assert!(begun.elapsed() < Duration::from_secs(120), "the use of a token is not noted");
        }
    }
    // The three changes from before, three users, one of them disabled, and the first use of two tokens. A change is
    // counted after others can see it.
    until(|| changes_made(&app) == 9.0).await;
    let before = batches(&app);
    for (token, status, body) in [
        ("", 401, NO_CREDENTIALS),
        ("Token wrong", 401, r#"{"detail":"Invalid token."}"#),
        (&format!("Token {disabled}"), 401, r#"{"detail":"User inactive or deleted."}"#),
        (&format!("Token {viewer}"), 403, FORBIDDEN),
        (&format!("Token {plain}"), 403, FORBIDDEN),
    ] {
        for request in changes(&app, id) {
            answer(request.header("Authorization", token)).await.is(status, body);
        }
    }
    for body in ["{", "[]", r#"{"code":"x"}"#] {
        assert_eq!(app.send_json("PATCH", &path(id), body).await.status.as_u16(), 400);
        assert_eq!(app.send_json("POST", OTPS, body).await.status.as_u16(), 400);
    }
    assert_eq!(batches(&app), before);
}

#[tokio::test]
async fn an_invalid_token_gets_401_whatever_its_idempotency_key() {
    let app = TestApp::start_serving(delivering()).await;
    let before = batches(&app);
    let ask = || {
        let request = app.request("POST", &format!("{OTPS}send")).header("Authorization", "Token wrong");
        answer(request.header("Content-Type", "application/json").header("Idempotency-Key", "same").body(SENT))
    };
    for answer in join_all((0..400).map(|_| ask())).await {
        answer.is(401, r#"{"detail":"Invalid token."}"#);
    }
    assert_eq!(batches(&app), before);
}

#[tokio::test]
async fn sign_ins_after_too_many_failures_do_not_reach_the_writer() {
    let (app, token) = TestApp::with_amir().await;
    let before = batches(&app);
    let burst = join_all((0..400).map(|_| app.sign_in("amir", "wrong"))).await;
    let counted = burst.iter().filter(|guess| guess.as_ref().unwrap_err().kind() == Kind::Unauthenticated).count();
    assert_eq!(counted, 5);
    let burst = batches(&app) - before;
    // Five failures, and what was in progress when the fifth was counted.
    assert!(burst <= 5 + 7, "{burst}");
    let before = batches(&app);
    for outcome in join_all((0..400).map(|_| app.sign_in("amir", &token))).await {
        assert_eq!(outcome.unwrap_err().kind(), Kind::Throttled);
    }
    assert_eq!(batches(&app), before);
}

#[tokio::test]
async fn readiness_checks_share_one_transaction_per_second() {
    let app = TestApp::start().await;
    let ask = || answer(app.request("GET", "/readyz"));
    let (before, begun) = (batches(&app), Instant::now());
    for _ in 0..10 {
        for answer in join_all((0..20).map(|_| ask())).await {
            answer.is(200, r#"{"status":"ok"}"#);
        }
    }
    let probes = batches(&app) - before;
    assert!(probes <= 1 + begun.elapsed().as_secs(), "{probes} in {:?}", begun.elapsed());
    // After one second without a request, readiness checks the writer again.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let before = batches(&app);
    ask().await.is(200, r#"{"status":"ok"}"#);
    assert_eq!(batches(&app), before + 1);
}

/// Keeps the writer busy until the sender is dropped.
async fn hang(app: &TestApp) -> (mpsc::Sender<()>, JoinHandle<Result<bool>>) {
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let (store, (started, running)) = (app.store.clone(), mpsc::channel::<()>());
    let blocker = tokio::spawn(async move {
        let started = Mutex::new(started);
        let wait = move || {
            started.lock().unwrap().send(()).unwrap();
            held.lock().unwrap().recv().is_err()
        };
        store.write(move |_| Ok(wait())).await
    });
    tokio::task::spawn_blocking(move || running.recv().unwrap()).await.unwrap();
    (release, blocker)
}

#[tokio::test]
async fn a_sign_in_waits_four_seconds_while_eight_others_are_checked() {
    if on_postgres() {
        return;
    }
    let (app, token) = TestApp::with_amir().await;
    let (release, blocker) = hang(&app).await;
    let sign_ins = join_all((0..9).map(|_| app.sign_in("amir", &token)));
    let later = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        drop(release);
    };
    let (outcomes, ()) = tokio::join!(sign_ins, later);
    let refused: Vec<Kind> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).map(Error::kind).collect();
    assert_eq!(refused, [Kind::Unavailable]);
    assert!(blocker.await.unwrap().unwrap());
}

#[tokio::test]
async fn a_hanging_writer_makes_every_readiness_check_503_in_time() {
    if on_postgres() {
        return;
    }
    let app = TestApp::start().await;
    let (release, blocker) = hang(&app).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let before = batches(&app);
    let begun = Instant::now();
    for answer in join_all((0..50).map(|_| answer(app.request("GET", "/readyz")))).await {
        answer.is(503, r#"{"detail":"Service temporarily unavailable, try again later."}"#);
    }
    // A change would wait six seconds for the writer.
    assert!(begun.elapsed() < Duration::from_millis(5500), "{:?}", begun.elapsed());
    drop(release);
    assert!(blocker.await.unwrap().unwrap());
    assert!(batches(&app) <= before + 1);
    assert_eq!(app.create().await, 1);
    answer(app.request("GET", "/readyz")).await.is(200, r#"{"status":"ok"}"#);
}

#[tokio::test]
async fn a_pass_over_the_new_audit_events_ends_with_the_first_incomplete_block() {
    if on_postgres() {
        return;
    }
    let app = TestApp::start().await;
    app.create().await;
    let before = batches(&app);
    app.index_audit().await;
    assert_eq!(batches(&app), before + 1);
}
