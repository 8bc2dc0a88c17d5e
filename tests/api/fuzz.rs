//! Fuzz test with random requests: no response is a 5xx, and every refusal has the form of `docs/api.md`.
//!
//! `FUZZ=100000 cargo test --release --test api fuzz` sets the number of requests.

mod requests;

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fuzz::requests::Random;
use crate::helpers::{TestApp, answer};
use crate::outbox::delivering;
use crate::raw::Raw;

const REQUESTS: usize = 2000;
/// Time limit of a run, independent of the number of requests.
const MAX_DURATION: Duration = Duration::from_secs(600);

#[tokio::test]
async fn no_request_is_answered_with_a_5xx() {
    let count = std::env::var("FUZZ").map_or(REQUESTS, |count| count.parse().unwrap());
    let app = TestApp::start_serving(delivering()).await;
    for _ in 0..10 {
        app.create().await;
    }
    let (mut random, mut raw) = (Random::new(), Raw::connect(&app));
    let (mut statuses, begun) = (std::collections::BTreeMap::new(), Instant::now());
    for n in 0..count {
        let (request, verb) = random.request(&app.admin);
        let shown = || String::from_utf8_lossy(&request[..request.len().min(2000)]).into_owned();
        raw.send(&request);
        let answer = raw.answer_to(verb).unwrap_or_else(|cause| panic!("{n}: {cause}: {}", shown()));
        assert!((200..500).contains(&answer.status), "{n}: {answer:?}: {}", shown());
        if answer.status >= 400 && verb != "HEAD" {
            let refusal: Value =
                serde_json::from_str(&answer.body).unwrap_or_else(|cause| panic!("{n}: {cause}: {}", shown()));
            assert!(refusal.is_object(), "{n}: {answer:?}");
        }
        *statuses.entry(answer.status).or_insert(0) += 1;
        if answer.head.contains("\r\nconnection: close") {
            raw = Raw::connect(&app);
        }
        if begun.elapsed() > MAX_DURATION {
            break;
        }
    }
    for status in [200, 201, 202, 204, 400, 401, 404, 405, 415] {
        assert!(statuses.contains_key(&status), "{status}: {statuses:?}");
    }
    answer(app.request("GET", "/readyz")).await.is(200, r#"{"status":"ok"}"#);
}
