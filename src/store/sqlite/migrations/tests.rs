use super::*;

/// A database with this schema version.
fn version(version: i32) -> Connection {
    let mut db = Connection::open_in_memory().unwrap();
    apply_up_to(&mut db, version);
    db
}

fn version_4() -> Connection {
    version(4)
}

fn column<T: rusqlite::types::FromSql>(db: &Connection, sql: &str) -> Vec<T> {
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
fn messages_and_attempts_are_kept_and_no_id_is_given_out_twice() {
    for foreign_keys in [true, false] {
        let mut db = version(10);
        db.pragma_update(None, "foreign_keys", foreign_keys).unwrap();
        db.execute_batch(
            "INSERT INTO otp_codes (id, code, email, valid_to, created_at, updated_at) VALUES (7, 1, 'a@b.com', 0, 0, 0);
             INSERT INTO messages (id, otp_id, channel, language, state, due_at, created_at, updated_at)
             VALUES (3, 7, 'email', 'fa', 'sent', 1, 2, 3), (4, 7, 'email', 'en', 'queued', 4, 5, 6),
                    (9, 7, 'email', 'en', 'failed', 4, 5, 6);
             INSERT INTO message_attempts (id, message_id, provider, outcome, provider_message_id, error, started_at)
             VALUES (5, 3, 'one', 'sent', 'm-1', NULL, 2),
                    (6, 4, 'one', 'retry', NULL, 'the attempt was interrupted; the message may have been sent', 4),
                    (8, 9, 'one', NULL, NULL, NULL, 4);
             DELETE FROM message_attempts WHERE message_id = 9;
             DELETE FROM messages WHERE id = 9;",
        )
        .unwrap();
        apply(&mut db).unwrap();
        let sql = "SELECT id || ' ' || otp_id || ' ' || reference || ' ' || channel || ' ' || language || ' ' || state
                       || ' ' || due_at || ' ' || created_at || ' ' || updated_at || ' ' || is_counted
                     FROM messages ORDER BY id";
        assert_eq!(column::<String>(&db, sql), ["3 7 3 email fa sent 1 2 3 1", "4 7 4 email en queued 4 5 6 0"]);
        let sql = "SELECT id || ' ' || message_id || ' ' || channel || ' ' || outcome || ' '
                       || coalesce(provider_message_id, '-') || ' ' || started_at
                     FROM message_attempts ORDER BY id";
        assert_eq!(column::<String>(&db, sql), ["5 3 email sent m-1 2", "6 4 email interrupted - 4"]);
        let sql = "SELECT seq FROM sqlite_sequence WHERE name IN ('messages', 'message_attempts') ORDER BY name";
        assert_eq!(column::<i64>(&db, sql), [8, 9], "message_attempts, messages");
        assert_eq!(column::<i64>(&db, "SELECT count(*) FROM pragma_foreign_key_check"), [0]);
        db.pragma_update(None, "foreign_keys", true).unwrap();
        db.execute("DELETE FROM otp_codes", []).unwrap();
        assert_eq!(column::<i64>(&db, "SELECT count(*) FROM message_attempts"), [0], "attempts go with their code");
    }
}

#[test]
fn every_migration_has_a_description() {
    assert_eq!(DESCRIPTIONS.map(|(version, _)| version).as_slice(), versions());
    assert_eq!(pending(&version_4()).unwrap(), DESCRIPTIONS[4..]);
}
