//! Locks by name. The table `locks` has a row for each group of names, so the locks work through poolers and end with
//! their transaction.

use crate::domain::recipient::Recipient;
use crate::store::value::Value;

/// What a transaction locks. To avoid deadlocks, a transaction takes its locks in the order of these variants.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// The users, of which one must remain an active admin.
    Users,
    /// An idempotency key of a user, or a form of a session.
    Key(i64, &'a [u8]),
    /// The codes, messages and failures of a recipient.
    Recipient(&'a Recipient),
    /// The events that one limit counts.
    Limit { kind: &'a str, subject: &'a str },
}

impl Subject<'_> {
    /// The id of the row to lock. Each kind has a range of its own, so that the order of the kinds holds for the rows.
    pub(in crate::store) fn row(self) -> i64 {
        let (first, rows, hash) = match self {
            Self::Users => (0, 1, 0),
            Self::Key(owner, key) => (1, 511, hash(&[&owner.to_le_bytes(), key])),
            Self::Recipient(recipient) => (512, 1024, hash(&[recipient.key().as_bytes()])),
            Self::Limit { kind, subject } => (1536, 512, hash(&[kind.as_bytes(), b"\0", subject.as_bytes()])),
        };
        first + i64::from(hash % rows)
    }
}

fn hash(parts: &[&[u8]]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    parts.iter().for_each(|part| crc.update(part));
    crc.finalize()
}

/// Locks the row of a subject.
pub(in crate::store) const SUBJECT: &str = "SELECT id FROM locks WHERE id = $1 FOR UPDATE";

/// The statement that locks the rows of several subjects, and its parameters. The rows are locked in the order of their
/// ids, so that transactions do not deadlock.
pub(in crate::store) fn subjects(subjects: &[Subject<'_>]) -> (String, Vec<Value<'static>>) {
    let places: Vec<String> = (1..=subjects.len()).map(|n| format!("${n}")).collect();
    let sql = format!("SELECT id FROM locks WHERE id IN ({}) ORDER BY id FOR UPDATE", places.join(", "));
    (sql, subjects.iter().map(|subject| subject.row().into()).collect())
}

/// Adds the lock of the rows to a query.
pub(in crate::store) fn rows_of(sql: &str) -> String {
    format!("{sql} FOR UPDATE")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::recipient::MobileNumber;

    #[test]
    fn the_rows_of_the_kinds_do_not_overlap() {
        let number = Recipient::Mobile(MobileNumber::parse("09123456789").unwrap());
        let row = Subject::Recipient(&number).row();
        assert!((512..1536).contains(&row), "{row}");
        for n in 0..5000 {
            let row = Subject::Limit { kind: "send_to", subject: &n.to_string() }.row();
            assert!((1536..2048).contains(&row), "{row}");
        }
        assert_eq!(Subject::Users.row(), 0);
    }
}
