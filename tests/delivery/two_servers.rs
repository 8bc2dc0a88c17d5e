use std::sync::Arc;

use crate::program::{Server, TOKEN, folder, otpd};

const CODES: usize = 1000;
const TASKS: usize = 64;

/// Two processes on one database: of all right answers to one code, whichever process hears them, one succeeds.
#[tokio::test]
async fn of_concurrent_right_answers_to_two_servers_one_succeeds() {
    let folder = folder();
    let start = || {
        let mut command = otpd(folder.path());
        command.env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN).env("OTPD_LIMITS__FAILURES_PER_TOKEN_HOUR", "0");
        Server::spawn(&mut command)
    };
    let servers = tokio::task::spawn_blocking({
        let servers = [start(), start()];
        move || servers
    });
    let servers = Arc::new(servers.await.unwrap());
    let addresses = [0, 1].map(|n| format!("http://{}", servers[n].socket()));
    let client = crate::program::client();
    let post = |address: &str, path: &str, body: String| {
        let request = client.post(format!("{address}/api/notifications/otp/{path}"));
        let request =
            request.header("Authorization", format!("Token {TOKEN}")).header("Content-Type", "application/json");
        let request = request.body(body);
        async move { request.send().await.unwrap().status().as_u16() }
    };
    let (mut successes, mut unknown) = (0, 0);
    for n in 0..CODES {
        let number = format!("0912{n:07}");
        let code = 100_000 + n;
        let body = format!(r#"{{"mobile_number":"{number}","code":{code}}}"#);
        assert_eq!(post(&addresses[n % 2], "", body.clone()).await, 201);
        let tasks: Vec<_> =
            (0..TASKS).map(|task| tokio::spawn(post(&addresses[task % 2], "verify", body.clone()))).collect();
        let (mut right, mut unsure) = (0, 0);
        for task in tasks {
            match task.await.unwrap() {
                200 => right += 1,
                503 => unsure += 1,
                status => assert!([400, 429].contains(&status), "{status}"),
            }
        }
        assert!(right == 1 || (right == 0 && unsure > 0), "{number}: {right} successes");
        successes += right;
        unknown += unsure;
    }
    eprintln!("two servers: {CODES} codes, {TASKS} right answers each, {successes} successes, {unknown} answered 503");
    assert!(successes >= CODES * 99 / 100);
}
