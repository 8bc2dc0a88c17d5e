//! Look-ups in `otp_codes` by recipient and purpose, for sending and verifying.

use crate::domain::otp::Otp;
use crate::domain::purpose::Purpose;
use crate::domain::recipient::Recipient;
use crate::domain::timestamp::Timestamp;
use crate::domain::verification::COMPARED;
use crate::error::Result;
use crate::store::db::{Db, Dialect};
use crate::store::tables::otp_row::{columns, from_row};
use crate::values;

/// The statements for a mobile number and for an e-mail address on SQLite, and the same two for PostgreSQL. Addresses are
/// compared without regard to case.
pub(in crate::store) type ByRecipient = [&'static str; 4];

/// Selects among the codes of a recipient: the newest 128, and the 128 usable ones for the purpose that expire last.
/// This bounds the cost of a request, however many codes the recipient has. No usable code is missed unless there are
/// more than 128.
macro_rules! select {
    ($newest:expr, $usable:expr, $selected:expr, $rest:literal) => {
        concat!(
            "SELECT ",
            $selected,
            " FROM otp_codes AS o
               WHERE o.id IN (SELECT id FROM (SELECT id FROM otp_codes WHERE ",
            $newest,
            " LIMIT 128) AS newest
                               UNION ALL
                              SELECT id FROM (SELECT id FROM otp_codes WHERE attempts_left > 0 AND ",
            $usable,
            " LIMIT 128) AS usable)
                 AND o.purpose = $2 ",
            $rest
        )
    };
}

macro_rules! on_sqlite {
    ($column:literal, $selected:expr, $rest:literal) => {
        select!(
            concat!($column, " = $1 ORDER BY id DESC"),
            concat!($column, " = $1 AND purpose = $2 AND valid_to > $3 ORDER BY valid_to DESC"),
            $selected,
            $rest
        )
    };
}

/// On PostgreSQL, only the index that begins with the recipient has the order of each part. With plain conditions, the
/// planner may prefer the order of all codes, and read the codes of all other recipients if these are newer.
macro_rules! on_postgres {
    ($column:literal, $selected:expr, $rest:literal) => {
        select!(
            concat!($column, " >= $1 AND ", $column, " <= $1 ORDER BY ", $column, " DESC NULLS LAST, id DESC"),
            concat!($column, " = $1 AND purpose = $2 AND valid_to + 0 > $3 ORDER BY valid_to + 0 DESC"),
            $selected,
            $rest
        )
    };
}

macro_rules! of_recipient {
    ($selected:expr, $rest:literal) => {
        [
            on_sqlite!("mobile_number", $selected, $rest),
            on_sqlite!("email", $selected, $rest),
            on_postgres!("mobile_number", $selected, $rest),
            on_postgres!("email_key", $selected, $rest),
        ]
    };
}

fn statement_for(db: &Db, recipient: &Recipient, statements: ByRecipient) -> &'static str {
    let [number, address, postgres_number, postgres_address] = statements;
    match (db.dialect(), recipient) {
        (Dialect::Sqlite, Recipient::Mobile(_)) => number,
        (Dialect::Sqlite, Recipient::Email(_)) => address,
        (Dialect::Postgres, Recipient::Mobile(_)) => postgres_number,
        (Dialect::Postgres, Recipient::Email(_)) => postgres_address,
    }
}

pub(in crate::store) const LIST_OF_RECIPIENT: ByRecipient = of_recipient!(
    columns!(),
    "ORDER BY (o.valid_to > $3 AND o.attempts_left > 0 AND (o.updated_at <= $3 OR o.valid_to <= o.updated_at)) DESC, o.id DESC
     LIMIT $4"
);

/// Codes of a recipient for a purpose, at most as many as one attempt is compared with. Those usable at `now` come
/// first, newest first. If none is usable, the newest comes first. The rows are locked.
pub fn list_of_recipient(db: &Db, recipient: &Recipient, purpose: &Purpose, now: Timestamp) -> Result<Vec<Otp>> {
    let values = values![recipient.key(), purpose.as_str(), now.as_micros(), COMPARED as i64];
    let mut codes = db.rows_locked(statement_for(db, recipient, LIST_OF_RECIPIENT), &values, from_row)?;
    codes.retain(|otp| is_still_of(otp, recipient));
    Ok(codes)
}

pub(in crate::store) const FIND_ISSUED: ByRecipient = of_recipient!(
    columns!(),
    "AND o.issued_at <= $3 AND o.valid_to > $3 AND o.attempts_left > 0
     ORDER BY o.id DESC
     LIMIT 1"
);

/// The newest code that otpd issued to a recipient for a purpose and that is usable at `now`. The row is locked.
pub fn find_issued(db: &Db, recipient: &Recipient, purpose: &Purpose, now: Timestamp) -> Result<Option<Otp>> {
    let values = values![recipient.key(), purpose.as_str(), now.as_micros()];
    let otp = db.row_locked(statement_for(db, recipient, FIND_ISSUED), &values, from_row)?;
    Ok(otp.filter(|otp| is_still_of(otp, recipient)))
}

/// Whether a locked code still belongs to the recipient. While PostgreSQL waited for the lock, another transaction may have
/// given the code to another recipient.
fn is_still_of(otp: &Otp, recipient: &Recipient) -> bool {
    otp.recipient.key() == recipient.key()
}

pub(in crate::store) const LAST_SENT: ByRecipient = of_recipient!("max(o.sent_at) AS sent_at", "AND o.sent_at <= $3");

/// When a code was last sent to a recipient for a purpose. A time later than `now` is not trusted.
pub fn last_sent(db: &Db, recipient: &Recipient, purpose: &Purpose, now: Timestamp) -> Result<Option<Timestamp>> {
    let values = values![recipient.key(), purpose.as_str(), now.as_micros()];
    db.one(statement_for(db, recipient, LAST_SENT), &values, |row| row.optional_timestamp("sent_at"))
}
