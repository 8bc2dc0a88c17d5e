//! Changed fields of the audit trail in plain words.

use serde_json::Value;

use crate::domain::audit::AuditEvent;
use crate::domain::message::Channel;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::{Permission, Role};
use crate::http::console::context::Context;
use crate::http::console::html::{Html, recipient};
use crate::http::console::texts::Texts;

/// A value before or after a change: words, and identifiers that keep their direction.
pub(super) struct Shown(Vec<Piece>);

enum Piece {
    Words(String),
    Identifier(String),
}

impl Shown {
    fn words(text: impl Into<String>) -> Self {
        Self(vec![Piece::Words(text.into())])
    }

    fn identifier(text: impl Into<String>) -> Self {
        Self(vec![Piece::Identifier(text.into())])
    }

    pub(super) fn html(&self) -> Html {
        self.0.iter().fold(Html::default(), |html, piece| match piece {
            Piece::Words(text) => html.and(Html::text(text)),
            Piece::Identifier(text) => html.and(recipient(text)),
        })
    }

    pub(super) fn text(&self) -> String {
        self.0.iter().map(|(Piece::Words(text) | Piece::Identifier(text))| text.as_str()).collect()
    }
}

/// The values of the changed fields before (0) or after (1) the change, with the names of the fields. Fields without a
/// value are left out, and the user that an event is about.
pub(super) fn side<'a>(context: &'a Context, event: &'a AuditEvent, n: usize) -> Vec<(&'a str, Shown)> {
    let is_subject = |field: &str| field == "user" && subject(event).is_some();
    let changes = event.changes.iter().filter(|(field, _)| !is_subject(field));
    let value = |values: &'a Value| values.get(n).filter(|value| !value.is_null());
    changes
        .filter_map(|(field, values)| Some((field_label(context.t, field), shown(context, field, value(values)?))))
        .collect()
}

/// The user that an event is about: the field `user`, if it was not changed.
pub(super) fn subject(event: &AuditEvent) -> Option<&str> {
    let user = event.changes.get("user")?;
    user.get(0)?.as_str().filter(|name| user.get(1).and_then(Value::as_str) == Some(*name))
}

/// The name of a changed field. Unknown fields, which a newer version may have recorded, are returned as they are.
pub(super) fn field_label<'a>(t: &'a Texts, field: &'a str) -> &'a str {
    match field {
        "code" => t.col.code,
        "mobile_number" => t.col.mobile,
        "email" => t.col.email,
        "valid_to" => t.col.valid_to,
        "channel" => t.col.channel,
        "verdict" => t.fields.verdict,
        "consecutive_failures" => t.limits.consecutive_failures,
        "user" => t.token.owner,
        "role" => t.user.role,
        "permissions" => t.user.permissions,
        "is_active" => t.user.state,
        "token" => t.fields.token,
        "name" => t.fields.token_name,
        "expires_at" => t.token.expires,
        "started_at" => t.account.started,
        "result" => t.fields.result,
        "codes_consumed" => t.fields.codes_consumed,
        "messages_cancelled" => t.fields.messages_cancelled,
        "tokens" => t.token.title,
        "tokens_revoked" => t.fields.tokens_revoked,
        "test_recipient" => t.fields.test_recipient,
        other => other,
    }
}

/// A recorded value of a field. A time is shown in the time zone of the pages.
pub(super) fn shown(context: &Context, field: &str, value: &Value) -> Shown {
    let t = context.t;
    match value {
        Value::Null => Shown::words("—"),
        Value::Bool(is_active) if field == "is_active" => {
            Shown::words(if *is_active { t.user.active } else { t.user.disabled })
        }
        Value::Bool(true) if field == "test_recipient" => Shown::words(t.fields.fixed_code),
        Value::Number(number) => match number.as_i64() {
            Some(count) => Shown::words(t.number(count)),
            None => Shown::identifier(number.to_string()),
        },
        Value::Array(codes) if field == "permissions" => permissions(t, codes),
        Value::String(text) => match words(t, field, text) {
            Some(words) => Shown::words(words),
            None => Shown::identifier(moment(context, text).unwrap_or_else(|| text.clone())),
        },
        Value::Array(items) => {
            let items = items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
            Shown::identifier(items.collect::<Vec<_>>().join(", "))
        }
        other => Shown::identifier(other.to_string()),
    }
}

/// The label of a value that is one of a few.
fn words(t: &Texts, field: &str, value: &str) -> Option<&'static str> {
    match (field, value) {
        ("role", role) => role.parse().ok().map(|role: Role| t.role(role)),
        ("channel", channel) => channel.parse().ok().map(|channel: Channel| t.channel(channel)),
        ("verdict", verdict) => t.verdict(verdict),
        ("result", "started") => Some(t.fields.started),
        ("result", "refused") => Some(t.fields.refused),
        ("result", "link") => Some(t.fields.link),
        _ => None,
    }
}

fn moment(context: &Context, text: &str) -> Option<String> {
    let moment = Timestamp::parse(text).ok().filter(|_| text.ends_with('Z'))?;
    Some(context.t.exact_moment(moment, context.zone))
}

fn permissions(t: &Texts, codes: &[Value]) -> Shown {
    if codes.is_empty() {
        return Shown::words(t.user.no_permissions);
    }
    let mut pieces = Vec::new();
    for code in codes.iter().map(Value::to_string) {
        if !pieces.is_empty() {
            pieces.push(Piece::Words(t.form.list_separator.to_owned() + " "));
        }
        if let Ok(permission) = code.parse::<Permission>() {
            pieces.push(Piece::Words(format!("{} ", t.permission(permission))));
        }
        pieces.push(Piece::Identifier(code));
    }
    Shown(pieces)
}
