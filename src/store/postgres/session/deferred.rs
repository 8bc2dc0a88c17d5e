//! Changes that are sent later.

use crate::store::value::Value;

/// A change that is sent with the next statement of its transaction.
pub(super) struct Deferred {
    pub(super) sql: String,
    pub(super) values: Vec<Value<'static>>,
}
