//! The commands. Data goes to stdout, words for people to stderr; exit 0, 1 (failed) or 2 (wrong usage).

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

/// One-time passwords as a REST resource, in one binary over one SQLite file.
#[derive(Parser)]
#[command(name = "otpd", version, after_help = "Example:\n  otpd --config /etc/otpd/otp.toml serve")]
struct Cli {
    /// Read this file instead of ./otp.toml
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
    /// Open (or create) the database, bring its schema up to date, and serve; what `otpd` alone does
    #[command(after_help = "Example:\n  OTPD_SERVER__PORT=9000 otpd serve")]
    Serve,
    /// Create the database and its first admin, as the first start does, and do not serve
    ///
    /// Creates a database also where a start refuses to because files of an older one lie there. The admin's token is shown
    /// on a terminal; otherwise it is written to admin.token beside the database. A file that is there is never replaced.
    #[command(after_help = "Example:\n  otpd init --admin-token-file /root/otpd-admin.token")]
    Init {
        /// Write the admin's token to this new file (mode 0600) instead
        #[arg(long, value_name = "FILE")]
        admin_token_file: Option<PathBuf>,
    },
    /// Add users, and say what they may do
    #[command(subcommand, after_help = "Example:\n  otpd user add support --role staff --permission view")]
    User(UserCommand),
    /// Add, list and revoke API tokens
    #[command(subcommand, after_help = "Example:\n  otpd token add support")]
    Token(TokenCommand),
    /// Let recipients try again who failed too often
    #[command(subcommand, after_help = "Example:\n  otpd recipient reset 09123456789")]
    Recipient(RecipientCommand),
    /// Show the development inbox: what would have been sent
    #[command(after_help = "Example:\n  otpd inbox --follow")]
    Inbox {
        /// Go on showing what comes, until Ctrl-C
        #[arg(long)]
        follow: bool,
    },
    /// Look at settings, files, clock and providers, and say of each that it is well, or what to do
    #[command(after_help = "Example:\n  otpd --config /etc/otpd/otp.toml doctor")]
    Doctor,
    /// Send one real message, with a code that is good for nothing
    #[command(after_help = "Example:\n  otpd send-test 09123456789")]
    SendTest {
        /// A mobile number or an e-mail address
        #[arg(value_parser = messages::recipient)]
        recipient: Recipient,
        /// fa or en; otherwise as delivery.language says
        #[arg(long)]
        language: Option<Language>,
    },
    /// Copy the database while it is in use; the copy is checked before it gets its name
    ///
    /// A link is followed if it belongs to this user or to root. Devices, FIFOs, sockets and folders are refused.
    #[command(after_help = "Example:\n  otpd backup /var/backups/otp-$(date +%F).db")]
    Backup {
        file: PathBuf,
        /// Replace a file that is there already, unless it is a backup that holds far more: more than twice as many users, or
        /// codes that would still be kept, or codes with greater ids. To replace that too, delete it first
        #[arg(long)]
        force: bool,
    },
    /// Put a copy that `otpd backup` made in the place of the database; otpd must not run. What was there is kept
    ///
    /// Codes that were sent are spent in the restored database, codes that were used since stay used, and messages that
    /// waited are cancelled. Users, permissions and tokens that come back are listed. Limits and failures count on
    /// from the copy.
    #[command(after_help = "Example:\n  otpd restore /var/backups/otp-2026-11-23.db")]
    Restore {
        file: PathBuf,
        /// Delete the tokens that come back: those that the present database does not have, or refuses because their user is
        /// disabled. Tokens that work at present go on working. If the present database can't be read, all tokens
        /// are deleted, for any of them may have been revoked; `otpd token add` makes new ones
        #[arg(long)]
        revoke_tokens: bool,
    },
    /// Check and show the settings
    #[command(subcommand, after_help = "Example:\n  otpd config show")]
    Config(ConfigCommand),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Check every setting, and warn of what is worth a second thought
    #[command(after_help = "Example:\n  otpd --config otp.toml config check")]
    Check,
    /// Show the merged settings and where each came from; secrets are masked
    #[command(after_help = "Example:\n  otpd config show")]
    Show,
}

/// Reads the command line and does what it says. Wrong usage ends the process with 2.
///
/// # Errors
/// What failed, as one line.
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
    // What still runs here is waited for in `serve`, as long as it may take; from now on nobody does.
    runtime.shutdown_background();
    outcome
}

/// The database for one command, which must be there.
fn open(config: &Config) -> Result<Opened, String> {
    let options = Options { readers: 1, create: Create::Never, checkpoints: config.checkpoints, ..Options::default() };
    open_store(config, &options).map(Opened)
}

/// The database of the configuration.
///
/// # Errors
/// One sentence for the operator; if there is no database, also which configuration said where.
fn open_store(config: &Config, options: &Options) -> Result<Store, String> {
    Store::open(&config.database_path, options).map_err(|error| with_configuration(config, &error))
}

/// Where the database was looked for depends on the configuration file and on the working folder.
fn with_configuration(config: &Config, error: &OpenError) -> String {
    match config.file() {
        Some(file) if error.is_missing() => format!("{error} (configuration file: {})", file.display()),
        None if error.is_missing() => format!("{error} (no configuration file)"),
        _ => error.to_string(),
    }
}

/// The store of a command. However the command ends, what it wrote is moved into the database.
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

/// Writes data to stdout.
///
/// # Errors
/// Not all of it could be written.
fn out(data: &str) -> CommandResult {
    let mut stdout = io::stdout();
    // The standard library reports no error where the descriptor can't be written at all.
    if fcntl_getfl(&stdout).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::RDONLY) {
        return Err("stdout can't be written: it is open for reading only".into());
    }
    stdout.write_all(data.as_bytes()).and_then(|()| stdout.flush()).map_err(|cause| unwritable(&cause))
}

fn unwritable(cause: &io::Error) -> Box<dyn std::error::Error> {
    format!("stdout can't be written: {cause}").into()
}

/// Says something to the person at the terminal.
fn tell(words: &str) {
    // Where stderr is closed nobody is left to read it.
    let _ = writeln!(io::stderr(), "{words}");
}

fn now() -> Timestamp {
    Utc::now().into()
}
