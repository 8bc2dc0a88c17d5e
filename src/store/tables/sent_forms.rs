//! Table `sent_forms`.

use crate::domain::otp::OtpId;
use crate::domain::sent_form::SentForm;
use crate::error::{Error, Kind, Result};
use crate::store::db::Db;
use crate::values;

pub(in crate::store) const FIND: &str = "SELECT otp_id FROM sent_forms WHERE session_id = $1 AND key = $2";

/// Returns the code that a form created. `None`: the form has not taken effect, or has created something else.
pub fn find_otp(db: &Db, form: &SentForm) -> Result<Option<OtpId>> {
    let values = values![form.session_id, form.key.bytes()];
    let otp = db.row(FIND, &values, |row| row.get::<Option<i64>>("otp_id"))?;
    Ok(otp.flatten().map(OtpId::from_stored))
}

/// Records that a form takes effect in this transaction, and the code that it creates, if it creates one.
///
/// # Errors
/// `Conflict`, if it took effect before.
pub fn insert(db: &Db, form: &SentForm, otp: Option<OtpId>) -> Result<()> {
    let sql = "INSERT INTO sent_forms (session_id, key, otp_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    let values = values![form.session_id, form.key.bytes(), otp.map(OtpId::value)];
    if db.execute(sql, &values)? == 0 {
        return Err(Error::new(Kind::Conflict, "The form was sent before."));
    }
    Ok(())
}
