//! Lists of `messages`, and the state of the queues.

use std::time::Duration;

use crate::domain::figures::overview::Queue;
use crate::domain::message::Channel;
use crate::domain::message_list::{LastAttempt, ListedMessage, MessagePage, MessageQuery};
use crate::domain::otp::OtpId;
use crate::domain::outbox::MessageState;
use crate::domain::recipient::{EmailAddress, MobileNumber, Recipient};
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::store::db::{Db, Dialect};
use crate::store::row::Row;
use crate::store::value::Value;
use crate::values;

/// Returns a page of the matching messages, newest first.
pub fn list(db: &Db, query: &MessageQuery) -> Result<MessagePage> {
    let statement = Statement::build(db.dialect(), query);
    let mut messages = db.rows(&statement.sql, &statement.values, listed)?;
    let has_more = messages.len() > query.limit;
    messages.truncate(query.limit);
    Ok(MessagePage { messages, has_more })
}

const SELECT: &str = "
    SELECT m.id,
           m.otp_id,
           CASE WHEN m.state = 'delivered' THEN a.channel ELSE m.channel END AS channel,
           m.state,
           m.created_at,
           m.updated_at,
           o.mobile_number,
           o.email,
           a.provider,
           a.outcome,
           a.error";
/// The code of a message, and the attempt that delivered it or else its last one.
const JOINS: &str = "
      JOIN otp_codes AS o ON o.id = m.otp_id
      LEFT JOIN message_attempts AS a ON a.id = coalesce(
               (SELECT max(id) FROM message_attempts WHERE message_id = m.id AND status = 'delivered'),
               (SELECT max(id) FROM message_attempts WHERE message_id = m.id)
           )";

/// The condition of the index `messages_not_sent`.
const NOT_SENT: &str = "m.state IN ('undelivered', 'blocked', 'unknown', 'failed', 'expired', 'cancelled')";

/// The index that the list reads. It is chosen so that few rows are read and then discarded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// All messages, by id.
    Messages,
    /// The messages in a state that an index contains.
    State,
    /// The messages in a state that few messages have. They are sorted.
    OpenState,
    /// The attempts of a provider, by message.
    Attempts,
}

/// A statement, with the values of its parameters in order.
struct Statement {
    sql: String,
    values: Vec<Value<'static>>,
}

impl Statement {
    fn build(dialect: Dialect, query: &MessageQuery) -> Self {
        let MessageQuery { filter, before, limit } = query;
        let source = match dialect {
            Dialect::Sqlite => Source::of(filter.state, filter.provider.is_some()),
            // PostgreSQL combines the conditions itself.
            Dialect::Postgres => Source::of(filter.state, false),
        };
        let mut values = Vec::new();
        let mut conditions: Vec<String> = source.literal(filter.state).into_iter().collect();
        let mut add = |condition: &str, value: Option<Value<'static>>| {
            if let Some(value) = value {
                values.push(value);
                conditions.push(condition.replace('$', &format!("${}", values.len())));
            }
        };
        let micros = |moment: Timestamp| Value::Int(moment.as_micros());
        let id = source.id();
        let provider = match (source, dialect) {
            (Source::Attempts, _) => "p.provider = $",
            (_, Dialect::Sqlite) => {
                "EXISTS (SELECT 1 FROM message_attempts WHERE message_id = m.id AND provider || '' = $)"
            }
            (_, Dialect::Postgres) => {
                "EXISTS (SELECT 1 FROM message_attempts WHERE message_id = m.id AND provider = $)"
            }
        };
        add(provider, filter.provider.clone().map(Value::from));
        add(&format!("{id} < $"), before.map(Value::Int));
        add(source.state(), filter.state.map(|state| Value::from(state.as_str())));
        add("m.created_at >= $", filter.created.from.map(micros));
        add("m.created_at < $", filter.created.before.map(micros));
        let conditions =
            if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
        values.push(Value::Int(i64::try_from(*limit).unwrap_or(i64::MAX).saturating_add(1)));
        let (from, group, n) = (source.from(), source.group(), values.len());
        let sql = format!("{SELECT} FROM {from} {JOINS} {conditions} {group} ORDER BY {id} DESC LIMIT ${n}");
        Self { sql, values }
    }
}

impl Source {
    fn of(state: Option<MessageState>, has_provider: bool) -> Self {
        match state {
            Some(MessageState::Queued | MessageState::Sending) => Self::OpenState,
            Some(MessageState::Sent | MessageState::Delivered) | None if has_provider => Self::Attempts,
            Some(MessageState::Sent | MessageState::Delivered) | None => Self::Messages,
            Some(
                MessageState::Undelivered
                | MessageState::Blocked
                | MessageState::Unknown
                | MessageState::Failed
                | MessageState::Expired
                | MessageState::Cancelled,
            ) => Self::State,
        }
    }

    fn from(self) -> &'static str {
        match self {
            Self::Attempts => "message_attempts AS p CROSS JOIN messages AS m ON m.id = p.message_id",
            Self::Messages | Self::State | Self::OpenState => "messages AS m",
        }
    }

    /// The expression for the id of a message that shows SQLite the order of the rows. The plus keeps SQLite from
    /// walking all ids.
    fn id(self) -> &'static str {
        match self {
            Self::Attempts => "p.message_id",
            Self::OpenState => "+m.id",
            Self::Messages | Self::State => "m.id",
        }
    }

    /// A message can have several attempts with a provider.
    fn group(self) -> &'static str {
        if self == Self::Attempts { "GROUP BY p.message_id" } else { "" }
    }

    fn state(self) -> &'static str {
        if self == Self::State { "m.state = $" } else { "m.state || '' = $" }
    }

    /// The condition of the partial index.
    fn literal(self, state: Option<MessageState>) -> Option<String> {
        match self {
            Self::State => Some(NOT_SENT.to_owned()),
            Self::OpenState => state.map(|state| format!("m.state = '{}'", state.as_str())),
            Self::Messages | Self::Attempts => None,
        }
    }
}

fn listed(row: &Row<'_>) -> Result<ListedMessage> {
    let number = row.get::<Option<String>>("mobile_number")?.map(MobileNumber::from_stored);
    let email = row.get::<Option<String>>("email")?.map(EmailAddress::from_stored);
    Ok(ListedMessage {
        id: row.get("id")?,
        otp_id: OtpId::from_stored(row.get("otp_id")?),
        recipient: Recipient::exactly_one(number, email).ok(),
        channel: row.parsed("channel")?,
        state: row.parsed("state")?,
        last_attempt: row.get::<Option<String>>("provider")?.map(|name| attempt(row, name)).transpose()?,
        created_at: row.timestamp("created_at")?,
        updated_at: row.timestamp("updated_at")?,
    })
}

fn attempt(row: &Row<'_>, provider: String) -> Result<LastAttempt> {
    Ok(LastAttempt { provider, outcome: row.optional_parsed("outcome")?, error: row.get("error")? })
}

pub(in crate::store) const QUEUED: &str =
    "SELECT count(*) AS count, min(id) AS oldest FROM messages WHERE state = 'queued' AND channel = $1";
pub(in crate::store) const SENDING: &str =
    "SELECT count(*) AS count, min(id) AS oldest FROM messages WHERE state = 'sending' AND channel = $1";
pub(in crate::store) const CREATED: &str = "SELECT created_at FROM messages WHERE id = $1";

/// Returns the state of the queue of a channel.
pub fn queue(db: &Db, channel: Channel, now: Timestamp) -> Result<Queue> {
    let open = |sql| {
        let counts = |row: &Row<'_>| Ok((row.get("count")?, row.get("oldest")?));
        db.one(sql, &values![channel.as_str()], counts)
    };
    let (queued, oldest_queued): (i64, Option<i64>) = open(QUEUED)?;
    let (sending, oldest_sending): (i64, Option<i64>) = open(SENDING)?;
    let oldest = oldest_queued.into_iter().chain(oldest_sending).min();
    let oldest = oldest.map(|id| age(db, id, now)).transpose()?.flatten();
    Ok(Queue { channel, queued, sending, oldest })
}

fn age(db: &Db, id: i64, now: Timestamp) -> Result<Option<Duration>> {
    let created = db.row(CREATED, &values![id], |row| row.timestamp("created_at"))?;
    Ok(created.map(|created| now.since(created)))
}

#[cfg(test)]
mod tests;
