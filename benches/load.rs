//! Measures throughput under load and compares it with two upper bounds of the machine: one disk sync per update, and
//! a server that returns a constant response.
//!
//! `cargo bench --bench load` starts the real binary on generated databases. It prints a table, and the ratios with
//! their targets. It takes about six minutes.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement stops where something fails, and prints")]

mod client;
mod common;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use otpd::domain::recipient::Recipient;
use tempfile::NamedTempFile;

use crate::client::{Load, Report, Until};
use crate::common::spread;

/// Number of codes that PATCH and GET choose from.
const ROWS: u64 = 20_000;
/// Number of codes to verify, each once.
const VERIFIED: u64 = 60_000;
/// Number of wrong codes whose response times are compared.
const GUESSES: u64 = 5_000;
const MANY_ROWS: u64 = 1_000_000;
const SECONDS: Duration = Duration::from_secs(8);
/// The response of the bare server: what otpd returns for a GET by id.
const ANSWER: &str = r#"{"id":15000,"code":255315,"mobile_number":null,"email":"user1234567@example123.com","recipient":"user1234567@example123.com","valid_to":"2026-11-23T05:37:13.502952Z","ttl":299,"is_allow":true,"created_at":"2026-11-23T05:32:13.502952Z","updated_at":"2026-11-23T05:32:13.502952Z"}"#;

/// A running server. It is stopped on drop.
struct Server {
    child: Child,
    address: String,
    started_within: Duration,
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

    fn otpd(database: &Path) -> Self {
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

    /// Returns the current and the peak resident memory in MB.
    fn memory(&self) -> (f64, f64) {
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

fn patch(n: u64) -> String {
    let body = format!(r#"{{"mobile_number":null,"email":"user{}@example{}.com"}}"#, spread(n) % 10_000_000, n % 1000);
    client::request("PATCH", 1 + spread(!n) % ROWS, &body)
}

fn get(n: u64) -> String {
    client::request("GET", 1 + spread(n) % ROWS, "")
}

/// Returns a request that verifies the `n`th code with the right value.
fn verify(n: u64) -> String {
    let otp = common::otp(n - 1);
    let (field, recipient, code) = match &otp.recipient {
        Recipient::Mobile(number) => ("mobile_number", number.as_str(), otp.code.value()),
        Recipient::Email(address) => ("email", address.as_str(), otp.code.value()),
    };
    client::request("POST", "verify", &format!(r#"{{"{field}":"{recipient}","code":{code}}}"#))
}

/// Returns a request that verifies the `n`th number with a wrong code.
fn guess(n: u64) -> String {
    client::request("POST", "verify", &format!(r#"{{"mobile_number":"{}","code":1}}"#, common::number(2 * n)))
}

/// Returns a request to verify a recipient without a code.
fn stranger(n: u64) -> String {
    client::request("POST", "verify", &format!(r#"{{"mobile_number":"0999{n:07}","code":1}}"#))
}

/// Makes every code of the database valid.
fn make_valid(database: &Path) {
    let db = rusqlite::Connection::open(database).unwrap();
    db.execute("UPDATE otp_codes SET valid_to = 4102444800000000, checksum = NULL", []).unwrap();
}

/// Returns the updates per second of one connection that commits and syncs each update: of a code with its indexes and
/// its search words, and of a row in a table without indexes.
fn plain_loop(database: &Path) -> (f64, f64) {
    let db = rusqlite::Connection::open(database).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 8192;
         CREATE TABLE bare (id INTEGER PRIMARY KEY, code INTEGER, email TEXT, updated_at INTEGER);
         INSERT INTO bare SELECT id, code, email, updated_at FROM otp_codes;",
    )
    .unwrap();
    let rate = |sql: &str| {
        let mut update = db.prepare(sql).unwrap();
        let (begun, mut done) = (Instant::now(), 0u32);
        while begun.elapsed() < SECONDS {
            let (n, id) = (spread(done.into()), 1 + spread(!u64::from(done)) % ROWS);
            let email = format!("user{}@example{}.com", n % 10_000_000, n % 1000);
            update.execute(rusqlite::params![email, i64::try_from(id).unwrap()]).unwrap();
            done += 1;
        }
        f64::from(done) / begun.elapsed().as_secs_f64()
    };
    // The checksum is set, as otpd does. Otherwise a trigger clears the old one.
    let whole = rate(
        "UPDATE otp_codes SET mobile_number = NULL, email = $1, updated_at = updated_at + 1, checksum = abs(random())
          WHERE id = $2",
    );
    (whole, rate("UPDATE bare SET email = $1, updated_at = updated_at + 1 WHERE id = $2"))
}

/// Returns the report on right codes, and the time of a wrong code relative to a recipient without a code.
fn verifications(database: &Path) -> (Report, f64) {
    make_valid(database);
    let server = Server::otpd(database);
    let [wrong, unknown] = client::medians(&server.address, GUESSES, guess, stranger);
    let verified = Load { connections: 64, until: Until::Answered(VERIFIED), request: verify }.run(&server.address);
    (verified, wrong / unknown)
}

/// Returns the slowest of five starts in milliseconds.
fn slowest_start(database: &Path) -> f64 {
    let starts = (0..5).map(|_| Server::otpd(database).started_within.as_secs_f64() * 1000.0);
    starts.fold(0.0, f64::max)
}

fn row(name: &str, report: &Report) {
    println!("| {name} | {:.0} | {:.2} | {:.2} |", report.rate(), report.percentile(50), report.percentile(99));
}

fn aim(name: &str, figure: f64, unit: &str, aim: f64, more_is_better: bool) {
    let reached = if more_is_better { figure >= aim } else { figure < aim };
    let (sign, verdict) = (if more_is_better { "≥" } else { "<" }, if reached { "reached" } else { "MISSED" });
    println!("| {name} | {figure:.2}{unit} | {sign} {aim}{unit} | {verdict} |");
}

/// Serves a constant response. Runs in its own process, as otpd does.
fn serve_bare() {
    let answer = || async { HttpResponse::Ok().content_type("application/json").body(ANSWER) };
    let server = HttpServer::new(move || App::new().default_service(web::to(answer))).bind("127.0.0.1:0").unwrap();
    #[expect(clippy::print_stderr, reason = "the parent reads there where it listens")]
    server.addrs().iter().for_each(|address| eprintln!("listens on http://{address},"));
    actix_web::rt::System::new().block_on(server.run()).unwrap();
}

fn main() {
    if std::env::args().any(|argument| argument == "--bare-server") {
        return serve_bare();
    }
    // The temporary folder is often in memory, where a sync costs nothing. This folder is on a disk.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let database = |name: &str, rows| {
        let path = folder.path().join(name);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(common::make(&path, rows)).close();
        path
    };
    let cores = std::thread::available_parallelism().unwrap();
    println!("otpd {}, {cores} cores, {ROWS} codes\n", env!("CARGO_PKG_VERSION"));
    println!("| | a second | p50 ms | p99 ms |\n|---|---|---|---|");

    let (whole, bare) = plain_loop(&database("plain.db", ROWS));
    println!("| one UPDATE a commit, rusqlite, FULL, the same schema | {whole:.0} | | |");
    println!("| the same on a bare table, without any index | {bare:.0} | | |");

    let server = Server::otpd(&database("otp.db", ROWS));
    let load = |connections, request| Load { connections, until: Until::Elapsed(SECONDS), request };
    let patches = [1, 8, 64, 256].map(|connections| {
        let report = load(connections, patch).run(&server.address);
        row(&format!("PATCH, {connections} connections"), &report);
        report
    });
    let gets = load(64, get).run(&server.address);
    row("GET by id, 64 connections", &gets);
    let nothing = Server::start(Command::new(std::env::current_exe().unwrap()).arg("--bare-server"));
    let limit = load(64, get).run(&nothing.address);
    drop(nothing);
    row("bare actix-web, 64 connections", &limit);

    let million = Load { connections: 64, until: Until::Answered(1_000_000), request: patch }.run(&server.address);
    row("PATCH, 64 connections, a million of them", &million);
    let (memory, highest) = server.memory();
    drop(server);

    let (verified, told_apart) = verifications(&database("live.db", VERIFIED));
    row("verify, 64 connections", &verified);
    let slowest_start = slowest_start(&database("large.db", MANY_ROWS));

    println!("\n| | figure | aim | |\n|---|---|---|---|");
    aim("PATCH at 64 / one commit an update", patches[2].rate() / whole, "×", 3.0, true);
    aim("PATCH at 64 / the same on a bare table", patches[2].rate() / bare, "×", 3.0, true);
    aim("verify at 64 / PATCH at 64", verified.rate() / patches[2].rate(), "×", 0.7, true);
    aim("a wrong code / an unknown recipient, medians", told_apart, "×", 1.05, false);
    aim("GET by id / bare actix-web", gets.rate() / limit.rate(), "×", 0.5, true);
    aim("p99 of PATCH at 64", patches[2].percentile(99), " ms", 25.0, false);
    aim("memory after a million PATCHes", memory, " MB", 64.0, false);
    aim("its highest", highest, " MB", 64.0, false);
    aim("start with 1,000,000 codes, slowest of 5", slowest_start, " ms", 100.0, false);
}
