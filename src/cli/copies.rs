//! `otpd backup` and `otpd restore`.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use crate::cli::{CommandResult, now, tell};
use crate::config::Config;
use crate::store::{self, Contents};

pub(super) fn backup(config: &Config, file: &Path, force: bool) -> CommandResult {
    let contents = store::backup(&config.database_path, file, force, &show)?;
    tell_of(contents, file);
    Ok(())
}

pub(super) fn restore(config: &Config, file: &Path) -> CommandResult {
    let (contents, kept) = store::restore(file, &config.database_path, now(), &show)?;
    tell_of(contents, &config.database_path);
    if let Some(kept) = kept {
        tell(&format!("what was there before is kept as {}", kept.display()));
    }
    Ok(())
}

fn tell_of(Contents { codes, users, tokens }: Contents, file: &Path) {
    tell(&format!("{codes} codes, {users} users and {tokens} tokens are in {}", file.display()));
}

/// On a terminal one line tells how far the copy is; each time it is written anew, and the last word goes over it.
fn show(percent: u64) {
    let mut stderr = io::stderr();
    if stderr.is_terminal() {
        let step = if percent < 100 { format!("copying: {percent} %") } else { "checking the copy".to_owned() };
        // Where stderr is closed nobody is left to read it.
        let _ = write!(stderr, "{step:<20}\r").and_then(|()| stderr.flush());
    }
}
