//! The results of checks, for `otpd doctor`.

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    Ok(String),
    /// Not a problem, but useful to know.
    Note(String),
    /// A problem, with its remedy.
    Problem(String),
}
