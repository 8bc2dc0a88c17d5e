//! The arguments of `otpd user …` and `otpd token …`.

use clap::{Args, Subcommand};

use crate::cli::output::now;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{ApiToken, TokenName};
use crate::domain::token_details::{TokenLabel, expiry};
use crate::domain::user::{Permission, Role, UserName};

#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Add a user with one API token (printed to stdout)
    #[command(after_help = "Example:\n  otpd user add support --role staff --permission view,update")]
    Add {
        /// Name of the new user: 1 to 64 letters, digits or . _ @ + -
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
    ///
    /// The columns are separated by tabs: name; role (admin, staff or user); state (active or disabled); permission
    /// codes and permission names, separated by commas. On a terminal, the first line names the columns.
    #[command(after_help = "Example:\n  otpd user list")]
    List,
    /// Grant permissions to a user
    #[command(after_help = "Example:\n  otpd user grant support update delete")]
    Grant {
        /// Name of the user
        #[arg(value_parser = user_name)]
        name: UserName,
        #[command(flatten)]
        permissions: Permissions,
    },
    /// Revoke permissions from a user
    #[command(after_help = "Example:\n  otpd user revoke support delete")]
    Revoke {
        /// Name of the user
        #[arg(value_parser = user_name)]
        name: UserName,
        #[command(flatten)]
        permissions: Permissions,
    },
    /// Disable a user (all tokens are refused from the next request on)
    #[command(after_help = "Example:\n  otpd user disable support")]
    Disable {
        /// Name of the user
        #[arg(value_parser = user_name)]
        name: UserName,
    },
    /// Change the role of a user
    ///
    /// Applies from the next request on. Granted permissions are kept, and have an effect on the role staff. The last
    /// active admin keeps its role.
    #[command(after_help = "Example:\n  otpd user role support admin")]
    Role {
        /// Name of the user
        #[arg(value_parser = user_name)]
        name: UserName,
        /// Role: admin (all permissions), staff (only granted permissions) or user (no permissions)
        role: Role,
    },
    /// Remove a user with its tokens, permissions and sessions
    ///
    /// The audit trail keeps the name. To only refuse the tokens of a user, disable it. The last active admin can't be
    /// removed.
    #[command(after_help = "Example:\n  otpd user remove support")]
    Remove {
        /// Name of the user
        #[arg(value_parser = user_name)]
        name: UserName,
    },
    /// Print a link that signs a user in to the console once, within 10 minutes
    ///
    /// The link begins with console.origin or, if that is not set, with server.host and server.port.
    #[command(after_help = "Example:\n  otpd user link support")]
    Link {
        /// Name of the user, an active admin or staff
        #[arg(value_parser = user_name)]
        name: UserName,
    },
    /// Enable a disabled user
    #[command(after_help = "Example:\n  otpd user enable support")]
    Enable {
        /// Name of the user
        #[arg(value_parser = user_name)]
        name: UserName,
    },
}

#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// Add a token to a user (printed to stdout)
    ///
    /// An expired token is refused like a revoked one. The list shows it until it is revoked.
    #[command(after_help = "Example:\n  otpd token add support --name ci --expires 90d")]
    Add {
        /// Name of the user
        #[arg(value_parser = user_name)]
        name: UserName,
        /// Name of the token, shown in lists: 1 to 64 printable characters
        #[arg(long = "name", value_name = "LABEL")]
        label: Option<TokenLabel>,
        /// When the token expires: after a duration from 1m to 3660d (90d), or at a date or time in UTC [default: never]
        #[arg(long, value_name = "TIME", value_parser = |text: &str| expiry(text, now()))]
        expires: Option<Timestamp>,
    },
    /// List tokens (prefix, owner, created, last used, name, expires)
    ///
    /// The columns are separated by tabs: the prefix of the token; the name of its owner; when it was created; when it
    /// was last used, or never; its name, if it has one; when it expires, or never. Times are in UTC. On a terminal, the
    /// first line names the columns.
    #[command(after_help = "Example:\n  otpd token list support")]
    List {
        /// List only the tokens of this user
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

/// The permissions to grant or revoke.
#[derive(Args)]
pub(super) struct Permissions {
    /// Permissions by code or name: 2851 create, 2852 view, 2853 update, 2854 delete, 2855 send, 2856 verify
    #[arg(required_unless_present = "options", value_name = "PERMISSION", value_delimiter = ',')]
    arguments: Vec<Permission>,
    /// The same as an option, as in `otpd user add`. Can be given multiple times
    #[arg(long = "permission", value_name = "PERMISSION", value_delimiter = ',')]
    options: Vec<Permission>,
}

impl Permissions {
    /// All given permissions.
    pub(super) fn all(self) -> Vec<Permission> {
        [self.arguments, self.options].concat()
    }
}

/// Parses a user name. A token is refused without printing it, because names are printed.
fn user_name(text: &str) -> Result<UserName, &'static str> {
    if ApiToken::is_generated(text) { Err("this is a token; give the name of a user") } else { text.parse() }
}
