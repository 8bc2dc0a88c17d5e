//! Messages of the development inbox, where people read what would have been sent.

use crate::domain::message::{Channel, Message, Text};
use crate::domain::timestamp::Timestamp;

/// A message to be kept. It has no `Debug`: it is nothing but secrets.
#[derive(Clone)]
pub struct NewInboxMessage {
    pub channel: Channel,
    pub recipient: String,
    pub text: Text,
}

impl From<&Message> for NewInboxMessage {
    fn from(message: &Message) -> Self {
        let Message { recipient, text, .. } = message;
        Self {
            channel: Channel::for_recipient(recipient),
            recipient: recipient.as_str().to_owned(),
            text: text.clone(),
        }
    }
}

/// A message that was kept. It has no `Debug`: it is nothing but secrets.
pub struct InboxMessage {
    pub id: i64,
    pub channel: Channel,
    pub recipient: String,
    pub subject: Option<String>,
    pub text: String,
    pub created_at: Timestamp,
}
