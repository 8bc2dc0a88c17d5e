//! The first start, and `otpd init`: while there is no user, the admin `admin` is added, and its token reaches the operator
//! and no log.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rand::TryRng;
use rand::rngs::SysRng;

use crate::cli::accounts::new_token;
use crate::cli::{CommandResult, Opened, now, open_store, tell};
use crate::config::Config;
use crate::domain::token::ApiToken;
use crate::service::accounts;
use crate::store::{Create, Options, Store, admin_token_of, give_to_owner_of, rename_new};

const ADDED: &str = "No user yet: the admin `admin` was added.";

/// Adds the admin if there is no user, and shows how to make the first requests to `address`.
pub(super) async fn greet(config: &Config, store: &Store, address: SocketAddr) -> CommandResult {
    if accounts::any_user(store).await? {
        return Ok(());
    }
    let place = place(config);
    let Some(handed_over) = add_admin(config, store, place.as_deref()).await? else { return Ok(()) };
    match handed_over {
        Handover::File(path) => {
            tell(&format!("{ADDED} Its token is in {}\n", path.display()));
            let quoted = path.display().to_string().replace('\'', r"'\''");
            tell(&first_requests(address, &format!("$(cat '{quoted}')")));
        }
        Handover::Shown(token) => {
            tell(&format!("{ADDED} Its token, shown this once:\n\n    {}\n", token.reveal()));
            tell(&first_requests(address, token.reveal()));
        }
        Handover::Chosen => {
            log::info!("no user yet: the admin `admin` was added with the token of auth.bootstrap_token");
        }
    }
    Ok(())
}

/// `otpd init`: creates the database and its first admin. The token goes to `token_file` if one is given.
pub(super) async fn init(config: &Config, token_file: Option<&Path>) -> CommandResult {
    let place = token_file.map(Path::to_owned).or_else(|| place(config));
    let shown = config.database_path.display();
    let options = |create| Options { readers: 1, create, checkpoints: config.checkpoints, ..Options::default() };
    // A database with users is reported before anything else.
    if let Ok(store) = Store::open(&config.database_path, &options(Create::Never)).map(Opened)
        && accounts::any_user(&store).await?
    {
        return Err(
            format!("database {shown}: has users already; `otpd token add NAME` gives one a further token").into()
        );
    }
    place.as_deref().map(require_free).transpose()?;
    let store = open_store(config, &options(Create::Always(now()))).map(Opened)?;
    match add_admin(config, &store, place.as_deref()).await? {
        Some(Handover::File(path)) => {
            tell(&format!("database {shown} is ready. {ADDED} Its token is in {}", path.display()));
        }
        Some(Handover::Shown(token)) => {
            tell(&format!(
                "database {shown} is ready. {ADDED} Its token, shown this once:\n\n    {}\n",
                token.reveal()
            ));
        }
        Some(Handover::Chosen) => {
            tell(&format!("database {shown} is ready. {ADDED} Its token is that of auth.bootstrap_token"));
        }
        None => return Err(format!("database {shown}: another process has added users at this moment").into()),
    }
    Ok(())
}

/// The file that the admin's token is written to; `None` if it is shown on the terminal, or chosen by the operator.
fn place(config: &Config) -> Option<PathBuf> {
    let is_written = config.bootstrap_token.is_none() && !io::stderr().is_terminal();
    is_written.then(|| admin_token_of(&config.database_path))
}

/// How the operator gets the admin's token.
enum Handover {
    File(PathBuf),
    Shown(ApiToken),
    /// The operator has chosen it.
    Chosen,
}

/// Adds the admin, whose token is written to `place` if there is one; `None` if another process was faster.
async fn add_admin(
    config: &Config,
    store: &Store,
    place: Option<&Path>,
) -> Result<Option<Handover>, Box<dyn std::error::Error>> {
    let token = config.bootstrap_token.clone().unwrap_or_else(new_token);
    if let Some(refused) = place.and_then(|place| require_free(place).err()) {
        // The process that was faster has written its token there after it had added the user.
        return if accounts::any_user(store).await? { Ok(None) } else { Err(refused.into()) };
    }
    // The token is safe before the user is: an admin whose token is lost would lock everyone out.
    let file = match place.map(|place| TokenFile::write(place, store.database(), &token)).transpose() {
        Ok(file) => file,
        // Another start has added the admin since, and its token file is in the way.
        Err(_) if accounts::any_user(store).await? => return Ok(None),
        Err(cause) => return Err(cause.into()),
    };
    if !accounts::add_first_admin(store, token.clone(), now()).await? {
        return Ok(None);
    }
    Ok(Some(match file {
        Some(file) => Handover::File(file.keep()?),
        None if config.bootstrap_token.is_some() => Handover::Chosen,
        None => Handover::Shown(token),
    }))
}

/// Two requests to paste; the first code of a new database has the id 1.
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

/// The token in a file, for this user's eyes alone. It is removed again unless it is kept.
struct TokenFile {
    draft: PathBuf,
    path: PathBuf,
}

/// The token of an older admin is never replaced.
fn require_free(path: &Path) -> Result<(), String> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(format!(
            "{}: is there already, and the admin's token would be written there; move it away, or name another file with \
             `otpd init --admin-token-file`",
            path.display()
        )),
        Err(_) => Ok(()),
    }
}

impl TokenFile {
    fn write(path: &Path, database: &Path, token: &ApiToken) -> Result<Self, String> {
        let unwritable =
            |cause: &dyn std::fmt::Display| format!("{}: the admin's token can't be written: {cause}", path.display());
        let name = path.file_name().ok_or_else(|| unwritable(&"it names no file"))?.display();
        let random = SysRng.try_next_u64().map_err(|cause| unwritable(&cause))?;
        let file = Self { draft: path.with_file_name(format!(".{name}.{random:016x}")), path: path.to_owned() };
        let written =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file.draft).and_then(|mut draft| {
                give_to_owner_of(&draft, database)?;
                writeln!(draft, "{}", token.reveal())?;
                draft.sync_all()
            });
        written.map_err(|cause| unwritable(&cause))?;
        Ok(file)
    }

    /// Gives the file its name; the path.
    fn keep(self) -> Result<PathBuf, String> {
        let failed = |cause: io::Error| {
            let path = self.path.display();
            let why = match cause.kind() {
                ErrorKind::AlreadyExists => "it is there already".to_owned(),
                _ => cause.to_string(),
            };
            format!("{path}: the admin's token can't be written: {why}; `otpd token add admin` makes another")
        };
        rename_new(&self.draft, &self.path).map_err(failed)?;
        Ok(fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone()))
    }
}

impl Drop for TokenFile {
    fn drop(&mut self) {
        // Kept or not, the draft's name is free again; if it is gone already there is nothing to do.
        let _ = fs::remove_file(&self.draft);
    }
}
