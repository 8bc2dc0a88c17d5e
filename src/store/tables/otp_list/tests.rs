use rusqlite::{Connection, params_from_iter};

use super::*;
use crate::domain::code::Code;
use crate::domain::otp::NewOtp;
use crate::domain::policy::Policy;
use crate::domain::recipient::{EmailAddress, MobileNumber, Recipient};
use crate::store::sqlite::otp_search;
use crate::store::tables::otp_list::clauses::is_range;
use crate::store::tables::otps;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

fn filters() -> Vec<(&'static str, OtpFilter)> {
    let none = OtpFilter::default();
    let period = Period { from: Some(at(0)), before: Some(at(100)) };
    vec![
        ("nothing", none.clone()),
        ("id_min", OtpFilter { id_min: Some(5), ..none.clone() }),
        ("id_max", OtpFilter { id_max: Some(5), ..none.clone() }),
        ("created", OtpFilter { created: period, ..none.clone() }),
        ("created_from", OtpFilter { created: Period { before: None, ..period }, ..none.clone() }),
        ("created_to", OtpFilter { created: Period { from: None, ..period }, ..none.clone() }),
        ("updated", OtpFilter { updated: period, ..none.clone() }),
        ("has_mobile_number", OtpFilter { has_mobile_number: Some(true), ..none.clone() }),
        ("has_no_mobile_number", OtpFilter { has_mobile_number: Some(false), ..none.clone() }),
        ("has_email", OtpFilter { has_email: Some(true), ..none.clone() }),
        ("has_no_email", OtpFilter { has_email: Some(false), ..none.clone() }),
        ("is_allow", OtpFilter { is_allow: Some(true), ..none.clone() }),
        ("is_not_allow", OtpFilter { is_allow: Some(false), ..none.clone() }),
        ("mobile_number", OtpFilter { mobile_number: MobileNumber::parse("09123456789").ok(), ..none.clone() }),
        ("email", OtpFilter { email: EmailAddress::parse("a@b.com").ok(), ..none.clone() }),
        ("search", OtpFilter { words: vec!["123".to_owned(), "example".to_owned()], ..none.clone() }),
        (
            "search and more",
            OtpFilter { words: vec!["12".to_owned(), "example".to_owned()], is_allow: Some(true), ..none },
        ),
    ]
}

fn orderings() -> Vec<Vec<OrderBy>> {
    let fields = OrderField::NAMES.map(|(_, field)| field);
    let both = |field| [false, true].map(|descending| vec![OrderBy { field, descending }]);
    std::iter::once(vec![]).chain(fields.into_iter().flat_map(both)).collect()
}

fn database() -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let connection = crate::store::sqlite::tests::database(&folder);
    for n in 0..300 {
        let recipient = match n % 2 {
            0 => Recipient::Mobile(MobileNumber::parse(&format!("0912345{n:04}")).unwrap()),
            _ => Recipient::Email(EmailAddress::parse(&format!("user{n}@example.com")).unwrap()),
        };
        let new = NewOtp { code: Code::new(n * 7 % 100).unwrap(), recipient, valid_to: Some(at(n * 3)) };
        let otp = Otp::created(&new, at(n), &Policy::default());
        // Some were updated while the clock was ahead.
        let otp = if n % 7 == 0 { Otp { updated_at: at(n * 2), ..otp } } else { otp };
        let otp = if n % 5 == 0 { otp.consumed(at(n)) } else { otp };
        otps::insert(&Db::sqlite(&connection), otp).unwrap();
    }
    otp_search::update(&connection).unwrap();
    (folder, connection)
}

fn plan(connection: &Connection, sql: &str, values: &[Value<'_>]) -> Vec<String> {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    explain.query_map(params_from_iter(values), |row| row.get("detail")).unwrap().collect::<Result<_, _>>().unwrap()
}

/// Whether a step of the plan scans the whole table, which no list may do.
fn scans_the_table(step: &str) -> bool {
    step.starts_with("SCAN o") && !step.contains("INDEX")
}

#[test]
fn every_count_uses_an_index() {
    let (_folder, connection) = database();
    for (name, filter) in filters().into_iter().skip(1) {
        for words in [Words::InIndex, Words::InRows] {
            if words == Words::InRows && !is_range(&filter) {
                continue;
            }
            let clauses = Clauses::new(&filter, at(50), Plan::Find, words);
            let sql = format!("SELECT count(*) FROM {} {}", clauses.from, clauses.conditions());
            let steps = plan(&connection, &sql, &clauses.values);
            assert!(!steps.iter().any(|step| step.starts_with("SCAN o") || step.contains("TEMP")), "{name}: {steps:?}");
        }
    }
}

#[test]
fn pages_of_many_matches_are_read_from_an_index_in_order_without_sorting() {
    let (_folder, connection) = database();
    let db = Db::sqlite(&connection);
    for (name, filter) in filters() {
        for ordering in orderings() {
            let query = OtpQuery { filter: filter.clone(), ordering, ..OtpQuery::default() };
            let statement = Statement::build(&db, &query, FEW + 1, at(50)).unwrap();
            let steps = plan(&connection, &statement.sql, &statement.values);
            // A number or an address usually has few codes. Even if it has many, they are sorted.
            let one_recipient = filter.mobile_number.is_some() || filter.email.is_some();
            let sorts = steps.iter().any(|step| step.contains("TEMP B-TREE")) && !one_recipient;
            assert!(
                !sorts && !steps.iter().any(|step| scans_the_table(step)),
                "{name} {:?}: {steps:?}",
                query.ordering
            );
        }
    }
}

#[test]
fn few_matches_are_read_from_the_index_of_the_filter() {
    let (_folder, connection) = database();
    let db = Db::sqlite(&connection);
    for (name, filter) in filters().into_iter().skip(1) {
        for ordering in orderings() {
            let query = OtpQuery { filter: filter.clone(), ordering, ..OtpQuery::default() };
            let statement = Statement::build(&db, &query, FEW, at(50)).unwrap();
            let steps = plan(&connection, &statement.sql, &statement.values);
            assert!(!steps.iter().any(|step| step.starts_with("SCAN o")), "{name} {:?}: {steps:?}", query.ordering);
        }
    }
}

#[test]
fn all_plans_return_the_same_codes_in_the_same_order() {
    let (_folder, connection) = database();
    let db = Db::sqlite(&connection);
    for (name, filter) in filters() {
        let count = count(&db, &filter, at(50)).unwrap();
        for ordering in orderings() {
            let query = OtpQuery { filter: filter.clone(), ordering, ..OtpQuery::default() };
            let few = page(&db, &query, count.min(FEW), at(50)).unwrap();
            let many = page(&db, &query, FEW + 1, at(50)).unwrap();
            assert_eq!(few, many, "{name} {:?}", query.ordering);
            assert_eq!(i64::try_from(few.len()).unwrap(), count.min(50), "{name}");
        }
    }
}

#[test]
fn every_page_is_a_part_of_the_whole_list() {
    let (_folder, connection) = database();
    let db = Db::sqlite(&connection);
    for (name, filter) in filters() {
        for ordering in orderings() {
            let query = |limit, offset| {
                let window = Window { limit, offset };
                OtpQuery { filter: filter.clone(), ordering: ordering.clone(), window }
            };
            let (count, whole) = list(&db, &query(500, 0), at(50)).unwrap();
            assert_eq!(i64::try_from(whole.len()).unwrap(), count, "{name}");
            for (limit, offset) in
                [(7, count / 2 - 1), (7, count / 2), (7, count / 2 + 1), (50, count - 3), (1, count - 1)]
            {
                let offset = offset.max(0);
                let (start, end) = (offset.min(count), (offset + limit).min(count));
                let expected = &whole[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()];
                let (_, page) = list(&db, &query(limit, offset), at(50)).unwrap();
                assert_eq!(page, expected, "{name} {ordering:?} {limit} {offset}");
            }
        }
    }
}

#[test]
fn the_totals_are_correct_after_every_change() {
    let (_folder, connection) = database();
    let db = Db::sqlite(&connection);
    let mut otp = otps::find(&db, crate::domain::otp::OtpId::from_stored(1)).unwrap();
    assert_eq!(totals(&db).unwrap(), (300, 150));
    let mut change = |address| {
        let recipient = Recipient::Email(EmailAddress::parse(address).unwrap());
        let changed = Otp { recipient, ..otp.clone() };
        otps::update(&db, &otp, &changed).unwrap();
        otp = changed;
    };
    change("new@example.com");
    assert_eq!(totals(&db).unwrap(), (300, 151));
    change("newer@example.com");
    assert_eq!(totals(&db).unwrap(), (300, 151));
    otps::delete(&db, otp.id).unwrap();
    assert_eq!(totals(&db).unwrap(), (299, 150));
    let (codes, with_email): (i64, i64) = connection
        .query_row("SELECT count(*), count(email) FROM otp_codes", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!((codes, with_email), (299, 150));
    otp_search::update(&connection).unwrap();
    connection.execute("INSERT INTO otp_search (otp_search, rank) VALUES ('integrity-check', 1)", []).unwrap();
}
