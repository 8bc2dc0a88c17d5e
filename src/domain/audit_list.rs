//! The list of the audit trail in the console: pages by keys, newest event first.

use crate::domain::audit::{AuditEvent, AuditFilter};
use crate::domain::code_list::{Key, Start};

/// A page of the list. The id of an event is its key.
#[derive(Clone, Debug, Default)]
pub struct AuditListQuery {
    pub filter: AuditFilter,
    pub start: Start,
    pub limit: usize,
}

/// One page of events.
#[derive(Clone, Debug, Default)]
pub struct AuditPage {
    pub events: Vec<AuditEvent>,
    /// The number of matches, at most [`AuditPage::COUNTED`] + 1.
    pub count: i64,
    /// Whether there are newer events before and older ones after this page.
    pub has_before: bool,
    pub has_after: bool,
}

impl AuditPage {
    /// Up to this number, matches are counted exactly.
    pub const COUNTED: i64 = 10_000;
}

impl AuditEvent {
    /// The place of the event in the list.
    pub fn key(&self) -> Key {
        Key { value: self.id, id: self.id }
    }
}
