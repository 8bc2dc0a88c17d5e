//! Reads all settings into one validated [`Config`]. In order of increasing precedence, they come from
//! `config/default.toml`, `otp.toml` and environment variables.

mod contradictions;
mod database;
mod database_url;
mod delivery;
mod environment;
mod events;
mod file;
mod keys;
mod layers;
mod nearest;
mod needs;
mod secret;
mod table;
mod test_recipients;
mod values;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use ipnet::IpNet;
use log::LevelFilter;

pub use crate::config::delivery::DeliveryConfig;
pub use crate::config::file::read_text;
use crate::config::layers::Layers;
pub use crate::config::needs::Needs;
pub use crate::config::secret::{exposure, holds_login};
use crate::config::test_recipients::Rules;
use crate::config::values::{duration, host, metrics_address, network, origin};
use crate::delivery::EndpointSettings;
use crate::domain::code::CodeLength;
use crate::domain::host::is_this_machine;
use crate::domain::limit::Limits;
use crate::domain::policy::Policy;
use crate::domain::test_recipient::TestRecipients;
use crate::domain::time_zone::Tz;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::ApiToken;
use crate::error::ConfigError;
use crate::store::Database;

const NETWORKS: &str = "IP addresses or networks such as 10.0.0.0/8";
const ORIGIN: &str = "a scheme and a host such as https://otp.example.com, without a path, or nothing";

/// All settings, validated. Settings that the command does not need have their defaults. `Debug` does not print
/// secrets.
#[derive(Debug)]
pub struct Config {
    pub host: String,
    pub port: u16,
    /// `None`: one worker per core.
    pub workers: Option<usize>,
    pub trusted_proxies: Vec<IpNet>,
    /// Requests per second allowed from one address.
    pub requests_per_second: Option<NonZeroU32>,
    /// The address on which `/metrics` is served without a token.
    pub metrics: Option<SocketAddr>,
    pub database: Database,
    /// Whether `otpd serve` creates the database if there is none.
    pub creates_database: bool,
    /// Whether otpd runs checkpoints (moves the WAL into the database).
    pub checkpoints: bool,
    /// KiB written to the WAL between two checkpoints.
    pub checkpoint_kib: u32,
    pub policy: Policy,
    /// Recipients with a fixed code.
    pub test_recipients: TestRecipients,
    pub limits: Limits,
    pub delivery: DeliveryConfig,
    /// The endpoints that get events.
    pub events: Vec<EndpointSettings>,
    pub otp_timezone: Tz,
    /// How long expired codes are kept. `None`: forever.
    pub otp_retention: Option<Duration>,
    /// How long events of the audit trail are kept. `None`: forever.
    pub audit_retention: Option<Duration>,
    /// Whether requests of the API that show codes are recorded.
    pub audits_reads: bool,
    /// Whether the console is served.
    pub console_enabled: bool,
    /// The clients that may open the console. Empty: all.
    pub console_allowed_addresses: Vec<IpNet>,
    /// Scheme, host and port of the console as browsers show them, in the form of the header `Origin`. `None`: those of
    /// each request.
    pub console_origin: Option<String>,
    pub bootstrap_token: Option<ApiToken>,
    pub log_level: LevelFilter,
    /// Settings that should be changed, one line each.
    pub warnings: Vec<String>,
    /// Settings that are valid but have consequences for the operator to know, one line each.
    pub notes: Vec<String>,
    layers: Layers,
}

impl Config {
    /// Reads and validates the settings in `needs` from all layers. `file` is the argument of `--config`. Without it,
    /// `otp.toml` is read if it exists. `now` is the current time.
    ///
    /// # Errors
    /// A needed key has an invalid value or contradicts another one, a key is unknown (also in an unknown section,
    /// which may be a misspelled one), or a file can't be read. The error is about the first problem found.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (OsString, OsString)>,
        needs: Needs,
        now: Timestamp,
    ) -> Result<Self, ConfigError> {
        let layers = Layers::read(file, environment, needs)?;
        let policy = policy(&layers)?;
        let zone = layers.value("otp.timezone", "an IANA name such as Asia/Tehran", |text| text.parse().ok())?;
        let mut config = Self {
            host: layers.value("server.host", "a host name or an IP address", host)?,
            port: layers.value("server.port", "a port from 0 to 65535", |text| text.parse().ok())?,
            workers: Some(number(&layers, "server.workers", "threads", 0..=1024)? as usize)
                .filter(|workers| *workers > 0),
            trusted_proxies: layers.list("server.trusted_proxies", NETWORKS, network)?,
            requests_per_second: NonZeroU32::new(limit(&layers, "server.requests_per_second", 1_000_000)?),
            metrics: layers.value(
                "server.metrics",
                "an address and port such as 127.0.0.1:9464, or nothing",
                metrics_address,
            )?,
            database: database::read(&layers)?,
            creates_database: layers.value("database.create", "true or false", |text| text.parse().ok())?,
            checkpoints: layers.value("database.checkpoints", "true or false", |text| text.parse().ok())?,
            checkpoint_kib: number(&layers, "database.checkpoint_kib", "KiB", 64..=1_048_576)?,
            policy,
            test_recipients: test_recipients::read(&layers, Rules { now, zone, length: policy.code_length })?,
            limits: Limits::try_new(|one| limit(&layers, one.setting(), 1_000_000_000))?,
            delivery: DeliveryConfig::read(&layers)?,
            events: events::read(&layers)?,
            otp_timezone: zone,
            otp_retention: retention(&layers, "otp.retention")?,
            audit_retention: retention(&layers, "audit.retention")?,
            audits_reads: layers.value("audit.reads", "true or false", |text| text.parse().ok())?,
            console_enabled: layers.value("console.enabled", "true or false", |text| text.parse().ok())?,
            console_allowed_addresses: layers.list("console.allowed_addresses", NETWORKS, network)?,
            console_origin: layers.value("console.origin", ORIGIN, origin)?,
            bootstrap_token: layers.secret("auth.bootstrap_token", ApiToken::chosen)?,
            log_level: layers.value("log.level", "off, error, warn, info, debug or trace", |text| text.parse().ok())?,
            warnings: layers.exposed_secrets(),
            notes: Vec::new(),
            layers,
        };
        contradictions::require_separate_address(&config.layers, (&config.host, config.port), config.metrics)?;
        config.warn(now);
        config.note(now);
        Ok(config)
    }

    /// The configuration file that was read, if any.
    pub fn file(&self) -> Option<&Path> {
        self.layers.file()
    }

    /// The merged settings as TOML, each with its source. Secrets are masked, also in the database URL.
    pub fn show(&self) -> String {
        self.layers.show()
    }

    fn warn(&mut self, now: Timestamp) {
        self.warnings.extend(self.layers.misspelt.iter().cloned());
        self.warnings.extend(contradictions::trusts_all(&self.trusted_proxies));
        self.warnings.extend(contradictions::warnings(&self.policy, &self.limits));
        self.warnings.extend(self.delivery.warnings(self.policy.code_length));
        self.warnings.extend(events::warnings(&self.events));
        self.warnings.extend(test_recipients::warnings(&self.test_recipients, now));
    }

    fn note(&mut self, now: Timestamp) {
        if !is_this_machine(&self.host) {
            self.notes.push(format!(
                "server.host = {:?} is reachable from other machines, and otpd serves plain HTTP: put a TLS proxy in \
                 front of it",
                self.host
            ));
        }
        if let Some(address) = self.metrics.filter(|address| !address.ip().is_loopback()) {
            self.notes.push(format!("server.metrics = \"{address}\": other machines can read it without a token"));
        }
        if self.policy.expiration > Policy::SENT_CODE_LIVES {
            self.notes.push(
                "otp.expiration is longer than the 10 minutes that NIST SP 800-63B-4 (3.1.3.2) allows; sent codes \
                 expire after 10 minutes"
                    .to_owned(),
            );
        }
        if self.delivery.has_inbox() {
            self.notes.push(
                "delivery.allow_inbox = true: messages to the inbox are not delivered, and staff can read them"
                    .to_owned(),
            );
        }
        self.notes.extend(database::note(&self.layers, &self.database));
        self.notes.extend(test_recipients::note(&self.test_recipients, now));
        self.notes.extend(self.layers.foreign.clone());
    }
}

/// Reads the settings of `[otp]` that define codes and their verification.
fn policy(layers: &Layers) -> Result<Policy, ConfigError> {
    let expiration = "a duration from 1s to 366d, such as 90s, 5m or 24h";
    let expiration = layers.value("otp.expiration", expiration, |text| duration(text, 1))?;
    let cooldown = layers.value("otp.resend_cooldown", "a duration from 0s to 10m", |text| {
        duration(text, 0).filter(|cooldown| *cooldown <= Policy::SENT_CODE_LIVES)
    })?;
    Ok(Policy {
        expiration,
        code_length: layers.value("otp.code_length", "a number of digits from 6 to 10", |text| {
            text.parse().ok().and_then(CodeLength::new)
        })?,
        max_attempts: number(layers, "otp.max_attempts", "attempts", 1..=100)?,
        resend_cooldown: contradictions::cooldown(layers, cooldown, expiration)?,
        max_consecutive_failures: Some(limit(layers, "otp.max_consecutive_failures", 1_000_000)?).filter(|n| *n > 0),
    })
}

/// Reads how long data is kept. `None`: forever.
fn retention(layers: &Layers, key: &str) -> Result<Option<Duration>, ConfigError> {
    let retention = layers.value(key, "a duration from 0s (keep) to 3660d", |text| duration(text, 0))?;
    Ok(Some(retention).filter(|retention| !retention.is_zero()))
}

/// Reads a number in `range`. `what` is its unit, for the error message.
fn number(layers: &Layers, key: &str, what: &str, range: RangeInclusive<u32>) -> Result<u32, ConfigError> {
    let accepted = format!("a number of {what} from {} to {}", range.start(), range.end());
    layers.value(key, &accepted, |text| text.parse().ok().filter(|number| range.contains(number)))
}

/// Reads a limit from 0 to `most`; 0 means no limit.
fn limit(layers: &Layers, key: &str, most: u32) -> Result<u32, ConfigError> {
    let accepted = format!("a number from 0 (no limit) to {most}");
    layers.value(key, &accepted, |text| text.parse().ok().filter(|allowed| *allowed <= most))
}
