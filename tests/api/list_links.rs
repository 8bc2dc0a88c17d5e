//! The links `next` and `previous`: absolute, with the host as the client sees it, and stable while codes are created
//! and deleted.

use std::collections::HashSet;

use crate::helpers::{OTPS, TestApp, answer};

async fn next(app: &TestApp, headers: &[(&str, &str)]) -> String {
    let mut request =
        app.request("GET", &format!("{OTPS}?limit=1")).header("Authorization", format!("Token {}", app.admin));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    answer(request).await.json()["next"]
        .as_str()
        .unwrap()
        .strip_suffix("/api/notifications/otp/?limit=1&offset=1")
        .unwrap()
        .to_owned()
}

async fn two_codes(trusted: &[&str]) -> TestApp {
    let app = TestApp::start_behind(trusted.iter().map(|network| network.parse().unwrap()).collect()).await;
    app.create().await;
    app.create().await;
    app
}

#[tokio::test]
async fn links_keep_the_other_parameters() {
    let app = two_codes(&[]).await;
    app.create().await;
    let page = app.send("GET", &format!("{OTPS}?search=0912&ordering=id&limit=1&offset=1&x=%20")).await.json();
    let link = |rest: &str| format!("{}{OTPS}?{rest}", app.address);
    assert_eq!(page["next"], link("limit=1&offset=2&ordering=id&search=0912&x=+"));
    assert_eq!(page["previous"], link("limit=1&ordering=id&search=0912&x=+"));
    let page = app.send("GET", "/api/notifications/otp?limit=1").await.json();
    assert_eq!(page["next"], format!("{}/api/notifications/otp?limit=1&offset=1", app.address));
}

#[tokio::test]
async fn links_contain_the_host_of_the_request() {
    let app = two_codes(&[]).await;
    assert_eq!(next(&app, &[]).await, app.address);
    assert_eq!(next(&app, &[("Host", "otp.example.com")]).await, "http://otp.example.com");
    assert_eq!(next(&app, &[("Host", "otp.example.com:8443")]).await, "http://otp.example.com:8443");
    assert_eq!(next(&app, &[("Host", "a/b?c")]).await, app.address, "no host, so the server's own address");
}

#[tokio::test]
async fn forwarding_headers_of_untrusted_clients_are_ignored() {
    let app = two_codes(&["10.0.0.0/8"]).await;
    for headers in [
        &[("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "10.0.0.1")][..],
        &[("Forwarded", "for=10.0.0.1;proto=https;host=evil.example")],
    ] {
        assert_eq!(next(&app, headers).await, app.address);
    }
}

#[tokio::test]
async fn forwarding_headers_of_trusted_proxies_are_read_from_the_right() {
    let app = two_codes(&["127.0.0.1/32", "10.0.0.0/8"]).await;
    for (headers, expected) in [
        (&[("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "otp.example.com")][..], "https://otp.example.com"),
        (&[("Host", "otp.example.com"), ("X-Forwarded-Proto", "HTTPS")], "https://otp.example.com"),
        (&[("Forwarded", "for=1.2.3.4;proto=https;host=\"otp.example.com:444\"")], "https://otp.example.com:444"),
        (&[("Forwarded", "proto=https;host=otp.example.com")], "https://otp.example.com"),
        // The client forged the first entry. The trusted proxy added the second one.
        (
            &[("Forwarded", "for=1.1.1.1;host=evil.example;proto=http, for=1.2.3.4;host=otp.example.com;proto=https")],
            "https://otp.example.com",
        ),
        // Two trusted proxies. The outer one, 10.0.0.7, saw the client.
        (
            &[(
                "Forwarded",
                "host=evil.example, for=1.2.3.4;host=otp.example.com;proto=https, for=10.0.0.7;host=inner;proto=http",
            )],
            "https://otp.example.com",
        ),
        (
            &[
                ("X-Forwarded-For", "6.6.6.6, 1.2.3.4, 10.0.0.7"),
                ("X-Forwarded-Host", "evil.example, otp.example.com, inner"),
                ("X-Forwarded-Proto", "http, https, http"),
            ],
            "https://otp.example.com",
        ),
        (&[("X-Forwarded-For", "6.6.6.6, 1.2.3.4"), ("X-Forwarded-Host", "otp.example.com")], "http://otp.example.com"),
        (&[("Host", "otp.example.com"), ("X-Forwarded-Proto", "javascript")], "http://otp.example.com"),
        (&[("Host", "otp.example.com"), ("X-Forwarded-Host", "evil/\"<x>")], "http://otp.example.com"),
    ] {
        assert_eq!(next(&app, headers).await, expected, "{headers:?}");
    }
}

#[tokio::test]
async fn following_next_by_id_returns_each_code_once_during_changes() {
    let app = TestApp::start().await;
    for _ in 0..100 {
        app.create().await;
    }
    let mut url = Some(format!("{OTPS}?ordering=id&limit=7"));
    let (mut met, mut pages) = (HashSet::new(), 0);
    while let Some(path) = url {
        let page = app.send("GET", &path).await.json();
        for otp in page["results"].as_array().unwrap() {
            assert!(met.insert(otp["id"].as_i64().unwrap()), "met twice: {otp}");
        }
        pages += 1;
        assert!(pages <= 1000, "the walk does not end");
        url = page["next"].as_str().map(|next| next.strip_prefix(&app.address).unwrap().to_owned());
        if met.len() < 100 {
            // New codes sort last and are deleted again, so the positions of the codes already read do not change.
            let id = app.create().await;
            app.send("DELETE", &format!("{OTPS}{id}")).await;
        }
    }
    assert!((1..=100).all(|id| met.contains(&id)));
}
