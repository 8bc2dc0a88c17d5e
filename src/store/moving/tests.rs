//! Copies with content in every table. Those between engines run if `OTPD_TEST_POSTGRES` is the URL of a server,
//! without a database name.

use rusqlite::Connection;
use tempfile::TempDir;
use tokio_postgres::NoTls;

use super::*;
use crate::store::sqlite::tests::database;

/// Rows in every table, among them NULL, empty, non-ASCII and extreme values. Rows with the greatest ids are deleted.
const CONTENT: &str = "
    UPDATE checksum_seed SET value = -5;
    UPDATE audit_key SET value = x'000102030405060708090a0b0c0d0eff';
    UPDATE audit_retention SET before = 17;
    INSERT INTO users (id, name, role, is_active, created_at)
    VALUES (1, 'admin', 'admin', 1, 5), (7, 'علی', 'staff', 0, 6), (9, 'x', 'user', 1, 7);
    INSERT INTO user_permissions (user_id, code) VALUES (7, 2853), (7, 2854), (9, 1);
    INSERT INTO api_tokens (id, user_id, hash, prefix, created_at, last_used_at, name, expires_at)
    VALUES (3, 1, randomblob(32), 'otpd_a', 5, NULL, NULL, NULL), (4, 7, zeroblob(32), 'otpd_b', 5, 6, 'name', 7);
    INSERT INTO recipients (recipient, consecutive_failures, last_failed_at)
    VALUES ('09123456789', 3, 8), ('a@b.com', 1, 9), ('ä@b.com', 1, 9);
    INSERT INTO limit_events (id, kind, subject, nth, at)
    VALUES (5, 'send_to', 'a@b.com', 1, 2), (6, 'send_sms', '', 1, 3);
    INSERT INTO idempotency_keys (user_id, key_hash, body_hash, otp_id, valid_to, sent_at)
    VALUES (1, zeroblob(32), randomblob(32), 1, 2, 3), (1, randomblob(32), randomblob(32), 1, 2, 3);
    INSERT INTO inbox (id, channel, recipient, subject, text, created_at)
    VALUES (1, 'sms', '09123456789', NULL, 'a' || char(0) || 'b', 2), (2, 'email', 'a@b.com', '', char(10), 3);
    INSERT INTO audit_events (id, at, actor_kind, actor_name, action, recipient_hash, changes)
    VALUES (1, -9223372036854775808, 'system', '', 'a', -1, '{}'), (2, 99, 'user', 'admin', 'b', NULL, '{\"a\":[1,2]}');
    INSERT INTO sessions (id, hash, user_id, token_id, created_at, last_seen_at, address, browser)
    VALUES (2, randomblob(32), 1, 3, 1, 2, NULL, 'b'), (3, randomblob(32), 7, NULL, 1, 1, '::1', NULL);
    INSERT INTO session_searches (session_id, n, q) VALUES (2, 0, ''), (2, 1, '0912');
    INSERT INTO sent_forms (session_id, key, otp_id) VALUES (2, zeroblob(16), NULL), (3, randomblob(16), 5);
    INSERT INTO sign_in_links (hash, user_id, created_at) VALUES (randomblob(32), 7, 5);
    INSERT INTO hourly_figures (figure, hour, subject, count)
    VALUES ('sent', 480000, 'sms', 4), ('sent', 480001, 'sms', 5), ('sent', 480024, '', 6), ('a', 1, 'b', 0);
    INSERT INTO event_deliveries (id, endpoint, webhook_id, type, body, attempts, due_at, created_at)
    VALUES (8, zeroblob(32), 'w', 'otp.verified', '{}', 2, 3, 4), (9, zeroblob(32), 'x', 'otp.sent', '{}', 0, 3, 4);
    INSERT INTO otp_codes (id, code, mobile_number, email, valid_to, created_at, updated_at, checksum, consumed_at,
                           attempts_left)
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2500)
    SELECT n, 9007199254740991 - n, iif(n % 2, '09123456789', NULL), iif(n % 2, NULL, 'Ab' || n || '@b.com'), n, -5, 6,
           n * 7, iif(n % 3, NULL, 5), iif(n % 3, 5, 0)
      FROM n;
    INSERT INTO messages (id, otp_id, reference, channel, language, state, due_at, created_at, updated_at)
    VALUES (1, 2500, 0, 'sms', 'fa', 'queued', 1, 2, 3), (4, 1, 9007199254740991, 'email', 'en', 'sent', 1, 2, 3);
    INSERT INTO message_attempts (id, message_id, channel, provider, outcome, error, started_at, status, status_at)
    VALUES (1, 1, 'sms', 'p', NULL, NULL, 1, NULL, NULL), (6, 4, 'email', 'q', 'sent', 'e', 1, 'waiting', 2);
    DELETE FROM users WHERE id = 9;
    DELETE FROM otp_codes WHERE id = 2499;
    DELETE FROM event_deliveries WHERE id = 9;
    DELETE FROM message_attempts WHERE id = 6;";

/// A folder with a database that has content in every table.
fn filled() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let db = database(&folder);
    db.execute_batch(&format!("BEGIN; {CONTENT}")).unwrap();
    crate::store::sqlite::otp_search::update(&db).unwrap();
    db.execute_batch("COMMIT").unwrap();
    folder
}

fn connect(folder: &TempDir, name: &str) -> Connection {
    Connection::open(folder.path().join(name)).unwrap()
}

/// Requires that two databases have the same rows, continue with the same ids, and have the same derived tables.
fn require_same(one: &Connection, other: &Connection) {
    for table in &TABLES {
        let summary = |db| copy::summarize(&Db::sqlite(db), table, || {}).unwrap();
        assert!(summary(one).rows > 0, "{} has no content", table.name);
        assert!(summary(one).equals(summary(other)), "{}", table.name);
        if table.has_assigned_ids() {
            let last = |db| ids::last(&Db::sqlite(db), table).unwrap();
            assert_eq!(last(one), last(other), "{}", table.name);
        }
    }
    for sql in [
        "SELECT codes || ' ' || with_email FROM otp_totals",
        "SELECT group_concat(figure || day || subject || count) FROM (SELECT * FROM daily_figures ORDER BY 1, 2, 3)",
        "SELECT group_concat(rowid) FROM otp_search WHERE otp_search MATCH 'Ab12'",
        "SELECT count(*) FROM otp_search_changes",
    ] {
        let text = |db: &Connection| db.query_row(sql, [], |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
        assert_eq!(text(one), text(other), "{sql}");
    }
}

fn no_progress(_: u64, _: Option<&Path>) {}

#[test]
fn the_tables_are_those_of_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(&folder);
    let not_copied = ["otp_totals", "daily_figures", "dummy_row", "otp_search_changes", "audit_blocks"];
    let mut columns = db.prepare("SELECT name FROM pragma_table_info($1)").unwrap();
    let sql = "SELECT name FROM pragma_table_list
                WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'refinery_schema_history'";
    let mut tables = db.prepare(sql).unwrap();
    let names: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    for name in names.iter().filter(|name| !not_copied.contains(&name.as_str())) {
        let table = TABLES.iter().find(|table| table.name == name).unwrap_or_else(|| panic!("{name} is not copied"));
        let mut found: Vec<String> =
            columns.query_map([name], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        let mut copied: Vec<String> = table.columns().map(str::to_owned).collect();
        found.sort_unstable();
        copied.sort_unstable();
        assert_eq!(copied, found, "{name}");
    }
}

#[test]
fn a_copy_between_files_is_complete() {
    let folder = filled();
    let file = NewFile::database(&folder.path().join("copy.db")).unwrap();
    let contents = read_alone(&folder.path().join("otp.db"), |db| {
        let percents = std::cell::RefCell::new(Vec::new());
        let progress = |percent, _: Option<&Path>| percents.borrow_mut().push(percent);
        let source = Source { db, shown: String::new(), check: &|| Ok(()), progress: &progress };
        let contents = source.copy_to_file(file)?;
        assert!(percents.borrow().is_sorted() && percents.borrow().contains(&100), "{percents:?}");
        Ok(contents)
    })
    .unwrap();
    assert_eq!(contents, Contents { codes: 2499, users: 2, tokens: 2 });
    let (from, to) = (connect(&folder, "otp.db"), connect(&folder, "copy.db"));
    // The copy replaces NUL.
    from.execute("UPDATE inbox SET text = 'a' || char(65533) || 'b' WHERE id = 1", []).unwrap();
    require_same(&from, &to);
    to.execute("INSERT INTO users (name, role, created_at) VALUES ('new', 'user', 1)", []).unwrap();
    assert_eq!(to.last_insert_rowid(), 10);
    let refused = NewFile::database(&folder.path().join("copy.db")).err().unwrap().to_string();
    assert!(refused.ends_with("already exists; give a path at which there is no file"), "{refused}");
}

#[test]
fn an_open_database_is_refused() {
    let folder = filled();
    let open = database(&folder);
    let refused = read_alone(&folder.path().join("otp.db"), |_| Ok(())).unwrap_err().to_string();
    assert!(refused.contains("is in use; stop otpd"), "{refused}");
    drop(open);
    read_alone(&folder.path().join("otp.db"), |_| Ok(())).unwrap();
}

/// Runs statements in a database of the server, and returns the first column of the last row.
fn on_server(server: &str, name: &str, sql: &str) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&format!("{server}/{name}"), NoTls).await.unwrap();
        tokio::spawn(connection);
        let messages = client.simple_query(sql).await.unwrap();
        messages.iter().rev().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
    })
}

#[test]
fn a_database_moves_to_a_server_and_back() {
    let Some(server) = std::env::var("OTPD_TEST_POSTGRES").ok().filter(|url| !url.is_empty()) else { return };
    let name = format!("otpd_unit_move_{}", std::process::id());
    on_server(&server, "postgres", &format!("CREATE DATABASE {name}"));
    let (folder, url) = (filled(), PostgresUrl::parse(&format!("{server}/{name}")).unwrap());
    let at = |name: &str| Database::File(folder.path().join(name));
    let on = Database::Postgres(url.clone());
    let run = |sql: &str| on_server(&server, &name, sql);
    move_database(&at("otp.db"), &on, &no_progress).unwrap();
    let refused = move_database(&at("otp.db"), &on, &no_progress).unwrap_err().to_string();
    assert!(refused.contains("is not empty (table users has rows)"), "{refused}");
    assert_eq!(run("SELECT sum(codes) || ' ' || sum(with_email) FROM otp_totals").unwrap(), "2499 1250");

    run("UPDATE outbox_lease SET holder = 'x', until = 9223372036854775807");
    let refused = move_database(&on, &at("back.db"), &no_progress).unwrap_err().to_string();
    assert!(refused.contains("otpd is running on it"), "{refused}");
    assert!(!folder.path().join("back.db").exists());
    // A backup is made while it runs, and figures are spread over several rows.
    run("UPDATE hourly_figures SET count = 1 WHERE hour = 480000;
         INSERT INTO hourly_figures (figure, hour, subject, slot, count) VALUES ('sent', 480000, 'sms', 2, 3)");
    back_up_server(&url, &folder.path().join("backup.db"), Replace::Never, &no_progress).unwrap();
    let replace = Replace::UnlessFarLess { kept_since: None };
    back_up_server(&url, &folder.path().join("backup.db"), replace, &no_progress).unwrap();
    run("UPDATE outbox_lease SET holder = '', until = 0");
    let locks = std::cell::Cell::new(None);
    let sql = "SELECT count(*) FROM pg_locks WHERE mode = 'ShareLock' AND granted AND locktype = 'relation'
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    move_database(&on, &at("back.db"), &|percent, _| locks.set(run(sql).filter(|_| percent == 100))).unwrap();
    assert_eq!(locks.take().unwrap(), TABLES.len().to_string(), "tables that nobody can change meanwhile");

    let first = connect(&folder, "otp.db");
    first.execute("UPDATE inbox SET text = 'a' || char(65533) || 'b' WHERE id = 1", []).unwrap();
    require_same(&first, &connect(&folder, "back.db"));
    require_same(&first, &connect(&folder, "backup.db"));
    let insert = "INSERT INTO users (name, role, created_at) VALUES ('new', 'user', 1) RETURNING id";
    assert_eq!(run(insert).unwrap(), "10");
    on_server(&server, "postgres", &format!("DROP DATABASE {name} WITH (FORCE)"));
}
