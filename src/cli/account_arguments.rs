//! The arguments of `otpd user …` and `otpd token …`.

use clap::Subcommand;

use crate::domain::token::{ApiToken, TokenName};
use crate::domain::user::{Permission, Role, UserName};

#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Add a user with one API token (printed to stdout)
    #[command(after_help = "Example:\n  otpd user add support --role staff --permission view,update")]
    Add {
        #[arg(value_parser = user_name)]
        name: UserName,
        /// Role: admin (all permissions), staff (only granted permissions) or user (no permissions)
        #[arg(long)]
        role: Role,
        /// Permissions by code or name, separated by commas: 2851 create, 2852 view, 2853 update, 2854 delete, 2855
        /// send, 2856 verify. Can be given multiple times
        #[arg(long = "permission", value_name = "PERMISSION", value_delimiter = ',')]
        permissions: Vec<Permission>,
    },
    /// List users (name, role, state, permission codes, permission names)
    #[command(after_help = "Example:\n  otpd user list")]
    List,
    /// Grant permissions to a user
    #[command(after_help = "Example:\n  otpd user grant support update delete")]
    Grant {
        #[arg(value_parser = user_name)]
        name: UserName,
        /// Permissions by code or name: 2851 create, 2852 view, 2853 update, 2854 delete, 2855 send, 2856 verify
        #[arg(required = true, value_name = "PERMISSION", value_delimiter = ',')]
        permissions: Vec<Permission>,
    },
    /// Revoke permissions from a user
    #[command(after_help = "Example:\n  otpd user revoke support delete")]
    Revoke {
        #[arg(value_parser = user_name)]
        name: UserName,
        /// Permissions by code or name: 2851 create, 2852 view, 2853 update, 2854 delete, 2855 send, 2856 verify
        #[arg(required = true, value_name = "PERMISSION", value_delimiter = ',')]
        permissions: Vec<Permission>,
    },
    /// Disable a user (all tokens are refused from the next request on)
    #[command(after_help = "Example:\n  otpd user disable support")]
    Disable {
        #[arg(value_parser = user_name)]
        name: UserName,
    },
    /// Enable a disabled user
    #[command(after_help = "Example:\n  otpd user enable support")]
    Enable {
        #[arg(value_parser = user_name)]
        name: UserName,
    },
}

#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// Add a token to a user (printed to stdout)
    #[command(after_help = "Example:\n  otpd token add support")]
    Add {
        #[arg(value_parser = user_name)]
        name: UserName,
    },
    /// List tokens (prefix, owner, created, last used)
    #[command(after_help = "Example:\n  otpd token list support")]
    List {
        #[arg(value_parser = user_name)]
        name: Option<UserName>,
    },
    /// Revoke a token
    #[command(after_help = "Example:\n  otpd token revoke otpd_3vKq9Zt")]
    Revoke {
        /// Token prefix as shown by `otpd token list`, or the whole token
        #[arg(value_parser = TokenName::parse, value_name = "PREFIX")]
        name: TokenName,
    },
}

/// Parses a user name. A token is refused without printing it, because names are printed.
fn user_name(text: &str) -> Result<UserName, &'static str> {
    if ApiToken::is_generated(text) { Err("this is a token; give the name of a user") } else { text.parse() }
}
