//! The audit trail: the changes, with their actors and origins (`docs/api.md`, "Audit trail").

use std::fmt::Display;
use std::net::IpAddr;
use std::sync::Arc;

use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::domain::listing::{Period, Window};
use crate::domain::otp::{Otp, OtpId};
use crate::domain::recipient::Recipient;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::UserName;

/// The kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(parse_err_ty = crate::domain::Refusal, parse_err_fn = no_action)]
pub enum Action {
    #[strum(serialize = "otp.create")]
    OtpCreate,
    #[strum(serialize = "otp.update")]
    OtpUpdate,
    #[strum(serialize = "otp.delete")]
    OtpDelete,
    /// The digits of a code were shown.
    #[strum(serialize = "otp.read")]
    OtpRead,
    #[strum(serialize = "otp.send")]
    OtpSend,
    #[strum(serialize = "otp.verify")]
    OtpVerify,
    #[strum(serialize = "recipient.reset")]
    RecipientReset,
    #[strum(serialize = "user.add")]
    UserAdd,
    #[strum(serialize = "user.grant")]
    UserGrant,
    #[strum(serialize = "user.revoke")]
    UserRevoke,
    #[strum(serialize = "user.disable")]
    UserDisable,
    #[strum(serialize = "user.enable")]
    UserEnable,
    #[strum(serialize = "user.role")]
    UserRole,
    #[strum(serialize = "user.remove")]
    UserRemove,
    #[strum(serialize = "token.add")]
    TokenAdd,
    #[strum(serialize = "token.revoke")]
    TokenRevoke,
    #[strum(serialize = "session.start")]
    SessionStart,
    #[strum(serialize = "session.end")]
    SessionEnd,
    #[strum(serialize = "restore")]
    Restore,
}

impl Action {
    pub const ALL: &'static [Self] = Self::VARIANTS;

    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

fn no_action(_: &str) -> &'static str {
    "expected an action of the audit trail"
}

/// The kind of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "lowercase", parse_err_ty = crate::domain::Refusal, parse_err_fn = no_actor)]
pub enum ActorKind {
    /// A user of the API or the console.
    User,
    /// A command of the operator, such as `otpd user add`.
    Command,
    /// otpd itself, such as a purge.
    System,
}

impl ActorKind {
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

fn no_actor(_: &str) -> &'static str {
    "expected user, command or system"
}

/// The cause of a change, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub kind: ActorKind,
    /// The name of the user; for a command, the user of the operating system.
    pub name: String,
    /// The prefix of the user's token, as shown in lists.
    pub token_prefix: Option<String>,
    /// The request, as named in the log.
    pub request_id: Option<String>,
    /// The address of the client.
    pub address: Option<IpAddr>,
}

impl Origin {
    /// A change that otpd makes itself.
    pub fn system() -> Arc<Self> {
        Self::local(ActorKind::System, "otpd")
    }

    /// A change made by a command that the operating system's user `name` runs.
    pub fn command(name: &str) -> Arc<Self> {
        Self::local(ActorKind::Command, name)
    }

    fn local(kind: ActorKind, name: &str) -> Arc<Self> {
        Arc::new(Self { kind, name: name.to_owned(), token_prefix: None, request_id: None, address: None })
    }
}

/// What replaces a code in the audit trail.
const HIDDEN: &str = "•";

/// A change to be recorded.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub action: Action,
    pub otp: Option<OtpId>,
    pub recipient: Option<Recipient>,
    /// The previous recipient, if it was changed.
    pub former_recipient: Option<Recipient>,
    /// Fields with their values before and after the change.
    pub changes: Map<String, Value>,
}

impl NewEvent {
    pub fn new(action: Action) -> Self {
        Self { action, otp: None, recipient: None, former_recipient: None, changes: Map::new() }
    }

    /// An event about a code.
    pub fn about(action: Action, otp: &Otp) -> Self {
        Self { otp: Some(otp.id), recipient: Some(otp.recipient.clone()), ..Self::new(action) }
    }

    /// An event about a user. The name is in the fields, unchanged.
    pub fn about_user(action: Action, name: &UserName) -> Self {
        Self::new(action).with("user", name.as_str(), name.as_str())
    }

    /// The creation of a code.
    pub fn creation(otp: &Otp) -> Self {
        Self::about(Action::OtpCreate, otp).with_fields(None, Some(otp))
    }

    /// An update of a code.
    pub fn update(before: &Otp, after: &Otp) -> Self {
        let former_recipient = (before.recipient != after.recipient).then(|| before.recipient.clone());
        let event = Self { former_recipient, ..Self::about(Action::OtpUpdate, after) };
        event.with_fields(Some(before), Some(after))
    }

    /// The deletion of a code.
    pub fn deletion(otp: &Otp) -> Self {
        Self::about(Action::OtpDelete, otp).with_fields(Some(otp), None)
    }

    /// Adds a field with its values before and after the change.
    #[must_use]
    pub fn with(mut self, field: &str, before: impl Into<Value>, after: impl Into<Value>) -> Self {
        self.changes.insert(field.to_owned(), Value::Array(vec![before.into(), after.into()]));
        self
    }

    /// Marks an event as one about a test recipient. The code of a test recipient is fixed and is not sent.
    #[must_use]
    pub fn of_test_recipient(self, is_test_recipient: bool) -> Self {
        if is_test_recipient { self.with("test_recipient", Value::Null, true) } else { self }
    }

    /// Adds the fields of a code that differ. Codes are hidden and recipients are masked.
    fn with_fields(self, before: Option<&Otp>, after: Option<&Otp>) -> Self {
        let code = |otp: Option<&Otp>| otp.map(|otp| otp.code);
        let event = if code(before) == code(after) {
            self
        } else {
            self.with("code", before.map(|_| HIDDEN), after.map(|_| HIDDEN))
        };
        let masked = |otp: Option<&Otp>| {
            let recipient = otp.map(|otp| &otp.recipient);
            let number = recipient.and_then(Recipient::mobile_number);
            (number.cloned(), recipient.and_then(Recipient::email).cloned())
        };
        let ((number, email), (new_number, new_email)) = (masked(before), masked(after));
        let valid_to = |otp: Option<&Otp>| otp.map(|otp| otp.valid_to);
        event.with_changed("mobile_number", number, new_number).with_changed("email", email, new_email).with_changed(
            "valid_to",
            valid_to(before),
            valid_to(after),
        )
    }

    fn with_changed<T: PartialEq + Display>(self, field: &str, before: Option<T>, after: Option<T>) -> Self {
        let text = |value: Option<T>| value.map(|value| value.to_string());
        if before == after { self } else { self.with(field, text(before), text(after)) }
    }
}

/// A stored event.
#[derive(Clone, Debug)]
pub struct AuditEvent {
    pub id: i64,
    pub at: Timestamp,
    pub origin: Origin,
    pub action: Action,
    pub otp: Option<OtpId>,
    /// Masked.
    pub recipient: Option<String>,
    pub changes: Map<String, Value>,
}

/// Conditions that every listed event meets. `None`: no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub id_max: Option<i64>,
    pub action: Option<Action>,
    /// The name of the actor.
    pub actor: Option<String>,
    pub otp: Option<i64>,
    /// The recipient of the event, or the previous one.
    pub recipient: Option<Recipient>,
    pub at: Period,
}

/// A list query. The newest event comes first.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    pub filter: AuditFilter,
    pub window: Window,
}
