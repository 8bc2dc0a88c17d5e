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

use crate::delivery::gateway::Gateway;
use crate::delivery::settings::ProviderType;
use crate::delivery::{http, inbox, smtp};
use crate::domain::message::Channel::{self, Bale, Call, Email, Sms};

/// The types of providers, in the order in which messages list them.
pub static TYPES: &[ProviderType] = &[
    ProviderType { name: inbox::TYPE, channels: Channel::ALL, read: |_, name| Ok(inbox::inbox(name)) },
    ProviderType { name: kavenegar::Kavenegar::TYPE, channels: &[Sms, Call], read: kavenegar::read },
    ProviderType { name: ippanel::Ippanel::TYPE, channels: &[Sms], read: ippanel::read },
    ProviderType { name: ippanel::Ippanel::TYPE, channels: &[Call], read: ippanel::read_call },
    ProviderType { name: melipayamak::Melipayamak::TYPE, channels: &[Sms], read: melipayamak::read },
    ProviderType { name: smsir::SmsIr::TYPE, channels: &[Sms], read: smsir::read },
    ProviderType { name: ghasedak::Ghasedak::TYPE, channels: &[Sms], read: ghasedak::read },
    ProviderType { name: ghasedak::Ghasedak::TYPE, channels: &[Call], read: ghasedak::read_call },
    ProviderType { name: iranpayamak::IranPayamak::TYPE, channels: &[Sms], read: iranpayamak::read },
    ProviderType { name: mediana::Mediana::TYPE, channels: &[Sms], read: mediana::read },
    ProviderType { name: asanak::Asanak::TYPE, channels: &[Sms], read: asanak::read },
    ProviderType { name: messageway::MessageWay::TYPE, channels: &[Sms, Call], read: messageway::read },
    ProviderType { name: magfa::Magfa::TYPE, channels: &[Sms], read: magfa::read },
    ProviderType { name: bale::Bale::TYPE, channels: &[Bale], read: bale::read },
    ProviderType { name: smtp::TYPE, channels: &[Email], read: smtp::read },
    ProviderType { name: http::Http::TYPE, channels: Channel::ALL, read: http::read },
];
