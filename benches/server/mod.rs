//! Servers under load: the real binary, and a server that returns a constant response.

#![expect(clippy::unwrap_used, reason = "a measurement stops where something fails")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use tempfile::NamedTempFile;

use crate::client;

/// The argument with which the benchmark starts itself as the bare server.
pub const BARE: &str = "--bare-server";
/// The response of the bare server: what otpd returns for a GET by id.
const ANSWER: &str = r#"{"id":15000,"code":255315,"mobile_number":null,"email":"user1234567@example123.com","recipient":"user1234567@example123.com","valid_to":"2026-11-23T05:37:13.502952Z","ttl":299,"is_allow":true,"created_at":"2026-11-23T05:32:13.502952Z","updated_at":"2026-11-23T05:32:13.502952Z"}"#;

/// A running server. It is stopped on drop.
pub struct Server {
    child: Child,
    pub address: String,
    pub started_within: Duration,
}

impl Server {
    /// Starts `command` and waits for the log line with the address, then for the first response.
    fn start(command: &mut Command) -> Self {
        let begun = Instant::now();
        // The log goes to a file, as under a supervisor. A pipe would have to be drained here.
        let log = NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let child = command.stdout(Stdio::null()).stderr(log.reopen().unwrap()).spawn().unwrap();
        let address = loop {
            let said = fs::read_to_string(log.path()).unwrap();
            if let Some((_, rest)) = said.split_once("listens on http://")
                && let Some((address, _)) = rest.split_once(',')
            {
                break address.to_owned();
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "{said}");
            std::thread::sleep(Duration::from_millis(1));
        };
        let mut server = Self { child, address, started_within: Duration::ZERO };
        client::once(&server.address, "/healthz");
        server.started_within = begun.elapsed();
        server
    }

    /// Starts otpd on a database.
    pub fn otpd(database: &Path) -> Self {
        Self::start(
            Command::new(env!("CARGO_BIN_EXE_otpd"))
                .current_dir(database.parent().unwrap())
                .env("OTPD_DATABASE__PATH", database)
                .env("OTPD_SERVER__PORT", "0")
                // The codes of these databases expired long ago, so they must not be purged.
                .env("OTPD_OTP__RETENTION", "0s")
                .env("OTPD_LIMITS__FAILURES_PER_TOKEN_HOUR", "0"),
        )
    }

    /// Starts the bare server in a process of its own, as otpd has one.
    pub fn bare() -> Self {
        Self::start(Command::new(std::env::current_exe().unwrap()).arg(BARE))
    }

    /// Returns the current and the peak resident memory in MB.
    pub fn memory(&self) -> (f64, f64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let megabytes = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
        };
        (megabytes("VmRSS"), megabytes("VmHWM"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves a constant response until the process is killed.
pub fn serve_bare() {
    let answer = || async { HttpResponse::Ok().content_type("application/json").body(ANSWER) };
    let server = HttpServer::new(move || App::new().default_service(web::to(answer))).bind("127.0.0.1:0").unwrap();
    #[expect(clippy::print_stderr, reason = "the parent reads there where it listens")]
    server.addrs().iter().for_each(|address| eprintln!("listens on http://{address},"));
    actix_web::rt::System::new().block_on(server.run()).unwrap();
}
