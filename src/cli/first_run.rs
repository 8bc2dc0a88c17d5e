//! The first start and `otpd init`. If the database has no users, they add the admin `admin` and show its token to the
//! operator. The token is never logged.

use std::fs;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::NamedTempFile;

use crate::cli::accounts::new_token;
use crate::cli::database::{Opened, command_origin, now_of, open_store};
use crate::cli::output::{CommandResult, now, print_message};
use crate::config::Config;
use crate::domain::audit::Origin;
use crate::domain::token::ApiToken;
use crate::service::accounts::{self, Accounts};
use crate::store::{Create, Options, Store, admin_token_of, folder_of, give_to_owner_of, rename_new};

/// Where the admin's token is written if the database is not a file.
const TOKEN_FILE: &str = "admin.token";
const ADDED: &str = "There were no users, so the admin `admin` was added.";

/// Adds the admin if the database has no users, and prints example requests to `address`.
pub(super) async fn add_admin_if_no_users(config: &Config, store: &Store, address: SocketAddr) -> CommandResult {
    if accounts::any_user(store).await? {
        return Ok(());
    }
    let place = place(config);
    let Some(handed_over) = add_admin(config, store, Origin::system(), place.as_deref()).await? else { return Ok(()) };
    match handed_over {
        TokenDelivery::File(path) => {
            print_message(&format!("{ADDED} Its token is in {}\n", path.display()));
            let quoted = path.display().to_string().replace('\'', r"'\''");
            print_message(&first_requests(address, &format!("$(cat '{quoted}')")));
        }
        TokenDelivery::Shown(token) => {
            print_message(&format!("{ADDED} Its token (shown only once):\n\n    {}\n", token.reveal()));
            print_message(&first_requests(address, token.reveal()));
        }
        TokenDelivery::Chosen => {
            log::info!("there were no users, so the admin `admin` was added with the token of auth.bootstrap_token");
        }
    }
    Ok(())
}

/// `otpd init`: creates the database and its first admin. Writes the token to `token_file` if it is given.
pub(super) async fn init(config: &Config, token_file: Option<&Path>) -> CommandResult {
    let place = token_file.map(Path::to_owned).or_else(|| place(config));
    let shown = config.database.shown();
    let options = |create| Options { readers: 1, create, checkpoints: config.checkpoints, ..Options::default() };
    // This check comes first, so that its message takes precedence over the others.
    if let Ok(store) = Store::open_database(&config.database, &options(Create::Never)).map(Opened)
        && accounts::any_user(&store).await?
    {
        return Err(format!("database {shown}: already has users; `otpd token add NAME` adds a token to a user").into());
    }
    place.as_deref().map(require_free).transpose()?;
    let store = open_store(config, &options(Create::Always(now()))).map(Opened)?;
    match add_admin(config, &store, command_origin(), place.as_deref()).await? {
        Some(TokenDelivery::File(path)) => {
            print_message(&format!("database {shown} is ready. {ADDED} Its token is in {}", path.display()));
        }
        Some(TokenDelivery::Shown(token)) => {
            print_message(&format!(
                "database {shown} is ready. {ADDED} Its token (shown only once):\n\n    {}\n",
                token.reveal()
            ));
        }
        Some(TokenDelivery::Chosen) => {
            print_message(&format!(
                "database {shown} is ready. {ADDED} Its token is the value of auth.bootstrap_token"
            ));
        }
        None => return Err(format!("database {shown}: another process added users at the same time").into()),
    }
    Ok(())
}

/// The file for the admin's token. `None` if the token is shown on the terminal or comes from `auth.bootstrap_token`.
fn place(config: &Config) -> Option<PathBuf> {
    let is_written = config.bootstrap_token.is_none() && !io::stderr().is_terminal();
    is_written.then(|| config.database.file().map_or_else(|| PathBuf::from(TOKEN_FILE), admin_token_of))
}

/// How the operator gets the admin's token.
enum TokenDelivery {
    File(PathBuf),
    Shown(ApiToken),
    /// The token comes from `auth.bootstrap_token`.
    Chosen,
}

/// Adds the admin on behalf of `origin`, and writes its token to `place` if that is given. Returns `None` if another process has added users
/// in the meantime.
async fn add_admin(
    config: &Config,
    store: &Store,
    origin: Arc<Origin>,
    place: Option<&Path>,
) -> Result<Option<TokenDelivery>, Box<dyn std::error::Error>> {
    let token = config.bootstrap_token.clone().unwrap_or_else(new_token);
    if let Some(refused) = place.and_then(|place| require_free(place).err()) {
        // Another process adds the user before it creates this file, so a user exists if the file is from that process.
        return if accounts::any_user(store).await? { Ok(None) } else { Err(refused.into()) };
    }
    // The token is written before the user is stored: an admin without a known token would lock the operator out.
    let file = match place.map(|place| TokenFile::write(place, store.file(), &token)).transpose() {
        Ok(file) => file,
        // Another process has added the admin in the meantime, and its token file already exists.
        Err(_) if accounts::any_user(store).await? => return Ok(None),
        Err(cause) => return Err(cause.into()),
    };
    if !Accounts::new(store, origin, now_of(store)).add_first_admin(token.clone()).await? {
        return Ok(None);
    }
    Ok(Some(match file {
        Some(file) => TokenDelivery::File(file.keep()?),
        None if config.bootstrap_token.is_some() => TokenDelivery::Chosen,
        None => TokenDelivery::Shown(token),
    }))
}

/// Returns two example requests. The second one assumes that the first code of a new database has the id 1.
fn first_requests(address: SocketAddr, token: &str) -> String {
    let host =
        if address.ip().is_unspecified() { format!("127.0.0.1:{}", address.port()) } else { address.to_string() };
    let curl = |verb: &str, path: &str, body: &str| {
        format!(
            "    curl -X {verb} http://{host}/api/notifications/otp/{path} -H \"Authorization: Token {token}\" \
             -H 'Content-Type: application/json' -d '{body}'\n"
        )
    };
    format!(
        "Create a code, then move it from the mobile number to an e-mail address:\n\n{}{}",
        curl("POST", "", r#"{"code": 255315, "mobile_number": "09123456789"}"#),
        curl("PATCH", "1", r#"{"mobile_number": null, "email": "some@email.com"}"#),
    )
}

/// A token in a temporary file that only its owner can read. [`TokenFile::keep`] gives the file its final name;
/// otherwise the file is removed on drop.
struct TokenFile {
    draft: NamedTempFile,
    path: PathBuf,
}

/// Checks that nothing exists at `path`, because an existing file may hold the token of another admin.
fn require_free(path: &Path) -> Result<(), String> {
    let shown = path.display();
    if fs::symlink_metadata(path).is_ok() {
        return Err(format!(
            "{shown}: already exists, so the admin's token can't be written there; move it, or choose another file \
             with `otpd init --admin-token-file`"
        ));
    }
    if folder_of(path).is_dir() {
        Ok(())
    } else {
        Err(format!("{shown}: the admin's token can't be written: its directory does not exist"))
    }
}

impl TokenFile {
    /// Writes the token. The file gets the owner of the `database`, if that is a file.
    fn write(path: &Path, database: Option<&Path>, token: &ApiToken) -> Result<Self, String> {
        let unwritable =
            |cause: &dyn std::fmt::Display| format!("{}: the admin's token can't be written: {cause}", path.display());
        let name = path.file_name().ok_or_else(|| unwritable(&"it has no file name"))?.display();
        let draft = tempfile::Builder::new().prefix(&format!(".{name}.")).tempfile_in(folder_of(path));
        let written = draft.and_then(|draft| {
            database.map_or(Ok(()), |database| give_to_owner_of(draft.as_file(), database))?;
            writeln!(draft.as_file(), "{}", token.reveal())?;
            draft.as_file().sync_all()?;
            Ok(Self { draft, path: path.to_owned() })
        });
        written.map_err(|cause| unwritable(&cause))
    }

    /// Gives the file its final name and returns its path.
    fn keep(self) -> Result<PathBuf, String> {
        let failed = |cause: io::Error| {
            let path = self.path.display();
            let why = match cause.kind() {
                ErrorKind::AlreadyExists => "it already exists".to_owned(),
                _ => cause.to_string(),
            };
            format!("{path}: the admin's token can't be written: {why}; `otpd token add admin` creates another token")
        };
        rename_new(self.draft.path(), &self.path).map_err(failed)?;
        Ok(fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone()))
    }
}
