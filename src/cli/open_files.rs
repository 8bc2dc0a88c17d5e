//! How many connections fit into the system's limit of open files: a server that runs out of them answers nobody.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is wanted, where the system allows as much.
const WANTED: u64 = 65_536;
/// Files that are neither connections nor databases: the log, listeners, event loops, what a backup or a look-up opens.
const OTHERS: u64 = 64;
/// A database connection holds the file and its WAL.
const PER_READER: u64 = 2;
const LEAST_CONNECTIONS: u64 = 16;
/// The socket, and the handle by which it is closed when nothing comes.
const PER_CONNECTION: u64 = 2;

/// Raises the limit of open files as far as is useful and allowed; how many connections fit beside so many readers.
///
/// # Errors
/// A sentence for the operator where hardly any fit.
pub(super) fn connections(readers: u32) -> Result<usize, String> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = maximum.unwrap_or(WANTED).min(WANTED);
    // Where it can't be raised, what there is has to do.
    let limit = match current {
        Some(current) if current < raised => {
            setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum }).map_or(current, |()| raised)
        }
        current => current.unwrap_or(WANTED),
    };
    let reserved = OTHERS + PER_READER * u64::from(readers + 1);
    match limit.checked_sub(reserved) {
        Some(files) if files >= LEAST_CONNECTIONS * PER_CONNECTION => {
            Ok(usize::try_from(files / PER_CONNECTION).unwrap_or(usize::MAX))
        }
        _ => Err(format!(
            "only {limit} files may be open and {} are needed; raise the limit (`ulimit -n`, systemd: LimitNOFILE=)",
            reserved + LEAST_CONNECTIONS * PER_CONNECTION
        )),
    }
}
