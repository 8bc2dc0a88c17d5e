//! `otpd backup` and `otpd restore`.

use std::fmt::Display;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use crate::cli::database::command_origin;
use crate::cli::database::with_configuration;
use crate::cli::output::{CommandResult, now, print_message};
use crate::cli::signals::{self, Signals};
use crate::config::{Config, holds_login};
use crate::domain::count::counted;
use crate::store::{self, Contents, Database, Replace, RestoredAccess, Returning, ReturningToken, ReturningUser};

pub(super) fn backup(config: &Config, file: &Path, force: bool) -> CommandResult {
    require_path(file, "the path of the backup")?;
    let replace = if force {
        Replace::UnlessFarLess { kept_since: config.otp_retention.map(|retention| now().minus(retention)) }
    } else {
        Replace::Never
    };
    let signals = Signals::catch()?;
    let progress = |percent, draft: Option<&Path>| {
        show(percent);
        abandon(&signals, &file.display(), draft);
    };
    let contents = match &config.database {
        Database::File(database) => {
            store::backup(database, file, replace, &|percent, draft| progress(percent, Some(draft)))
        }
        Database::Postgres(server) => store::back_up_server(server, file, replace, &progress),
    };
    let contents = contents.map_err(|error| with_configuration(config, &error))?;
    print_message(&format!("{} were backed up to {}", counts(contents), file.display()));
    Ok(())
}

pub(super) fn restore(config: &Config, file: &Path, revoke_tokens: bool) -> CommandResult {
    require_path(file, "the path of the backup")?;
    let Some(database) = config.database.file() else {
        let shown = config.database.shown();
        return Err(format!(
            "database {shown}: a backup can't be restored into PostgreSQL directly; restore it to a file, then copy it to \
             a new database with `otpd move --to-url-file FILE`"
        )
        .into());
    };
    let signals = Signals::catch()?;
    let progress = |percent, draft: &Path| {
        show(percent);
        abandon(&signals, &database.display(), Some(draft));
    };
    let restored = store::restore(file, database, revoke_tokens, &command_origin(), now(), &progress)?;
    print_message(&format!("{} were restored to {}", counts(restored.contents), database.display()));
    print_returning(&restored.returning);
    if let Some(kept) = restored.kept {
        print_message(&format!("the previous database is kept as {}", kept.display()));
    }
    Ok(())
}

/// Keywords of libpq's other form of a URL, such as `host=db user=otpd`.
const KEYWORDS: [&str; 8] = ["host", "hostaddr", "port", "user", "password", "dbname", "sslmode", "service"];

/// Whether a text is a URL of a database, even a malformed one. It must not be used as a path, because messages show paths.
pub(super) fn is_meant_as_url(text: &str) -> bool {
    let begins_with_keyword = text.split_once('=').is_some_and(|(word, _)| KEYWORDS.contains(&word.trim()));
    begins_with_keyword
        || holds_login(text)
        || text.contains("://")
        || text.starts_with("postgres:")
        || text.starts_with("postgresql:")
}

/// Refuses a URL where a path is expected. Messages would show its password.
pub(super) fn require_path(path: &Path, name: &str) -> Result<(), String> {
    let is_url = path.to_str().is_some_and(is_meant_as_url);
    if is_url { Err(format!("{name} is a URL; give the path of a file")) } else { Ok(()) }
}

pub(super) fn counts(Contents { codes, users, tokens }: Contents) -> String {
    format!("{}, {} and {}", counted(codes, "code"), counted(users, "user"), counted(tokens, "token"))
}

/// Prints which codes and messages of the backup were made unusable, and which users and tokens exist again.
fn print_returning(returning: &Returning) {
    if returning.spent > 0 {
        let they = if returning.spent == 1 { "it" } else { "they" };
        print_message(&format!(
            "{} can no longer be verified, because {they} may have been used since the backup",
            counted(returning.spent, "code")
        ));
    }
    if returning.cancelled > 0 {
        let are = if returning.cancelled == 1 { "is" } else { "are" };
        print_message(&format!("{} {are} cancelled", counted(returning.cancelled, "queued message")));
    }
    if let Some(why) = &returning.not_compared {
        print_message(&format!(
            "the previous database can't be read ({why}), so all users and tokens of the backup are listed:"
        ));
    }
    for ReturningUser { name, gain } in &returning.users {
        print_message(&match gain {
            RestoredAccess::Account { role } => format!("user {name} ({role}) is restored"),
            RestoredAccess::Activity => format!("user {name} is enabled again; `otpd user disable {name}` disables it"),
            RestoredAccess::Role { role, instead_of } => {
                format!("user {name} has the role {role} again instead of {instead_of}")
            }
            RestoredAccess::Permissions(codes) => {
                let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
                format!("user {name} has permissions again: {}", codes.join(" "))
            }
        });
    }
    for ReturningToken { prefix, owner, .. } in &returning.tokens {
        let is = if returning.are_tokens_revoked { "is revoked" } else { "is restored" };
        print_message(&format!("token {prefix} of {owner} {is}"));
    }
    if !returning.tokens.is_empty() && !returning.are_tokens_revoked {
        print_message("Revoke each with `otpd token revoke PREFIX`. Running restore again does not revoke them.");
    }
}

/// Deletes the draft, if there is one, and ends the process if a signal has arrived. Once the copy has replaced the
/// target, signals no longer interrupt the command.
pub(super) fn abandon(signals: &Signals, target: &dyn Display, draft: Option<&Path>) {
    if signals.came() {
        // If the draft can't be removed, the message below is still correct.
        let _ = draft.map(fs::remove_file);
        signals::end(&format!("stopped by a signal; {target} is unchanged"));
    }
}

/// Shows the progress on a terminal, in one line. Each update and the final message overwrite the line.
pub(super) fn show(percent: u64) {
    let mut stderr = io::stderr();
    if stderr.is_terminal() {
        let step = if percent < 100 { format!("copying: {percent} %") } else { "checking the copy".to_owned() };
        // If stderr is closed, the progress is lost.
        let _ = write!(stderr, "{step:<20}\r").and_then(|()| stderr.flush());
    }
}
