//! Codes as a resource that staff manage.
//!
//! A body is judged after the caller and the object (`api.md`, "Order of checks"), so it comes in as the verdict of
//! reading it; so does an id.

use crate::domain::listing::OtpQuery;
use crate::domain::otp::{NewOtp, Otp, OtpId, OtpPatch};
use crate::domain::token::ApiToken;
use crate::domain::user::Permission;
use crate::error::Result;
use crate::service::{Call, Service};
use crate::store::{Db, messages, otp_list, otps};

impl Service {
    /// Stores a new code. Without `valid_to` it lives for the project's expiration time.
    pub async fn create_otp(&self, token: ApiToken, new: Result<NewOtp>) -> Result<Otp> {
        let policy = self.policy;
        let insert = move |db: &Db, call: &Call, new: &NewOtp| otps::insert(db, Otp::made(new, call.now, &policy));
        self.write_checked(token, Permission::CreateOtp, new, insert).await
    }

    /// How many codes match, and the window of them that the query asks for, both of one moment.
    pub async fn list_otps(&self, token: ApiToken, query: Result<OtpQuery>) -> Result<(i64, Vec<Otp>)> {
        let now = self.now();
        self.read(token, Permission::ViewOtp, move |db| otp_list::list(db, &query?, now)).await
    }

    /// The code with this id.
    pub async fn retrieve_otp(&self, token: ApiToken, id: Result<OtpId>) -> Result<Otp> {
        self.read(token, Permission::ViewOtp, move |db| otps::find(db, id?)).await
    }

    /// Lays a patch over what is stored at the moment of the write; refused, it changes nothing.
    pub async fn update_otp(&self, token: ApiToken, id: Result<OtpId>, patch: Result<OtpPatch>) -> Result<Otp> {
        let (id, patch) = match (id, patch) {
            (Ok(id), Ok(patch)) => (id, patch),
            (Ok(id), Err(refusal)) => {
                let refused = move |db: &Db| otps::find(db, id).and(Err(refusal));
                return self.read(token, Permission::UpdateOtp, refused).await;
            }
            (Err(refusal), _) => return self.read(token, Permission::UpdateOtp, |_| Err(refusal)).await,
        };
        let policy = self.policy;
        self.write(token, Permission::UpdateOtp, move |db, call| {
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
    pub async fn delete_otp(&self, token: ApiToken, id: Result<OtpId>) -> Result<()> {
        self.write_checked(token, Permission::DeleteOtp, id, |db, _, id| otps::delete(db, *id)).await
    }
}
