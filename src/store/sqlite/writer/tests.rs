use super::*;
use crate::error::Kind;
use crate::store::sqlite::writer::serving::BATCH;
use crate::values;

fn writer() -> (tempfile::TempDir, std::path::PathBuf, Writer) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("otp.db");
    let location = crate::store::sqlite::open::locate(&path, crate::store::Create::IfNew).unwrap();
    let (db, files) = crate::store::sqlite::upgrade::open_writer(location, crate::store::Create::IfNew).unwrap();
    db.execute_batch("CREATE TABLE t (v INTEGER UNIQUE) STRICT").unwrap();
    let second = crate::store::sqlite::open::checkpointer(files.location()).ok();
    let files = Arc::new(files);
    let checkpoints = Checkpoints::new(&db, second, &files, &crate::store::Options::default(), Metrics::new()).unwrap();
    (folder, path, Writer::start(db, checkpoints, files, Metrics::new()).unwrap())
}

fn stored(path: &std::path::Path) -> Vec<i64> {
    let db = Connection::open(path).unwrap();
    let mut query = db.prepare("SELECT v FROM t ORDER BY v").unwrap();
    query.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

fn insert(v: i64) -> impl Fn(&Db) -> Result<i64> {
    move |db| {
        db.execute("INSERT INTO t VALUES ($1)", &values![v])?;
        Ok(v)
    }
}

#[tokio::test]
async fn members_of_one_batch_succeed_refuse_and_panic_apart() {
    let (_folder, path, writer) = writer();
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let blocker = writer.write(move |_| Ok(held.lock().unwrap().recv().is_err()));
    let first = writer.write(insert(1));
    let refused = writer.write(|db| {
        insert(2)(db)?;
        Err::<i64, _>(Error::otp_not_found())
    });
    let panicking = writer.write(|db| {
        insert(3)(db)?;
        panic!("on purpose");
        #[expect(unreachable_code, reason = "it gives the closure its type")]
        Ok(3)
    });
    let duplicate = writer.write(insert(1));
    let last = writer.write(insert(4));
    let release = async { drop(hold) };
    let (_, first, refused, panicking, duplicate, last, ()) =
        tokio::join!(blocker, first, refused, panicking, duplicate, last, release);
    assert_eq!((first.unwrap(), last.unwrap()), (1, 4));
    assert_eq!(refused.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(panicking.unwrap_err().kind(), Kind::Internal);
    assert_eq!(duplicate.unwrap_err().kind(), Kind::Internal);
    assert_eq!(stored(&path), [1, 4]);
}

#[tokio::test]
async fn a_full_disk_under_one_member_spares_the_others() {
    let (_folder, path, writer) = writer();
    writer.write(|db| Ok(db.connection()?.pragma_update(None, "max_page_count", 40)?)).await.unwrap();
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let blocker = writer.write(move |_| Ok(held.lock().unwrap().recv().is_err()));
    let before = writer.write(insert(1));
    let too_big = writer.write(|db| {
        db.connection()?
            .execute_batch("CREATE TABLE big (b BLOB) STRICT; INSERT INTO big VALUES (zeroblob(1000000))")?;
        Ok(())
    });
    let after = writer.write(insert(2));
    let release = async { drop(hold) };
    let (_, before, too_big, after, ()) = tokio::join!(blocker, before, too_big, after, release);
    assert_eq!((before.unwrap(), after.unwrap()), (1, 2));
    assert_eq!(too_big.unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(stored(&path), [1, 2]);
}

#[tokio::test]
async fn a_damaged_search_index_refuses_only_the_changes_of_codes() {
    let (_folder, path, writer) = writer();
    let code = |code: i64| {
        move |db: &Db| {
            let sql =
                "INSERT INTO otp_codes (code, email, valid_to, created_at, updated_at) VALUES ($1, 'a@b.com', 0, 0, 0)";
            db.execute(sql, &values![code])
        }
    };
    writer.write(code(1)).await.unwrap();
    Connection::open(&path).unwrap().execute("DELETE FROM otp_search_data", []).unwrap();
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let blocker = writer.write(move |_| Ok(held.lock().unwrap().recv().is_err()));
    let (first, change, last) = (writer.write(insert(1)), writer.write(code(2)), writer.write(insert(2)));
    let release = async { drop(hold) };
    let (_, first, change, last, ()) = tokio::join!(blocker, first, change, last, release);
    assert_eq!((first.unwrap(), last.unwrap()), (1, 2));
    assert_eq!(change.unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(stored(&path), [1, 2]);
    let codes: i64 =
        Connection::open(&path).unwrap().query_row("SELECT count(*) FROM otp_codes", [], |row| row.get(0)).unwrap();
    assert_eq!(codes, 1);
}

#[tokio::test]
async fn a_full_queue_and_a_stopped_writer_say_so_at_once() {
    let (_folder, path, writer) = writer();
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let writes = (0..QUEUE as i64 + BATCH as i64 + 1).map(|v| writer.write(insert(v)));
    let blocker = writer.write(move |_| Ok(held.lock().unwrap().recv().is_err()));
    let release = async { drop(hold) };
    let (_, outcomes, ()) = tokio::join!(blocker, futures_util::future::join_all(writes), release);
    let kept = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let kinds: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err().map(Error::kind)).collect();
    assert!(kinds.iter().all(|kind| *kind == Kind::Unavailable) && !kinds.is_empty());
    writer.stop();
    assert_eq!(stored(&path).len(), kept);
    assert_eq!(writer.write(insert(-1)).await.unwrap_err().kind(), Kind::Unavailable);
}
