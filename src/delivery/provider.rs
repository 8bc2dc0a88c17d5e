//! What every provider can do.

use std::error::Error;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::domain::attempt::Report;
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
