use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::delivery::{Endpoint, EndpointSettings};
use crate::domain::code::Code;
use crate::domain::message::Channel;
use crate::domain::outbox::MessageState;
use crate::domain::policy::Policy;
use crate::domain::recipient::MobileNumber;
use crate::domain::webhook::WebhookSecret;
use crate::error::Error;
use crate::service::Settings;
use crate::store::{Options, Store};

fn now() -> Timestamp {
    Timestamp::parse("2025-12-29T14:38:32.273219Z").unwrap()
}

fn endpoint(path: &str, types: &[EventType]) -> Endpoint {
    let settings = EndpointSettings {
        url: EndpointSettings::parse_url(&format!("http://127.0.0.1:9/{path}")).unwrap(),
        secret: WebhookSecret::parse("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap(),
        types: types.to_vec(),
        include_recipient: false,
        timeout: Duration::from_secs(1),
    };
    Endpoint::new(settings).unwrap()
}

/// A service with two endpoints: one gets the reports of deliveries, the other one all events.
fn service(folder: &tempfile::TempDir) -> Service {
    let store = Store::open(&folder.path().join("otp.db"), &Options::default()).unwrap();
    let reports = [EventType::Delivered, EventType::Undelivered];
    let events = vec![endpoint("reports", &reports), endpoint("all", EventType::ALL)];
    Service::new(store, Arc::new(now), Settings { events, ..Settings::default() })
}

fn otp() -> Otp {
    let recipient = Recipient::Mobile(MobileNumber::parse("09123456789").unwrap());
    let code = Code::generate(&mut UnwrapErr(SysRng), Policy::default().code_length);
    Otp::issued(code, recipient, Purpose::default(), now(), &Policy::default())
}

/// The stored events of an endpoint: webhook id and body.
async fn stored(service: &Service, index: usize) -> Vec<(String, String)> {
    let key = service.endpoints.list[index].endpoint.key();
    let due = service.store.read(move |db| event_deliveries::list_due(db, &key, now(), 10)).await.unwrap();
    due.into_iter().map(|event| (event.webhook_id, event.body)).collect()
}

fn kavenegar() -> EventMessage {
    EventMessage { id: 12, channel: Channel::Sms, provider: Some("kavenegar".to_owned()), state: MessageState::Sent }
}

#[tokio::test]
async fn each_type_about_a_message_is_stored_for_the_endpoints_that_want_it() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(&folder);
    for kind in [EventType::Sent, EventType::Delivered, EventType::Undelivered] {
        let publisher = service.clone();
        let publish = move |db: &Db| publisher.publish_message(db, kind, &otp(), kavenegar(), now());
        service.store.write(publish).await.unwrap();
    }
    let (reports, all) = (stored(&service, 0).await, stored(&service, 1).await);
    let body = |kind| {
        format!(
            r#"{{"type":"{kind}","timestamp":"2025-12-29T14:38:32.273219Z","data":{{"id":0,"recipient":"0912***6789","channel":"sms","purpose":"login","message":12,"provider":"kavenegar","state":"sent"}}}}"#
        )
    };
    let bodies = |events: &[(String, String)]| events.iter().map(|(_, body)| body.clone()).collect::<Vec<_>>();
    assert_eq!(bodies(&all), [body("otp.sent"), body("otp.delivered"), body("otp.undelivered")]);
    assert_eq!(bodies(&reports), bodies(&all[1..]));
    assert_eq!(reports[0].0, all[1].0, "an event has the same id at each endpoint");
    assert_ne!(all[0].0, all[1].0);
}

#[tokio::test]
async fn a_refused_transaction_publishes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(&folder);
    let publisher = service.clone();
    let publish = move |db: &Db| -> Result<()> {
        publisher.publish_message(db, EventType::Delivered, &otp(), kavenegar(), now())?;
        Err(Error::otp_not_found())
    };
    service.store.write(publish).await.unwrap_err();
    assert_eq!((stored(&service, 0).await, stored(&service, 1).await), (Vec::new(), Vec::new()));
}
