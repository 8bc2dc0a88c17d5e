//! `otpd move`.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::copies::{abandon, counts, is_meant_as_url, require_path, show};
use crate::cli::database::with_configuration;
use crate::cli::output::{CommandResult, print_message};
use crate::cli::signals::Signals;
use crate::config::{self, Config};
use crate::store::{self, Database, PostgresUrl};

/// The target of a move.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct Target {
    /// Path of a new SQLite file, or URL of a new or empty PostgreSQL database
    #[arg(long, value_name = "TARGET")]
    to: Option<PathBuf>,
    /// Read the URL from this file
    ///
    /// Other users can see arguments in the list of processes. A URL with a password is therefore better in a file.
    #[arg(long, value_name = "FILE")]
    to_url_file: Option<PathBuf>,
}

impl Target {
    /// # Errors
    /// The file can't be read, or the URL is not valid. The message does not contain the URL.
    fn database(&self) -> Result<Database, String> {
        match (&self.to_url_file, &self.to) {
            (Some(file), _) => url_in(file).map(Database::Postgres),
            (None, Some(to)) => match to.to_str().filter(|text| is_meant_as_url(text)) {
                Some(url) => parsed(url, "--to").map(Database::Postgres),
                None => Ok(Database::File(to.clone())),
            },
            (None, None) => Err("the target is missing; give --to or --to-url-file".to_owned()),
        }
    }
}

fn url_in(file: &Path) -> Result<PostgresUrl, String> {
    require_path(file, "--to-url-file")?;
    let shown = file.display();
    let text = config::read_text(file).map_err(|cause| format!("--to-url-file {shown}: {cause}"))?;
    if let Some(exposed) = config::exposure(file, None) {
        print_message(&format!("warning: {exposed}"));
    }
    parsed(text.trim_end(), &format!("--to-url-file {shown}"))
}

fn parsed(url: &str, source: &str) -> Result<PostgresUrl, String> {
    PostgresUrl::parse(url).map_err(|why| format!("{source} is not valid: {why}"))
}

/// `otpd move`: copies the configured database to the target.
pub(super) fn run(config: &Config, target: &Target) -> CommandResult {
    let target = target.database()?;
    let shown = target.shown();
    let signals = Signals::catch()?;
    let progress = |percent, draft: Option<&Path>| {
        show(percent);
        abandon(&signals, &shown, draft);
    };
    let contents = store::move_database(&config.database, &target, &progress)
        .map_err(|error| with_configuration(config, &error))?;
    print_message(&format!("{} were moved to {shown}", counts(contents)));
    let removed = match config.database {
        Database::File(_) => "database.path",
        Database::Postgres(_) => "database.url or database.url_file",
    };
    let set = match target {
        Database::File(_) => format!("database.path to {shown}"),
        Database::Postgres(_) => {
            "database.url to this URL, or database.url_file to the path of a file that contains it".to_owned()
        }
    };
    print_message(&format!(
        "Next: remove {removed} and set {set} in the configuration, then start otpd. Keep the old database {} until otpd \
         works with the new one; never start otpd on the old one again.",
        config.database.shown()
    ));
    Ok(())
}
