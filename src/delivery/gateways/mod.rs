//! The protocols of the gateways, one file each, and the types of providers. A new gateway is a file here, its `mod`
//! line and its line in [`TYPES`].

mod asanak;
mod bale;
mod ghasedak;
mod ippanel;
mod iranpayamak;
mod kavenegar;
mod magfa;
mod mediana;
mod melipayamak;
mod messageway;
mod prelude;
mod smsir;

use crate::delivery::settings::ProviderType;
use crate::delivery::{http, inbox, smtp};
use crate::domain::message::Channel::{self, Bale, Call, Email, Sms};

/// The types of providers, in the order in which messages list them.
pub static TYPES: &[ProviderType] = &[
    ProviderType { name: "inbox", channels: Channel::ALL, read: |_, name| Ok(inbox::inbox(name)) },
    ProviderType { name: "kavenegar", channels: &[Sms, Call], read: kavenegar::read },
    ProviderType { name: "ippanel", channels: &[Sms], read: ippanel::read },
    ProviderType { name: "ippanel", channels: &[Call], read: ippanel::read_call },
    ProviderType { name: "melipayamak", channels: &[Sms], read: melipayamak::read },
    ProviderType { name: "smsir", channels: &[Sms], read: smsir::read },
    ProviderType { name: "ghasedak", channels: &[Sms], read: ghasedak::read },
    ProviderType { name: "ghasedak", channels: &[Call], read: ghasedak::read_call },
    ProviderType { name: "iranpayamak", channels: &[Sms], read: iranpayamak::read },
    ProviderType { name: "mediana", channels: &[Sms], read: mediana::read },
    ProviderType { name: "asanak", channels: &[Sms], read: asanak::read },
    ProviderType { name: "messageway", channels: &[Sms, Call], read: messageway::read },
    ProviderType { name: "magfa", channels: &[Sms], read: magfa::read },
    ProviderType { name: "bale", channels: &[Bale], read: bale::read },
    ProviderType { name: "smtp", channels: &[Email], read: smtp::read },
    ProviderType { name: "http", channels: Channel::ALL, read: http::read },
];
