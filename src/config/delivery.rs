//! `[delivery]`: providers, message texts and allowed recipients.

use std::time::Duration;

use crate::config::layers::Layers;
use crate::config::nearest::nearest;
use crate::config::table::Table;
use crate::config::values::duration;
use crate::delivery::{ProviderSettings, ReadKeys, TYPES, inbox};
use crate::domain::code::CodeLength;
use crate::domain::host::ascii_domain;
use crate::domain::message::{Channel, Language, PerChannel};
use crate::domain::outbox::OnUnknown;
use crate::domain::policy::Policy;
use crate::domain::purpose::Purpose;
use crate::domain::secret::Secret;
use crate::domain::template::Template;
use crate::domain::texts::{TextTemplate, Texts};
use crate::error::ConfigError;

/// The shortest `delivery.callback_secret`: 128 random bits in base64.
const CALLBACK_SECRET_LENGTH: usize = 22;

/// How messages reach their recipients.
#[derive(Debug)]
pub struct DeliveryConfig {
    pub providers: PerChannel<Vec<ProviderSettings>>,
    pub texts: Texts,
    pub language: Language,
    pub on_unknown: OnUnknown,
    /// `None`: `delivery.fallback` is false.
    pub fallback_margin: Option<Duration>,
    pub escalate_after: Duration,
    pub callback_secret: Option<Secret>,
    pub allowed_prefixes: Vec<String>,
}

impl DeliveryConfig {
    pub(super) fn read(layers: &Layers) -> Result<Self, ConfigError> {
        let allow_inbox: bool = layers.value("delivery.allow_inbox", "true or false", |text| text.parse().ok())?;
        let chain = |channel: Channel| {
            let tables = layers.tables(&format!("delivery.{}", channel.as_str()))?;
            let mut chain: Vec<_> = tables.iter().map(|table| provider(table, channel)).collect::<Result<_, _>>()?;
            if let (Some(table), false) = (tables.iter().zip(&chain).find(|(_, it)| it.is_inbox), allow_inbox) {
                let words = "is not valid: inbox requires delivery.allow_inbox = true, because it delivers no messages";
                return Err(table.0.fault("type", words));
            }
            require_unique_names(&tables, &chain)?;
            let is_default = matches!(channel, Channel::Sms | Channel::Email);
            if chain.is_empty() && allow_inbox && is_default {
                chain.push(inbox("inbox".to_owned()));
            }
            Ok(chain)
        };
        Ok(Self {
            providers: PerChannel::try_from_fn(chain)?,
            texts: texts(layers)?,
            language: layers.value("delivery.language", "fa or en", |text| text.parse().ok())?,
            fallback_margin: fallback_margin(layers)?,
            escalate_after: layers.value("delivery.escalate_after", "a duration from 1s to 10m", |text| {
                duration(text, 1).filter(|after| *after <= Policy::SENT_CODE_LIVES)
            })?,
            callback_secret: layers.secret("delivery.callback_secret", callback_secret)?,
            on_unknown: layers.value("delivery.on_unknown", "stop or next", |text| text.parse().ok())?,
            allowed_prefixes: layers.list(
                "delivery.allowed_prefixes",
                "prefixes of mobile numbers such as 0912",
                |text| (text.starts_with("09") && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.to_owned()),
            )?,
        })
    }

    /// Whether a provider is the development inbox.
    pub fn has_inbox(&self) -> bool {
        self.all_providers().any(|provider| provider.is_inbox)
    }

    /// The providers of all channels.
    pub fn all_providers(&self) -> impl Iterator<Item = &ProviderSettings> {
        self.providers.iter().flat_map(|(_, chain)| chain)
    }

    pub(super) fn warnings(&self, length: CodeLength) -> Vec<String> {
        let mut warnings =
            if self.providers.get(Channel::Sms).is_empty() { Vec::new() } else { self.texts.warnings(length) };
        warnings.extend(self.all_providers().flat_map(|provider| provider.warnings.clone()));
        warnings
    }
}

/// Reads a provider of a channel.
fn provider(table: &Table<'_>, channel: Channel) -> Result<ProviderSettings, ConfigError> {
    let kind = table.text("type")?;
    let keys: &dyn ReadKeys = table;
    let name = keys.parsed("name", "1 to 64 characters", default_name(&kind, channel), |name| {
        let is_name = (1..=64).contains(&name.chars().count()) && !name.contains(char::is_control);
        is_name.then(|| name.to_owned())
    })?;
    let types = || TYPES.iter().filter(|one| one.channels.contains(&channel));
    let found = types().find(|one| one.name == kind);
    let found = found.ok_or_else(|| unknown_type(table, &kind, &types().map(|one| one.name).collect::<Vec<_>>()))?;
    let settings = (found.read)(keys, name)?;
    table.finish()?;
    Ok(settings)
}

/// Returns the name of a provider without `name`. A call and an SMS through one gateway have different names, because
/// metrics and figures are kept by name.
fn default_name(kind: &str, channel: Channel) -> String {
    match channel {
        Channel::Call | Channel::Bale if kind != channel.as_str() => format!("{kind}-{}", channel.as_str()),
        _ => kind.to_owned(),
    }
}

fn unknown_type(table: &Table<'_>, given: &str, types: &[&str]) -> ConfigError {
    let (last, others) = types.split_last().unwrap_or((&"", &[]));
    let guess = nearest(given, types.iter().copied()).map_or_else(String::new, |it| format!("; did you mean {it}?"));
    table.refused("type", &format!("{} or {last}{guess}", others.join(", ")))
}

/// Checks that provider names are unique within a channel, because messages record their attempts by provider name.
fn require_unique_names(tables: &[Table<'_>], chain: &[ProviderSettings]) -> Result<(), ConfigError> {
    let is_taken = |n: usize| chain.iter().take(n).any(|other| other.name == chain[n].name);
    let refused = |n: usize| Err(tables[n].refused("name", "a name that no other provider of the channel has"));
    (0..chain.len()).find(|n| is_taken(*n)).map_or(Ok(()), refused)
}

/// The shortest remaining validity of a code for a fallback. `None`: there is no fallback.
fn fallback_margin(layers: &Layers) -> Result<Option<Duration>, ConfigError> {
    let is_on: bool = layers.value("delivery.fallback", "true or false", |text| text.parse().ok())?;
    let margin = layers.value("delivery.fallback_margin", "a duration from 0s to 10m", |text| {
        duration(text, 0).filter(|margin| *margin <= Policy::SENT_CODE_LIVES)
    })?;
    Ok(is_on.then_some(margin))
}

/// Parses a secret that becomes a part of a path.
fn callback_secret(text: &str) -> Result<Secret, &'static str> {
    let is_path_part = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let is_long_enough = (CALLBACK_SECRET_LENGTH..=128).contains(&text.len());
    if is_path_part && is_long_enough {
        Ok(Secret::new(text.to_owned()))
    } else {
        Err("22 to 128 characters of A-Z, a-z, 0-9, - and _")
    }
}

fn texts(layers: &Layers) -> Result<Texts, ConfigError> {
    let tables = layers.tables("delivery.texts")?;
    let templates = tables.iter().map(text).collect::<Result<_, _>>()?;
    let domain = layers.value("delivery.webotp_domain", "a host name such as example.com, or nothing", |text| {
        if text.is_empty() { Some(None) } else { ascii_domain(text).map(Some) }
    })?;
    Texts::new(templates, domain).map_err(|(place, cause)| {
        let source = layers.source("delivery.texts");
        ConfigError(format!("{source}: delivery.texts[{place}] is not valid: {cause}"))
    })
}

fn text(table: &Table<'_>) -> Result<TextTemplate, ConfigError> {
    let template = |key: &str, text: String| {
        Template::parse(&text).map_err(|cause| table.fault(key, &format!("is not valid: {cause}")))
    };
    let html = || table.masked("html")?.map(|text| template("html", text)).transpose();
    let channel = match table.text("channel")?.parse() {
        Ok(channel @ (Channel::Sms | Channel::Email)) => channel,
        _ => return Err(table.refused("channel", "sms or email")),
    };
    let purpose = table.optional("purpose")?.map(|purpose| {
        Purpose::parse(&purpose).map_err(|_| table.refused("purpose", "1 to 32 characters of a-z, 0-9, _ and -"))
    });
    let is_email = channel == Channel::Email;
    let found = TextTemplate {
        channel,
        language: table.text("language")?.parse().map_err(|accepted| table.refused("language", accepted))?,
        purpose: purpose.transpose()?,
        subject: if is_email { Some(template("subject", table.text("subject")?)?) } else { None },
        plain: template("text", table.text("text")?)?,
        html: if is_email { html()? } else { None },
    };
    table.finish()?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_without_a_name_has_the_name_of_its_type_and_of_an_unusual_channel() {
        for (kind, channel, name) in [
            ("kavenegar", Channel::Sms, "kavenegar"),
            ("kavenegar", Channel::Call, "kavenegar-call"),
            ("bale", Channel::Bale, "bale"),
            ("http", Channel::Bale, "http-bale"),
            ("http", Channel::Email, "http"),
        ] {
            assert_eq!(default_name(kind, channel), name);
        }
    }
}
