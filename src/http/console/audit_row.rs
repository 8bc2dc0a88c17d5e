//! An event of the audit trail in plain words, as a row of the list and of the CSV file.

use crate::domain::audit::{Action, ActorKind, AuditEvent};
use crate::domain::otp::OtpId;
use crate::domain::timestamp::Timestamp;
use crate::http::console::changes::{Shown, side, subject};
use crate::http::console::context::Context;

pub(super) struct Row<'a> {
    pub(super) at: Timestamp,
    /// The name of the actor. `None`: otpd itself, or a sign-in with an unknown name.
    pub(super) who: Option<&'a str>,
    /// What the actor is, if it is not a user.
    pub(super) kind: Option<&'static str>,
    pub(super) token_prefix: Option<&'a str>,
    pub(super) action: &'a str,
    pub(super) action_name: &'static str,
    pub(super) code: Option<i64>,
    /// Whether the event is the deletion of the code.
    pub(super) is_deletion: bool,
    pub(super) recipient: Option<&'a str>,
    /// The user that the event is about.
    pub(super) user: Option<&'a str>,
    /// The changed fields before and after the change.
    pub(super) sides: [Vec<(&'a str, Shown)>; 2],
    pub(super) address: Option<String>,
    pub(super) request_id: Option<&'a str>,
}

impl<'a> Row<'a> {
    pub(super) fn new(context: &'a Context, event: &'a AuditEvent) -> Self {
        let (t, origin) = (context.t, &event.origin);
        let (who, kind) = match origin.kind {
            ActorKind::User => (Some(origin.name.as_str()), None),
            ActorKind::Command => (Some(origin.name.as_str()), Some(t.audit.by_command)),
            ActorKind::System => (None, Some(t.audit.by_system)),
        };
        Self {
            at: event.at,
            who: who.filter(|name| !name.is_empty()),
            kind,
            token_prefix: origin.token_prefix.as_deref(),
            action: t.action(event.action.as_str()),
            action_name: event.action.as_str(),
            code: event.otp.map(OtpId::value),
            is_deletion: event.action == Action::OtpDelete,
            recipient: event.recipient.as_deref(),
            user: subject(event),
            sides: [0, 1].map(|n| side(context, event, n)),
            address: origin.address.map(|address| address.to_string()),
            request_id: origin.request_id.as_deref(),
        }
    }
}
