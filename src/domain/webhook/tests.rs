use super::*;
use crate::domain::recipient::{EmailAddress, MobileNumber};

const NOW: &str = "2025-12-29T14:38:32.273219Z";

fn now() -> Timestamp {
    Timestamp::parse(NOW).unwrap()
}

fn event(kind: EventType) -> Event {
    Event {
        kind,
        at: now(),
        otp: Some(OtpId::from_stored(57)),
        recipient: Recipient::Mobile(MobileNumber::parse("09123456545").unwrap()),
        purpose: Purpose::default(),
        message: None,
    }
}

#[test]
fn the_types_have_the_documented_names() {
    let names = ["otp.sent", "otp.delivered", "otp.undelivered", "otp.verified", "otp.locked_out"];
    assert_eq!(EventType::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(), names);
    for (name, kind) in names.iter().zip(EventType::ALL) {
        assert_eq!(name.parse(), Ok(*kind));
    }
    let known = "otp.sent, otp.delivered, otp.undelivered, otp.verified or otp.locked_out";
    assert_eq!("otp.read".parse::<EventType>(), Err(known));
}

#[test]
fn the_body_masks_the_recipient_unless_it_is_to_be_included() {
    let verified = event(EventType::Verified);
    let body = r#"{"type":"otp.verified","timestamp":"2025-12-29T14:38:32.273219Z","data":{"id":57,"recipient":"0912***6545","channel":"sms","purpose":"login"}}"#;
    assert_eq!(verified.body(false), body);
    assert_eq!(verified.body(true), body.replace("0912***6545", "09123456545"));
    let recipient = Recipient::Email(EmailAddress::parse("some@example.com").unwrap());
    let locked = Event { recipient, otp: None, ..event(EventType::LockedOut) };
    let body = r#"{"type":"otp.locked_out","timestamp":"2025-12-29T14:38:32.273219Z","data":{"id":null,"recipient":"s***@example.com","channel":"email","purpose":"login"}}"#;
    assert_eq!(locked.body(false), body);
}

#[test]
fn the_body_of_an_event_about_a_message_names_the_message_and_its_provider() {
    for (kind, state) in [
        (EventType::Sent, MessageState::Sent),
        (EventType::Delivered, MessageState::Delivered),
        (EventType::Undelivered, MessageState::Blocked),
    ] {
        let provider = Some("kavenegar".to_owned());
        let message = Some(EventMessage { id: 12, channel: Channel::Sms, provider, state });
        let body = r#"{"type":"TYPE","timestamp":"2025-12-29T14:38:32.273219Z","data":{"id":57,"recipient":"0912***6545","channel":"sms","purpose":"login","message":12,"provider":"kavenegar","state":"STATE"}}"#;
        let body = body.replace("TYPE", kind.as_str()).replace("STATE", state.as_str());
        assert_eq!(Event { message, ..event(kind) }.body(false), body);
    }
}

#[test]
fn an_id_is_random_and_has_no_full_stop() {
    let mut random = rand::rand_core::UnwrapErr(rand::rngs::SysRng);
    let (one, other) = (generate_webhook_id(&mut random), generate_webhook_id(&mut random));
    assert_ne!(one, other);
    let random_part = one.strip_prefix("msg_").unwrap();
    assert!(random_part.len() == 27 && random_part.bytes().all(|b| b.is_ascii_alphanumeric()), "{one}");
}

#[test]
fn an_event_is_sent_again_until_the_day_is_over() {
    let seconds = |attempts, jitter| next_attempt(attempts, None, now(), jitter).since(now()).as_secs();
    let pauses: Vec<u64> = (1..=9).map(|attempts| seconds(attempts, 0.0)).collect();
    assert_eq!(pauses, [5, 300, 1800, 7200, 18_000, 36_000, 18_000, 18_000, 18_000]);
    let until_the_last: u64 = pauses.iter().take(7).sum();
    assert_eq!(until_the_last, 81_305, "22 hours and 35 minutes");
    assert_eq!(seconds(u32::MAX, 0.0), 18_000);
    for (attempts, least, most) in [(2, 270, 300), (6, 32_400, 36_000)] {
        assert_eq!((seconds(attempts, 1.0), seconds(attempts, 0.0)), (least, most));
        assert!((least..=most).contains(&seconds(attempts, 0.5)));
    }
}

#[test]
fn retry_after_lengthens_a_pause_within_bounds() {
    let at = |retry_after| next_attempt(1, Some(Duration::from_secs(retry_after)), now(), 0.0).since(now()).as_secs();
    assert_eq!([at(0), at(4), at(60), at(36_000), at(36_001), at(u64::MAX)], [5, 5, 60, 36_000, 36_000, 36_000]);
}
