//! Recipients who failed too often, and who lets them try again.

use crate::domain::limit::Event;
use crate::domain::recipient::Recipient;
use crate::domain::token::ApiToken;
use crate::domain::user::Permission;
use crate::error::Result;
use crate::service::{Call, Service};
use crate::store::{Db, Store, limit_events, recipients};

impl Service {
    /// Lets a recipient try again, for a caller who may update codes.
    pub async fn reset_recipient(&self, token: ApiToken, recipient: Result<Recipient>) -> Result<()> {
        let reset = |db: &Db, _: &Call, recipient: &Recipient| forget_failures(db, recipient);
        self.write_checked(token, Permission::UpdateOtp, recipient, reset).await.map(drop)
    }
}

/// The same for whoever may open the database file; whether the recipient had failed since its last success.
pub async fn reset(store: &Store, recipient: Recipient) -> Result<bool> {
    store.write(move |db| forget_failures(db, &recipient)).await
}

/// Those in a row, and those of the last hour.
fn forget_failures(db: &Db, recipient: &Recipient) -> Result<bool> {
    limit_events::delete_of(db, Event::FailureOf, &recipient.key())?;
    recipients::forget_failures(db, recipient)
}
