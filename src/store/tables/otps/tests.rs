use super::*;
use crate::domain::code::Code;
use crate::domain::otp::NewOtp;
use crate::domain::policy::Policy;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

fn address(text: &str) -> Recipient {
    Recipient::Email(EmailAddress::parse(text).unwrap())
}

fn number(text: &str) -> Recipient {
    Recipient::Mobile(MobileNumber::parse(text).unwrap())
}

fn database() -> (tempfile::TempDir, rusqlite::Connection, Otp) {
    let folder = tempfile::tempdir().unwrap();
    let connection = crate::store::sqlite::tests::database(&folder);
    let new = NewOtp { code: Code::new(1).unwrap(), recipient: address("a@b.com"), valid_to: Some(at(9)) };
    let otp = insert(&Db::sqlite(&connection), Otp::created(&new, at(5), &Policy::default())).unwrap();
    (folder, connection, otp)
}

/// Replaces each of several versions of a code by each other one. `find` compares the checksum, which covers all columns.
#[test]
fn an_update_stores_every_field_that_differs() {
    let (_folder, connection, first) = database();
    let db = Db::sqlite(&connection);
    let versions = [
        first.clone(),
        Otp { code: Code::new(2).unwrap(), ..first.clone() },
        Otp { recipient: address("A@b.com"), ..first.clone() },
        Otp { recipient: number("09123456789"), ..first.clone() },
        Otp { recipient: number("09123456780"), code: Code::new(2).unwrap(), ..first.clone() },
        Otp { attempts_left: 3, valid_to: at(7), ..first.clone() },
        Otp { issued_at: Some(at(6)), sent_at: Some(at(6)), updated_at: at(8), ..first.clone() },
        Otp { recipient: number("09123456789"), ..first.clone().consumed(at(6)) },
    ];
    for stored in &versions {
        for changed in &versions {
            // The first update makes `stored` the present version.
            update(&db, &find(&db, first.id).unwrap(), stored).unwrap();
            update(&db, stored, changed).unwrap();
            assert_eq!(find(&db, first.id).unwrap(), *changed, "{stored:?}");
            let one = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
            assert_eq!(one("SELECT count(checksum) FROM otp_codes"), 1, "{stored:?} {changed:?}");
            assert_eq!(one("SELECT with_email FROM otp_totals"), i64::from(changed.recipient.email().is_some()));
        }
    }
    crate::store::sqlite::otp_search::update(&connection).unwrap();
    let search = "INSERT INTO otp_search (otp_search, rank) VALUES ('integrity-check', 1)";
    connection.execute(search, []).unwrap();
    let finding = connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(finding, "ok");
}

/// A trigger on a column runs if an UPDATE sets the column, even to the same value.
#[test]
fn an_update_sets_no_column_that_is_the_same() {
    let (_folder, connection, stored) = database();
    let db = Db::sqlite(&connection);
    connection.execute_batch("CREATE TEMP TABLE columns_set (name TEXT)").unwrap();
    for column in ["code", "mobile_number", "email", "valid_to", "sent_at", "attempts_left", "updated_at"] {
        let record = format!("INSERT INTO columns_set VALUES ('{column}')");
        let trigger =
            format!("CREATE TEMP TRIGGER set_{column} AFTER UPDATE OF {column} ON otp_codes BEGIN {record}; END");
        connection.execute_batch(&trigger).unwrap();
    }
    let table = [
        (stored.clone(), None),
        (Otp { code: Code::new(2).unwrap(), ..stored.clone() }, Some("code")),
        (Otp { recipient: address("A@b.com"), ..stored.clone() }, Some("email")),
        (Otp { recipient: number("09123456789"), ..stored.clone() }, Some("email,mobile_number")),
        (Otp { valid_to: at(7), updated_at: at(6), ..stored.clone() }, Some("updated_at,valid_to")),
        (Otp { sent_at: Some(at(6)), ..stored.clone() }, Some("sent_at")),
        (stored.clone().consumed(at(6)), Some("attempts_left")),
    ];
    for (changed, expected) in table {
        update(&db, &stored, &changed).unwrap();
        let names = "SELECT group_concat(name, ',' ORDER BY name) FROM columns_set";
        let set: Option<String> = connection.query_row(names, [], |row| row.get(0)).unwrap();
        assert_eq!(set.as_deref(), expected, "{changed:?}");
        update(&db, &changed, &stored).unwrap();
        connection.execute("DELETE FROM columns_set", []).unwrap();
    }
}

#[test]
fn an_update_of_a_missing_row_is_an_error() {
    let (_folder, connection, stored) = database();
    let db = Db::sqlite(&connection);
    delete(&db, stored.id).unwrap();
    let changed = Otp { valid_to: at(7), ..stored.clone() };
    assert_eq!(update(&db, &stored, &changed).unwrap_err().to_string(), "a locked row is missing");
}
