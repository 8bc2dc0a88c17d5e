//! `otpd config`.

use clap::Subcommand;

use crate::cli::doctor;
use crate::cli::output::{CommandResult, out, print_message};
use crate::config::Config;

#[derive(Subcommand)]
pub(super) enum ConfigCommand {
    /// Check all settings and print warnings
    #[command(after_help = "Example:\n  otpd --config otp.toml config check")]
    Check,
    /// Show all settings and their sources (secrets are masked)
    #[command(after_help = "Example:\n  otpd config show")]
    Show,
}

pub(super) fn run(config: &Config, command: &ConfigCommand) -> CommandResult {
    match command {
        ConfigCommand::Show => out(&config.show()),
        ConfigCommand::Check => {
            for warning in config.warnings.iter().chain(&config.notes) {
                print_message(&format!("warning: {warning}"));
            }
            doctor::require_sound_providers(config)?;
            print_message("the configuration is valid");
            Ok(())
        }
    }
}
