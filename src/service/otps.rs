//! Management of codes by staff.

use crate::domain::listing::OtpQuery;
use crate::domain::otp::{NewOtp, Otp, OtpId, OtpPatch};
use crate::domain::user::Caller;
use crate::error::Result;
use crate::service::Service;
use crate::store::{messages, otp_list, otps};

impl Service {
    /// Stores a new code and returns it. Without `valid_to`, the code has the default lifetime of the project.
    pub async fn create_otp(&self, caller: &Caller, new: NewOtp) -> Result<Otp> {
        let policy = self.policy;
        self.write(caller, move |db, call| otps::insert(db, Otp::created(&new, call.now, &policy))).await
    }

    /// Returns the number of matching codes and the requested page of them, from one snapshot.
    pub async fn list_otps(&self, caller: &Caller, query: OtpQuery) -> Result<(i64, Vec<Otp>)> {
        let now = self.now();
        self.store.read_list(caller.token_id, move |db| otp_list::list(db, &query, now)).await
    }

    /// Returns the code with this id.
    pub async fn retrieve_otp(&self, id: OtpId) -> Result<Otp> {
        self.store.look_up(move |db| otps::find(db, id)).await
    }

    /// Applies a patch to the stored code and returns the result. Read and write share one transaction. An invalid
    /// patch changes nothing.
    pub async fn update_otp(&self, caller: &Caller, id: OtpId, patch: OtpPatch) -> Result<Otp> {
        let policy = self.policy;
        self.write(caller, move |db, call| {
            let stored = otps::find(db, id)?;
            let changed = patch.apply(&stored, call.now, &policy)?;
            otps::update(db, &changed)?;
            // A queued message must not deliver a code or use a recipient that staff entered.
            if stored.sent_at.is_some() && (changed.code, &changed.recipient) != (stored.code, &stored.recipient) {
                messages::cancel(db, id, call.now)?;
            }
            Ok(changed)
        })
        .await
    }

    /// Deletes the code with this id and its messages.
    pub async fn delete_otp(&self, caller: &Caller, id: OtpId) -> Result<()> {
        self.write(caller, move |db, _| otps::delete(db, id)).await
    }
}
