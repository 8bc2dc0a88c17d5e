//! The message about the last action. The redirect after an action names it in the parameter `done`.

use crate::http::console::context::Context;
use crate::http::console::html::{Html, label_with_id};
use crate::http::query::Parameters;

/// Returns the message that the parameters of a page name.
pub(super) fn of(context: &Context, parameters: &Parameters) -> Option<Html> {
    let t = &context.t.flash;
    let about = parameters.text("id").filter(|id| id.bytes().all(|byte| byte.is_ascii_graphic())).unwrap_or_default();
    Some(match parameters.text("done")? {
        "saved" => Html::text(t.saved),
        "created" => label_with_id(t.created, "id", about),
        "deleted" => label_with_id(t.deleted, "id", about),
        "expired" => label_with_id(t.expired, "id", about),
        "resent" => Html::text(t.resent_to_recipient),
        "freed" => Html::text(t.recipient_freed),
        "user_added" => label_with_id(t.user_added, "user", about),
        "user_removed" => label_with_id(t.user_removed, "user", about),
        "user_disabled" => label_with_id(t.user_disabled, "user", about),
        "user_enabled" => label_with_id(t.user_enabled, "user", about),
        "role_saved" => label_with_id(t.role_saved, "user", about),
        "permissions_saved" => label_with_id(t.permissions_saved, "user", about),
        "sent_twice" => Html::text(t.sent_twice),
        "token_revoked" => label_with_id(t.token_revoked, "prefix", about),
        "sessions_ended" => {
            Html::text(&context.t.count(about.parse::<i64>().unwrap_or(0), t.sessions_ended_one, t.sessions_ended))
        }
        _ => return None,
    })
}
