//! Measures the latency of list requests over HTTP, with 10,000 and with 1,000,000 codes.
//!
//! `cargo bench --bench list` prints p50 and p99 in milliseconds of 300 requests, each with its own parameter values.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement stops where something fails, and prints")]

mod common;

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use chrono::TimeDelta;
use otpd::http;
use otpd::service::{Service, Settings};

use crate::common::{TOKEN, address, now, number, spread};

const REQUESTS: u64 = 300;

async fn serve(path: &Path, rows: u64) -> String {
    let store = common::make(path, rows).await;
    let service = Service::new(store, Arc::new(|| now().into()), Settings::default());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api/notifications/otp/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { http::server(listener, service, http::Settings::default()).unwrap().await.unwrap() });
    });
    url
}

/// Returns p50 and p99 of the request times in milliseconds.
async fn measure(client: &reqwest::Client, url: &str, target: &dyn Fn(u64) -> String) -> (f64, f64) {
    let mut times = Vec::new();
    for n in 0..REQUESTS + 20 {
        let begun = Instant::now();
        let answer = client.get(format!("{url}{}", target(n))).header("Authorization", format!("Token {TOKEN}"));
        let answer = answer.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", target(n));
        answer.bytes().await.unwrap();
        // The first requests warm the caches.
        if n >= 20 {
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
    }
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

type Target = (&'static str, Box<dyn Fn(u64) -> String>);

fn targets(rows: u64) -> Vec<Target> {
    let any = move |n: u64| spread(n) % rows;
    let even = move |n: u64| any(n) / 2 * 2;
    let day = |n: u64| (now() - TimeDelta::days(i64::try_from(1 + spread(n) % 360).unwrap())).format("%Y-%m-%d");
    let digits = move |n: u64, length: usize| number(even(n))[3..3 + length].to_owned();
    let mut targets: Vec<Target> = vec![
        ("by id", Box::new(move |n| (1 + any(n)).to_string())),
        ("default page", Box::new(|_| String::new())),
        ("id_min, id_max", Box::new(move |n| format!("?id_min={}&id_max={}", any(n), any(n) + 1000))),
        ("created_date", Box::new(move |n| format!("?created_date={}", day(n)))),
        ("created_from (a week ago)", Box::new(|_| "?created_from=2025-12-25".to_owned())),
        ("created_to (half a year ago)", Box::new(|_| "?created_to=2025-07-01".to_owned())),
        ("updated_date", Box::new(move |n| format!("?updated_date={}", day(n)))),
        ("has_mobile_number", Box::new(|_| "?has_mobile_number=true".to_owned())),
        ("has_email", Box::new(|_| "?has_email=true".to_owned())),
        ("is_allow=true", Box::new(|_| "?is_allow=true".to_owned())),
        ("is_allow=false", Box::new(|_| "?is_allow=false".to_owned())),
        ("mobile_number", Box::new(move |n| format!("?mobile_number={}", number(even(n))))),
        ("email", Box::new(move |n| format!("?email={}", address(even(n) + 1)))),
        ("search, 2 characters", Box::new(move |n| format!("?search={}", digits(n, 2)))),
        ("search, 3 characters", Box::new(move |n| format!("?search={}", digits(n, 3)))),
        ("search, 6 characters", Box::new(move |n| format!("?search={}", digits(n, 6)))),
        ("search, 11 characters", Box::new(move |n| format!("?search={}", number(even(n))))),
        ("search and is_allow", Box::new(move |n| format!("?is_allow=true&search={}", digits(n, 3)))),
    ];
    for field in ["id", "code", "mobile_number", "email", "ttl", "valid_to", "created_at", "updated_at"] {
        let name: &'static str = Box::leak(format!("ordering={field}").into_boxed_str());
        targets.push((
            name,
            Box::new(move |n| format!("?ordering={}{field}", if n.is_multiple_of(2) { "" } else { "-" })),
        ));
    }
    targets.push(("offset = 90 % of the list", Box::new(move |_| format!("?offset={}", rows / 10 * 9))));
    targets
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    // reqwest needs a TLS crypto provider, even for plain HTTP. An error means that one is already installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let (small, large) = (10_000, 1_000_000);
    let small_url = serve(&folder.path().join("small.db"), small).await;
    let begun = Instant::now();
    let large_url = serve(&folder.path().join("large.db"), large).await;
    println!("{large} codes made in {:.0?}\n", begun.elapsed());
    println!("| | p50 of 10,000 | p99 | p50 of 1,000,000 | p99 |\n|---|---|---|---|---|");
    for ((name, small_target), (_, large_target)) in targets(small).into_iter().zip(targets(large)) {
        let (small_50, small_99) = measure(&client, &small_url, &*small_target).await;
        let (large_50, large_99) = measure(&client, &large_url, &*large_target).await;
        println!("| {name} | {small_50:.2} | {small_99:.2} | {large_50:.2} | {large_99:.2} |");
    }
}
