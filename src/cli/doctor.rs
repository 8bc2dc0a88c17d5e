//! `otpd doctor`: checks for known problems, and prints a line for each with its remedy.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::{env, fs};

use chrono::{DateTime, Utc};

use crate::cli::database::{now_of, open};
use crate::cli::output::{CommandResult, out};
use crate::config::Config;
use crate::delivery::{Endpoint, EndpointSettings, Keep, ProviderSettings};
use crate::domain::count::counted;
use crate::domain::message::Channel;
use crate::domain::timestamp::Timestamp;
use crate::error::{ConfigError, Error};
use crate::service::health;
use crate::store::{self, Database, Finding, folder_of};

impl From<Result<String, String>> for Finding {
    fn from(outcome: Result<String, String>) -> Self {
        outcome.map_or_else(Self::Problem, Self::Ok)
    }
}

/// Runs all checks. If the settings are invalid, `fault` is the error, `config` contains only the settings of the
/// database, and the checks of other settings are left out.
pub(super) async fn run(config: &Config, fault: Option<&ConfigError>) -> CommandResult {
    let settings =
        |finding: fn(String) -> Finding| move |words: &String| ("settings".to_owned(), finding(words.clone()));
    let fault = fault.map(ConfigError::to_string);
    let mut findings: Vec<(String, Finding)> = fault.iter().map(settings(Finding::Problem)).collect();
    findings.extend(config.warnings.iter().map(settings(Finding::Problem)));
    findings.extend(config.notes.iter().map(settings(Finding::Note)));
    // Otherwise a warning above is about this setting.
    if fault.is_none() && config.trusted_proxies.iter().all(|network| network.prefix_len() > 0) {
        findings.push(("trusted proxies".to_owned(), Finding::Ok(proxies(config))));
    }
    match open(config) {
        Ok(store) => {
            if let Database::File(path) = &config.database {
                findings.push(("database".to_owned(), permissions(path).into()));
            }
            findings.extend(store.findings().await);
            findings.push(("clock".to_owned(), health::clock(&store, now_of(&store), installed_at()).await.into()));
        }
        Err(error) => findings.push(("database".to_owned(), Finding::Problem(error))),
    }
    let of_files = config.database.file().map(store::findings).unwrap_or_default();
    findings.extend(of_files.into_iter().map(|finding| ("files".to_owned(), Finding::Problem(finding))));
    if fault.is_none() {
        for (channel, settings) in config.delivery.providers.iter() {
            findings.extend(providers(channel, settings).await);
        }
        findings.extend(endpoints(&config.events).await);
    }
    print(findings)
}

/// Prints one line per finding.
///
/// # Errors
/// There are problems to fix, or stdout can't be written.
fn print(findings: Vec<(String, Finding)>) -> CommandResult {
    let mut problems = 0;
    for (what, finding) in findings {
        problems += u32::from(matches!(finding, Finding::Problem(_)));
        let (sign, words) = match finding {
            Finding::Ok(words) => ("ok", words),
            Finding::Note(words) => ("note", words),
            Finding::Problem(words) => ("error", words),
        };
        out(&format!("{sign:<6}{what}: {words}\n"))?;
    }
    if problems == 0 { Ok(()) } else { Err(format!("{} to fix", counted(problems, "problem")).into()) }
}

/// Checks the providers of a channel. A channel without a provider is not a problem, because an installation may use
/// only other channels, or none. It is mentioned if it is SMS or e-mail.
async fn providers(channel: Channel, settings: &[ProviderSettings]) -> Vec<(String, Finding)> {
    let is_usual = matches!(channel, Channel::Sms | Channel::Email);
    let channel = channel.as_str();
    if settings.is_empty() && is_usual {
        let words = format!("no provider; to send codes, configure a [[delivery.{channel}]] table");
        return vec![(channel.to_owned(), Finding::Note(words))];
    }
    let mut findings = Vec::new();
    for provider in settings {
        findings.push((format!("{channel} by {}", provider.name), check(provider).await.into()));
    }
    findings
}

/// Checks that the hosts of the endpoints of events can be reached. No event is sent.
async fn endpoints(settings: &[EndpointSettings]) -> Vec<(String, Finding)> {
    let mut findings = Vec::new();
    for settings in settings {
        let state = match Endpoint::new(settings.clone()) {
            Ok(endpoint) => endpoint.check().await,
            Err(cause) => Err(cause),
        };
        findings.push((format!("events to {}", settings.name()), state.into()));
    }
    findings
}

async fn check(settings: &ProviderSettings) -> Result<String, String> {
    settings.build(&no_inbox())?.check().await
}

/// Builds every configured provider as a check.
///
/// # Errors
/// The first provider that cannot be built, with the reason.
pub(super) fn require_sound_providers(config: &Config) -> Result<(), String> {
    config.delivery.all_providers().try_for_each(|settings| settings.build(&no_inbox()).map(drop))
}

/// A [`Keep`] that always fails, because no message is sent here.
fn no_inbox() -> Keep {
    Arc::new(|_| Box::pin(async { Err(Error::unavailable("the development inbox is not available")) }))
}

fn proxies(config: &Config) -> String {
    match config.trusted_proxies.as_slice() {
        [] => "none: forwarded headers are ignored".to_owned(),
        networks => networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// The modification time of the program file, which is a lower bound for the current time.
fn installed_at() -> Timestamp {
    let written = env::current_exe().and_then(fs::metadata).and_then(|file| file.modified());
    written.map_or_else(|_| DateTime::UNIX_EPOCH, DateTime::<Utc>::from).into()
}

/// Checks that only this user can read the database and that not everyone can write to its directory, because
/// write access to the directory is enough to replace the database.
fn permissions(database: &Path) -> Result<String, String> {
    let mode = |path: &Path| {
        fs::metadata(path).map(|metadata| metadata.permissions().mode()).map_err(|cause| cause.to_string())
    };
    let folder = folder_of(database);
    let shown = database.display();
    if mode(database)? & 0o077 != 0 {
        return Err(format!("other users can read it; run `chmod 600 {shown}`"));
    }
    if mode(folder)? & 0o002 != 0 {
        return Err(format!("all users can write to its directory; run `chmod o-w {}`", folder.display()));
    }
    Ok(format!("{shown} can be opened, and other users cannot read it"))
}
