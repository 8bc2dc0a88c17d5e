//! What every provider can do.

use std::error::Error;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::domain::attempt::{DeliveryStatus, Report};
use crate::domain::inbox::NewInboxMessage;
use crate::domain::message::Message;
use crate::error::Result;

/// A service that delivers messages, such as an SMS gateway or a mail server.
pub trait Provider: Send + Sync {
    /// Returns the configured name, which is used in logs and in the history of a message.
    fn name(&self) -> &str;

    /// Returns the type, as in the configuration.
    fn type_name(&self) -> &'static str;

    /// Sends a message and returns a report. The error in the report contains no code, recipient or key.
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Report>;

    /// Returns the largest number of messages in one request for their status. 0: the provider does not report it.
    fn status_batch(&self) -> usize {
        0
    }

    /// Asks for the status of accepted messages by the ids that the provider gave them, at most [`Self::status_batch`].
    /// Messages that the response does not mention are missing in the result.
    ///
    /// # Errors
    /// Why there is no status, without a code, recipient or key.
    fn statuses<'a>(&'a self, _ids: &'a [String]) -> BoxFuture<'a, Result<Vec<(String, DeliveryStatus)>, String>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Returns the id and the status of a message from the fields of a call-back of the provider, as decoded from the
    /// query or the form. `None`: the fields are not those of a call-back of this provider.
    fn read_callback(&self, _fields: &[(String, String)]) -> Option<(String, DeliveryStatus)> {
        None
    }

    /// Whether the provider can find messages by their reference.
    fn can_find(&self) -> bool {
        false
    }

    /// Finds out what happened to a message after an attempt with an unknown outcome, by [`Message::reference`].
    /// Returns the corrected report: [`Outcome::Retry`](crate::domain::attempt::Outcome::Retry) if the provider does not
    /// have the message. `None`: the provider can't tell.
    fn find<'a>(&'a self, _message: &'a Message) -> BoxFuture<'a, Option<Report>> {
        Box::pin(async { None })
    }

    /// Checks the provider without sending a message. Returns a description of its state.
    ///
    /// # Errors
    /// A description of the problem.
    fn check(&self) -> BoxFuture<'_, Result<String, String>>;

    /// Closes idle connections of the provider, within one second.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// Stores a message and returns its id.
pub type Keep = Arc<dyn Fn(NewInboxMessage) -> BoxFuture<'static, Result<i64>> + Send + Sync>;

/// Returns the innermost cause of an error. Outer causes quote URLs, which may contain keys.
pub(super) fn innermost(error: &dyn Error) -> String {
    let mut innermost = error.source();
    while let Some(source) = innermost.and_then(Error::source) {
        innermost = Some(source);
    }
    innermost.map_or_else(|| "no reason is given".to_owned(), ToString::to_string)
}
