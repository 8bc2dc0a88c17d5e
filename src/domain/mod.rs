//! The rules, as pure code: no I/O, no system clock, no HTTP, no SQL.

pub mod attempt;
pub mod audit;
pub mod audit_list;
pub mod breaker;
pub mod calendar;
pub mod caller;
pub mod client;
pub mod clock;
pub mod code;
pub mod code_list;
pub mod count;
pub mod digits;
pub mod figures;
pub mod host;
pub mod idempotency;
pub mod inbox;
pub mod limit;
pub mod listing;
pub mod message;
pub mod message_list;
pub mod otp;
pub mod outbox;
pub mod policy;
pub mod provider_state;
pub mod purpose;
pub mod recipient;
pub mod recipient_state;
pub mod route;
pub mod secret;
pub mod sent_form;
pub mod session;
pub mod status_schedule;
pub mod template;
pub mod test_recipient;
pub mod texts;
pub mod time_zone;
pub mod timestamp;
pub mod token;
pub mod token_details;
pub mod user;
pub mod verification;
pub mod webhook;

/// Why a text is not the name of a value, as the error of `FromStr`.
type Refusal = &'static str;
