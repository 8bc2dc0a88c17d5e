//! Opens the configured database for a command.

use std::ops::Deref;
use std::sync::Arc;

use nix::unistd::{Uid, User};

use crate::cli::output::now;
use crate::config::Config;
use crate::domain::audit::Origin;
use crate::domain::timestamp::Timestamp;
use crate::service::Clock;
use crate::store::{Create, OpenError, Options, Store};

/// Opens the existing database for one command.
pub(super) fn open(config: &Config) -> Result<Opened, String> {
    let options = Options { readers: 1, create: Create::Never, checkpoints: config.checkpoints, ..Options::default() };
    open_store(config, &options).map(Opened)
}

/// Opens the configured database.
///
/// # Errors
/// One sentence for the operator. If there is no database, it names the configuration file.
pub(super) fn open_store(config: &Config, options: &Options) -> Result<Store, String> {
    Store::open_database(&config.database, options).map_err(|error| with_configuration(config, &error))
}

/// Returns the message of `error`. If the database is missing, the message includes the configuration file, because the
/// database path depends on it and on the working directory.
pub(super) fn with_configuration(config: &Config, error: &OpenError) -> String {
    match config.file() {
        Some(file) if error.is_missing() => format!("{error} (configuration file: {})", file.display()),
        None if error.is_missing() => format!("{error} (no configuration file)"),
        _ => error.to_string(),
    }
}

/// The clock of the service, which is that of the database, so that several hosts agree on the time.
pub(super) fn clock_of(store: &Store) -> Clock {
    let store = store.clone();
    Arc::new(move || now_of(&store))
}

/// The current time on the clock of the database. For SQLite, that is the local clock.
pub(super) fn now_of(store: &Store) -> Timestamp {
    store.server_time().unwrap_or_else(now)
}

/// The store of a command. Dropping it moves the WAL into the database, even if the command fails.
pub(super) struct Opened(pub(super) Store);

impl Deref for Opened {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.0
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The actor of the changes of a command, for the audit trail: the user that runs the process.
pub(super) fn command_origin() -> Arc<Origin> {
    let uid = Uid::current();
    let user = User::from_uid(uid).ok().flatten();
    Origin::command(&user.map_or_else(|| format!("uid {uid}"), |user| user.name))
}
