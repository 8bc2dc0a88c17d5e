//! Management of codes by staff.

use crate::domain::audit::{Action, NewEvent};
use crate::domain::caller::Caller;
use crate::domain::listing::OtpQuery;
use crate::domain::otp::{NewOtp, Otp, OtpId, OtpPatch};
use crate::domain::policy::Policy;
use crate::domain::sent_form::SentForm;
use crate::error::Result;
use crate::service::Service;
use crate::service::call::Call;
use crate::store::{Db, Subject, is_damaged_row, messages, otp_list, otps, sent_forms};

impl Service {
    /// Stores a new code and returns it. Without `valid_to`, the code has the default lifetime of the project.
    pub async fn create_otp(&self, caller: &Caller, new: NewOtp) -> Result<Otp> {
        let policy = self.policy;
        self.write(caller, move |db, call| create(db, call, &new, &policy)).await
    }

    /// Stores the new code of a form and returns it. If the form was sent before, returns the code that it created.
    pub async fn create_otp_of_form(&self, caller: &Caller, new: NewOtp, form: SentForm) -> Result<Otp> {
        let policy = self.policy;
        self.write(caller, move |db, call| {
            db.hold(Subject::Key(form.session_id, form.key.bytes()))?;
            if let Some(id) = sent_forms::find_otp(db, &form)? {
                return otps::find(db, id);
            }
            let otp = create(db, call, &new, &policy)?;
            sent_forms::insert(db, &form, Some(otp.id))?;
            Ok(otp)
        })
        .await
    }

    /// Returns the number of matching codes and the requested page of them, from one snapshot.
    pub async fn list_otps(&self, caller: &Caller, query: OtpQuery) -> Result<(i64, Vec<Otp>)> {
        let now = self.now();
        let (count, otps) = self.store.read_list(caller.token_id, move |db| otp_list::list(db, &query, now)).await?;
        self.record_reads(caller, &otps).await?;
        Ok((count, otps))
    }

    /// Returns the code with this id.
    pub async fn retrieve_otp(&self, caller: &Caller, id: OtpId) -> Result<Otp> {
        let otp = self.find_otp(id).await?;
        self.record_reads(caller, std::slice::from_ref(&otp)).await?;
        Ok(otp)
    }

    /// Returns the code with this id, for a response that does not show it.
    pub async fn find_otp(&self, id: OtpId) -> Result<Otp> {
        self.store.look_up(move |db| otps::find(db, id)).await
    }

    /// Records that codes are shown, if `audit.reads` is set. They must not be shown if this fails.
    async fn record_reads(&self, caller: &Caller, otps: &[Otp]) -> Result<()> {
        if !self.audits_reads || otps.is_empty() {
            return Ok(());
        }
        let events: Vec<NewEvent> = otps.iter().map(|otp| NewEvent::about(Action::OtpRead, otp)).collect();
        self.write(caller, move |db, call| events.iter().try_for_each(|event| call.record(db, event))).await
    }

    /// Applies a patch to the stored code and returns the result. Read and write share one transaction. An invalid
    /// patch changes nothing.
    pub async fn update_otp(&self, caller: &Caller, id: OtpId, patch: OtpPatch) -> Result<Otp> {
        let service = self.clone();
        self.write(caller, move |db, call| service.apply(db, call, &otps::find_locked(db, id)?, &patch)).await
    }

    /// Applies a patch to a stored code, within the transaction that read it.
    pub(super) fn apply(&self, db: &Db, call: &Call, stored: &Otp, patch: &OtpPatch) -> Result<Otp> {
        let changed = patch.apply(stored, call.now(), &self.policy)?;
        otps::update(db, stored, &changed)?;
        // A queued message must not deliver a code or use a recipient that staff entered.
        if stored.sent_at.is_some() && (changed.code, &changed.recipient) != (stored.code, &stored.recipient) {
            messages::cancel(db, stored.id, call.now())?;
        }
        call.record(db, &NewEvent::update(stored, &changed))?;
        Ok(changed)
    }

    /// Deletes the code with this id and its messages.
    pub async fn delete_otp(&self, caller: &Caller, id: OtpId) -> Result<()> {
        self.write(caller, move |db, call| {
            let event = match otps::find_locked(db, id) {
                Ok(otp) => NewEvent::deletion(&otp),
                // The fields of a damaged code are not known.
                Err(error) if is_damaged_row(&error) => NewEvent { otp: Some(id), ..NewEvent::new(Action::OtpDelete) },
                Err(error) => return Err(error),
            };
            otps::delete(db, id)?;
            call.record(db, &event)
        })
        .await
    }
}

fn create(db: &Db, call: &Call, new: &NewOtp, policy: &Policy) -> Result<Otp> {
    let otp = otps::insert(db, Otp::created(new, call.now(), policy))?;
    call.record(db, &NewEvent::creation(&otp))?;
    Ok(otp)
}
