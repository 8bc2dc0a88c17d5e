//! Derives the maximum number of connections from the limit of open files. A server without free file descriptors
//! cannot accept connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit to set, if the system allows it.
const WANTED: u64 = 65_536;
/// Files other than connections and databases: the log, listeners, event loops, and files of backups and DNS lookups.
const OTHERS: u64 = 64;
const LEAST_CONNECTIONS: u64 = 16;
/// Each connection has two descriptors: the socket, and a duplicate for closing it when it is idle.
const PER_CONNECTION: u64 = 2;

/// Raises the limit of open files as far as useful and allowed. Returns the number of connections that it allows in
/// addition to the `database_files`.
///
/// # Errors
/// The limit is too low. The message is a sentence for the operator.
pub(super) fn connections(database_files: u32) -> Result<usize, String> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = maximum.unwrap_or(WANTED).min(WANTED);
    // If the limit can't be raised, the current one is used.
    let limit = match current {
        Some(current) if current < raised => {
            setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum }).map_or(current, |()| raised)
        }
        current => current.unwrap_or(WANTED),
    };
    let reserved = OTHERS + u64::from(database_files);
    match limit.checked_sub(reserved) {
        Some(files) if files >= LEAST_CONNECTIONS * PER_CONNECTION => {
            Ok(usize::try_from(files / PER_CONNECTION).unwrap_or(usize::MAX))
        }
        _ => Err(format!(
            "the limit of open files is {limit}, but {} are needed; raise it (`ulimit -n`, systemd: LimitNOFILE=)",
            reserved + LEAST_CONNECTIONS * PER_CONNECTION
        )),
    }
}
