//! What fails on the server, and how that is noticed.

use super::*;

/// Creates the table `changes` with a trigger that executes the SQL `failure` at each of the first `times` inserts.
async fn prepare(database: &TestDatabase, failure: &str, times: u32) -> Postgres {
    let postgres = database.open();
    let sql = format!(
        "CREATE TABLE changes (n BIGINT);
         CREATE SEQUENCE inserts;
         CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF nextval('inserts') <= {times} THEN {failure}; END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER fail BEFORE INSERT ON changes FOR EACH ROW EXECUTE FUNCTION fail();"
    );
    database.client().await.batch_execute(&sql).await.unwrap();
    postgres
}

/// Makes two changes that are sent with COMMIT, of which the first fails `times` times. Returns the outcome, the number of
/// stored rows and the number of tries. `None`: there is no server.
async fn change(name: &str, failure: &str, times: u32) -> Option<(Result<()>, i64, i64)> {
    let database = TestDatabase::create(name).await?;
    let postgres = prepare(&database, failure, times).await;
    let outcome = postgres
        .write(|db| {
            db.change("INSERT INTO changes VALUES (1)", &[])?;
            db.change("UPDATE changes SET n = 2", &[])
        })
        .await;
    let client = database.client().await;
    let rows = client.query_one("SELECT count(*) FROM changes WHERE n = 2", &[]).await.unwrap().get(0);
    let tries = client.query_one("SELECT last_value FROM inserts", &[]).await.unwrap().get(0);
    assert_eq!(postgres.pool.metrics().postgres.unknown_commits.get(), 0);
    database.delete().await;
    Some((outcome, rows, tries))
}

#[tokio::test]
async fn a_change_that_fails_at_commit_is_repeated_unless_it_would_fail_again() {
    let failures = [
        ("conflict", "RAISE EXCEPTION 'conflict' USING ERRCODE = '40001'", 3, None, (1, 4)),
        ("ended", "PERFORM pg_terminate_backend(pg_backend_pid())", 1, None, (1, 2)),
        (
            "violation",
            "RAISE EXCEPTION 'on purpose' USING ERRCODE = '23514'",
            9,
            Some("PostgreSQL: on purpose (SQLSTATE 23514)"),
            (0, 1),
        ),
    ];
    for (name, failure, times, refusal, expected) in failures {
        let Some((outcome, rows, tries)) = change(name, failure, times).await else { return };
        let error = outcome.err().map(|error| error.to_string());
        assert_eq!((error.as_deref(), (rows, tries)), (refusal, expected), "{name}");
    }
}

#[tokio::test]
async fn a_read_must_not_change_anything() {
    let Some(database) = TestDatabase::create("reads").await else { return };
    let postgres = prepare(&database, "NULL", 0).await;
    let insert = |db: &Db| db.change("INSERT INTO changes VALUES (1)", &[]);
    for outcome in [postgres.read(insert).await, postgres.look_up(insert).await] {
        assert_eq!(outcome.unwrap_err().to_string(), "a read tried to change rows");
    }
    let count = |db: &Db| db.one("SELECT count(*) AS count FROM changes", &[], |row| row.get::<i64>("count"));
    assert_eq!(postgres.read(count).await.unwrap(), 0);
    database.delete().await;
}

#[tokio::test]
async fn a_look_up_that_takes_too_long_leaves_no_statement_on_the_server() {
    let Some(database) = TestDatabase::create("stuck").await else { return };
    let postgres = prepare(&database, "NULL", 0).await;
    let client = database.client().await;
    client.batch_execute("BEGIN; LOCK TABLE changes IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let find = |db: &Db| db.exists("SELECT n FROM changes LIMIT 1", &[]);
    let outcomes = futures_util::future::join_all((0..3).map(|_| postgres.look_up(find))).await;
    for outcome in outcomes {
        assert_eq!(outcome.unwrap_err().kind(), crate::error::Kind::Unavailable);
    }
    let stuck = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let mut waiting = i64::MAX;
    for _ in 0..200 {
        waiting = client.query_one(stuck, &[]).await.unwrap().get(0);
        if waiting == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(waiting, 0);
    client.batch_execute("COMMIT").await.unwrap();
    database.delete().await;
}

#[tokio::test]
async fn only_a_change_shows_that_changes_are_committed() {
    let Some(database) = TestDatabase::create("proof").await else { return };
    let postgres = prepare(&database, "NULL", 0).await;
    postgres.write(|_| Ok(())).await.unwrap();
    postgres.write(|db| db.execute("UPDATE changes SET n = 3", &[])).await.unwrap();
    assert!(postgres.pool.last().get().is_none());
    let client = database.client().await;
    let version = async || -> String {
        client.query_one("SELECT xmin::text FROM outbox_lease WHERE id = 1", &[]).await.unwrap().get(0)
    };
    let before = version().await;
    postgres.check().await.unwrap();
    assert_ne!(version().await, before);
    assert!(postgres.pool.last().get().is_some_and(|(_, is_committed)| is_committed));
    postgres.pool.last().set(None);
    let insert = "INSERT INTO changes VALUES (1) RETURNING n";
    postgres.write(move |db| db.row(insert, &[], |_| Ok(()))).await.unwrap();
    assert!(postgres.pool.last().get().is_some());
    postgres.pool.last().set(None);
    postgres.write(|db| db.change("UPDATE changes SET n = 3", &[])).await.unwrap();
    assert!(postgres.pool.last().get().is_some());
    database.delete().await;
}

#[tokio::test]
async fn a_database_with_another_encoding_is_refused() {
    let Some(database) = TestDatabase::create("encoding").await else { return };
    let name = format!("{}_latin1", database.name);
    let server = client(&database.server, "postgres").await;
    let create = format!("CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    server.batch_execute(&create).await.unwrap();
    let url = PostgresUrl::parse(&format!("{}/{name}", database.server)).unwrap();
    let refusal = Postgres::open(&url, &Options::default()).err().unwrap();
    let reason = "has the encoding LATIN1; create it with ENCODING 'UTF8' TEMPLATE template0";
    assert_eq!(refusal, format!("database {}: {reason}", url.shown()));
    server.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    database.delete().await;
}
