//! The development provider. It stores messages in a table instead of sending them (`delivery.allow_inbox`).

use futures_util::future::BoxFuture;

use crate::delivery::provider::{Keep, Provider};
use crate::delivery::settings::ProviderSettings;
use crate::domain::attempt::{Outcome, Report};
use crate::domain::message::Message;

/// The type name in the configuration.
pub const TYPE: &str = "inbox";

/// Returns the settings of an inbox.
pub fn inbox(name: String) -> ProviderSettings {
    let own = name.clone();
    let build = move |keep: &Keep| Ok(Box::new(Inbox { name: own.clone(), keep: Keep::clone(keep) }) as _);
    let warnings = Vec::new();
    ProviderSettings { name, is_inbox: true, warnings, build: Box::new(build) }
}

struct Inbox {
    name: String,
    keep: Keep,
}

impl Provider for Inbox {
    fn name(&self) -> &str {
        &self.name
    }

    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Report> {
        Box::pin(async move {
            match (self.keep)(message.into()).await {
                Ok(id) => Report::sent(Some(id.to_string())),
                Err(_) => Report::not_sent(Outcome::Retry, "the message could not be stored"),
            }
        })
    }

    fn check(&self) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async { Ok("messages are stored, not delivered; read them with `otpd inbox`".to_owned()) })
    }
}
