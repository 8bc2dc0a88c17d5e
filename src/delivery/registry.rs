//! The types of providers.

use crate::delivery::settings::ProviderType;
use crate::delivery::{ghasedak, http, inbox, ippanel, kavenegar, melipayamak, smsir, smtp};
use crate::domain::message::Channel::{Email, Sms};

/// In the order in which messages list them.
pub static TYPES: [ProviderType; 8] = [
    ProviderType { name: "inbox", channels: &[Sms, Email], read: |_, name| Ok(inbox::inbox(name)) },
    ProviderType { name: "kavenegar", channels: &[Sms], read: kavenegar::read },
    ProviderType { name: "ippanel", channels: &[Sms], read: ippanel::read },
    ProviderType { name: "melipayamak", channels: &[Sms], read: melipayamak::read },
    ProviderType { name: "smsir", channels: &[Sms], read: smsir::read },
    ProviderType { name: "ghasedak", channels: &[Sms], read: ghasedak::read },
    ProviderType { name: "smtp", channels: &[Email], read: smtp::read },
    ProviderType { name: "http", channels: &[Sms, Email], read: http::read },
];
