use super::*;

/// A database with schema version 4.
fn version_4() -> Db {
    let mut db = Db::open_in_memory().unwrap();
    apply_up_to(&mut db, 4);
    db
}

fn column<T: rusqlite::types::FromSql>(db: &Db, sql: &str) -> Vec<T> {
    db.prepare(sql).unwrap().query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn stored_addresses_are_converted_to_ascii_domains() {
    let mut db = version_4();
    let long = format!("{}@{}.de", "a".repeat(64), "ü".repeat(60));
    for email in ["victim@ｇmail.com", "victim@gmail.com", "A@münchen.de", "a@xn--mnchen-3ya.de", "broken@-", &long] {
        let sql = "INSERT INTO otp_codes (code, email, valid_to, created_at, updated_at) VALUES (1, $1, 0, 0, 0)";
        db.execute(sql, [email]).unwrap();
    }
    apply(&mut db).unwrap();
    let emails: Vec<String> = column(&db, "SELECT email FROM otp_codes ORDER BY id");
    let expected =
        ["victim@gmail.com", "victim@gmail.com", "A@xn--mnchen-3ya.de", "a@xn--mnchen-3ya.de", "broken@-", &long];
    assert_eq!(emails, expected);
    let found: Vec<i64> =
        column(&db, "SELECT rowid FROM otp_search WHERE otp_search MATCH '\"xn--mnchen\"' ORDER BY rowid");
    assert_eq!(found, [3, 4], "the search index follows");
}

#[test]
fn failures_of_all_spellings_of_a_mailbox_are_summed() {
    let mut db = version_4();
    for (recipient, failures) in [("victim@ｇmail.com", 40), ("victim@gmail.com", 3), ("09123456789", 7)] {
        db.execute("INSERT INTO recipients VALUES ($1, $2)", rusqlite::params![recipient, failures]).unwrap();
    }
    apply(&mut db).unwrap();
    let sql = "SELECT recipient || ' ' || consecutive_failures FROM recipients ORDER BY recipient";
    let rows: Vec<String> = column(&db, sql);
    assert_eq!(rows, ["09123456789 7", "victim@gmail.com 43"]);
    let not_now: Vec<i64> =
        column(&db, "SELECT count(*) FROM recipients WHERE abs(last_failed_at / 1000000 - unixepoch()) > 60");
    assert_eq!(not_now, [0]);
}

#[test]
fn events_of_all_spellings_of_a_mailbox_are_numbered_together() {
    let mut db = version_4();
    for (kind, subject, nth, at) in [
        ("send_to", "victim@gmail.com", 1, 10),
        ("send_to", "victim@ｇmail.com", 1, 20),
        ("send_to", "victim@gmail.com", 2, 30),
        ("failure_of", "victim@ｇmail.com", 5, 40),
        ("send_to", "09123456789", 1, 50),
        ("send", "", 1, 50),
        ("send_by", "1", 9, 60),
    ] {
        let sql = "INSERT INTO limit_events (kind, subject, nth, at) VALUES ($1, $2, $3, $4)";
        db.execute(sql, rusqlite::params![kind, subject, nth, at]).unwrap();
    }
    apply(&mut db).unwrap();
    let sql = "SELECT kind || ' ' || subject || ' ' || nth || ' ' || at FROM limit_events ORDER BY at, kind";
    let rows: Vec<String> = column(&db, sql);
    assert_eq!(
        rows,
        [
            "send_email  1 10",
            "send_to victim@gmail.com 1 10",
            "send_email  2 20",
            "send_to victim@gmail.com 2 20",
            "send_email  3 30",
            "send_to victim@gmail.com 3 30",
            "failure_of victim@gmail.com 1 40",
            "send_sms  1 50",
            "send_to 09123456789 1 50",
            "send_by 1 1 60",
        ]
    );
}

#[test]
fn every_migration_has_a_description() {
    assert_eq!(DESCRIPTIONS.map(|(version, _)| version).as_slice(), versions());
    assert_eq!(pending(&version_4()).unwrap(), DESCRIPTIONS[4..]);
}
