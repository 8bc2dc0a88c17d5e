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

/// Replaces each of several codes by each other one. `find` also compares the checksum, which covers all columns.
#[test]
fn an_update_stores_every_field_that_differs() {
    let folder = tempfile::tempdir().unwrap();
    let connection = crate::store::sqlite::tests::database(&folder);
    let db = Db::sqlite(&connection);
    let new = NewOtp { code: Code::new(1).unwrap(), recipient: address("a@b.com"), valid_to: Some(at(9)) };
    let first = insert(&db, Otp::created(&new, at(5), &Policy::default())).unwrap();
    let versions = [
        first.clone(),
        Otp { code: Code::new(2).unwrap(), ..first.clone() },
        Otp { recipient: address("A@b.com"), ..first.clone() },
        Otp { recipient: number("09123456789"), ..first.clone() },
        Otp { recipient: number("09123456780"), code: Code::new(2).unwrap(), ..first.clone() },
        Otp { attempts_left: 3, valid_to: at(7), ..first.clone() },
        Otp { issued_at: Some(at(6)), updated_at: at(8), ..first.clone() },
        Otp { recipient: number("09123456789"), ..first.clone().consumed(at(6)) },
    ];
    for stored in &versions {
        for changed in &versions {
            // The first update makes `stored` the present version.
            update(&db, &find(&db, first.id).unwrap(), stored).unwrap();
            update(&db, stored, changed).unwrap();
            assert_eq!(find(&db, first.id).unwrap(), *changed, "{stored:?}");
        }
    }
}

#[test]
fn an_update_of_a_missing_row_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let connection = crate::store::sqlite::tests::database(&folder);
    let db = Db::sqlite(&connection);
    let new = NewOtp { code: Code::new(1).unwrap(), recipient: address("a@b.com"), valid_to: None };
    let otp = insert(&db, Otp::created(&new, at(5), &Policy::default())).unwrap();
    delete(&db, otp.id).unwrap();
    assert_eq!(update(&db, &otp, &otp).unwrap_err().to_string(), "a locked row is missing");
}
