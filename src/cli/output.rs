//! The result of a command and its output: data to stdout, messages to stderr.

use std::io::{self, IsTerminal, Write};

use chrono::Utc;
use rustix::fs::{OFlags, fcntl_getfl};

use crate::domain::timestamp::Timestamp;

pub(super) type CommandResult = Result<(), Box<dyn std::error::Error>>;

pub(super) fn block_on(command: impl Future<Output = CommandResult>) -> CommandResult {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(command);
    // `serve` has already waited for its tasks, up to their timeouts. Remaining tasks are abandoned.
    runtime.shutdown_background();
    outcome
}

/// Writes data to stdout and flushes it.
///
/// # Errors
/// Some of the data could not be written.
pub(super) fn out(data: &str) -> CommandResult {
    let mut stdout = io::stdout();
    // The standard library reports no error if the descriptor is not open for writing.
    if fcntl_getfl(&stdout).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::RDONLY) {
        return Err("stdout can't be written: it is open for reading only".into());
    }
    stdout.write_all(data.as_bytes()).and_then(|()| stdout.flush()).map_err(|cause| unwritable(&cause))
}

/// Writes a table to stdout, its columns separated by tabs. The line with the names of the columns is for people: it
/// comes first if stdout is a terminal, and scripts don't get it.
///
/// # Errors
/// Some of the table could not be written.
pub(super) fn out_table(columns: &[&str], rows: &str) -> CommandResult {
    let header = if io::stdout().is_terminal() { columns.join("\t") + "\n" } else { String::new() };
    out(&(header + rows))
}

pub(super) fn unwritable(cause: &io::Error) -> Box<dyn std::error::Error> {
    format!("stdout can't be written: {cause}").into()
}

/// Writes a message to stderr.
pub(super) fn print_message(message: &str) {
    // If stderr is closed, the message is lost.
    let _ = writeln!(io::stderr(), "{message}");
}

pub(super) fn now() -> Timestamp {
    Utc::now().into()
}
