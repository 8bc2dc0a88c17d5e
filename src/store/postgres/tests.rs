//! Tests on a server: they run if `OTPD_TEST_POSTGRES` is the URL of one, without a database name.

mod faults;

use std::fs;
use std::path::Path;
use std::time::Duration;

use futures_util::FutureExt;
use regex::Regex;
use tokio::sync::Notify;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::*;
use crate::domain::token::TokenHash;
use crate::store::sqlite::tests::INDEXED_STATEMENTS;
use crate::store::tables::otps;

/// A database of a test.
struct TestDatabase {
    server: String,
    name: String,
}

impl TestDatabase {
    /// Creates a database with the schema. `None`: there is no server.
    async fn create(name: &str) -> Option<Self> {
        let server = std::env::var("OTPD_TEST_POSTGRES").ok().filter(|url| !url.is_empty())?;
        let name = format!("otpd_unit_{name}_{}", std::process::id());
        client(&server, "postgres").await.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let database = Self { server, name };
        database.open();
        Some(database)
    }

    fn open(&self) -> Postgres {
        let url = PostgresUrl::parse(&format!("{}/{}", self.server, self.name)).unwrap();
        Postgres::open(&url, &Options::default()).unwrap()
    }

    async fn client(&self) -> Client {
        client(&self.server, &self.name).await
    }

    async fn delete(self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        client(&self.server, "postgres").await.batch_execute(&drop).await.unwrap();
    }
}

async fn client(server: &str, name: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(&format!("{server}/{name}"), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The plain SQL literals of the tables, with their files. Statements that macros or `format!` build are not among them.
fn literals(folder: &Path) -> Vec<(String, String)> {
    let literal = Regex::new(r#"(?s)"\s*((?:SELECT|INSERT|UPDATE|DELETE)\b[^"]*)""#).unwrap();
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(literals(&entry));
        } else if !entry.ends_with("tests.rs") {
            let source = fs::read_to_string(&entry).unwrap();
            let statements = literal.captures_iter(&source).map(|one| (entry.display().to_string(), one[1].to_owned()));
            // A part of `concat!` or `format!` is no statement.
            let is_whole = |sql: &str| !sql.contains('{') && !sql.ends_with([' ', ',', '(']);
            found
                .extend(statements.filter(|(_, sql)| is_whole(sql) && (sql.contains("FROM") || !sql.starts_with('S'))));
        }
    }
    found
}

#[tokio::test]
async fn every_statement_of_the_tables_is_accepted() {
    let Some(database) = TestDatabase::create("literals").await else { return };
    let client = database.client().await;
    let (mut checked, mut refused) = (0, Vec::new());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/tables");
    let constants = INDEXED_STATEMENTS.iter().map(|sql| ("constant".to_owned(), (*sql).to_owned()));
    for (file, sql) in literals(&folder).into_iter().chain(constants) {
        // What only SQLite has.
        if sql.contains("audit_search") || sql.contains("audit_blocks") || sql.contains("otp_search") {
            continue;
        }
        checked += 1;
        if let Err(cause) = client.prepare(&sql).await {
            refused.push(format!("{file}: {}: {sql}", error::words(&cause)));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(checked > 150, "only {checked} statements were found");
    database.delete().await;
}

#[tokio::test]
async fn every_look_up_uses_an_index() {
    let Some(database) = TestDatabase::create("plans").await else { return };
    let client = database.client().await;
    client
        .batch_execute("SET enable_seqscan = off; SET enable_sort = off; SET plan_cache_mode = force_generic_plan")
        .await
        .unwrap();
    let by_recipient = [otps::LIST_OF_RECIPIENT, otps::FIND_ISSUED, otps::LAST_SENT];
    let on_sqlite: Vec<&str> = by_recipient.iter().flat_map(|statements| &statements[..2]).copied().collect();
    let on_postgres = by_recipient.iter().flat_map(|statements| &statements[2..]);
    let statements = INDEXED_STATEMENTS.iter().filter(|sql| !on_sqlite.contains(sql)).chain(on_postgres.clone());
    for (n, sql) in statements.enumerate() {
        client.batch_execute(&format!("PREPARE s{n} AS {sql}")).await.unwrap();
        let parameters = client.prepare(sql).await.unwrap().params().len();
        let nulls = if parameters == 0 { String::new() } else { format!("({})", vec!["NULL"; parameters].join(", ")) };
        let plan = client.simple_query(&format!("EXPLAIN EXECUTE s{n}{nulls}")).await.unwrap();
        let steps: Vec<&str> = plan
            .iter()
            .filter_map(|message| if let SimpleQueryMessage::Row(row) = message { row.get(0) } else { None })
            .collect();
        // The seed is in a table of one row.
        let scans = steps.iter().filter(|step| step.contains("Seq Scan") && !step.contains("checksum_seed"));
        assert_eq!(scans.count(), 0, "{sql}: {steps:#?}");
        if on_postgres.clone().any(|one| one == sql) {
            let recipient = if sql.contains("email_key") { "email" } else { "mobile_number" };
            for index in [format!("using otp_codes_by_{recipient}"), format!("using otp_codes_usable_by_{recipient}")] {
                assert_eq!(steps.iter().filter(|step| step.contains(&index)).count(), 1, "{sql}: {steps:#?}");
            }
        }
    }
    database.delete().await;
}

#[tokio::test]
async fn a_conflicting_change_runs_again_and_a_refused_one_does_not() {
    let Some(database) = TestDatabase::create("retries").await else { return };
    let postgres = database.open();
    let add = |db: &Db| {
        let last =
            db.one("SELECT coalesce(max(nth), 0) AS last FROM limit_events", &[], |row| row.get::<i64>("last"))?;
        let sql = "INSERT INTO limit_events (kind, subject, nth, at) VALUES ('send_to', 'x', $1, 0)";
        db.execute(sql, &crate::values![last + 1]).map(|_| last + 1)
    };
    let mut numbers: Vec<i64> = futures_util::future::join_all((0..30).map(|_| postgres.write(add)))
        .await
        .into_iter()
        .map(|outcome| outcome.unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=30).collect::<Vec<_>>());
    let runs = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let refused = postgres.write(move |db| {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        add(db)?;
        Err::<i64, _>(Error::otp_not_found())
    });
    assert_eq!(refused.await.unwrap_err().to_string(), "No OTPCode matches the given query.");
    assert_eq!(runs.load(std::sync::atomic::Ordering::Relaxed), 1);
    let count = |db: &Db| db.one("SELECT count(*) AS count FROM limit_events", &[], |row| row.get::<i64>("count"));
    assert_eq!(postgres.read(count).await.unwrap(), 30);
    let panicked = postgres.write(|_| -> Result<()> { panic!("on purpose") }).await.unwrap_err();
    assert_eq!(panicked.to_string(), "a change panicked; the log contains the location");
    assert_eq!(postgres.read(count).await.unwrap(), 30);
    database.delete().await;
}

#[tokio::test]
async fn a_task_is_woken_by_a_commit_only() {
    let Some(database) = TestDatabase::create("wake").await else { return };
    let postgres = database.open();
    let task = Arc::new(Notify::new());
    let change = |is_refused| {
        let task = Arc::clone(&task);
        postgres.write(move |db| {
            db.wake_after_commit(&task);
            assert!(task.notified().now_or_never().is_none());
            if is_refused { Err(Error::otp_not_found()) } else { Ok(()) }
        })
    };
    change(true).await.unwrap_err();
    assert!(task.notified().now_or_never().is_none());
    change(false).await.unwrap();
    assert!(task.notified().now_or_never().is_some());
    // The next transaction of the connection does not wake it again.
    postgres.write(|_| Ok(())).await.unwrap();
    assert!(task.notified().now_or_never().is_none());
    database.delete().await;
}

#[tokio::test]
async fn requests_with_one_token_share_look_ups() {
    let Some(database) = TestDatabase::create("tokens").await else { return };
    let postgres = database.open();
    let [one, other, unknown] = ["one", "other", "unknown"].map(TokenHash::of);
    let add = move |db: &Db| {
        db.execute("INSERT INTO users (name, role, created_at) VALUES ('u', 'user', 0)", &[])?;
        for hash in [one, other] {
            let sql = "INSERT INTO api_tokens (user_id, hash, prefix, created_at) VALUES (1, $1, 'p', 0)";
            db.execute(sql, &crate::values![hash.as_bytes()])?;
        }
        Ok(())
    };
    postgres.write(add).await.unwrap();
    let find = |hash| {
        let postgres = postgres.clone();
        tokio::spawn(async move { postgres.find_token(hash).await.unwrap().map(|(token, _)| token.token_id) })
    };
    let waiting = |hash: TokenHash| postgres.token_look_ups.waiting(hash);
    let client = database.client().await;
    client.batch_execute("BEGIN; LOCK TABLE api_tokens IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let first = find(one);
    until(|| waiting(one) == Some(0)).await;
    let finds: Vec<_> = [one, other, unknown, one, other, one].map(find).into_iter().collect();
    until(|| waiting(one) == Some(3) && waiting(unknown) == Some(0)).await;
    // A cancelled request does not cancel the look-up of the others.
    first.abort();
    client.batch_execute("COMMIT").await.unwrap();
    let found: Vec<_> = futures_util::future::join_all(finds).await.into_iter().map(|id| id.unwrap()).collect();
    assert_eq!(found, [Some(1), Some(2), None, Some(1), Some(2), Some(1)]);
    until(|| [one, other, unknown].map(waiting) == [None; 3]).await;
    let revoke = |db: &Db| db.execute("DELETE FROM api_tokens WHERE id = 1", &[]);
    postgres.write(revoke).await.unwrap();
    assert_eq!(find(one).await.unwrap(), None);
    database.delete().await;
}

/// Waits until a condition is met, for at most two seconds.
async fn until(is_met: impl Fn() -> bool) {
    for _ in 0..200 {
        if is_met() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the condition was not met");
}
