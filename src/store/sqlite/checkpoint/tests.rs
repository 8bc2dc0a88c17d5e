use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;

use super::*;
use crate::store::Create;
use crate::store::sqlite::{open, upgrade};

/// Creates a database, and fills its WAL beyond `PATIENCE` intervals. Returns its path, the write connection, and the
/// checkpoints of a writer without a second connection.
fn filled() -> (TempDir, PathBuf, Connection, Checkpoints) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("otp.db");
    let location = open::locate(&path, Create::IfNew).unwrap();
    let (db, files) = upgrade::open_writer(location, Create::IfNew).unwrap();
    let options = Options { checkpoint_kib: 512, ..Options::default() };
    let checkpoints = Checkpoints::new(&db, None, &Arc::new(files), &options, Metrics::new()).unwrap();
    db.execute_batch("CREATE TABLE filler (data BLOB); INSERT INTO filler VALUES (zeroblob(1200000));").unwrap();
    let pages = PAGES.get();
    assert!((PATIENCE * checkpoints.every..LAST_PATIENCE * checkpoints.every).contains(&pages), "{pages}");
    (folder, path, db, checkpoints)
}

/// Whether the other connection of a test waits for readers.
static OTHER_WAITS: AtomicBool = AtomicBool::new(false);

fn tries(checkpoints: &Checkpoints) -> u64 {
    checkpoints.metrics.checkpoint_seconds.get_sample_count()
}

#[test]
fn the_writer_makes_few_tries_during_a_checkpoint_of_another_connection() {
    let (_folder, path, db, mut checkpoints) = filled();
    let reader = Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM filler;").unwrap();
    let other = Connection::open(&path).unwrap();
    // SQLite calls it while the connection holds the lock of checkpoints and waits for the reader.
    let waits = |times| {
        OTHER_WAITS.store(true, Ordering::Release);
        thread::sleep(Duration::from_millis(1));
        times < 5000
    };
    other.busy_handler(Some(waits)).unwrap();
    db.execute_batch("INSERT INTO filler VALUES (1)").unwrap();
    thread::scope(|scope| {
        let other =
            scope.spawn(move || other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)));
        while !OTHER_WAITS.load(Ordering::Acquire) {
            assert!(!other.is_finished(), "the other checkpoint does not wait");
            thread::sleep(Duration::from_millis(1));
        }
        let begun = Instant::now();
        checkpoints.checkpoint_if_due(&db).unwrap();
        assert!(begun.elapsed() >= WAIT_FOR_OTHERS, "{:?}", begun.elapsed());
        let tries = tries(&checkpoints);
        assert!((2..=26).contains(&tries), "{tries}");
        reader.execute_batch("COMMIT").unwrap();
        assert_eq!(other.join().unwrap().unwrap(), 0);
    });
}

#[test]
fn a_failed_checkpoint_is_not_tried_again_for_a_while() {
    let (_folder, _path, db, mut checkpoints) = filled();
    // SQLite refuses a checkpoint inside a transaction.
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    checkpoints.checkpoint_if_due(&db).unwrap();
    assert_eq!(tries(&checkpoints), 1);
    assert!(checkpoints.not_before > Instant::now() + PAUSE / 2);
    db.execute_batch("COMMIT").unwrap();
    assert!(checkpoints.checkpoint_orphaned_wal(&db).unwrap());
}
