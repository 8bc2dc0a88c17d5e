//! One attempt to send a message.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;

use crate::delivery::Provider;
use crate::domain::attempt::{Outcome, Report};
use crate::domain::message::Message;
use crate::domain::otp::Otp;
use crate::service::waiting::stop_deadline;

/// The pauses before a provider is asked what happened to a message.
const FIND_AFTER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];

/// A claimed message and the provider that it goes to.
pub(super) struct Dispatch {
    pub(super) message_id: i64,
    pub(super) attempt_id: i64,
    pub(super) otp: Otp,
    /// Index of the provider in the chain.
    pub(super) provider: usize,
    pub(super) message: Message,
}

/// Sends a message. If the outcome is not known, asks the provider what happened, if it can tell.
pub(super) async fn send(provider: &dyn Provider, message: &Message, stop: watch::Receiver<bool>) -> Report {
    let unknown = |why| Report::not_sent(Outcome::Unknown, why);
    let mut deadline = pin!(stop_deadline(stop));
    let sending = AssertUnwindSafe(provider.send(message)).catch_unwind();
    let report = tokio::select! {
        sent = sending => sent.unwrap_or_else(|_| unknown("internal error; see the log")),
        () = &mut deadline => return unknown("otpd stopped before the provider answered"),
    };
    if report.outcome != Outcome::Unknown || !provider.can_find() {
        return report;
    }
    let finding = AssertUnwindSafe(find(provider, message)).catch_unwind();
    tokio::select! {
        found = finding => found.ok().flatten().unwrap_or(report),
        () = deadline => report,
    }
}

/// Returns the corrected report. The provider may still be processing the request, so "not found" is believed only at
/// the last try.
async fn find(provider: &dyn Provider, message: &Message) -> Option<Report> {
    let mut last = None;
    for pause in FIND_AFTER {
        tokio::time::sleep(pause).await;
        last = provider.find(message).await;
        if last.as_ref().is_some_and(|report| report.outcome != Outcome::Retry) {
            break;
        }
    }
    last
}
