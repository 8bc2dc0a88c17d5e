//! Codes as a resource that staff manage.

use crate::domain::listing::OtpQuery;
use crate::domain::otp::{NewOtp, Otp, OtpId, OtpPatch};
use crate::domain::user::Caller;
use crate::error::Result;
use crate::service::Service;
use crate::store::{messages, otp_list, otps};

impl Service {
    /// Stores a new code. Without `valid_to` it lives for the project's expiration time.
    pub async fn create_otp(&self, caller: &Caller, new: NewOtp) -> Result<Otp> {
        let policy = self.policy;
        self.write(caller, move |db, call| otps::insert(db, Otp::made(&new, call.now, &policy))).await
    }

    /// How many codes match, and the window of them that the query asks for, both of one moment.
    pub async fn list_otps(&self, caller: &Caller, query: OtpQuery) -> Result<(i64, Vec<Otp>)> {
        let now = self.now();
        self.store.read_list(caller.token_id, move |db| otp_list::list(db, &query, now)).await
    }

    /// The code with this id.
    pub async fn retrieve_otp(&self, id: OtpId) -> Result<Otp> {
        self.store.read(move |db| otps::find(db, id)).await
    }

    /// Lays a patch over what is stored at the moment of the write; refused, it changes nothing.
    pub async fn update_otp(&self, caller: &Caller, id: OtpId, patch: OtpPatch) -> Result<Otp> {
        let policy = self.policy;
        self.write(caller, move |db, call| {
            let stored = otps::find(db, id)?;
            let changed = patch.apply(&stored, call.now, &policy)?;
            otps::update(db, &changed)?;
            // What staff writes is theirs: no message that still waits carries it out.
            if stored.sent_at.is_some() && (changed.code, &changed.recipient) != (stored.code, &stored.recipient) {
                messages::cancel(db, id, call.now)?;
            }
            Ok(changed)
        })
        .await
    }

    /// Deletes the code with this id, its messages too.
    pub async fn delete_otp(&self, caller: &Caller, id: OtpId) -> Result<()> {
        self.write(caller, move |db, _| otps::delete(db, id)).await
    }
}
