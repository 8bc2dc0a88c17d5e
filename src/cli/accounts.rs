//! `otpd user …` and `otpd token …`. A running server applies their changes from the next request on.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use rustix::fs::{OFlags, fcntl_getfl, fstat};

use crate::cli::account_arguments::{TokenCommand, UserCommand};
use crate::cli::database::{command_origin, now_of, open};
use crate::cli::output::{CommandResult, out, out_table, print_message};
use crate::config::Config;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::ApiToken;
use crate::domain::token_details::{TokenDetails, TokenRecord};
use crate::domain::user::{Permission, Role, User, UserName};
use crate::service::accounts::{self, Accounts, PermissionChange};
use crate::service::sessions::create_sign_in_link;
use crate::store::Store;

const USER_COLUMNS: [&str; 5] = ["NAME", "ROLE", "STATE", "CODES", "PERMISSIONS"];
const TOKEN_COLUMNS: [&str; 6] = ["PREFIX", "OWNER", "CREATED", "LAST USED", "NAME", "EXPIRES"];

pub(super) async fn user(config: &Config, command: UserCommand) -> CommandResult {
    let store = open(config)?;
    let accounts = Accounts::new(&store, command_origin(), now_of(&store));
    match command {
        UserCommand::Add { name, role, permissions } => add_user(&accounts, name, role, permissions).await?,
        UserCommand::List => out_table(&USER_COLUMNS, &user_list(&store).await?)?,
        UserCommand::Grant { name, permissions } => {
            let change = accounts.grant(name.clone(), permissions.all()).await?;
            print_change(&name, &change, |changed| format!("granted {name} {changed}"), "already has");
        }
        UserCommand::Revoke { name, permissions } => {
            let change = accounts.revoke(name.clone(), permissions.all()).await?;
            print_change(&name, &change, |changed| format!("revoked {changed} from {name}"), "does not have");
        }
        UserCommand::Disable { name } => {
            let state = if accounts.set_active(name.clone(), false).await? {
                "is disabled: its tokens are refused from the next request on"
            } else {
                "was already disabled"
            };
            print_message(&format!("{name} {state}"));
            warn_if_no_admin_is_left(&store, &name).await?;
        }
        UserCommand::Link { name } => {
            let origin = console_origin(config)?;
            let key = create_sign_in_link(&store, command_origin(), name, now_of(&store)).await?;
            out(&format!("{origin}/console/sign-in?link={}\n", key.reveal()))?;
        }
        UserCommand::Role { name, role } => {
            let (before, role) = (accounts.set_role(name.clone(), role).await?.as_str(), role.as_str());
            let change = if before == role { "already had" } else { "has" };
            print_message(&format!("{name} {change} the role {role}"));
        }
        UserCommand::Remove { name } => {
            accounts.remove(name.clone()).await?;
            print_message(&format!("{name} is removed: its tokens are refused from the next request on"));
        }
        UserCommand::Enable { name } => {
            let was_disabled = accounts.set_active(name.clone(), true).await?;
            print_message(&format!("{name} {}", if was_disabled { "is enabled" } else { "was already enabled" }));
        }
    }
    Ok(())
}

pub(super) async fn token(config: &Config, command: TokenCommand) -> CommandResult {
    let store = open(config)?;
    let accounts = Accounts::new(&store, command_origin(), now_of(&store));
    match command {
        TokenCommand::Add { name, label, expires } => {
            let user = accounts.require_user(name.clone()).await?;
            let token = new_token();
            print_token(&token)?;
            let details = TokenDetails { name: label, expires_at: expires };
            accounts.add_token(name, token, details).await.map_err(|cause| not_stored(&cause))?;
            if !user.is_active {
                let name = user.name;
                print_message(&format!(
                    "warning: user {name} is disabled; the token works after `otpd user enable {name}`"
                ));
            }
        }
        TokenCommand::List { name } => out_table(&TOKEN_COLUMNS, &token_list(&store, name).await?)?,
        TokenCommand::Revoke { name } => {
            let revoked = accounts.revoke_token(name).await?;
            print_message(&format!("revoked {} of {}", revoked.prefix, revoked.owner));
        }
    }
    Ok(())
}

async fn add_user(accounts: &Accounts<'_>, name: UserName, role: Role, permissions: Vec<Permission>) -> CommandResult {
    accounts.require_new_user(name.clone()).await?;
    let token = new_token();
    print_token(&token)?;
    let has_permissions = !permissions.is_empty();
    accounts.add_user(name.clone(), role, permissions, token).await.map_err(|cause| not_stored(&cause))?;
    if has_permissions {
        warn_if_without_effect(&name, role);
    }
    Ok(())
}

/// The address at which browsers reach the console.
///
/// # Errors
/// The console is not served, or its port is not known.
fn console_origin(config: &Config) -> Result<String, &'static str> {
    if !config.console_enabled {
        return Err("the console is not served, because console.enabled is false");
    }
    if let Some(origin) = &config.console_origin {
        return Ok(origin.clone());
    }
    if config.port == 0 {
        return Err("the port of the console is not known, because server.port is 0; set console.origin");
    }
    let host = match config.host.parse::<IpAddr>() {
        Ok(address) if address.is_unspecified() => "127.0.0.1".to_owned(),
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => config.host.clone(),
    };
    Ok(format!("http://{host}:{}", config.port))
}

/// Prints which permissions changed and which did not.
fn print_change(name: &UserName, change: &PermissionChange, done: impl Fn(&str) -> String, unchanged: &str) {
    let listed = |permissions: &[Permission]| {
        permissions.iter().map(|permission| permission.code_and_name()).collect::<Vec<_>>().join(", ")
    };
    if !change.changed.is_empty() {
        print_message(&done(&listed(&change.changed)));
    }
    if !change.unchanged.is_empty() {
        print_message(&format!("{name} {unchanged} {}", listed(&change.unchanged)));
    }
    warn_if_without_effect(name, change.role);
}

fn warn_if_without_effect(name: &UserName, role: Role) {
    let why = match role {
        Role::Admin => "is an admin and has all permissions: granted permissions have no effect",
        Role::User => "has the role user and no permissions: granted permissions have an effect only on the role staff",
        Role::Staff => return,
    };
    print_message(&format!("{name} {why}"));
}

/// Warns if the user is an admin and no admin is active.
async fn warn_if_no_admin_is_left(store: &Store, disabled: &UserName) -> crate::error::Result<()> {
    let users = accounts::list_users(store).await?;
    let admins: Vec<&User> = users.iter().map(|(user, _)| user).filter(|user| user.role == Role::Admin).collect();
    if admins.iter().any(|admin| admin.name == *disabled) && !admins.iter().any(|admin| admin.is_active) {
        print_message(&format!(
            "warning: no active admin is left; `otpd user enable {disabled}` enables this one, and `otpd user add NAME \
             --role admin` adds another"
        ));
    }
    Ok(())
}

async fn user_list(store: &Store) -> crate::error::Result<String> {
    let line = |(user, permissions): (User, Vec<Permission>)| {
        let codes: Vec<String> = permissions.iter().map(Permission::to_string).collect();
        let names: Vec<&str> = permissions.iter().map(|permission| permission.name()).collect();
        let state = if user.is_active { "active" } else { "disabled" };
        let (codes, names) = (codes.join(","), names.join(","));
        format!("{}\t{}\t{state}\t{codes}\t{names}\n", user.name, user.role.as_str())
    };
    Ok(accounts::list_users(store).await?.into_iter().map(line).collect())
}

async fn token_list(store: &Store, owner: Option<UserName>) -> crate::error::Result<String> {
    let line = |token: TokenRecord| {
        let TokenRecord { prefix, owner, created_at, details, .. } = token;
        let moment = |moment: Option<Timestamp>| moment.map_or_else(|| "never".to_owned(), |moment| moment.to_string());
        let (last_used, expires) = (moment(token.last_used_at), moment(details.expires_at));
        let name = details.name.map_or_else(String::new, |name| name.to_string());
        format!("{prefix}\t{owner}\t{created_at}\t{last_used}\t{name}\t{expires}\n")
    };
    Ok(accounts::tokens::list_tokens(store, owner).await?.into_iter().map(line).collect())
}

/// Generates a token with the operating system's random number generator. Panics if the generator fails.
pub(super) fn new_token() -> ApiToken {
    ApiToken::generate(&mut UnwrapErr(SysRng))
}

/// Writes a new token to stdout before it is stored, so that a failure leaves no user and no token in the database.
///
/// If the process was started without a stdout, Rust opens `/dev/null` for reading and writing, and this function
/// returns an error. A redirection to `/dev/null` opens it for writing only, and is accepted.
fn print_token(token: &ApiToken) -> CommandResult {
    let stdout = io::stdout();
    let is_null =
        fs::metadata("/dev/null").is_ok_and(|null| fstat(&stdout).is_ok_and(|file| file.st_rdev == null.rdev()));
    if is_null && fcntl_getfl(&stdout)?.contains(OFlags::RDWR) {
        return Err("stdout is closed, and the token would be lost; nothing was changed".into());
    }
    out(&format!("{}\n", token.reveal())).map_err(|cause| format!("{cause}; nothing was changed").into())
}

fn not_stored(cause: &crate::error::Error) -> String {
    format!("the token on stdout is valid only if `otpd token list` shows it: {cause}")
}
