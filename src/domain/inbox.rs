//! Messages of the development inbox, which stores messages instead of sending them.

use crate::domain::message::{Channel, Message, Text};
use crate::domain::timestamp::Timestamp;

/// A message to be stored. It has no `Debug`, because all of it is secret.
#[derive(Clone)]
pub struct NewInboxMessage {
    pub channel: Channel,
    pub recipient: String,
    pub text: Text,
}

impl From<&Message> for NewInboxMessage {
    fn from(message: &Message) -> Self {
        let Message { channel, recipient, text, .. } = message;
        Self { channel: *channel, recipient: recipient.as_str().to_owned(), text: text.clone() }
    }
}

/// A stored message. It has no `Debug`, because all of it is secret.
pub struct InboxMessage {
    pub id: i64,
    pub channel: Channel,
    pub recipient: String,
    pub subject: Option<String>,
    pub text: String,
    pub created_at: Timestamp,
}
