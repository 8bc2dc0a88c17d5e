//! The first start: no user is there yet, so the admin `admin` is added, and its token reaches the operator and no log.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::cli::accounts::new_token;
use crate::cli::{CommandResult, now, tell};
use crate::config::Config;
use crate::domain::token::ApiToken;
use crate::service::accounts;
use crate::store::Store;

/// Adds the admin where there is no user, and says how to make the first requests to `address`.
pub(super) async fn greet(config: &Config, store: &Store, address: SocketAddr) -> CommandResult {
    if accounts::any_user(store).await? {
        return Ok(());
    }
    let token = config.bootstrap_token.clone().unwrap_or_else(new_token);
    let shown = config.bootstrap_token.is_none();
    // The token is safe before the user is: an admin whose token nobody has would lock everyone out.
    let file = if shown && !io::stderr().is_terminal() {
        Some(TokenFile::write(&config.database_path, &token)?)
    } else {
        None
    };
    if !accounts::add_first_admin(store, token.clone(), now()).await? {
        return Ok(());
    }
    let added = "No user yet: the admin `admin` was added.";
    match file {
        Some(file) => {
            let path = file.keep()?;
            tell(&format!("{added} Its token is in {}\n", path.display()));
            let quoted = path.display().to_string().replace('\'', r"'\''");
            tell(&first_requests(address, &format!("$(cat '{quoted}')")));
        }
        None if shown => {
            tell(&format!("{added} Its token, shown this once:\n\n    {}\n", token.reveal()));
            tell(&first_requests(address, token.reveal()));
        }
        None => log::info!("no user yet: the admin `admin` was added with the token of auth.bootstrap_token"),
    }
    Ok(())
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

/// The token in a file beside the database, for this user's eyes alone. It is gone again unless it is kept.
struct TokenFile {
    draft: PathBuf,
    path: PathBuf,
}

impl TokenFile {
    fn write(database: &Path, token: &ApiToken) -> Result<Self, String> {
        let path = database.with_file_name("admin.token");
        let draft = database.with_file_name(format!(".admin.token.{}", std::process::id()));
        let file = Self { draft, path };
        let written =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file.draft).and_then(|mut draft| {
                writeln!(draft, "{}", token.reveal())?;
                draft.sync_all()
            });
        written.map_err(|cause| format!("{}: the admin's token can't be written: {cause}", file.path.display()))?;
        Ok(file)
    }

    /// Gives the file its name; the path.
    fn keep(self) -> Result<PathBuf, String> {
        let failed = |cause| {
            let path = self.path.display();
            format!("{path}: the admin's token can't be written: {cause}; `otpd token add admin` makes another")
        };
        fs::rename(&self.draft, &self.path).map_err(failed)?;
        Ok(fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone()))
    }
}

impl Drop for TokenFile {
    fn drop(&mut self) {
        // Kept or not, the draft's name is free again; where it is gone already there is nothing to do.
        let _ = fs::remove_file(&self.draft);
    }
}
