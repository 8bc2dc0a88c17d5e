//! The development provider. It stores messages in a table instead of sending them (`delivery.allow_inbox`).

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::delivery::Provider;
use crate::domain::attempt::{Outcome, Report};
use crate::domain::inbox::NewInboxMessage;
use crate::domain::message::Message;
use crate::error::Result;

/// Stores a message and returns its id.
pub type Keep = Arc<dyn Fn(NewInboxMessage) -> BoxFuture<'static, Result<i64>> + Send + Sync>;

pub(super) struct Inbox {
    name: String,
    keep: Keep,
}

impl Inbox {
    pub(super) fn new(name: String, keep: Keep) -> Self {
        Self { name, keep }
    }
}

impl Provider for Inbox {
    fn name(&self) -> &str {
        &self.name
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Report> {
        Box::pin(async move {
            match (self.keep)(message.into()).await {
                Ok(id) => Report::sent(Some(id.to_string())),
                Err(_) => Report::not_sent(Outcome::Retry, "the inbox can't be written"),
            }
        })
    }

    fn check(&self) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async { Ok("for development: messages reach nobody, `otpd inbox` shows them".to_owned()) })
    }
}
