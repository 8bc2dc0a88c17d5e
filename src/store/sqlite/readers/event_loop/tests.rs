use super::*;
use crate::store::sqlite::tests::database;

/// A reader and a writer of a table with one row, and the counter of the writer's commits. The disk counts as quick.
fn reader(folder: &tempfile::TempDir) -> (Arc<LoopReader>, Connection, Commits) {
    let path = folder.path().join("t.db");
    let writer = Connection::open(&path).unwrap();
    writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (v); INSERT INTO t VALUES (1)").unwrap();
    let (commits, pace) = (Commits::default(), Arc::new(Pace::default()));
    while !pace.is_quick() {
        pace.measured(|| ());
    }
    (Arc::new(LoopReader::new(Connection::open(&path).unwrap(), commits.clone(), pace)), writer, commits)
}

fn value(db: &Db) -> Result<i64> {
    db.one("SELECT v FROM t", &[], |row| row.get("v"))
}

#[tokio::test]
async fn a_look_up_sees_each_commit_of_this_process() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer, commits) = reader(&folder);
    for v in 2..100 {
        reader.look_up(value).unwrap().unwrap();
        writer.execute("UPDATE t SET v = $1", [v]).unwrap();
        commits.add();
        assert_eq!(reader.look_up(value).unwrap().unwrap(), v);
    }
}

#[tokio::test]
async fn a_look_up_sees_a_commit_of_another_process_after_a_millisecond() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer, _) = reader(&folder);
    for v in 2..10 {
        reader.look_up(value).unwrap().unwrap();
        writer.execute("UPDATE t SET v = $1", [v]).unwrap();
        // The event loop does not run meanwhile, so the snapshot is not ended for its age.
        std::thread::sleep(SHARED);
        assert_eq!(reader.look_up(value).unwrap().unwrap(), v);
    }
}

#[tokio::test]
async fn a_token_is_found_until_the_commit_that_revokes_it() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, _, commits) = reader(&folder);
    let writer = database(&folder);
    *reader.reader.lock() = Reader::new(database(&folder));
    let insert = |token: &str| {
        let sql = "INSERT INTO api_tokens (user_id, hash, prefix, created_at) VALUES (1, $1, 'p', 0)";
        writer.execute(sql, [TokenHash::of(token).as_bytes()]).unwrap();
    };
    writer.execute("INSERT INTO users (id, name, role, created_at) VALUES (1, 'u', 'user', 0)", []).unwrap();
    insert("one");
    insert("other");
    let find = |token: &str| {
        let found = reader.find_token(&TokenHash::of(token)).unwrap().unwrap();
        found.map(|(token, _)| token.token_id)
    };
    for _ in 0..3 {
        assert_eq!(["one", "other", "unknown"].map(find), [Some(1), Some(2), None]);
    }
    writer.execute("DELETE FROM api_tokens WHERE id = 1", []).unwrap();
    commits.add();
    assert_eq!(["one", "other"].map(find), [None, Some(2)]);
    // A change by another process.
    writer.execute("DELETE FROM api_tokens WHERE id = 2", []).unwrap();
    std::thread::sleep(SHARED);
    assert_eq!(["one", "other"].map(find), [None, None]);
}

#[tokio::test]
async fn an_idle_reader_holds_no_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer, _) = reader(&folder);
    reader.look_up(value).unwrap().unwrap();
    assert!(!reader.reader.lock().db.is_autocommit());
    let begun = Instant::now();
    while !reader.reader.lock().db.is_autocommit() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the snapshot does not end");
        tokio::time::sleep(SHARED).await;
    }
    writer.execute("UPDATE t SET v = 2", []).unwrap();
    let busy: i64 = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert_eq!(busy, 0);
    assert_eq!(reader.look_up(value).unwrap().unwrap(), 2);
}

#[tokio::test]
async fn a_refused_look_up_ends_the_snapshot_and_an_unavailable_one_runs_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, ..) = reader(&folder);
    let refused = reader.look_up(|db| value(db).and_then(|_| Err::<i64, _>(Error::otp_not_found())));
    assert_eq!(refused.unwrap().unwrap_err().kind(), Kind::NotFound);
    assert!(reader.reader.lock().db.is_autocommit());
    assert!(reader.look_up(|_| Err::<i64, _>(Error::unavailable("locked"))).is_none());
    let panicked = reader.look_up(|db| -> Result<i64> { panic!("{:?}", value(db)) });
    assert_eq!(panicked.unwrap().unwrap_err().kind(), Kind::Internal);
    assert_eq!(reader.look_up(value).unwrap().unwrap(), 1);
}

#[tokio::test]
async fn a_slow_disk_keeps_look_ups_off_the_event_loop() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, ..) = reader(&folder);
    let slow = reader.look_up(|db| {
        std::thread::sleep(Duration::from_millis(100));
        value(db)
    });
    assert_eq!(slow.unwrap().unwrap(), 1);
    assert!(reader.look_up(value).is_none());
}
