//! The first start: no user is there yet, so the admin `admin` is added, and its token reaches the operator and no log.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::cli::accounts::new_token;
use crate::cli::{Outcome, now, tell};
use crate::config::Config;
use crate::domain::token::ApiToken;
use crate::service::accounts;
use crate::store::Store;

/// Adds the admin where there is no user, and says how to make the first requests to `address`.
pub(super) async fn greet(config: &Config, store: &Store, address: SocketAddr) -> Outcome {
    let token = config.bootstrap_token.clone().unwrap_or_else(new_token);
    if !accounts::add_first_admin(store, token.clone(), now()).await? {
        return Ok(());
    }
    if config.bootstrap_token.is_some() {
        log::info!("no user yet: the admin `admin` was added with the token of auth.bootstrap_token");
    } else if io::stderr().is_terminal() {
        tell(&format!(
            "No user yet: the admin `admin` was added. Its token, shown this once:\n\n    {}\n",
            token.reveal()
        ));
        tell(&first_requests(address, token.reveal()));
    } else {
        let path = write(&config.database_path, &token)?;
        tell(&format!("No user yet: the admin `admin` was added. Its token is in {}\n", path.display()));
        tell(&first_requests(address, &format!("$(cat '{}')", path.display())));
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

/// Writes the token beside the database, for this user's eyes alone; the path of the file.
fn write(database: &Path, token: &ApiToken) -> Result<PathBuf, String> {
    let path = database.with_file_name("admin.token");
    let written =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path).and_then(|mut file| {
            file.set_permissions(Permissions::from_mode(0o600))?;
            writeln!(file, "{}", token.reveal())?;
            file.sync_all()
        });
    written.map_err(|cause| {
        format!("{}: the admin's token can't be written: {cause}; `otpd token add admin` makes another", path.display())
    })?;
    Ok(fs::canonicalize(&path).unwrap_or(path))
}
