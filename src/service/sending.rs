//! Issuing and sending of codes. One transaction stores the code, its message and the events for the limits. The outbox
//! then delivers the message.

use std::iter;

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::delivery;
use crate::domain::audit::{Action, NewEvent};
use crate::domain::caller::Caller;
use crate::domain::client::ClientNetwork;
use crate::domain::clock::time_left;
use crate::domain::code::Code;
use crate::domain::figures::acceptance::Deliverer;
use crate::domain::idempotency::{IdempotencyKey, SendReceipt};
use crate::domain::limit::{Event, Limit, Subjects};
use crate::domain::message::{Channel, Envelope, Language};
use crate::domain::otp::{Otp, OtpId};
use crate::domain::outbox::MessageRecord;
use crate::domain::purpose::Purpose;
use crate::domain::recipient::Recipient;
use crate::domain::test_recipient::TestRecipient;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind, Reason, Result};
use crate::service::call::Call;
use crate::service::{Service, recording};
use crate::store::{Db, Subject, acceptance, idempotency_keys, messages, otps};

/// A request to send a code.
#[derive(Clone, Debug)]
pub struct SendRequest {
    pub recipient: Recipient,
    pub purpose: Purpose,
    /// `None`: the configured language.
    pub language: Option<Language>,
    /// The channels in the order in which they are used. Empty: the usual channel of the recipient.
    pub channels: Vec<Channel>,
    /// The network of the end user, which has its own limits.
    pub client: Option<ClientNetwork>,
}

impl SendRequest {
    /// Returns the first channel of the request and the channels after it.
    fn route(&self) -> (Channel, &[Channel]) {
        match self.channels.split_first() {
            Some((first, rest)) => (*first, rest),
            None => (Channel::for_recipient(&self.recipient), &[]),
        }
    }

    /// Returns a hash of the request, which is equal for repeated requests. The client is not included because a phone
    /// may change its network before the caller repeats a request.
    fn hash(&self) -> [u8; 32] {
        let language = self.language.map_or("", Language::as_str);
        let recipient = self.recipient.key();
        let channels = self.channels.iter().map(|channel| channel.as_str());
        let parts: Vec<&str> =
            [recipient.as_str(), self.purpose.as_str(), language].into_iter().chain(channels).collect();
        Sha256::digest(parts.join("\0")).into()
    }
}

/// The result of a send request. It does not contain the code.
#[derive(Clone, Debug)]
pub struct Sent {
    pub id: OtpId,
    pub recipient: Recipient,
    pub valid_to: Timestamp,
    /// Lifetime of the code in whole seconds.
    pub ttl: u64,
    /// Whole seconds until another message may be requested.
    pub resend_in: u64,
}

impl Service {
    /// Issues a code, or reuses one that was sent and is still usable, and queues its message.
    ///
    /// # Errors
    /// The recipient can't be reached, the recipient is locked out, a limit is reached, or the idempotency key is in
    /// use.
    pub async fn send_otp(&self, caller: &Caller, request: SendRequest, key: Option<IdempotencyKey>) -> Result<Sent> {
        self.require_reachable(&request, self.now())?;
        // The first channel, or a later one if the daily limit of the first is reached.
        let channels = if request.channels.is_empty() { vec![request.route().0] } else { request.channels.clone() };
        let _in_flight = key.map(|key| self.in_flight.enter(caller.token_id, key)).transpose()?;
        let (service, recipient) = (self.clone(), request.recipient.clone());
        let send = move |db: &Db, call: &Call| match &key {
            Some(key) => service.send_once(db, call, &request, key),
            None => service.send(db, call, &request),
        };
        let (holder, held) = (caller.user_id, (key, recipient.clone()));
        let hold = move |db: &Db| {
            let (key, recipient) = &held;
            key.iter().try_for_each(|key| db.hold(Subject::Key(holder, key.hash())))?;
            db.hold(Subject::Recipient(recipient))
        };
        let mut tries = if self.store.is_shared() { channels.len() } else { 1 };
        let receipt = loop {
            let receipt = self.write_holding(caller, hold.clone(), send.clone()).await;
            tries -= 1;
            // If other processes have reached the limit of the channel meanwhile, the next channel may have room.
            if tries == 0 || !receipt.as_ref().is_err_and(is_of_channel) {
                break receipt;
            }
        };
        let receipt = receipt.inspect_err(|error| self.note_refusal(error, caller, &recipient))?;
        channels.iter().for_each(|channel| self.queued.for_channel(*channel).notify_one());
        Ok(Sent {
            id: receipt.id,
            recipient,
            valid_to: receipt.valid_to,
            ttl: receipt.valid_to.seconds_after(receipt.sent_at),
            resend_in: self.policy.resend_cooldown.as_secs(),
        })
    }

    /// Sends a code, or returns the stored receipt if this idempotency key was used before.
    ///
    /// # Errors
    /// `Unprocessable` if the key was used with another request.
    fn send_once(&self, db: &Db, call: &Call, request: &SendRequest, key: &IdempotencyKey) -> Result<SendReceipt> {
        let since = call.now().minus(IdempotencyKey::KEPT);
        match idempotency_keys::find(db, call.user_id, key, since, call.now())? {
            Some((hash, receipt)) if hash == request.hash() => Ok(receipt),
            Some(_) => Err(Error::new(Kind::Unprocessable, "This Idempotency-Key was used with another request.")),
            None => {
                let receipt = self.send(db, call, request)?;
                idempotency_keys::insert(db, call.user_id, key, request.hash(), &receipt)?;
                Ok(receipt)
            }
        }
    }

    fn send(&self, db: &Db, call: &Call, request: &SendRequest) -> Result<SendReceipt> {
        let SendRequest { recipient, purpose, language, client, .. } = request;
        let now = call.now();
        let (channel, next_channels) = self.route(db, request, now)?;
        self.store.require_outbox()?;
        self.require_not_locked_out(db, recipient)?;
        let last = otps::last_sent(db, recipient, purpose, now)?;
        if let Some(wait) = last.and_then(|last| time_left(last, self.policy.resend_cooldown, now)) {
            return Err(Error::limited(Reason::TooSoon, wait));
        }
        let subjects = Subjects { recipient, channel, token_id: call.token_id, client: *client };
        self.limits.require_within_limits(db, &Limit::OF_SENDING, &subjects, now)?;
        let test = self.test_recipients.find_active(recipient, now);
        let otp = self.issue(db, recipient, purpose, test, now)?;
        if test.is_none() {
            // The exception of a test recipient may have ended since the first check.
            self.delivery.require_reachable(recipient, &request.channels)?;
            let language = language.unwrap_or(self.delivery.language);
            let envelope = Envelope { reference: delivery::new_reference(), channel, language };
            let escalate_at = (!next_channels.is_empty()).then(|| now.plus(self.delivery.escalate_after));
            messages::insert(db, otp.id, envelope, next_channels, escalate_at, now)?;
        }
        let channels = iter::once(&channel).chain(next_channels).map(|one| one.as_str()).collect::<Vec<_>>().join(", ");
        let event = NewEvent::about(Action::OtpSend, &otp).with("channel", Value::Null, channels);
        call.record(db, &event.of_test_recipient(test.is_some()))?;
        if let Some(refusal) = self.count_within_limits(db, (&Event::OF_SENDING, &Limit::OF_SENDING), &subjects, now)? {
            return Err(refusal);
        }
        Ok(SendReceipt::new(&otp, now))
    }

    /// Returns the first channel that has not reached its daily limit, and the channels after it. If all channels have
    /// reached their limits, the last one is returned.
    fn route<'a>(&self, db: &Db, request: &'a SendRequest, now: Timestamp) -> Result<(Channel, &'a [Channel])> {
        let (mut first, mut rest) = request.route();
        while let Some((next, others)) = rest.split_first()
            && !self.limits.has_room(db, Limit::of_channel(first), now)?
        {
            (first, rest) = (*next, others);
        }
        Ok((first, rest))
    }

    /// Requires that the message can be sent. A test recipient needs no provider.
    fn require_reachable(&self, request: &SendRequest, now: Timestamp) -> Result<()> {
        match self.test_recipients.find_active(&request.recipient, now) {
            Some(_) => delivery::require_suitable(&request.recipient, &request.channels),
            None => self.delivery.require_reachable(&request.recipient, &request.channels),
        }
    }

    /// Returns the code that was sent before if it is still usable, so that a delayed message remains valid. Otherwise
    /// issues a new code, which is the fixed one for the test recipient `test`. If the earlier code is about to expire or
    /// must not be repeated, its queued message is cancelled.
    fn issue(
        &self,
        db: &Db,
        recipient: &Recipient,
        purpose: &Purpose,
        test: Option<&TestRecipient>,
        now: Timestamp,
    ) -> Result<Otp> {
        let code =
            || test.map_or_else(|| Code::generate(&mut UnwrapErr(SysRng), self.policy.code_length), |it| it.code);
        let insert = |otp: Otp| match test {
            // Codes of test recipients do not count in the figures.
            Some(test) => otps::insert(db, test.bound(otp)),
            None => insert_issued(db, otp),
        };
        match otps::find_issued(db, recipient, purpose, now)? {
            Some(otp) if otp.is_worth_repeating(now) && may_repeat(db, &otp, test)? => {
                let again = Otp { sent_at: Some(now), ..otp.clone() };
                otps::update(db, &otp, &again)?;
                Ok(again)
            }
            Some(otp) => {
                // A message that is being sent is counted when its attempt ends.
                recording::count_cancelled(db, messages::count_queued(db, otp.id)?.into(), now)?;
                messages::cancel(db, otp.id, now)?;
                insert(otp.succeeded_by(code(), now, &self.policy))
            }
            None => insert(Otp::issued(code(), recipient.clone(), purpose.clone(), now, &self.policy)),
        }
    }

    /// Returns the messages of a code with their state, oldest first.
    pub async fn list_deliveries(&self, id: OtpId) -> Result<Vec<MessageRecord>> {
        self.store.read(move |db| messages::list_of_otp(db, otps::find(db, id)?.id)).await
    }
}

/// Whether the daily limit of a channel refused a request.
fn is_of_channel(error: &Error) -> bool {
    let is_limit_of =
        |channel: &Channel| error.limitation().is_some_and(|(it, _)| it == Limit::of_channel(*channel).setting());
    Channel::ALL.iter().any(is_limit_of)
}

/// Whether a usable code is the one to repeat: the fixed code for a test recipient, and for others a code that was sent
/// before. A fixed code remains usable for some minutes after its entry was removed from the configuration.
fn may_repeat(db: &Db, otp: &Otp, test: Option<&TestRecipient>) -> Result<bool> {
    match test {
        Some(test) => Ok(otp.code.is(test.code)),
        None => Ok(acceptance::find_deliverer(db, otp.id)? != Deliverer::NoMessage),
    }
}

fn insert_issued(db: &Db, otp: Otp) -> Result<Otp> {
    let otp = otps::insert(db, otp)?;
    recording::count_sent(db, &otp)?;
    Ok(otp)
}
