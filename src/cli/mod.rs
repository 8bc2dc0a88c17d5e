//! The command line. Data goes to stdout, messages to stderr. The exit status is 0 (success), 1 (failure) or 2 (wrong
//! usage).

mod account_arguments;
mod accounts;
mod audit;
mod copies;
mod database;
mod doctor;
mod first_run;
mod followed;
mod health;
mod housekeeping;
mod logging;
mod manual;
mod messages;
mod moving;
mod open_files;
mod output;
mod serve;
mod settings;
mod signals;
mod tools;
mod usage;

use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser, Subcommand};

use crate::cli::account_arguments::{TokenCommand, UserCommand};
use crate::cli::messages::RecipientCommand;
use crate::cli::output::{CommandResult, block_on};
use crate::cli::settings::ConfigCommand;
use crate::cli::tools::ToolCommand;
use crate::config::{Config, Needs};
use crate::domain::message::{Channel, Language};
use crate::domain::recipient::Recipient;
use crate::error::ConfigError;

/// One-time passwords as a REST API, in one binary, with SQLite or PostgreSQL
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
    /// Creates the SQLite database if there is none, and migrates an older schema.
    #[command(after_help = "Example:\n  OTPD_SERVER__PORT=9000 otpd serve")]
    Serve,
    /// Create the database and its first admin without starting the server
    ///
    /// Creates the database even if files of an older one are in its directory; `otpd serve` refuses to do that. Shows
    /// the admin's token if stderr is a terminal. Otherwise writes it to admin.token in the directory of the database.
    /// Never replaces existing files. On PostgreSQL, the database must exist, its tables are created, and admin.token is
    /// written to the working directory.
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
    ///
    /// The inbox is enabled by delivery.allow_inbox = true. Stored messages are shown even if it is disabled.
    #[command(after_help = "Example:\n  otpd inbox --follow")]
    Inbox {
        /// Wait for new messages and show them, until Ctrl-C
        #[arg(long)]
        follow: bool,
    },
    /// Show the audit trail as JSON lines (oldest first)
    ///
    /// Each line is an event as in GET /api/audit/: when, who, what, and the values before and after. Codes are hidden
    /// and recipients are masked.
    #[command(after_help = "Example:\n  otpd audit --since 24h --follow")]
    Audit {
        /// Show only events from this time on: a duration before now (2h, 7d), or a date or time in UTC
        #[arg(long, value_name = "TIME", value_parser = audit::since)]
        since: Option<audit::Since>,
        /// Wait for new events and show them, until Ctrl-C
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
        /// Channel: sms, call, bale or email [default: sms for a number, email for an address]
        #[arg(long)]
        channel: Option<Channel>,
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
        /// backups of this database are not replaced either, nor are empty files and damaged backups.
        #[arg(long)]
        force: bool,
    },
    /// Restore a backup (stop otpd first; the old database is kept)
    ///
    /// In the restored database, codes that may have been used since the backup cannot be verified, and queued messages
    /// are cancelled. Users, permissions and tokens that exist again are listed. The configured database must be an
    /// SQLite file. Counters of limits and failed attempts continue from their values in the backup.
    #[command(after_help = "Example:\n  otpd restore /var/backups/otp-2026-11-23.db")]
    Restore {
        /// Path of the backup
        file: PathBuf,
        /// Delete tokens that are not valid in the current database
        ///
        /// These are tokens that the current database does not contain, and tokens of disabled users. Tokens that are
        /// currently valid stay valid, also those that an earlier restore brought back. If the current database cannot
        /// be read, all tokens are deleted, because each of them may have been revoked; `otpd token add` creates new
        /// ones.
        #[arg(long)]
        revoke_tokens: bool,
    },
    /// Move the database to PostgreSQL or to a new SQLite file (stop otpd first)
    ///
    /// Copies everything in the configured database, with all ids, and compares the copy with the original. The target
    /// must be new or empty. The configured database is not changed. If the command is interrupted, the target stays
    /// empty, unless this happens during the final commit. Change the configuration afterwards.
    #[command(after_help = "Example:\n  otpd move --to postgres://otpd@db1,db2/otpd")]
    Move(moving::Target),
    /// Check and show the configuration
    #[command(subcommand, after_help = "Example:\n  otpd config show")]
    Config(ConfigCommand),
}

/// What every command needs that opens the database.
const DATABASE: Needs = Needs::Only(&["database", "log"]);

/// The settings that a command needs.
fn needs(command: &Command) -> Needs {
    match command {
        Command::Serve | Command::Doctor | Command::SendTest { .. } | Command::Config(_) => Needs::All,
        Command::User(UserCommand::Link { .. }) => {
            Needs::Only(&["console", "database", "log", "server.host", "server.port"])
        }
        Command::Init { .. } => Needs::Only(&["auth", "database", "log"]),
        Command::User(_)
        | Command::Token(_)
        | Command::Recipient(_)
        | Command::Restore { .. }
        | Command::Move(_)
        | Command::Audit { .. } => DATABASE,
        Command::Inbox { .. } => Needs::Only(&["database", "delivery.allow_inbox", "log"]),
        Command::Backup { .. } => Needs::Only(&["database", "log", "otp.retention"]),
    }
}

/// Loads the settings that a command needs. If the settings are invalid, `doctor` gets those of the database, and the
/// error, because it reports the error and goes on.
fn load(file: Option<&Path>, command: &Command) -> Result<(Config, Option<ConfigError>), ConfigError> {
    let read = |needs| Config::load(file, std::env::vars_os(), needs, output::now());
    match read(needs(command)) {
        Ok(config) => Ok((config, None)),
        Err(fault) if matches!(command, Command::Doctor) => match read(DATABASE) {
            Ok(config) => Ok((config, Some(fault))),
            Err(_) => Err(fault),
        },
        Err(fault) => Err(fault),
    }
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
    let (mut config, fault) = load(cli.config.as_deref(), &command)?;
    config.warnings.extend(logging::start(config.log_level));
    match command {
        Command::Serve => block_on(serve::run(&config)),
        Command::Init { admin_token_file } => block_on(first_run::init(&config, admin_token_file.as_deref())),
        Command::User(command) => block_on(accounts::user(&config, command)),
        Command::Token(command) => block_on(accounts::token(&config, command)),
        Command::Recipient(command) => block_on(messages::recipient_command(&config, command)),
        Command::Inbox { follow } => block_on(messages::show_inbox(&config, follow)),
        Command::Audit { since, follow } => block_on(audit::show(&config, since, follow)),
        Command::Doctor => block_on(doctor::run(&config, fault.as_ref())),
        Command::SendTest { recipient, language, channel } => {
            block_on(messages::send_test(&config, recipient, language, channel))
        }
        Command::Backup { file, force } => copies::backup(&config, &file, force),
        Command::Restore { file, revoke_tokens } => copies::restore(&config, &file, revoke_tokens),
        Command::Move(target) => moving::run(&config, &target),
        Command::Config(command) => settings::run(&config, &command),
    }
}
