//! The requests that otpd sends to the endpoints of events. OpenAPI calls them webhooks.

use serde_json::{Map, Value, json};

use crate::domain::message::Channel;
use crate::domain::outbox::MessageState;
use crate::domain::webhook::EventType;

/// Returns the webhooks: one per type of events.
pub(super) fn webhooks() -> Value {
    EventType::ALL.iter().map(|kind| (kind.as_str().to_owned(), webhook(*kind))).collect::<Map<_, _>>().into()
}

fn webhook(kind: EventType) -> Value {
    let header = |name: &str, description: &str| {
        json!({
            "name": name, "in": "header", "required": true, "description": description, "schema": { "type": "string" }
        })
    };
    json!({ "post": {
        "tags": ["events"],
        "summary": summary(kind),
        "parameters": [
            header("webhook-id", "Id of the event. It is the same in all attempts."),
            header("webhook-timestamp", "Time of the attempt, in seconds since 1970"),
            header(
                "webhook-signature",
                "`v1,` and the Base64 form of the HMAC-SHA256 of `{webhook-id}.{webhook-timestamp}.{body}`"
            )
        ],
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": schema(kind), "example": example(kind) } }
        },
        "responses": {
            "2XX": { "description": "The endpoint has the event." },
            "410": { "description": "The endpoint does not want the event. It is not sent again." },
            "default": { "description": "The event is sent again, for a day. `Retry-After` lengthens the pause." }
        },
        "security": []
    } })
}

fn summary(kind: EventType) -> &'static str {
    match kind {
        EventType::Sent => "A provider accepted a message",
        EventType::Delivered => "A message reached its recipient",
        EventType::Undelivered => "A message did not reach its recipient",
        EventType::Verified => "A code was verified and consumed",
        EventType::LockedOut => "A recipient reached `otp.max_consecutive_failures`",
    }
}

fn is_about_message(kind: EventType) -> bool {
    matches!(kind, EventType::Sent | EventType::Delivered | EventType::Undelivered)
}

fn schema(kind: EventType) -> Value {
    let (id, id_description) = match kind {
        EventType::LockedOut => {
            (json!(["integer", "null"]), "Id of the code of the last failed attempt, if there is one")
        }
        _ => (json!("integer"), "Id of the code"),
    };
    let channels: Vec<&str> = Channel::ALL.iter().map(|channel| channel.as_str()).collect();
    let mut data = json!({
        "id": { "type": id, "description": id_description },
        "recipient": {
            "type": "string",
            "description": "The recipient. It is masked, unless the endpoint has `include_recipient = true`."
        },
        "channel": { "type": "string", "enum": channels },
        "purpose": { "type": "string" }
    });
    if is_about_message(kind) {
        data["message"] = json!({ "type": "integer", "description": "Id of the message" });
        data["provider"] = json!({
            "type": ["string", "null"],
            "description": "Name of the provider that delivered the message, or that was asked last"
        });
        let states: Vec<&str> = states(kind).iter().map(|state| state.as_str()).collect();
        data["state"] = json!({ "type": "string", "enum": states });
    }
    let required: Vec<&String> = data.as_object().into_iter().flat_map(Map::keys).collect();
    json!({
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": { "const": kind.as_str() },
            "timestamp": { "type": "string", "format": "date-time", "description": "When the event happened" },
            "data": { "type": "object", "required": required, "properties": data }
        }
    })
}

/// The states of the message in an event.
fn states(kind: EventType) -> &'static [MessageState] {
    match kind {
        EventType::Delivered => &[MessageState::Delivered],
        EventType::Undelivered => {
            &[MessageState::Undelivered, MessageState::Blocked, MessageState::Failed, MessageState::Expired]
        }
        _ => &[MessageState::Sent],
    }
}

fn example(kind: EventType) -> Value {
    let mut data = json!({ "id": 57, "recipient": "0912***6545", "channel": "sms", "purpose": "login" });
    if is_about_message(kind) {
        data["message"] = 12.into();
        data["provider"] = "kavenegar".into();
        data["state"] = states(kind)[0].as_str().into();
    }
    json!({ "type": kind.as_str(), "timestamp": "2025-12-29T14:38:33.101210Z", "data": data })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::otp::OtpId;
    use crate::domain::purpose::Purpose;
    use crate::domain::recipient::{MobileNumber, Recipient};
    use crate::domain::timestamp::Timestamp;
    use crate::domain::webhook::{Event, EventMessage};

    #[test]
    fn the_examples_are_the_bodies_of_events() {
        for kind in EventType::ALL {
            let message = EventMessage {
                id: 12,
                channel: Channel::Sms,
                provider: Some("kavenegar".to_owned()),
                state: states(*kind)[0],
            };
            let event = Event {
                kind: *kind,
                at: Timestamp::parse("2025-12-29T14:38:33.101210Z").unwrap(),
                otp: Some(OtpId::from_stored(57)),
                recipient: Recipient::Mobile(MobileNumber::parse("09123456545").unwrap()),
                purpose: Purpose::default(),
                message: is_about_message(*kind).then_some(message),
            };
            let webhook = &webhooks()[kind.as_str()]["post"]["requestBody"]["content"]["application/json"];
            assert_eq!(webhook["example"].to_string(), event.body(false));
            let keys: Vec<Value> =
                webhook["example"]["data"].as_object().unwrap().keys().cloned().map(Into::into).collect();
            assert_eq!(webhook["schema"]["properties"]["data"]["required"], Value::from(keys));
        }
    }
}
