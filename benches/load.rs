//! Measures throughput under load and compares it with upper bounds of the machine: one disk sync per update, and a
//! server that returns a constant response.
//!
//! `cargo bench --bench load` starts the real binary on generated databases and prints the figures, and their ratios
//! with the targets. Ratios and times are medians of three rounds. It takes about five minutes. With arguments
//! (`patch`, `get`, `million`, `verify`, `start`), it measures only these parts.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement stops where something fails, and prints")]

mod client;
mod common;
mod plain;
mod server;

use std::path::Path;
use std::time::Duration;

use otpd::domain::recipient::Recipient;

use crate::client::{Load, Report, Until};
use crate::common::spread;
use crate::plain::Plain;
use crate::server::Server;

/// Number of codes that PATCH and GET choose from.
const ROWS: u64 = 20_000;
/// Number of codes to verify, each once.
const VERIFIED: u64 = 60_000;
/// Number of wrong codes whose response times are compared.
const GUESSES: u64 = 5_000;
const MANY_ROWS: u64 = 1_000_000;
const ROUNDS: usize = 3;
/// How long each load of a round lasts, after one second of warm-up.
const SECONDS: Duration = Duration::from_secs(5);

/// Returns a change of a random code, with an address that no code has.
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

fn load(connections: usize, request: fn(u64) -> String) -> Load {
    Load { connections, until: Until::Elapsed(SECONDS), request }
}

/// One round of updates: the same second sees the plain loops and the server.
struct Patches {
    plain: Plain,
    /// At 1, 8, 64 and 256 connections.
    loads: [Report; 4],
}

fn patches(database: &Path, plain: &rusqlite::Connection) -> Patches {
    let plain = plain::measure(plain, ROWS, 2 * SECONDS);
    let server = Server::otpd(database);
    Patches { plain, loads: [1, 8, 64, 256].map(|connections| load(connections, patch).run(&server.address)) }
}

/// One round of reads, at 1 and at 64 connections.
struct Gets {
    otpd: [Report; 2],
    bare: [Report; 2],
}

fn gets(database: &Path) -> Gets {
    let run = |server: Server| [1, 64].map(|connections| load(connections, get).run(&server.address));
    Gets { otpd: run(Server::otpd(database)), bare: run(Server::bare()) }
}

/// Makes every code of the database valid.
fn make_valid(database: &Path) {
    let db = rusqlite::Connection::open(database).unwrap();
    db.execute("UPDATE otp_codes SET valid_to = 4102444800000000, checksum = NULL", []).unwrap();
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

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// The median of a figure over the rounds.
fn of<T>(rounds: &[T], figure: impl Fn(&T) -> f64) -> f64 {
    median(rounds.iter().map(figure).collect())
}

fn row<T>(name: &str, rounds: &[T], report: impl Fn(&T) -> &Report) {
    let figure = |figure: fn(&Report) -> f64| of(rounds, |round| figure(report(round)));
    let (rate, p50, p99) = (figure(Report::rate), figure(Report::p50), figure(Report::p99));
    println!("| {name} | {rate:.0} | {p50:.2} | {p99:.2} |");
}

fn target(name: &str, figure: f64, unit: &str, sign: &str, target: f64) {
    let reached = if sign == "≥" { figure >= target } else { figure <= target };
    let verdict = if reached { "reached" } else { "MISSED" };
    println!("| {name} | {figure:.2}{unit} | {sign} {target}{unit} | {verdict} |");
}

fn print_patches(rounds: &[Patches]) {
    println!(
        "| one UPDATE per commit, table with two indexes | {:.0} | | |",
        of(rounds, |round| round.plain.two_indexes)
    );
    println!("| one UPDATE per commit, schema of otpd | {:.0} | | |", of(rounds, |round| round.plain.schema));
    println!("| one UPDATE per commit, table without indexes | {:.0} | | |", of(rounds, |round| round.plain.bare));
    for (n, connections) in [1, 8, 64, 256].into_iter().enumerate() {
        row(&format!("PATCH, {connections} connections"), rounds, |round| &round.loads[n]);
    }
}

fn patch_targets(rounds: &[Patches]) {
    let one = |round: &Patches| round.loads[0].rate();
    let many = |round: &Patches| round.loads[2].rate();
    target("PATCH at 64 / two indexes", of(rounds, |r| many(r) / r.plain.two_indexes), "×", "≥", 3.2);
    target("PATCH at 64 / schema of otpd", of(rounds, |r| many(r) / r.plain.schema), "×", "≥", 3.2);
    target("PATCH at 64 / no indexes", of(rounds, |r| many(r) / r.plain.bare), "×", "≥", 3.0);
    target("PATCH at 1 / two indexes", of(rounds, |r| one(r) / r.plain.two_indexes), "×", "≥", 0.7);
    target("PATCH at 1 / schema of otpd", of(rounds, |r| one(r) / r.plain.schema), "×", "≥", 0.7);
    target("p99 of PATCH at 64", of(rounds, |r| r.loads[2].p99()), " ms", "≤", 20.0);
    target("p99 of PATCH at 1", of(rounds, |r| r.loads[0].p99()), " ms", "≤", 3.0);
}

fn print_gets(rounds: &[Gets]) {
    for (n, connections) in [1, 64].into_iter().enumerate() {
        row(&format!("GET by id, {connections} connections"), rounds, |round| &round.otpd[n]);
        row(&format!("actix-web alone, {connections} connections"), rounds, |round| &round.bare[n]);
    }
}

fn get_targets(rounds: &[Gets]) {
    target("GET by id at 64 / actix-web alone", of(rounds, |r| r.otpd[1].rate() / r.bare[1].rate()), "×", "≥", 0.65);
    target("p50 of GET by id at 1", of(rounds, |r| r.otpd[0].p50() * 1000.0), " µs", "≤", 120.0);
}

fn main() {
    let parts: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if parts.iter().any(|part| part == server::BARE) {
        return server::serve_bare();
    }
    let includes = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
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
    println!("| | per second | p50, ms | p99, ms |\n|---|---|---|---|");

    let path = database("otp.db", ROWS);
    let plain = plain::prepare(&database("plain.db", ROWS));
    let rounds = |part| if includes(part) { ROUNDS } else { 0 };
    let patches: Vec<_> = (0..rounds("patch")).map(|_| patches(&path, &plain)).collect();
    let gets: Vec<_> = (0..rounds("get")).map(|_| gets(&path)).collect();
    let million = includes("million").then(|| {
        let server = Server::otpd(&path);
        let load = Load { connections: 64, until: Until::Answered(1_000_000), request: patch };
        ([load.run(&server.address)], server.memory())
    });
    let verified = includes("verify").then(|| verifications(&database("live.db", VERIFIED)));
    let start = includes("start").then(|| slowest_start(&database("large.db", MANY_ROWS)));

    if !patches.is_empty() {
        print_patches(&patches);
    }
    if !gets.is_empty() {
        print_gets(&gets);
    }
    if let Some((report, _)) = &million {
        row("PATCH, 64 connections, 1,000,000 updates", report, |report| report);
    }
    if let Some((report, _)) = &verified {
        row("verify, 64 connections", std::slice::from_ref(report), |report| report);
    }
    println!("\n| | figure | target | |\n|---|---|---|---|");
    if !patches.is_empty() {
        patch_targets(&patches);
    }
    if !gets.is_empty() {
        get_targets(&gets);
    }
    if let Some((_, (memory, highest))) = million {
        target("memory after 1,000,000 updates", memory, " MB", "≤", 64.0);
        target("peak memory", highest, " MB", "≤", 64.0);
    }
    if let Some((_, ratio)) = verified {
        target("wrong code / unknown recipient, medians", ratio, "×", "≤", 1.05);
    }
    if let Some(start) = start {
        target("start with 1,000,000 codes, slowest of 5", start, " ms", "≤", 100.0);
    }
}
