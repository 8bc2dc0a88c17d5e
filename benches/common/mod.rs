//! Shared by the benchmarks: a database with one year of codes, identical in every run.

#![expect(clippy::unwrap_used, reason = "a measurement stops where something fails")]

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use otpd::domain::audit::Origin;
use otpd::domain::code::Code;
use otpd::domain::otp::{NewOtp, Otp};
use otpd::domain::policy::Policy;
use otpd::domain::recipient::{EmailAddress, MobileNumber, Recipient};
use otpd::domain::timestamp::Timestamp;
use otpd::domain::token::ApiToken;
use otpd::service::accounts::Accounts;
use otpd::store::{Db, Options, Store, otps};

pub const TOKEN: &str = "a-token-for-the-measurement-0123456789";
/// The creation times are spread evenly over the year that ends at this moment.
pub const NOW: &str = "2026-01-01T00:00:00Z";
const YEAR_SECONDS: i64 = 365 * 24 * 60 * 60;

/// Returns the `n`th number of a fixed pseudo-random sequence over 64 bits (SplitMix64).
pub fn spread(n: u64) -> u64 {
    let z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

pub fn number(n: u64) -> String {
    format!("09{:09}", spread(n) % 1_000_000_000)
}

pub fn address(n: u64) -> String {
    format!("user{}@example{}.com", spread(n) % 10_000_000, n % 1000)
}

pub fn code(n: u64) -> i64 {
    i64::try_from(100_000 + spread(n ^ 0xc0de) % 900_000).unwrap()
}

pub fn now() -> DateTime<Utc> {
    NOW.parse().unwrap()
}

pub fn otp(n: u64) -> NewOtp {
    let recipient = if n.is_multiple_of(2) {
        Recipient::Mobile(MobileNumber::parse(&number(n)).unwrap())
    } else {
        Recipient::Email(EmailAddress::parse(&address(n)).unwrap())
    };
    NewOtp { code: Code::new(code(n)).unwrap(), recipient, valid_to: None }
}

/// Creates the database at `path` with the admin of [`TOKEN`] and `rows` codes.
/// The search index is built once at the end, which is faster than row by row.
pub async fn make(path: &Path, rows: u64) -> Store {
    let store = Store::open(path, &Options::default()).unwrap();
    fill(path, rows);
    let accounts = Accounts::new(&store, Origin::system(), now().into());
    accounts.add_first_admin(ApiToken::chosen(TOKEN).unwrap()).await.unwrap();
    store
}

fn fill(path: &Path, rows: u64) {
    let mut db = rusqlite::Connection::open(path).unwrap();
    db.pragma_update(None, "cache_size", -200_000).unwrap();
    let triggers = "SELECT group_concat(sql, '; '), group_concat('DROP TRIGGER ' || name, '; ') FROM sqlite_schema WHERE type = 'trigger'";
    let (create, drop): (String, String) = db.query_row(triggers, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let db = db.transaction().unwrap();
    db.execute_batch(&drop).unwrap();
    for n in 0..rows {
        let age = YEAR_SECONDS * i64::try_from(rows - n).unwrap() / i64::try_from(rows).unwrap();
        let created = Timestamp::from(now() - TimeDelta::seconds(age));
        // The last thousand codes are still valid.
        let left = if rows - n <= 1000 { Duration::from_secs(86_400 * 30) } else { Duration::from_secs(300) };
        let new = NewOtp { valid_to: Some(created.plus(left)), ..otp(n) };
        otps::insert(&Db::sqlite(&db), Otp::created(&new, created, &Policy::default())).unwrap();
    }
    db.execute_batch(
        "INSERT INTO otp_search (otp_search) VALUES ('rebuild');
         UPDATE otp_totals SET codes = (SELECT count(*) FROM otp_codes), with_email = (SELECT count(email) FROM otp_codes);",
    )
    .unwrap();
    db.execute_batch(&create).unwrap();
    db.commit().unwrap();
}
