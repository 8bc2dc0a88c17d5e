//! What the file of a gateway usually needs.

pub(super) use crate::delivery::answer::Answer;
pub(super) use crate::delivery::call::{Call, comma_separated, percent_encoded};
pub(super) use crate::delivery::check::Check;
pub(super) use crate::delivery::common::{Connection, PanelTemplates, header_key, login, national, parameter};
pub(super) use crate::delivery::gateway::{Gateway, Statuses};
pub(super) use crate::delivery::read_keys::ReadKeys;
pub(super) use crate::delivery::settings::ProviderSettings;
pub(super) use crate::domain::attempt::{DeliveryStatus, Outcome, Report};
pub(super) use crate::domain::message::{Channel, Message};
pub(super) use crate::domain::secret::Secret;
pub(super) use crate::error::ConfigError;
pub(super) use reqwest::header::HeaderName;
pub(super) use serde_json::json;
