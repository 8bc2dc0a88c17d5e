//! The rules, as pure code: no I/O, no clock of its own, no HTTP, no SQL.

pub mod digits;
pub mod listing;
pub mod otp;
pub mod recipient;
pub mod timestamp;
pub mod token;
pub mod user;
