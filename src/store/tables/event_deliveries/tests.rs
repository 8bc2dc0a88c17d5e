use super::*;
use crate::store::sqlite::tests::database;

const ONE: EndpointKey = [1; 32];
const OTHER: EndpointKey = [2; 32];

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000).unwrap()
}

fn add(db: &Db, endpoint: &EndpointKey, webhook_id: &str, seconds: i64) {
    insert(db, endpoint, webhook_id, EventType::Sent, "{}", at(seconds)).unwrap();
}

/// The ids of the due events of an endpoint.
fn due(db: &Db, endpoint: &EndpointKey, seconds: i64) -> Vec<String> {
    list_due(db, endpoint, at(seconds), 10).unwrap().into_iter().map(|event| event.webhook_id).collect()
}

#[test]
fn an_event_is_due_at_its_endpoint_until_it_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let connection = database(&folder);
    let db = Db::sqlite(&connection);
    add(&db, &ONE, "a", 10);
    add(&db, &OTHER, "b", 11);
    assert_eq!(due(&db, &ONE, 9), [""; 0]);
    assert_eq!((due(&db, &ONE, 11), due(&db, &OTHER, 11)), (vec!["a".to_owned()], vec!["b".to_owned()]));
    assert_eq!(next_due(&db, &ONE, at(9)).unwrap(), Some(at(10)));
    assert_eq!(next_due(&db, &ONE, at(10)).unwrap(), None);
    retry(&db, 1, 1, at(20)).unwrap();
    assert_eq!(due(&db, &ONE, 19), [""; 0]);
    assert_eq!(list_due(&db, &ONE, at(20), 10).unwrap()[0].attempts, 1);
    delete(&db, 1).unwrap();
    assert_eq!((due(&db, &ONE, 20), count(&db).unwrap()), (Vec::new(), 1));
}

#[test]
fn events_of_a_clock_that_was_ahead_are_due_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let connection = database(&folder);
    let db = Db::sqlite(&connection);
    for (webhook_id, created_at, due_at) in
        [("retried", 10, 500), ("retried too late", 10, 1001), ("of the future", 101, 101), ("of now", 100, 100)]
    {
        add(&db, &ONE, webhook_id, created_at);
        let sql = "UPDATE event_deliveries SET due_at = $1 WHERE webhook_id = $2";
        db.execute(sql, &values![at(due_at).as_micros(), webhook_id]).unwrap();
    }
    reschedule(&db, &ONE, at(1000), at(100)).unwrap();
    let mut found = due(&db, &ONE, 100);
    found.sort();
    assert_eq!(found, ["of now", "of the future", "retried too late"]);
    assert_eq!(delete_before(&db, at(100), 10).unwrap().len(), 2, "the event of the future happened now");
}

#[test]
fn old_events_and_events_of_removed_endpoints_are_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let connection = database(&folder);
    let db = Db::sqlite(&connection);
    for n in 0..3 {
        add(&db, &ONE, "a", n);
    }
    add(&db, &OTHER, "b", 5);
    assert_eq!(delete_before(&db, at(2), 1).unwrap(), [(ONE, "otp.sent".to_owned())]);
    assert_eq!(delete_before(&db, at(2), 10).unwrap(), [(ONE, "otp.sent".to_owned())]);
    assert_eq!(delete_before(&db, at(2), 10).unwrap(), []);
    assert_eq!(delete_of_others(&db, &[ONE, OTHER], 9).unwrap(), 0);
    assert_eq!(delete_of_others(&db, &[ONE], 9).unwrap(), 1);
    assert_eq!(delete_of_others(&db, &[], 9).unwrap(), 1);
    assert_eq!(count(&db).unwrap(), 0);
}
