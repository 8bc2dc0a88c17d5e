//! Expensive list queries have a bounded cost and do not delay other requests.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use otpd::domain::user::{Permission, Role};

use crate::databases::on_postgres;
use crate::helpers::{Answer, OTPS, TestApp, answer, path};

/// Ten words that match every code of [`many_codes`]. One-character words need a scan of all codes.
const SLOW: &str = "search=a+b+c+d+e+f+g+h+i+j";

/// Starts an app with `count` codes. The search index stays empty because one-character words do not use it.
async fn many_codes(count: u32) -> TestApp {
    let app = TestApp::start().await;
    let db = rusqlite::Connection::open(app.folder.path().join("otp.db")).unwrap();
    let insert = format!(
        "DROP TRIGGER otp_codes_inserted;
         WITH RECURSIVE n (v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n WHERE v < {count})
         INSERT INTO otp_codes (code, email, valid_to, created_at, updated_at)
         SELECT v, 'abcdefghij' || v || '@example.com', v, v, v FROM n;
         UPDATE otp_totals SET codes = {count}, with_email = {count};"
    );
    tokio::task::spawn_blocking(move || db.execute_batch(&insert).unwrap()).await.unwrap();
    app
}

async fn timed(request: reqwest::RequestBuilder, token: &str) -> (Answer, Duration) {
    let begun = Instant::now();
    let answer = answer(request.header("Authorization", format!("Token {token}"))).await;
    (answer, begun.elapsed())
}

#[tokio::test]
async fn slow_searches_of_one_token_do_not_delay_other_tokens() {
    if on_postgres() {
        return;
    }
    let app = many_codes(200_000).await;
    let flood = app.user("flood", Role::Staff, &[Permission::ViewOtp]).await;
    let other = app.user("other", Role::Staff, &[Permission::ViewOtp]).await;
    let list = |query: &str| app.request("GET", &format!("{OTPS}?{query}"));
    let (alone, slow) = timed(list(SLOW), &flood).await;
    assert!(matches!(alone.status.as_u16(), 200 | 503), "{}", alone.body);
    let done = AtomicBool::new(false);
    let searches = async {
        let answers = join_all((0..16).map(|_| timed(list(SLOW), &flood))).await;
        done.store(true, Ordering::Relaxed);
        for (answer, took) in answers {
            assert!(matches!(answer.status.as_u16(), 200 | 503), "{}", answer.body);
            assert!(took < Duration::from_secs(10), "{took:?}");
        }
    };
    let others = async {
        let mut slowest = [Duration::ZERO; 3];
        tokio::time::sleep(slow / 10).await;
        while !done.load(Ordering::Relaxed) {
            let asked = [app.request("GET", &path(1)), app.request("GET", "/readyz"), list("limit=1")];
            for (request, slowest) in asked.into_iter().zip(&mut slowest) {
                let (answer, took) = timed(request, &other).await;
                assert_eq!(answer.status, 200, "{}", answer.body);
                *slowest = took.max(*slowest);
            }
        }
        slowest
    };
    let ((), slowest) = tokio::join!(searches, others);
    assert!(slowest.iter().all(|took| *took < slow), "{slowest:?}, a slow search {slow:?}");
}
