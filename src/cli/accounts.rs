//! `otpd user …` and `otpd token …`. A running server honours what they change at its next request.

use clap::Subcommand;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;

use crate::cli::{CommandResult, now, open, out, tell};
use crate::config::Config;
use crate::domain::token::{ApiToken, TokenRecord};
use crate::domain::user::{Permission, Role, User, UserName};
use crate::service::accounts;
use crate::store::Store;

#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Add a user with one API token; stdout is the token and nothing else
    #[command(after_help = "Example:\n  otpd user add support --role staff --permission 2852 --permission 2853")]
    Add {
        name: UserName,
        /// admin (may do everything), staff (what its permissions say) or user (nothing)
        #[arg(long)]
        role: Role,
        /// Permission code, once for each: 2851 create, 2852 view, 2853 update, 2854 delete, 2855 send, 2856 verify
        #[arg(long = "permission", value_name = "CODE")]
        permissions: Vec<Permission>,
    },
    /// List users: name, role, active or disabled, permission codes
    #[command(after_help = "Example:\n  otpd user list")]
    List,
    /// Grant permissions to a user
    #[command(after_help = "Example:\n  otpd user grant support 2853 2854")]
    Grant {
        name: UserName,
        #[arg(required = true, value_name = "CODE")]
        permissions: Vec<Permission>,
    },
    /// Take permissions from a user
    #[command(after_help = "Example:\n  otpd user revoke support 2854")]
    Revoke {
        name: UserName,
        #[arg(required = true, value_name = "CODE")]
        permissions: Vec<Permission>,
    },
    /// Refuse a user's tokens from the next request on
    #[command(after_help = "Example:\n  otpd user disable support")]
    Disable { name: UserName },
    /// Let a disabled user in again
    #[command(after_help = "Example:\n  otpd user enable support")]
    Enable { name: UserName },
}

#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// Give a user a further token; stdout is the token and nothing else
    #[command(after_help = "Example:\n  otpd token add support")]
    Add { name: UserName },
    /// List tokens: prefix, owner, created, last used; never the token
    #[command(after_help = "Example:\n  otpd token list support")]
    List { name: Option<UserName> },
    /// Revoke the token that begins so
    #[command(after_help = "Example:\n  otpd token revoke otpd_3vKq9Zt")]
    Revoke { prefix: String },
}

pub(super) async fn user(config: &Config, command: UserCommand) -> CommandResult {
    let store = open(config)?;
    match command {
        UserCommand::Add { name, role, permissions } => {
            let token = new_token();
            accounts::add_user(&store, name, role, permissions, token.clone(), now()).await?;
            show(&token)?;
        }
        UserCommand::List => out(&user_list(&store).await?)?,
        UserCommand::Grant { name, permissions } => accounts::grant(&store, name, permissions).await?,
        UserCommand::Revoke { name, permissions } => accounts::revoke(&store, name, permissions).await?,
        UserCommand::Disable { name } => accounts::set_active(&store, name, false).await?,
        UserCommand::Enable { name } => accounts::set_active(&store, name, true).await?,
    }
    Ok(())
}

pub(super) async fn token(config: &Config, command: TokenCommand) -> CommandResult {
    let store = open(config)?;
    match command {
        TokenCommand::Add { name } => {
            let token = new_token();
            accounts::add_token(&store, name, token.clone(), now()).await?;
            show(&token)?;
        }
        TokenCommand::List { name } => out(&token_list(&store, name).await?)?,
        TokenCommand::Revoke { prefix } => {
            let revoked = accounts::revoke_token(&store, prefix).await?;
            tell(&format!("revoked {} of {}", revoked.prefix, revoked.owner));
        }
    }
    Ok(())
}

async fn user_list(store: &Store) -> crate::error::Result<String> {
    let line = |(user, permissions): (User, Vec<Permission>)| {
        let codes: Vec<String> = permissions.iter().map(ToString::to_string).collect();
        let state = if user.is_active { "active" } else { "disabled" };
        format!("{}\t{}\t{state}\t{}\n", user.name, user.role.as_str(), codes.join(","))
    };
    Ok(accounts::list_users(store).await?.into_iter().map(line).collect())
}

async fn token_list(store: &Store, owner: Option<UserName>) -> crate::error::Result<String> {
    let line = |token: TokenRecord| {
        let last_used = token.last_used_at.map_or_else(|| "never".to_owned(), |moment| moment.to_string());
        format!("{}\t{}\t{}\t{last_used}\n", token.prefix, token.owner, token.created_at)
    };
    Ok(accounts::list_tokens(store, owner).await?.into_iter().map(line).collect())
}

/// A fresh token from the operating system's generator, without which there is nothing safe to go on with.
pub(super) fn new_token() -> ApiToken {
    ApiToken::generate(&mut UnwrapErr(SysRng))
}

fn show(token: &ApiToken) -> CommandResult {
    out(&format!("{}\n", token.reveal()))
}
