use std::fs;
use std::path::Path;

use crate::client::{Client, OTPS, Outcome};
use crate::program::{Server, TOKEN, folder, otpd};
use crate::trials::{Random, run_alone, side_by_side, trials};

const CODES: i64 = 300;

/// Kinds of damage to the files of a closed database.
const DAMAGES: [fn(&Path, &mut Random); 5] = [flip_bits, flip_bits, truncate, overwrite, swap_log];

fn flip_bits(folder: &Path, random: &mut Random) {
    let path = folder.join(["otp.db", "otp.db-wal"][random.index(2)]);
    let mut bytes = fs::read(&path).unwrap();
    for _ in 0..=random.below(8) {
        let at = random.index(bytes.len());
        bytes[at] ^= 1 << random.below(8);
    }
    fs::write(path, bytes).unwrap();
}

fn truncate(folder: &Path, random: &mut Random) {
    let path = folder.join(["otp.db", "otp.db-wal"][random.index(2)]);
    let bytes = fs::read(&path).unwrap();
    fs::write(path, &bytes[..random.index(bytes.len())]).unwrap();
}

/// Overwrites a part of the file, or all of it, with random bytes.
fn overwrite(folder: &Path, random: &mut Random) {
    let path = folder.join("otp.db");
    let mut bytes = fs::read(&path).unwrap();
    let from = [0, random.index(bytes.len())][random.index(2)];
    let to = [bytes.len(), from + random.index(bytes.len() - from)][random.index(2)];
    bytes[from..to].fill_with(|| random.below(256) as u8);
    fs::write(path, bytes).unwrap();
}

/// Replaces the WAL with that of another database.
fn swap_log(folder: &Path, _: &mut Random) {
    fs::copy(folder.join("other.db-wal"), folder.join("otp.db-wal")).unwrap();
}

fn address(n: i64) -> String {
    format!("person{n}@email.com")
}

/// Creates a database whose first half is in the file and whose second half is in the WAL, because its server was
/// killed.
fn create_database(folder: &Path, name: &str, offset: i64) {
    let start =
        || Server::spawn(otpd(folder).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN).env("OTPD_DATABASE__PATH", name));
    for half in [1..=CODES / 2, CODES / 2 + 1..=CODES] {
        let mut server = start();
        let mut client = Client::of(&server);
        for n in half.clone() {
            let body = format!(r#"{{"code":{},"email":"{}","valid_to":"2099-01-01"}}"#, n + offset, address(n));
            assert_eq!(client.ask("POST", OTPS, &body).0, 201);
        }
        server.signal(if half.contains(&CODES) { "KILL" } else { "TERM" });
        server.wait();
    }
}

/// Returns the wrong answers of a server on damaged files: those that are neither the stored data nor a 503. SQLite
/// reads a WAL up to its first damaged frame, so the last codes of the second half, which is in the WAL, may be
/// missing.
fn wrong_answers(server: &Server) -> Vec<String> {
    let mut client = Client::of(server);
    let (mut wrong, mut last) = (Vec::new(), CODES);
    if let Outcome::Answer(200, list) = client.send("GET", &format!("{OTPS}?limit=1"), "") {
        let list: serde_json::Value = serde_json::from_str(&list).unwrap();
        last = list["count"].as_i64().unwrap();
        if !(CODES / 2..=CODES).contains(&last) {
            wrong.push(format!("{last} codes"));
        }
    }
    let mut ask = |path: String, is_right: &dyn Fn(&serde_json::Value) -> bool| match client.send("GET", &path, "") {
        Outcome::Answer(503, _) => {}
        Outcome::Answer(404, _) if path.rsplit('/').next().unwrap().parse().is_ok_and(|id: i64| id > last) => {}
        Outcome::Answer(200, body) if is_right(&serde_json::from_str(&body).unwrap()) => {}
        other => wrong.push(format!("{path}: {other:?}")),
    };
    let is_code = |otp: &serde_json::Value, n: i64| otp["id"] == n && otp["code"] == n && otp["email"] == address(n);
    for n in 1..=CODES {
        ask(format!("{OTPS}{n}"), &|otp| n <= last && is_code(otp, n));
    }
    for n in [1, CODES / 2, last] {
        ask(format!("{OTPS}?email={}", address(n)), &|list| list["count"] == 1 && is_code(&list["results"][0], n));
        ask(format!("{OTPS}?search=person{n}@"), &|list| list["count"] == 1 && is_code(&list["results"][0], n));
    }
    for order in ["id", "-code", "email", "created_at", "valid_to"] {
        ask(format!("{OTPS}?limit=500&ordering={order}"), &|list| {
            let results = list["results"].as_array().unwrap();
            results.len() as i64 == last && results.iter().all(|otp| is_code(otp, otp["id"].as_i64().unwrap()))
        });
    }
    wrong
}

/// Damages a copy of the sound files and starts a server on it. Returns whether the start was refused.
fn damage(sound: &Path, trial: u64, random: &mut Random) -> bool {
    let folder = folder();
    for name in ["otp.db", "otp.db-wal", "other.db-wal"] {
        fs::copy(sound.join(name), folder.path().join(name)).unwrap();
    }
    DAMAGES[usize::try_from(trial).unwrap() % DAMAGES.len()](folder.path(), random);
    match Server::try_spawn(&mut otpd(folder.path())) {
        Err(said) => {
            assert!(said.starts_with("exit status: 1: otpd: database otp.db: "), "{said}");
            assert_eq!(said.trim_end().lines().count(), 1, "{said}");
            true
        }
        Ok(server) => {
            let wrong = wrong_answers(&server);
            assert!(wrong.is_empty(), "trial {trial}: {wrong:#?}\n{}", server.stderr());
            assert!(!server.stderr().contains("panic"), "{}", server.stderr());
            false
        }
    }
}

#[test]
fn damaged_files_cause_a_start_error_or_503_and_never_a_wrong_answer() {
    let _alone = run_alone();
    let sound = folder();
    create_database(sound.path(), "otp.db", 0);
    create_database(sound.path(), "other.db", 5000);
    let count = trials(40, 600);
    let results = side_by_side("damage", count, |trial, random| damage(sound.path(), trial, random));
    let refused = results.iter().filter(|is_refused| **is_refused).count();
    let served = results.len() - refused;
    eprintln!("damage: {count} trials, {refused} refused in one line, {served} served without a wrong answer");
    assert!(refused > 0 && served > 0);
}
