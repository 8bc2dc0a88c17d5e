//! The number of trials in the short and the long form of a test.

/// Returns `short`, or `long` in the long form (`FAULTS=long`).
pub fn trials(short: u64, long: u64) -> u64 {
    if std::env::var("FAULTS").is_ok_and(|form| form == "long") { long } else { short }
}
