//! Commands that need no database: `otpd health`, `otpd completions` and `otpd man`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use clap_complete::Shell;

use crate::cli::{CommandResult, block_on, health, manual, out};

#[derive(Subcommand)]
pub(super) enum ToolCommand {
    /// Check that the server is ready to serve requests
    ///
    /// Requests /readyz from the address in server.host and server.port. Prints nothing and exits with 0 if the server is
    /// ready; otherwise prints the reason and exits with 1.
    #[command(after_help = "Example:\n  otpd health --url http://127.0.0.1:9000")]
    Health {
        /// Check the server at this URL instead; /readyz is appended
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
    /// Print a completion script for a shell
    #[command(after_help = "Example:\n  otpd completions bash > /etc/bash_completion.d/otpd")]
    Completions {
        /// The shell that will run the script
        shell: Shell,
    },
    /// Print the manual page
    #[command(after_help = "Example:\n  otpd man | man -l -")]
    Man {
        /// Write one page per command into this directory instead
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

/// Runs a command; `config` is the file that `--config` names. `cli` describes the whole command line.
///
/// # Errors
/// What failed, as one line.
pub(super) fn run(command: ToolCommand, config: Option<&Path>, cli: clap::Command) -> CommandResult {
    match command {
        ToolCommand::Health { url } => block_on(health::run(url, config)),
        ToolCommand::Completions { shell } => out(&completions(shell, cli)?),
        ToolCommand::Man { dir: None } => out(&manual::page(cli)?),
        ToolCommand::Man { dir: Some(dir) } => manual::write_pages(cli, &dir),
    }
}

fn completions(shell: Shell, mut cli: clap::Command) -> Result<String, std::string::FromUtf8Error> {
    let name = cli.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli, name, &mut script);
    String::from_utf8(script)
}
