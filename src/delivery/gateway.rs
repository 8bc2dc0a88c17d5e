//! The protocol of an HTTP gateway.

use std::fmt::Debug;

use futures_util::future::BoxFuture;

use crate::delivery::answer::Answer;
use crate::delivery::call::Call;
use crate::delivery::check::Check;
use crate::delivery::http_client::HttpClient;
use crate::domain::attempt::{DeliveryStatus, Outcome, Report};
use crate::domain::message::Message;

/// The states of messages by their ids.
pub(super) type Statuses = Vec<(String, DeliveryStatus)>;

/// The protocol of one gateway: it builds requests and interprets answers. If sending or asking for the status needs
/// several requests, the gateway implements `send` or `statuses` itself.
pub(super) trait Gateway: Clone + Debug + Send + Sync + 'static {
    /// The type of providers.
    const TYPE: &'static str;

    /// Builds the request for a message.
    ///
    /// # Errors
    /// The configuration error that prevents the request.
    fn request(&self, message: &Message) -> Result<Call, String>;

    /// Returns the report for an answer. The text of the report contains no text of the answer.
    fn interpret(&self, answer: &Answer) -> Report;

    /// Sends a message and returns the report.
    fn send<'a>(&'a self, client: &'a HttpClient, message: &'a Message) -> BoxFuture<'a, Report> {
        Box::pin(async move {
            let call = match self.request(message) {
                Ok(call) => call,
                Err(cause) => return Report::not_sent(Outcome::Misconfigured, cause),
            };
            client.request(call).await.map_or_else(|report| report, |answer| self.interpret(&answer))
        })
    }

    /// Returns the largest number of messages in one request for their status. 0: the gateway does not report it.
    fn status_batch(&self) -> usize {
        0
    }

    /// Builds the request for the status of messages. `None`: there is no request for these ids.
    fn status_request(&self, _ids: &[String]) -> Option<Call> {
        None
    }

    /// Returns the status of each message that the answer mentions. `None`: the answer is not usable.
    fn read_statuses(&self, _ids: &[String], _answer: &Answer) -> Option<Statuses> {
        None
    }

    /// Asks for the status of messages. See `Provider::statuses`.
    ///
    /// # Errors
    /// Why there is no status.
    fn statuses<'a>(&'a self, client: &'a HttpClient, ids: &'a [String]) -> BoxFuture<'a, Result<Statuses, String>> {
        Box::pin(async move {
            let Some(call) = self.status_request(ids) else { return Ok(Vec::new()) };
            let answer = client.request(call).await.map_err(|report| report.error.unwrap_or_default())?;
            self.read_statuses(ids, &answer).ok_or_else(|| no_status(&answer))
        })
    }

    /// Returns the id and the status of a message from the fields of a call-back of the gateway. `None`: the fields are
    /// not those of a call-back.
    fn read_callback(&self, _fields: &[(String, String)]) -> Option<(String, DeliveryStatus)> {
        None
    }

    /// Whether the gateway can find messages by their reference.
    fn can_find(&self) -> bool {
        false
    }

    /// Builds the request that finds a message by [`Message::reference`].
    fn find_request(&self, _message: &Message) -> Option<Call> {
        None
    }

    /// Returns the corrected report of a message from the answer to [`Self::find_request`]. `None`: it can't tell.
    fn read_found(&self, _message: &Message, _answer: &Answer) -> Option<Report> {
        None
    }

    /// Finds out what happened to a message. See `Provider::find`.
    fn find<'a>(&'a self, client: &'a HttpClient, message: &'a Message) -> BoxFuture<'a, Option<Report>> {
        Box::pin(async move {
            let answer = client.request(self.find_request(message)?).await.ok()?;
            self.read_found(message, &answer)
        })
    }

    /// Returns the requests that check the account without a message. Empty: only sending a message can check it.
    fn checks(&self) -> Vec<Check> {
        Vec::new()
    }

    /// Returns what only a sent message can check, such as "its template".
    fn only_by_sending(&self) -> Option<&'static str> {
        Some("its template")
    }
}

/// The error for an answer without the status of messages.
pub(super) fn no_status(answer: &Answer) -> String {
    let refusal = (!answer.is_success()).then(|| answer.by_status().error).flatten();
    refusal.unwrap_or_else(|| format!("{}: the response contains no status", answer.status))
}
