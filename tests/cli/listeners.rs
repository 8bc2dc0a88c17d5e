use std::net::TcpListener;

use crate::helpers::{Server, complete, fail, folder, otpd, shell};

#[test]
fn the_metrics_address_needs_no_token_and_serves_only_metrics() {
    let folder = folder();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::spawn(otpd(folder.path()).env("OTPD_SERVER__METRICS", free.to_string()));
    let beside = |path: &str| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let response = crate::program::client().get(format!("http://{free}{path}")).send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        })
    };
    let (status, metrics) = beside("/metrics");
    assert_eq!(status, 200);
    for name in ["otpd_codes 0", "otpd_outbox_messages 0", "otpd_wal_bytes ", "otpd_commit_duration_seconds_bucket"] {
        assert!(metrics.contains(&format!("\n{name}")), "{name}: {metrics}");
    }
    for path in ["/", "/healthz", "/api/notifications/otp/", "/docs/"] {
        assert_eq!(beside(path).0, 404, "{path}");
    }
    assert_eq!(server.send("GET", "/metrics", "x", "").0, 401, "with a token on the port of the API");
    let taken = fail(complete(otpd(folder.path()).env("OTPD_SERVER__METRICS", free.to_string())));
    let line = format!("otpd: can't listen on {free} (server.metrics): Address already in use");
    assert!(taken.starts_with(&line), "{taken}");
}

#[test]
fn a_start_with_too_few_file_descriptors_is_refused() {
    let folder = folder();
    let line = fail(complete(&mut shell(folder.path(), "ulimit -n 100 && exec \"$0\"")));
    let expected = "otpd: the limit of open files is 100, but ";
    assert!(line.starts_with(expected), "{line}");
    assert!(line.ends_with(" are needed; raise it (`ulimit -n`, systemd: LimitNOFILE=)"), "{line}");
}
