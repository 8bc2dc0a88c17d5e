//! The command line. Data goes to stdout, messages to stderr. The exit status is 0 (success), 1 (failure) or 2 (wrong
//! usage).

mod accounts;
mod copies;
mod doctor;
mod first_run;
mod health;
mod housekeeping;
mod logging;
mod manual;
mod messages;
mod open_files;
mod serve;
mod signals;
mod tools;
mod usage;

use std::io::{self, Write};
use std::ops::Deref;
use std::path::PathBuf;

use chrono::Utc;
use clap::{CommandFactory, Parser, Subcommand};
use rustix::fs::{OFlags, fcntl_getfl};

use crate::cli::accounts::{TokenCommand, UserCommand};
use crate::cli::messages::RecipientCommand;
use crate::cli::tools::ToolCommand;
use crate::config::Config;
use crate::domain::message::Language;
use crate::domain::recipient::Recipient;
use crate::domain::timestamp::Timestamp;
use crate::store::{Create, OpenError, Options, Store};

type CommandResult = Result<(), Box<dyn std::error::Error>>;

/// One-time passwords as a REST API, in one binary with one SQLite database
#[derive(Parser)]
#[command(name = "otpd", version, after_help = "Example:\n  otpd --config /etc/otpd/otp.toml serve")]
struct Cli {
    /// Read the configuration from this file instead of ./otp.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<AnyCommand>,
}

#[derive(Subcommand)]
enum AnyCommand {
    #[command(flatten)]
    Main(Command),
    #[command(flatten)]
    Tool(ToolCommand),
}

#[derive(Subcommand)]
enum Command {
    /// Start the server (the default command)
    ///
    /// Creates the database if there is none, and migrates an older schema.
    #[command(after_help = "Example:\n  OTPD_SERVER__PORT=9000 otpd serve")]
    Serve,
    /// Create the database and its first admin without starting the server
    ///
    /// Also creates the database if files of an older one are in the directory, which prevents `otpd serve` from
    /// creating it. The admin's token is shown if stderr is a terminal. Otherwise it is written to admin.token in the
    /// directory of the database. Existing files are never replaced.
    #[command(after_help = "Example:\n  otpd init --admin-token-file /root/otpd-admin.token")]
    Init {
        /// Write the admin's token to this new file (mode 0600)
        #[arg(long, value_name = "FILE")]
        admin_token_file: Option<PathBuf>,
    },
    /// Manage users and their permissions
    #[command(subcommand, after_help = "Example:\n  otpd user add support --role staff --permission view")]
    User(UserCommand),
    /// Manage API tokens
    #[command(subcommand, after_help = "Example:\n  otpd token add support")]
    Token(TokenCommand),
    /// Unlock a recipient after too many failed attempts
    #[command(subcommand, after_help = "Example:\n  otpd recipient reset 09123456789")]
    Recipient(RecipientCommand),
    /// Show the messages in the development inbox
    #[command(after_help = "Example:\n  otpd inbox --follow")]
    Inbox {
        /// Wait for new messages and show them, until Ctrl-C
        #[arg(long)]
        follow: bool,
    },
    /// Check configuration, files, clock and providers
    #[command(after_help = "Example:\n  otpd --config /etc/otpd/otp.toml doctor")]
    Doctor,
    /// Send a test message (its code cannot be verified)
    #[command(after_help = "Example:\n  otpd send-test 09123456789")]
    SendTest {
        /// Mobile number or e-mail address
        #[arg(value_parser = messages::recipient)]
        recipient: Recipient,
        /// Language of the message: fa or en [default: delivery.language]
        #[arg(long)]
        language: Option<Language>,
    },
    /// Back up the live database (verified before it replaces FILE)
    ///
    /// Follows a symbolic link if the link belongs to this user or to root. Refuses devices, FIFOs, sockets and
    /// directories.
    #[command(after_help = "Example:\n  otpd backup /var/backups/otp-$(date +%F).db")]
    Backup {
        /// Path of the backup
        file: PathBuf,
        /// Replace an existing file, unless it is a backup with far more data
        ///
        /// A backup has far more data if it contains more than twice as many users, tokens or codes (without those past
        /// otp.retention), or codes with greater ids. To replace such a backup, delete it first. Files that are not
        /// backups of this database are not replaced either.
        #[arg(long)]
        force: bool,
    },
    /// Restore a backup (stop otpd first; the old database is kept)
    ///
    /// In the restored database, codes that may have been used since the backup cannot be verified, and queued messages
    /// are cancelled. Users, permissions and tokens that exist again are listed.
    /// Counters of limits and failed attempts continue from their values in the backup.
    #[command(after_help = "Example:\n  otpd restore /var/backups/otp-2026-11-23.db")]
    Restore {
        /// Path of the backup
        file: PathBuf,
        /// Delete tokens that are not valid in the current database
        ///
        /// These are tokens that the current database does not contain, and tokens of disabled users. Tokens that are
        /// currently valid stay valid. If the current database cannot be read, all tokens are deleted, because each of
        /// them may have been revoked; `otpd token add` creates new ones.
        #[arg(long)]
        revoke_tokens: bool,
    },
    /// Check and show the configuration
    #[command(subcommand, after_help = "Example:\n  otpd config show")]
    Config(ConfigCommand),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Check all settings and print warnings
    #[command(after_help = "Example:\n  otpd --config otp.toml config check")]
    Check,
    /// Show all settings and their sources (secrets are masked)
    #[command(after_help = "Example:\n  otpd config show")]
    Show,
}

/// Parses the command line and runs the command. Wrong usage ends the process with exit status 2.
///
/// # Errors
/// The command failed. The message is one line.
pub fn run() -> CommandResult {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refusal) => return usage::answer(&refusal),
    };
    let command = match cli.command {
        Some(AnyCommand::Tool(tool)) => return tools::run(tool, cli.config.as_deref(), Cli::command()),
        Some(AnyCommand::Main(command)) => command,
        None => Command::Serve,
    };
    let config = Config::load(cli.config.as_deref(), std::env::vars_os())?;
    logging::start(config.log_level);
    match command {
        Command::Serve => block_on(serve::run(&config)),
        Command::Init { admin_token_file } => block_on(first_run::init(&config, admin_token_file.as_deref())),
        Command::User(command) => block_on(accounts::user(&config, command)),
        Command::Token(command) => block_on(accounts::token(&config, command)),
        Command::Recipient(command) => block_on(messages::recipient_command(&config, command)),
        Command::Inbox { follow } => block_on(messages::show_inbox(&config, follow)),
        Command::Doctor => block_on(doctor::run(&config)),
        Command::SendTest { recipient, language } => block_on(messages::send_test(&config, recipient, language)),
        Command::Backup { file, force } => copies::backup(&config, &file, force),
        Command::Restore { file, revoke_tokens } => copies::restore(&config, &file, revoke_tokens),
        Command::Config(ConfigCommand::Show) => out(&config.show()),
        Command::Config(ConfigCommand::Check) => {
            for warning in config.warnings.iter().chain(&config.notes) {
                tell(&format!("warning: {warning}"));
            }
            doctor::require_sound_providers(&config)?;
            tell("the configuration is valid");
            Ok(())
        }
    }
}

fn block_on(command: impl Future<Output = CommandResult>) -> CommandResult {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(command);
    // `serve` has already waited for its tasks, up to their timeouts. Remaining tasks are abandoned.
    runtime.shutdown_background();
    outcome
}

/// Opens the existing database for one command.
fn open(config: &Config) -> Result<Opened, String> {
    let options = Options { readers: 1, create: Create::Never, checkpoints: config.checkpoints, ..Options::default() };
    open_store(config, &options).map(Opened)
}

/// Opens the configured database.
///
/// # Errors
/// One sentence for the operator. If there is no database, it names the configuration file.
fn open_store(config: &Config, options: &Options) -> Result<Store, String> {
    Store::open(&config.database_path, options).map_err(|error| with_configuration(config, &error))
}

/// Returns the message of `error`. If the database is missing, the message includes the configuration file, because the
/// database path depends on it and on the working directory.
fn with_configuration(config: &Config, error: &OpenError) -> String {
    match config.file() {
        Some(file) if error.is_missing() => format!("{error} (configuration file: {})", file.display()),
        None if error.is_missing() => format!("{error} (no configuration file)"),
        _ => error.to_string(),
    }
}

/// The store of a command. Dropping it moves the WAL into the database, even if the command fails.
struct Opened(Store);

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

/// Writes data to stdout and flushes it.
///
/// # Errors
/// Some of the data could not be written.
fn out(data: &str) -> CommandResult {
    let mut stdout = io::stdout();
    // The standard library reports no error if the descriptor is not open for writing.
    if fcntl_getfl(&stdout).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::RDONLY) {
        return Err("stdout can't be written: it is open for reading only".into());
    }
    stdout.write_all(data.as_bytes()).and_then(|()| stdout.flush()).map_err(|cause| unwritable(&cause))
}

fn unwritable(cause: &io::Error) -> Box<dyn std::error::Error> {
    format!("stdout can't be written: {cause}").into()
}

/// Writes a message to stderr.
fn tell(words: &str) {
    // If stderr is closed, the message is lost.
    let _ = writeln!(io::stderr(), "{words}");
}

fn now() -> Timestamp {
    Utc::now().into()
}
