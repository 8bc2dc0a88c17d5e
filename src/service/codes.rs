//! The list of codes in the console, and what it shows of one code.

use std::time::Duration;

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;

use crate::domain::audit::{Action, AuditEvent, AuditFilter, AuditQuery, NewEvent};
use crate::domain::caller::Caller;
use crate::domain::code::Code;
use crate::domain::code_list::{CodePage, CodeQuery};
use crate::domain::listing::Window;
use crate::domain::otp::{Otp, OtpId, OtpPatch};
use crate::domain::outbox::MessageRecord;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::service::Service;
use crate::store::{Db, audit_list, code_list, messages, otps};

/// The most events that the page of one code shows.
const EVENTS: i64 = 200;

/// A code with its messages and its events, oldest first.
#[derive(Clone, Debug)]
pub struct CodeDetails {
    pub otp: Otp,
    pub messages: Vec<MessageRecord>,
    pub events: Vec<AuditEvent>,
}

/// The result of an edit.
#[derive(Debug)]
pub enum Edit {
    Saved(Otp),
    /// The code was changed after the editor read it. This is the stored one; nothing was saved.
    Conflict(Otp),
}

impl Service {
    /// Returns a page of the list of codes.
    pub async fn list_codes(&self, caller: &Caller, query: CodeQuery) -> Result<CodePage> {
        let now = self.now();
        self.store.read_list(caller.token_id, move |db| code_list::list(db, &query, now)).await
    }

    /// Returns the number of codes newer than `id`, at most `limit`.
    pub async fn count_newer_codes(&self, id: i64, limit: i64) -> Result<i64> {
        self.store.read(move |db| code_list::count_newer(db, id, limit)).await
    }

    /// Returns a code with its messages and events.
    pub async fn code_details(&self, id: OtpId) -> Result<CodeDetails> {
        let work = move |db: &Db| {
            let otp = otps::find(db, id)?;
            let filter = AuditFilter { otp: Some(id.value()), ..AuditFilter::default() };
            let query = AuditQuery { filter, window: Window { limit: EVENTS, offset: 0 } };
            let (_, mut events) = audit_list::list(db, &query)?;
            events.reverse();
            Ok(CodeDetails { otp, messages: messages::list_of_otp(db, id)?, events })
        };
        self.store.read(work).await
    }

    /// Returns a code to show its digits, and records that.
    pub async fn uncover_otp(&self, caller: &Caller, id: OtpId) -> Result<Otp> {
        self.write(caller, move |db, call| {
            let otp = otps::find(db, id)?;
            call.record(db, &NewEvent::about(Action::OtpRead, &otp))?;
            Ok(otp)
        })
        .await
    }

    /// Applies a patch if the code was not changed since `read_at`, its `updated_at` when the editor read it.
    pub async fn edit_otp(&self, caller: &Caller, id: OtpId, read_at: Timestamp, patch: OtpPatch) -> Result<Edit> {
        let service = self.clone();
        self.write(caller, move |db, call| {
            let stored = otps::find_locked(db, id)?;
            if stored.updated_at != read_at {
                return Ok(Edit::Conflict(stored));
            }
            service.apply(db, call, &stored, &patch).map(Edit::Saved)
        })
        .await
    }

    /// Generates a code of the configured length.
    pub fn generate_code(&self) -> Code {
        Code::generate(&mut UnwrapErr(SysRng), self.policy.code_length)
    }

    /// How long a new code is valid.
    pub fn expiration(&self) -> Duration {
        self.policy.expiration
    }

    /// Makes a code expire now.
    pub async fn expire_otp(&self, caller: &Caller, id: OtpId) -> Result<Otp> {
        let service = self.clone();
        self.write(caller, move |db, call| {
            let stored = otps::find_locked(db, id)?;
            if !stored.is_valid(call.now()) {
                return Ok(stored);
            }
            service.apply(db, call, &stored, &OtpPatch::expiring_at(call.now()))
        })
        .await
    }
}
