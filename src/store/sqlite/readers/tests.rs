use std::sync::mpsc;
use std::time::Instant;

use futures_util::future::join_all;

use super::*;
use crate::error::Kind;
use crate::store::Create;
use crate::store::sqlite::{open, upgrade};

/// A list that never ends.
const ENDLESS: &str = "WITH RECURSIVE n (v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n) SELECT max(v) FROM n";

fn readers(count: u32) -> (tempfile::TempDir, Arc<Readers>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("otp.db");
    let location = open::locate(&path, Create::IfNew).unwrap();
    let (connection, files) = upgrade::open_writer(location, Create::IfNew).unwrap();
    drop(connection);
    let pool = open::readers(files.location(), count, READER_WAIT).unwrap();
    (folder, Arc::new(Readers::new(pool)))
}

fn endless(db: &Db) -> Result<i64> {
    Ok(db.connection()?.query_row(ENDLESS, [], |row| row.get(0))?)
}

fn point(db: &Db) -> Result<i64> {
    db.one("SELECT 1 AS one", &[], |row| row.get("one"))
}

/// Starts a list and waits until it runs. It ends when the returned sender is dropped.
async fn hold(readers: &Arc<Readers>, token_id: i64) -> mpsc::Sender<()> {
    let (release, held) = mpsc::channel::<()>();
    let (begin, begun) = tokio::sync::oneshot::channel();
    let readers = Arc::clone(readers);
    tokio::spawn(async move {
        let list = readers.read_list(token_id, move |_| Ok((begin.send(()).is_ok(), held.recv().is_err())));
        list.await.unwrap();
    });
    begun.await.unwrap();
    release
}

#[tokio::test]
async fn a_list_that_takes_too_long_is_interrupted_and_its_reader_is_reused() {
    let (_folder, readers) = readers(2);
    for _ in 0..2 {
        let begun = Instant::now();
        let refused = readers.read_list(1, endless).await.unwrap_err();
        assert_eq!((refused.kind(), refused.retry_after()), (Kind::Unavailable, Some(1)));
        assert!((READ_DEADLINE..READER_WAIT + READ_DEADLINE).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        assert_eq!(readers.read_list(1, point).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn lists_leave_a_reader_for_other_reads_and_for_lists_of_other_tokens() {
    for (count, share) in [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2), (6, 3), (16, 8)] {
        let (_folder, readers) = readers(count);
        assert_eq!(readers.lists.share, share, "{count} readers");
        let mut held = Vec::new();
        for _ in 0..share {
            held.push(hold(&readers, 1).await);
        }
        let more = readers.read_list(1, point);
        assert!(tokio::time::timeout(Duration::from_millis(50), more).await.is_err(), "{count} readers");
        if count > 1 {
            assert_eq!(readers.read(point).await.unwrap(), 1, "{count} readers");
        }
        if count > 2 {
            assert_eq!(readers.read_list(2, point).await.unwrap(), 1, "{count} readers");
        }
        held.clear();
        assert_eq!(readers.read_list(1, point).await.unwrap(), 1, "{count} readers");
    }
}

#[tokio::test]
async fn lists_of_many_tokens_leave_a_reader_for_point_reads() {
    let (_folder, readers) = readers(4);
    let _held = [hold(&readers, 1).await, hold(&readers, 2).await, hold(&readers, 3).await];
    let lists: Vec<_> = (4..50).map(|token| readers.read_list(token, point)).collect();
    let reads = async {
        for _ in 0..100 {
            readers.read(point).await.unwrap();
        }
    };
    let ((), lists) = tokio::join!(reads, join_all(lists));
    assert!(lists.iter().all(|list| list.as_ref().is_err_and(|error| error.kind() == Kind::Unavailable)));
}

#[tokio::test]
async fn waiting_reads_are_limited_in_number_and_time() {
    let (_folder, readers) = readers(2);
    let _held = hold(&readers, 1).await;
    let begun = Instant::now();
    let waiting = join_all((0..crate::store::list_permits::LISTS_OF_TOKEN).map(|_| readers.read_list(1, point))).await;
    assert!(waiting.iter().all(Result::is_err));
    let most = READER_WAIT + READ_DEADLINE;
    assert!((READER_WAIT..most).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    // The slot of the running list counts too.
    let causes = waiting.iter().filter_map(|outcome| outcome.as_ref().err()).map(ToString::to_string);
    assert_eq!(causes.filter(|cause| cause == "too many requests wait for a reader").count(), 1);
}

#[tokio::test]
async fn a_reader_is_returned_after_a_panic() {
    let (_folder, readers) = readers(1);
    for _ in 0..3 {
        let refused = readers.read(|_| -> Result<i64> { panic!("on purpose") }).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Internal);
    }
    assert_eq!(readers.read(point).await.unwrap(), 1);
}
