//! Look-ups on the event loop itself. A look-up reads a few rows by key. It usually finds its pages in memory and takes
//! some microseconds, which is less than the switch to another thread and back.
//!
//! Beginning a read transaction takes longer than the look-up, and all threads contend for SQLite's locks. Look-ups that
//! follow each other on an event loop therefore share a snapshot. A snapshot ends with the next commit of this process,
//! so a look-up sees every change that this process has acknowledged. It also ends after a millisecond, because other
//! processes commit too: a change by a command or by another server is seen at most a millisecond later.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use rusqlite::Connection;

use crate::error::{Error, Kind, Result};
use crate::store::db::Db;
use crate::store::sqlite::commits::Commits;
use crate::store::sqlite::readers::pace::Pace;
use crate::store::sqlite::readers::transaction::{panicked, roll_back};

/// How long look-ups share a snapshot.
const SHARED: Duration = Duration::from_millis(1);

/// The reader of one event loop.
pub(in crate::store) struct LoopReader {
    reader: Mutex<Reader>,
    commits: Commits,
    pace: Arc<Pace>,
}

/// A connection that is in a transaction if there is a snapshot.
struct Reader {
    db: Connection,
    snapshot: Option<Snapshot>,
    /// Whether a task is waiting to end the snapshot.
    is_ending: bool,
}

#[derive(Clone, Copy)]
struct Snapshot {
    taken: Instant,
    /// The number of commits before it was taken.
    commits: u64,
}

impl LoopReader {
    pub(super) fn new(db: Connection, commits: Commits, pace: Arc<Pace>) -> Self {
        Self { reader: Mutex::new(Reader { db, snapshot: None, is_ending: false }), commits, pace }
    }

    /// Runs a look-up on this thread. Returns `None` if the disk is slow, if the look-up would have to wait for a lock,
    /// or if it fails as unavailable. It then has to run elsewhere.
    pub(super) fn look_up<T>(self: &Arc<Self>, work: impl Fn(&Db) -> Result<T>) -> Option<Result<T>> {
        if !self.pace.is_quick() {
            return None;
        }
        let mut reader = self.reader.try_lock()?;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            self.pace.measured(|| {
                reader.renew(self.commits.count())?;
                work(&Db::sqlite(&reader.db))
            })
        }));
        let outcome = outcome.unwrap_or_else(|_| Err(panicked()));
        if outcome.is_err() {
            // After an error, SQLite may have ended the transaction.
            reader.end();
        } else if !reader.is_ending {
            reader.is_ending = true;
            tokio::spawn(end_when_old(Arc::clone(self)));
        }
        Some(outcome).filter(|outcome| !outcome.as_ref().is_err_and(|error| error.kind() == Kind::Unavailable))
    }
}

/// Ends the snapshot once it is old, unless look-ups have renewed it.
async fn end_when_old(reader: Arc<LoopReader>) {
    loop {
        tokio::time::sleep(SHARED).await;
        let mut reader = reader.reader.lock();
        if reader.snapshot.is_none_or(Snapshot::is_old) {
            reader.end();
            reader.is_ending = false;
            return;
        }
    }
}

impl Snapshot {
    fn is_old(self) -> bool {
        self.taken.elapsed() >= SHARED
    }
}

impl Reader {
    /// Takes a new snapshot, unless the present one contains all `commits` and is not old.
    fn renew(&mut self, commits: u64) -> Result<()> {
        if self.snapshot.is_some_and(|snapshot| snapshot.commits == commits && !snapshot.is_old()) {
            return Ok(());
        }
        self.end();
        if !self.db.is_autocommit() {
            return Err(Error::unavailable("the previous read transaction did not end"));
        }
        self.db.prepare_cached("BEGIN")?.execute([])?;
        self.snapshot = Some(Snapshot { taken: Instant::now(), commits });
        Ok(())
    }

    fn end(&mut self) {
        self.snapshot = None;
        if let Err(error) = roll_back(&self.db) {
            log::error!("a read transaction did not end: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
