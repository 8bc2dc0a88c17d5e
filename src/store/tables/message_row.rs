//! The rows of `messages`.

use crate::domain::message::{Channel, Envelope};
use crate::domain::otp::OtpId;
use crate::domain::outbox::StoredMessage;
use crate::error::{Error, Result};
use crate::store::row::Row;

/// The columns that `from_row` reads.
macro_rules! columns {
    () => {
        "id,
         otp_id,
         reference,
         channel,
         next_channels,
         language,
         state,
         fallback_channel,
         is_closed,
         is_counted"
    };
}

pub(in crate::store) use columns;

pub(in crate::store) fn from_row(row: &Row<'_>) -> Result<StoredMessage> {
    let next_channels: String = row.get("next_channels")?;
    let next_channels = next_channels.split(',').filter(|name| !name.is_empty()).map(str::parse);
    Ok(StoredMessage {
        id: row.get("id")?,
        otp_id: OtpId::from_stored(row.get("otp_id")?),
        envelope: Envelope {
            reference: row.get::<i64>("reference")?.cast_unsigned(),
            channel: row.parsed("channel")?,
            language: row.parsed("language")?,
        },
        next_channels: next_channels.collect::<std::result::Result<_, _>>().map_err(Error::internal)?,
        state: row.parsed("state")?,
        fallback_channel: row.optional_parsed("fallback_channel")?,
        is_closed: row.get("is_closed")?,
        is_counted: row.get("is_counted")?,
    })
}

/// Returns the text of a list of channels.
pub(in crate::store) fn list(channels: &[Channel]) -> String {
    channels.iter().map(|channel| channel.as_str()).collect::<Vec<_>>().join(",")
}
