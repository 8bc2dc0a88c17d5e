use super::*;
use crate::store::sqlite::create::Create;
use crate::store::tables::*;

/// The write connection to a new database in a folder.
pub(in crate::store) fn database(folder: &tempfile::TempDir) -> Connection {
    let location = open::locate(&folder.path().join("otp.db"), Create::IfNew).unwrap();
    upgrade::open_writer(location, Create::IfNew).unwrap().0
}

#[test]
fn the_sqlite_version_has_the_fix_for_wal_corruption() {
    assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
}

#[test]
fn every_connection_has_every_pragma() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("otp.db");
    let writer = database(&folder);
    let location = open::locate(&path, Create::Never).unwrap();
    let pool = open::readers(&location, 3, READER_WAIT).unwrap();
    let readers: Vec<_> = (0..3).map(|_| pool.get().unwrap()).collect();
    for (connection, query_only) in std::iter::once((&writer, 0)).chain(readers.iter().map(|reader| (&**reader, 1))) {
        let number = |name: &str| -> i64 { connection.pragma_query_value(None, name, |row| row.get(0)).unwrap() };
        let journal: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(journal, "wal");
        for (name, value) in [
            ("busy_timeout", 5000),
            ("synchronous", 2),
            ("foreign_keys", 1),
            ("trusted_schema", 0),
            ("cell_size_check", 1),
            ("secure_delete", 1),
            ("temp_store", 2),
            ("query_only", query_only),
        ] {
            assert_eq!(number(name), value, "{name}");
        }
        let defensive = rusqlite::config::DbConfig::SQLITE_DBCONFIG_DEFENSIVE;
        assert!(connection.db_config(defensive).unwrap());
    }
}

#[test]
fn the_schema_rejects_invalid_codes() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(&folder);
    let insert = |code: &str, mobile_number: &str, email: &str, updated_at: i64| {
        db.execute(
            &format!(
                "INSERT INTO otp_codes (code, mobile_number, email, valid_to, created_at, updated_at)
                 VALUES ({code}, {mobile_number}, {email}, 0, 5, {updated_at})"
            ),
            [],
        )
    };
    for (code, mobile_number, email, updated_at) in [
        ("1", "NULL", "NULL", 5),
        ("1", "'09123456789'", "'a@b.com'", 5),
        ("1", "'9123456789'", "NULL", 5),
        ("1", "'0912345678x'", "NULL", 5),
        ("-1", "'09123456789'", "NULL", 5),
        ("9007199254740992", "'09123456789'", "NULL", 5),
        ("'x'", "'09123456789'", "NULL", 5),
        ("NULL", "'09123456789'", "NULL", 5),
        ("1", "'09123456789'", "NULL", 4),
    ] {
        assert!(insert(code, mobile_number, email, updated_at).is_err(), "{code} {mobile_number} {email} {updated_at}");
    }
    assert_eq!(insert("1", "'09123456789'", "NULL", 5), Ok(1));
}

/// The statements that find their rows by an index, on both engines.
pub(in crate::store) const INDEXED_STATEMENTS: &[&str] = &[
    otps::FIND,
    otps::LIST_OF_RECIPIENT[0],
    otps::LIST_OF_RECIPIENT[1],
    otps::FIND_ISSUED[0],
    otps::FIND_ISSUED[1],
    otps::LAST_SENT[0],
    otps::LAST_SENT[1],
    otps::DELETE_EXPIRED,
    tokens::FIND_BY_HASH,
    tokens::FIND_WITH_PERMISSIONS,
    tokens::LIST_BY_PREFIX,
    users::LIST_PERMISSIONS,
    users::FIND_BY_NAME,
    recipients::CONSECUTIVE_FAILURES,
    limit_events::LAST_NUMBER,
    limit_events::FIND,
    limit_events::INSERT,
    limit_events::NTH_NEWEST,
    limit_events::DELETE_BEFORE,
    limit_events::DELETE_AFTER,
    recipients::DELETE_BEFORE,
    otps::EXPIRE_UNTRUSTED,
    messages::RESCHEDULE,
    limit_events::COUNT_SINCE,
    limit_events::DELETE_OF,
    idempotency_keys::FIND,
    idempotency_keys::DELETE_BEFORE,
    idempotency_keys::DELETE_AFTER,
    messages::FIND,
    messages::LIST_DUE,
    next_channels::LIST_ESCALATED,
    next_channels::NEXT_ESCALATION,
    next_channels::CLOSE,
    next_channels::HAS_FALLEN_BACK,
    delivery_reports::LIST_DUE,
    delivery_reports::RESCHEDULE,
    delivery_reports::NEXT_DUE,
    delivery_reports::LIST_WAITING,
    messages::NEXT_DUE,
    messages::COUNT_OPEN,
    messages::LIST_OF_OTP,
    messages::CANCEL,
    messages::HAS_SUCCESSOR,
    messages::LIST_SENDING,
    message_attempts::LIST,
    acceptance::FIND_DELIVERER,
    acceptance::FIND,
    message_attempts::FINISH_INTERRUPTED,
    inbox::LIST_AFTER,
    sent_forms::FIND,
    sessions::FIND_BY_HASH,
    sessions::LIST_OF_USER,
    sessions::DELETE_OF_USER,
    sessions::DELETE_BEFORE,
    sessions::DELETE_AFTER,
    sessions::LAST_SEARCH,
    sessions::DELETE_OLD_SEARCHES,
    sessions::FIND_SEARCH,
    sign_in_links::FIND,
    sign_in_links::DELETE_OF_USER,
    sign_in_links::DELETE_BEFORE,
    sign_in_links::DELETE_AFTER,
    hourly_figures::LIST_HOURS,
    hourly_figures::LIST_DAYS,
    hourly_figures::HAS_ROOM,
    hourly_figures::DELETE_HOURS_BEFORE,
    hourly_figures::DELETE_DAYS_BEFORE,
    hourly_figures::DELETE_HOURS_AFTER,
    hourly_figures::DELETE_DAYS_AFTER,
    recipients::LIST_LOCKED,
    limit_events::FIRST_NUMBER,
    limit_events::LIST_FREQUENT,
    limit_events::LIST_RECENT,
    message_attempts::LAST_FAILED,
    messages::COUNT_QUEUED,
    event_deliveries::LIST_DUE,
    event_deliveries::NEXT_DUE,
    event_deliveries::RESCHEDULE,
    event_deliveries::DATE_UNTRUSTED,
    event_deliveries::RETRY,
    event_deliveries::DELETE_BEFORE,
    message_list::QUEUED,
    message_list::SENDING,
    message_list::CREATED,
];

#[test]
fn every_query_uses_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(&folder);
    for sql in INDEXED_STATEMENTS {
        let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let width = plan.parameter_count();
        let steps: Vec<String> = plan
            .query_map(rusqlite::params_from_iter(vec![1i64; width]), |row| row.get("detail"))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        // The few codes of one recipient may be sorted. Open messages are counted in an index that contains only them.
        let sorts_few = |step: &str| step.starts_with("USE TEMP B-TREE") && sql.contains("o.purpose = $2");
        // At most 128 newest codes of a recipient, and at most 128 usable ones.
        let scans_few = |step: &str| (step == "SCAN newest" || step == "SCAN usable") && sql.contains("LIMIT 128");
        let counts_few = |step: &str| step.starts_with("SCAN messages USING COVERING INDEX messages_");
        let scans_all = |step: &str| {
            step.starts_with("SCAN ") && step != "SCAN CONSTANT ROW" || step.starts_with("USE TEMP B-TREE")
        };
        let looks_up = |step: &String| !scans_all(step) || sorts_few(step) || counts_few(step) || scans_few(step);
        assert!(steps.iter().all(looks_up), "{sql}: {steps:?}");
    }
}

#[test]
fn recipients_with_limits_are_found_by_their_own_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(&folder);
    let first_step = |sql: &str| -> String {
        let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let values = vec![1_i64; plan.parameter_count()];
        let steps = plan.query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>("detail")).unwrap();
        steps.map(Result::unwrap).find(|step| step.contains("USING")).unwrap()
    };
    for (sql, step) in [
        (
            limit_events::LIST_FREQUENT,
            "SEARCH limit_events USING COVERING INDEX limit_events_frequent (kind=? AND at>? AND at<?)",
        ),
        (limit_events::LIST_RECENT, "SEARCH limit_events USING INDEX limit_events_by_at (at>? AND at<?)"),
        (
            recipients::COUNT_LOCKED,
            "SEARCH recipients USING COVERING INDEX recipients_by_failures (consecutive_failures>?)",
        ),
        (recipients::DELETE_BEFORE, "SEARCH recipients USING PRIMARY KEY (recipient=?)"),
        (message_attempts::LAST_FAILED, "SEARCH message_attempts USING INDEX message_attempts_failed (provider=?)"),
        (message_list::QUEUED, "SEARCH messages USING COVERING INDEX messages_queued (channel=?)"),
        (message_list::SENDING, "SEARCH messages USING COVERING INDEX messages_sending (channel=?)"),
    ] {
        assert_eq!(first_step(sql), step, "{sql}");
    }
}

#[tokio::test]
async fn a_panicking_read_is_an_error_without_the_panic_message() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("otp.db"), &Options::default()).unwrap();
    let error = store.read(|_| -> Result<()> { panic!("canary 09127770001") }).await.unwrap_err();
    assert_eq!(error.to_string(), "a read panicked; the log contains the location");
    assert!(store.read(|_| Ok(())).await.is_ok(), "the reader works again");
}

/// `.cargo/config.toml` sets options of SQLite. Without them, the threads contend for global locks.
#[test]
fn sqlite_is_built_without_global_locks() {
    let db = Connection::open_in_memory().unwrap();
    let mut options = db.prepare("PRAGMA compile_options").unwrap();
    let options: Vec<String> =
        options.query_map([], |row| row.get(0)).unwrap().collect::<std::result::Result<_, _>>().unwrap();
    assert!(options.iter().any(|option| option == "DEFAULT_MEMSTATUS=0"), "{options:?}");
    assert!(!options.iter().any(|option| option == "ENABLE_MEMORY_MANAGEMENT"), "{options:?}");
}
