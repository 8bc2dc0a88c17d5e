//! Commands that need no database: `otpd health`, `otpd completions` and `otpd man`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use clap_complete::Shell;

use crate::cli::output::{CommandResult, block_on, out};
use crate::cli::{health, manual};

#[derive(Subcommand)]
pub(super) enum ToolCommand {
    /// Check that the server is ready
    ///
    /// Requests /readyz from the address in server.host and server.port. If the server is ready, prints nothing and
    /// exits with 0. Otherwise prints the reason and exits with 1.
    #[command(after_help = "Example:\n  otpd health --url http://127.0.0.1:9000")]
    Health {
        /// Check the server at this base URL
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
    /// Print a shell completion script
    #[command(after_help = "Example:\n  otpd completions bash > /etc/bash_completion.d/otpd")]
    Completions {
        /// Shell that will run the script
        shell: Shell,
    },
    /// Print the manual page
    #[command(after_help = "Example:\n  otpd man | man -l -")]
    Man {
        /// Write one page per command into this existing directory
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

/// Runs a command. `config` is the file given with `--config`; `cli` describes the whole command line.
///
/// # Errors
/// The command failed. The message is one line.
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
