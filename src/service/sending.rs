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
use crate::domain::idempotency::{IdempotencyKey, SendReceipt};
use crate::domain::limit::{Event, Limit, Subjects};
use crate::domain::message::{Channel, Envelope, Language};
use crate::domain::otp::{Otp, OtpId};
use crate::domain::outbox::MessageRecord;
use crate::domain::purpose::Purpose;
use crate::domain::recipient::Recipient;
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind, Reason, Result};
use crate::service::limits::Guard;
use crate::service::{Call, Service, recording};
use crate::store::{Db, idempotency_keys, messages, otps};

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
    /// Returns the channel that is used first, and those after it.
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
        self.delivery.require_reachable(&request.recipient, &request.channels)?;
        let channel = request.route().0;
        let _in_flight = key.map(|key| self.in_flight.enter(caller.token_id, key)).transpose()?;
        let (service, recipient) = (self.clone(), request.recipient.clone());
        let send = move |db: &Db, call: &Call| match &key {
            Some(key) => service.send_once(db, call, &request, key),
            None => service.send(db, call, &request),
        };
        let receipt = self.write(caller, send).await;
        let receipt = receipt.inspect_err(|error| self.note_refusal(error, caller, &recipient))?;
        self.queued.for_channel(channel).notify_one();
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
        let since = call.now.minus(IdempotencyKey::KEPT);
        match idempotency_keys::find(db, call.user_id, key, since, call.now)? {
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
        let (channel, next_channels) = request.route();
        let now = call.now;
        self.store.require_outbox()?;
        self.require_not_locked_out(db, recipient)?;
        let last = otps::last_sent(db, recipient, purpose, now)?;
        if let Some(wait) = last.and_then(|last| time_left(last, self.policy.resend_cooldown, now)) {
            return Err(Error::limited(Reason::TooSoon, wait));
        }
        let subjects = Subjects { recipient, channel, token_id: call.token_id, client: *client };
        self.limits.require_within_limits(db, &Limit::OF_SENDING, &subjects, now)?;
        let otp = self.issue(db, recipient, purpose, now)?;
        let language = language.unwrap_or(self.delivery.language);
        let envelope = Envelope { reference: delivery::new_reference(), channel, language };
        let escalate_at = (!next_channels.is_empty()).then(|| now.plus(self.delivery.escalate_after));
        messages::insert(db, otp.id, envelope, next_channels, escalate_at, now)?;
        Guard::count(db, &Event::OF_SENDING, &subjects, now)?;
        let channels = iter::once(&channel).chain(next_channels).map(|one| one.as_str()).collect::<Vec<_>>().join(", ");
        call.record(db, &NewEvent::about(Action::OtpSend, &otp).with("channel", Value::Null, channels))?;
        Ok(SendReceipt::new(&otp, now))
    }

    /// Returns the code that was sent before if it is still usable, so that a delayed message remains valid. Otherwise
    /// issues a new code. If the earlier code is about to expire, its queued message is cancelled.
    fn issue(&self, db: &Db, recipient: &Recipient, purpose: &Purpose, now: Timestamp) -> Result<Otp> {
        let code = || Code::generate(&mut UnwrapErr(SysRng), self.policy.code_length);
        match otps::find_issued(db, recipient, purpose, now)? {
            Some(otp) if otp.is_worth_repeating(now) => {
                let again = Otp { sent_at: Some(now), ..otp };
                otps::update_usage(db, &again)?;
                Ok(again)
            }
            Some(otp) => {
                // A message that is being sent is counted when its attempt ends.
                recording::count_cancelled(db, messages::count_queued(db, otp.id)?.into(), now)?;
                messages::cancel(db, otp.id, now)?;
                insert_issued(db, otp.succeeded_by(code(), now, &self.policy))
            }
            None => insert_issued(db, Otp::issued(code(), recipient.clone(), purpose.clone(), now, &self.policy)),
        }
    }

    /// Returns the messages of a code with their state, oldest first.
    pub async fn list_deliveries(&self, id: OtpId) -> Result<Vec<MessageRecord>> {
        self.store.read(move |db| messages::list_of_otp(db, otps::find(db, id)?.id)).await
    }
}

fn insert_issued(db: &Db, otp: Otp) -> Result<Otp> {
    let otp = otps::insert(db, otp)?;
    recording::count_sent(db, &otp)?;
    Ok(otp)
}
