//! The fallback to another provider.

use otpd::delivery::Delivery;
use otpd::domain::attempt::DeliveryStatus;
use otpd::domain::limit::{Limit, Limits};
use otpd::service::Settings;

use crate::delivery_status::{attempts, set_clock, state_at};
use crate::figures::{mobile, send, verify};
use crate::helpers::{TestApp, until};
use crate::outbox_faults::history;
use crate::scripted::{Scripted, with_sms};
use crate::sending::TO_MOBILE;

/// Serves and sends a code, which the first provider accepts at START. Returns the app.
async fn sent(settings: Settings) -> TestApp {
    let app = TestApp::start_serving(settings).await;
    send(&app, TO_MOBILE).await;
    state_at(&app, 0, "sent").await;
    app
}

/// Delivers five seconds after START, until a provider has received a message.
async fn until_received(app: &TestApp, provider: &Scripted) {
    set_clock(app, 5);
    let delivering = app.deliver();
    until(|| provider.received() == 1).await;
    delivering.end().await;
}

#[tokio::test]
async fn a_message_that_did_not_arrive_is_sent_again_by_the_next_provider_once_per_code() {
    for status in [DeliveryStatus::Undelivered, DeliveryStatus::Blocked] {
        let (one, two) = (Scripted::reporting("one", status), Scripted::new("two"));
        let third = Scripted::new("three");
        let app = sent(with_sms(&[&one, &two, &third])).await;
        set_clock(&app, 5);
        let delivering = app.deliver();
        until(|| two.received() == 1).await;
        let again = history(&app, 1, 0, "sent").await;
        delivering.end().await;
        let first = format!("one sent {}", status.as_str());
        assert_eq!(attempts(&again), [first.as_str(), "two sent waiting"]);
        two.edit(|script| script.status = Some(DeliveryStatus::Undelivered));
        let ended = state_at(&app, 10, "undelivered").await;
        assert_eq!(attempts(&ended), [first.as_str(), "two sent undelivered"]);
        assert_eq!((one.received(), two.received(), third.received()), (1, 1, 0));
        // The same code is sent once more. Its message does not fall back a second time.
        set_clock(&app, 70);
        send(&app, TO_MOBILE).await;
        let delivering = app.deliver();
        history(&app, 1, 1, "sent").await;
        delivering.end().await;
        set_clock(&app, 75);
        let delivering = app.deliver();
        let second = history(&app, 1, 1, status.as_str()).await;
        delivering.end().await;
        assert_eq!(attempts(&second), [first.as_str()]);
        assert_eq!((one.received(), two.received(), third.received()), (2, 1, 0));
    }
}

#[tokio::test]
async fn a_fallback_is_one_message_for_the_limits_of_the_recipient_and_two_for_those_of_the_channel() {
    let (one, two) = (Scripted::reporting("one", DeliveryStatus::Undelivered), Scripted::new("two"));
    let limits = Limits::new(|limit| match limit {
        Limit::SendsPerRecipientHour => 2,
        Limit::SmsPerDay => 3,
        _ => 0,
    });
    let app = sent(Settings { limits, ..with_sms(&[&one, &two]) }).await;
    until_received(&app, &two).await;
    set_clock(&app, 65);
    send(&app, TO_MOBILE).await;
    let refused = app.send_json("POST", crate::sending::SEND, mobile(9)).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["reason"], "rate_limited");
}

#[tokio::test]
async fn a_message_is_not_sent_again_without_time_a_provider_room_or_permission() {
    let undelivered = DeliveryStatus::Undelivered;
    let off =
        |settings: Settings| Settings { delivery: Delivery { fallback_margin: None, ..settings.delivery }, ..settings };
    let full = |settings: Settings| Settings {
        limits: Limits::new(|limit| if limit == Limit::SmsPerDay { 1 } else { 0 }),
        ..settings
    };
    let unchanged = |settings: Settings| settings;
    type Change = fn(Settings) -> Settings;
    for (name, change, report_at) in
        [("off", off as Change, 5), ("full", full, 5), ("late", unchanged, 281), ("only one", unchanged, 5)]
    {
        let (one, two) = (Scripted::new("one"), Scripted::new("two"));
        let providers: &[&Scripted] = if name == "only one" { &[&one] } else { &[&one, &two] };
        let app = sent(change(with_sms(providers))).await;
        one.edit(|script| script.status = Some(undelivered));
        let ended = state_at(&app, report_at, "undelivered").await;
        assert_eq!((attempts(&ended), two.received()), (vec!["one sent undelivered".to_owned()], 0), "{name}");
    }
}

#[tokio::test]
async fn a_code_that_was_used_is_not_sent_again() {
    let (one, two) = (Scripted::new("one"), Scripted::new("two"));
    let app = sent(with_sms(&[&one, &two])).await;
    verify(&app, TO_MOBILE, 1).await;
    // The status is requested once more, for the figures.
    one.edit(|script| script.status = Some(DeliveryStatus::Waiting));
    set_clock(&app, 5);
    let delivering = app.deliver();
    until(|| one.edit(|script| script.asked.len()) == 1).await;
    delivering.end().await;
    one.edit(|script| script.status = Some(DeliveryStatus::Undelivered));
    state_at(&app, 40, "sent").await;
    assert_eq!((two.received(), one.edit(|script| script.asked.len())), (0, 1));
}

#[tokio::test]
async fn a_code_or_recipient_that_staff_changed_is_not_sent_again() {
    for patch in [
        r#"{"code":255315,"valid_to":"2025-12-29T14:43:32Z"}"#,
        r#"{"mobile_number":"09123456780","valid_to":"2025-12-29T14:43:32Z"}"#,
        r#"{"mobile_number":null,"email":"a@b.com","valid_to":"2025-12-29T14:43:32Z"}"#,
    ] {
        let (one, two) = (Scripted::new("one"), Scripted::new("two"));
        let app = sent(with_sms(&[&one, &two])).await;
        assert_eq!(app.send_json("PATCH", &crate::helpers::path(1), patch).await.status, 200);
        one.edit(|script| script.status = Some(DeliveryStatus::Undelivered));
        state_at(&app, 5, "undelivered").await;
        assert_eq!(two.received(), 0, "{patch}");
    }
}

#[tokio::test]
async fn an_old_code_is_not_sent_again_after_a_new_one() {
    let (one, two) = (Scripted::new("one"), Scripted::new("two"));
    let app = sent(with_sms(&[&one, &two])).await;
    // Less than a minute remains, so a new code is sent.
    set_clock(&app, 260);
    assert_eq!(send(&app, TO_MOBILE).await, 2);
    one.edit(|script| script.status = Some(DeliveryStatus::Undelivered));
    state_at(&app, 261, "undelivered").await;
    assert_eq!(two.received(), 0);
}

#[tokio::test]
async fn each_message_is_counted_once() {
    let (one, two) = (Scripted::reporting("one", DeliveryStatus::Undelivered), Scripted::new("two"));
    let app = sent(with_sms(&[&one, &two])).await;
    until_received(&app, &two).await;
    two.edit(|script| script.status = Some(DeliveryStatus::Delivered));
    state_at(&app, 10, "delivered").await;
    let figures = crate::figures::figures(&app).await;
    let of = |name: &str| figures.iter().filter(|figure| figure.starts_with(name)).cloned().collect::<Vec<_>>();
    assert_eq!(of("messages_ended"), ["messages_ended 0 sent one: 1"]);
    assert_eq!(of("reports"), ["reports 0 delivered two: 1", "reports 0 undelivered one: 1"]);
}
