//! The short and the long form of a test.

/// How many trials: the first number in the short form, the second in the long one (`FAULTS=long`).
pub fn trials(short: u64, long: u64) -> u64 {
    if std::env::var("FAULTS").is_ok_and(|form| form == "long") { long } else { short }
}
