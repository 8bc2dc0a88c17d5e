use rusqlite::{Connection, params_from_iter};

use super::*;
use crate::domain::listing::Period;
use crate::domain::message_list::MessageFilter;

const STATES: [Option<MessageState>; 11] = [
    None,
    Some(MessageState::Queued),
    Some(MessageState::Sending),
    Some(MessageState::Sent),
    Some(MessageState::Delivered),
    Some(MessageState::Undelivered),
    Some(MessageState::Blocked),
    Some(MessageState::Unknown),
    Some(MessageState::Failed),
    Some(MessageState::Expired),
    Some(MessageState::Cancelled),
];

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

/// 210 messages, of which each has up to three attempts.
fn database() -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let connection = crate::store::sqlite::tests::database(&folder);
    let sql = "INSERT INTO otp_codes (id, code, mobile_number, valid_to, created_at, updated_at)
               VALUES (1, 1, '09123456789', 0, 0, 0)";
    connection.execute(sql, []).unwrap();
    for n in 0..210_i64 {
        let state = STATES[1 + usize::try_from(n % 10).unwrap()].unwrap().as_str();
        let sql = "INSERT INTO messages (otp_id, reference, channel, language, state, due_at, created_at, updated_at)
                   VALUES (1, 1, 'sms', 'fa', $1, $2, $2, $2)";
        connection.execute(sql, rusqlite::params![state, n]).unwrap();
        for attempt in 0..n % 4 {
            let (provider, outcome) = if attempt == 1 { ("two", "sent") } else { ("one", "retry") };
            let sql = "INSERT INTO message_attempts (message_id, channel, provider, outcome, error, started_at)
                       VALUES ($1, 'sms', $2, $3, 'down', 0)";
            connection.execute(sql, rusqlite::params![n + 1, provider, outcome]).unwrap();
        }
    }
    (folder, connection)
}

fn filters() -> Vec<MessageFilter> {
    let periods = [Period::default(), Period { from: Some(at(20)), before: Some(at(150)) }];
    let providers = [None, Some("one".to_owned()), Some("two".to_owned())];
    let mut filters = Vec::new();
    for (state, provider) in STATES.iter().flat_map(|state| providers.iter().map(move |name| (state, name))) {
        filters.extend(periods.map(|created| MessageFilter { state: *state, provider: provider.clone(), created }));
    }
    filters
}

/// The ids that match, newest first, found without any index.
fn expected(filter: &MessageFilter) -> Vec<i64> {
    let matches = |n: &i64| {
        let state = STATES[1 + usize::try_from(n % 10).unwrap()];
        let provider = match filter.provider.as_deref() {
            None => true,
            Some("two") => n % 4 > 1,
            Some(_) => n % 4 > 0,
        };
        let Period { from, before } = filter.created;
        let created = from.is_none_or(|from| at(*n) >= from) && before.is_none_or(|before| at(*n) < before);
        (filter.state.is_none() || filter.state == state) && provider && created
    };
    (0..210).filter(matches).map(|n| n + 1).rev().collect()
}

#[test]
fn the_pages_of_every_filter_contain_each_match_once() {
    let (_folder, connection) = database();
    let db = Db::sqlite(&connection);
    for filter in filters() {
        let (mut ids, mut before) = (Vec::new(), None);
        loop {
            let page = list(&db, &MessageQuery { filter: filter.clone(), before, limit: 7 }).unwrap();
            ids.extend(page.messages.iter().map(|message| message.id));
            before = ids.last().copied();
            if !page.has_more {
                break;
            }
        }
        assert_eq!(ids, expected(&filter), "{filter:?}");
    }
}

#[test]
fn a_message_is_listed_with_its_code_and_its_last_attempt() {
    let (_folder, connection) = database();
    let db = Db::sqlite(&connection);
    let page = list(&db, &MessageQuery { before: Some(4), limit: 3, ..MessageQuery::default() }).unwrap();
    let [third, second, first] = &page.messages[..] else { panic!("{page:?}") };
    let attempt = |provider: &str, outcome: &str| {
        let (outcome, error) = (Some(outcome.parse().unwrap()), Some("down".to_owned()));
        Some(LastAttempt { provider: provider.to_owned(), outcome, error })
    };
    assert_eq!((first.id, &first.last_attempt), (1, &None));
    assert_eq!(second.last_attempt, attempt("one", "retry"));
    let expected = ListedMessage {
        id: 3,
        otp_id: OtpId::from_stored(1),
        recipient: MobileNumber::parse("09123456789").ok().map(Recipient::Mobile),
        channel: Channel::Sms,
        state: MessageState::Sent,
        last_attempt: attempt("two", "sent"),
        created_at: at(2),
        updated_at: at(2),
    };
    assert_eq!(*third, expected);
    assert!(!page.has_more);
}

#[test]
fn a_list_reads_an_index_in_order_and_sorts_only_open_messages() {
    let (_folder, connection) = database();
    for filter in filters() {
        let query = MessageQuery { filter, before: Some(100), limit: 50 };
        let statement = Statement::build(Dialect::Sqlite, &query);
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", statement.sql)).unwrap();
        let steps = explain.query_map(params_from_iter(&statement.values), |row| row.get::<_, String>("detail"));
        let steps: Vec<String> = steps.unwrap().map(std::result::Result::unwrap).collect();
        let first = match (query.filter.state, &query.filter.provider) {
            (Some(MessageState::Queued), _) => "SCAN m USING INDEX messages_queued",
            (Some(MessageState::Sending), _) => "SCAN m USING INDEX messages_sending",
            (None | Some(MessageState::Sent | MessageState::Delivered), None) => {
                "SEARCH m USING INTEGER PRIMARY KEY (rowid<?)"
            }
            (None | Some(MessageState::Sent | MessageState::Delivered), Some(_)) => {
                "SEARCH p USING COVERING INDEX message_attempts_by_provider (provider=? AND message_id<?)"
            }
            _ => "SEARCH m USING INDEX messages_not_sent (state=? AND id<?)",
        };
        assert_eq!(steps[0], first, "{query:?}: {steps:?}");
        let is_open = matches!(query.filter.state, Some(MessageState::Queued | MessageState::Sending));
        let sorts = steps.iter().any(|step| step.contains("TEMP B-TREE"));
        let scans = steps[1..].iter().any(|step| step.starts_with("SCAN"));
        assert!(sorts == is_open && !scans, "{query:?}: {steps:?}");
    }
}

#[test]
fn the_queue_of_a_channel_has_the_age_of_its_oldest_message() {
    let (_folder, connection) = database();
    let db = Db::sqlite(&connection);
    let sms = queue(&db, Channel::Sms, at(5_000_000)).unwrap();
    let oldest = Some(Duration::from_secs(5));
    assert_eq!(sms, Queue { channel: Channel::Sms, queued: 21, sending: 21, oldest });
    let email = queue(&db, Channel::Email, at(5_000_000)).unwrap();
    assert_eq!(email, Queue { channel: Channel::Email, queued: 0, sending: 0, oldest: None });
}
