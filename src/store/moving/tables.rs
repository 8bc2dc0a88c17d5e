//! The tables that are copied, and the statements that read and write them. Both engines accept the statements.

use crate::error::Result;
use crate::store::row::Row;
use crate::store::value::Value;

/// The most rows that are read at once.
pub(super) const CHUNK: usize = 1000;
/// The most rows that one statement inserts. A row has at most 15 values, and SQLite takes 32,766 per statement.
pub(super) const ROWS_PER_INSERT: usize = 100;

/// A value that was read, independent of its row.
pub(super) type Stored = Value<'static>;

/// How the rows of a table are stored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rows,
    /// The table always has one row, which is replaced.
    Single,
    /// PostgreSQL spreads the last column over several rows, which are added up.
    Sums,
}

/// A table that is copied.
pub(super) struct Table {
    pub(super) name: &'static str,
    /// The columns of the primary key, in its order. The rows are copied in this order.
    pub(super) key: &'static [&'static str],
    /// The other columns.
    rest: &'static [&'static str],
    kind: Kind,
}

/// A table with any number of rows.
const fn rows(name: &'static str, key: &'static [&'static str], rest: &'static [&'static str]) -> Table {
    Table { name, key, rest, kind: Kind::Rows }
}

/// A table with one row.
const fn single(name: &'static str, rest: &'static [&'static str]) -> Table {
    Table { name, key: &["id"], rest, kind: Kind::Single }
}

/// The tables, in an order in which every row comes after the rows that it refers to. Tables that triggers fill, search
/// indexes, locks and the right to deliver messages are not copied.
pub(super) static TABLES: [Table; 20] = [
    single("checksum_seed", &["value"]),
    single("audit_key", &["value"]),
    single("audit_retention", &["before"]),
    rows("users", &["id"], &["name", "role", "is_active", "created_at"]),
    rows("user_permissions", &["user_id", "code"], &[]),
    rows("api_tokens", &["id"], &["user_id", "hash", "prefix", "created_at", "last_used_at", "name", "expires_at"]),
    rows(
        "otp_codes",
        &["id"],
        &[
            "code",
            "mobile_number",
            "email",
            "valid_to",
            "created_at",
            "updated_at",
            "checksum",
            "purpose",
            "issued_at",
            "sent_at",
            "attempts_left",
            "consumed_at",
        ],
    ),
    rows("recipients", &["recipient"], &["consecutive_failures", "last_failed_at"]),
    rows("limit_events", &["id"], &["kind", "subject", "nth", "at"]),
    rows("idempotency_keys", &["user_id", "key_hash"], &["body_hash", "otp_id", "valid_to", "sent_at"]),
    rows(
        "messages",
        &["id"],
        &[
            "otp_id",
            "reference",
            "channel",
            "next_channels",
            "language",
            "state",
            "due_at",
            "escalate_at",
            "fallback_channel",
            "is_closed",
            "is_counted",
            "created_at",
            "updated_at",
        ],
    ),
    rows(
        "message_attempts",
        &["id"],
        &[
            "message_id",
            "channel",
            "provider",
            "outcome",
            "provider_message_id",
            "error",
            "started_at",
            "finished_at",
            "status",
            "status_at",
            "status_due_at",
        ],
    ),
    rows("inbox", &["id"], &["channel", "recipient", "subject", "text", "created_at"]),
    rows(
        "audit_events",
        &["id"],
        &[
            "at",
            "actor_kind",
            "actor_name",
            "token_prefix",
            "action",
            "otp_id",
            "recipient",
            "recipient_hash",
            "former_recipient_hash",
            "changes",
            "request_id",
            "address",
        ],
    ),
    rows("sessions", &["id"], &["hash", "user_id", "token_id", "created_at", "last_seen_at", "address", "browser"]),
    rows("session_searches", &["session_id", "n"], &["q"]),
    rows("sent_forms", &["session_id", "key"], &["otp_id"]),
    rows("sign_in_links", &["hash"], &["user_id", "created_at"]),
    Table { name: "hourly_figures", key: &["figure", "hour", "subject"], rest: &["count"], kind: Kind::Sums },
    rows("event_deliveries", &["id"], &["endpoint", "webhook_id", "type", "body", "attempts", "due_at", "created_at"]),
];

impl Table {
    /// All columns. Those of the key come first.
    pub(super) fn columns(&self) -> impl Iterator<Item = &'static str> {
        self.key.iter().chain(self.rest).copied()
    }

    /// Whether a new database has no row of this table.
    pub(super) fn is_empty_at_first(&self) -> bool {
        self.kind != Kind::Single
    }

    /// Whether the database assigns the ids of the rows.
    pub(super) fn has_assigned_ids(&self) -> bool {
        self.kind == Kind::Rows && self.key == ["id"]
    }

    /// The statement that reads the next rows in the order of the key: the first ones, or those after a key.
    pub(super) fn select(&self, follows: bool) -> String {
        let (name, key) = (self.name, self.key.join(", "));
        let is_summed = |column: &str| self.kind == Kind::Sums && self.rest.contains(&column);
        let selected = |column: &str| if is_summed(column) { summed(column) } else { column.to_owned() };
        let columns: Vec<String> = self.columns().map(selected).collect();
        let places: Vec<String> = (1..=self.key.len()).map(|n| format!("${n}")).collect();
        let after = if follows { format!(" WHERE ({key}) > ({})", places.join(", ")) } else { String::new() };
        let group = if self.kind == Kind::Sums { format!(" GROUP BY {key}") } else { String::new() };
        format!("SELECT {} FROM {name}{after}{group} ORDER BY {key} LIMIT {CHUNK}", columns.join(", "))
    }

    /// The statement that inserts a number of rows.
    pub(super) fn insert(&self, rows: usize) -> String {
        let columns: Vec<&str> = self.columns().collect();
        let places = |row: usize| {
            let first = row * columns.len() + 1;
            let places: Vec<String> = (first..first + columns.len()).map(|n| format!("${n}")).collect();
            format!("({})", places.join(", "))
        };
        let values: Vec<String> = (0..rows).map(places).collect();
        let replaced: Vec<String> = self.rest.iter().map(|column| format!("{column} = excluded.{column}")).collect();
        let conflict = match self.kind {
            Kind::Single => format!(" ON CONFLICT (id) DO UPDATE SET {}", replaced.join(", ")),
            Kind::Rows | Kind::Sums => String::new(),
        };
        format!("INSERT INTO {} ({}) VALUES {}{conflict}", self.name, columns.join(", "), values.join(", "))
    }

    /// Reads all columns of a row.
    pub(super) fn read(&self, row: &Row<'_>) -> Result<Vec<Stored>> {
        self.columns().map(|column| row.value(column).map(Value::into_owned)).collect()
    }
}

/// The sum of a column under its own name. The sum of integers is no integer on PostgreSQL.
fn summed(column: &str) -> String {
    format!("CAST(sum({column}) AS BIGINT) AS {column}")
}
