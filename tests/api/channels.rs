//! The channels of a message.

use otpd::domain::attempt::{DeliveryStatus, Outcome};
use otpd::domain::limit::{Limit, Limits};
use otpd::domain::message::{Channel, PerChannel};
use otpd::service::Settings;

use crate::delivery_status::{set_clock, state_at};
use crate::figures::verify;
use crate::helpers::{TestApp, until};
use crate::outbox_faults::history;
use crate::scripted::{Scripted, chain, with_chains};
use crate::sending::{SEND, TO_MOBILE};

const BALE_THEN_SMS: &str = r#"{"mobile_number":"09123456789","channel":["bale","sms"]}"#;

/// Settings with one provider for each of these channels.
fn bale_and_sms(bale: &Scripted, sms: &Scripted) -> Settings {
    with_chains(PerChannel { bale: chain(&[bale]), sms: chain(&[sms]), ..PerChannel::default() })
}

async fn send(app: &TestApp, body: &str) {
    let sent = app.send_json("POST", SEND, body.to_owned()).await;
    assert_eq!(sent.status, 202, "{}", sent.body);
}

#[tokio::test]
async fn a_message_uses_the_given_channel() {
    for (channel, expected) in
        [("", Channel::Sms), (r#","channel":"call""#, Channel::Call), (r#","channel":["bale"]"#, Channel::Bale)]
    {
        let provider = Scripted::new("all");
        let chains = PerChannel::try_from_fn(|_| Ok::<_, ()>(chain(&[&provider]))).unwrap();
        let app = TestApp::start_serving(with_chains(chains)).await;
        send(&app, &format!(r#"{{"mobile_number":"09123456789"{channel}}}"#)).await;
        let message = state_at(&app, 0, "sent").await;
        assert_eq!(provider.edit(|script| script.received[0].0), expected);
        assert_eq!(message["channel"], expected.as_str());
        assert_eq!(message["attempts"][0]["channel"], expected.as_str());
    }
}

#[tokio::test]
async fn a_form_separates_channels_by_commas_or_repeats_the_field() {
    for channels in ["channel=bale,sms", "channel=bale, sms", "channel=bale&channel=sms"] {
        let (bale, sms) = (Scripted::refusing("bale", Outcome::BadRecipient), Scripted::new("sms"));
        let app = TestApp::start_serving(bale_and_sms(&bale, &sms)).await;
        let form = format!("mobile_number=09123456789&{channels}");
        assert_eq!(app.send_body("POST", SEND, "application/x-www-form-urlencoded", form).await.status, 202);
        state_at(&app, 0, "sent").await;
        assert_eq!((bale.received(), sms.received()), (1, 1), "{channels}");
    }
}

#[tokio::test]
async fn invalid_channels_are_refused() {
    let app = TestApp::start_serving(bale_and_sms(&Scripted::new("bale"), &Scripted::new("sms"))).await;
    for (channel, message) in [
        (r#""fax""#, "\\\"fax\\\" is not a valid choice."),
        ("\"\"", "This field may not be blank."),
        ("null", "This field may not be null."),
        ("[]", "This list may not be empty."),
        ("7", "\\\"7\\\" is not a valid choice."),
        ("{}", "Not a valid string."),
        ("true", "Not a valid string."),
        (r#"["sms",true]"#, "Not a valid string."),
        (r#"["sms","fax"]"#, "\\\"fax\\\" is not a valid choice."),
        (r#"["sms","bale","sms"]"#, "\\\"sms\\\" occurs twice."),
        (r#""email""#, "A mobile number can not be reached by email."),
        (r#"["sms","call"]"#, "Messages can not be sent by call: no provider is configured."),
    ] {
        let body = format!(r#"{{"mobile_number":"09123456789","channel":{channel}}}"#);
        app.send_json("POST", SEND, body).await.is(400, &format!(r#"{{"channel":["{message}"]}}"#));
    }
    let to_address = r#"{"email":"a@b.com","channel":"bale"}"#;
    app.send_json("POST", SEND, to_address)
        .await
        .is(400, r#"{"channel":["An e-mail address can not be reached by bale."]}"#);
}

#[tokio::test]
async fn the_next_channel_is_used_at_once_if_the_first_can_not_reach_the_recipient() {
    for outcome in [Outcome::BadRecipient, Outcome::Next, Outcome::Misconfigured] {
        let (bale, sms) = (Scripted::refusing("bale", outcome), Scripted::new("sms"));
        let app = TestApp::start_serving(bale_and_sms(&bale, &sms)).await;
        send(&app, BALE_THEN_SMS).await;
        let begun = std::time::Instant::now();
        let message = state_at(&app, 0, "sent").await;
        assert!(begun.elapsed().as_millis() < 1000, "{:?}", begun.elapsed());
        let channels: Vec<_> = message["attempts"].as_array().unwrap().iter().map(|one| &one["channel"]).collect();
        assert_eq!(channels, ["bale", "sms"], "{outcome:?}");
    }
}

#[tokio::test]
async fn the_next_channel_is_used_if_the_message_is_not_delivered_in_time() {
    let (bale, sms) = (Scripted::new("bale"), Scripted::new("sms"));
    let app = TestApp::start_serving(bale_and_sms(&bale, &sms)).await;
    send(&app, BALE_THEN_SMS).await;
    // The status request at second 15 comes first.
    for second in [0, 14, 15] {
        state_at(&app, second, "sent").await;
        assert_eq!((bale.received(), sms.received()), (1, 0), "{second}");
    }
    set_clock(&app, 16);
    let delivering = app.deliver();
    until(|| sms.received() == 1).await;
    let message = history(&app, 1, 0, "sent").await;
    delivering.end().await;
    assert_eq!(message["channel"], "sms");
    // The first message arrives after all.
    bale.edit(|script| script.status = Some(DeliveryStatus::Delivered));
    assert_eq!(state_at(&app, 30, "delivered").await["attempts"].as_array().unwrap().len(), 2);
    assert_eq!((bale.received(), sms.received()), (1, 1));
}

#[tokio::test]
async fn the_next_channel_is_used_at_once_if_the_message_did_not_arrive() {
    let (bale, sms) = (Scripted::reporting("bale", DeliveryStatus::Undelivered), Scripted::new("sms"));
    let app = TestApp::start_serving(bale_and_sms(&bale, &sms)).await;
    send(&app, BALE_THEN_SMS).await;
    state_at(&app, 0, "sent").await;
    set_clock(&app, 5);
    let delivering = app.deliver();
    until(|| sms.received() == 1).await;
    delivering.end().await;
}

#[tokio::test]
async fn the_next_channel_is_not_used_for_a_message_that_arrived_or_a_code_that_was_used() {
    for is_delivered in [true, false] {
        let (bale, sms) = (Scripted::new("bale"), Scripted::new("sms"));
        let app = TestApp::start_serving(bale_and_sms(&bale, &sms)).await;
        send(&app, BALE_THEN_SMS).await;
        state_at(&app, 0, "sent").await;
        if is_delivered {
            bale.edit(|script| script.status = Some(DeliveryStatus::Delivered));
        } else {
            verify(&app, TO_MOBILE, 1).await;
        }
        let state = if is_delivered { "delivered" } else { "sent" };
        for second in [5, 15, 16, 40] {
            state_at(&app, second, state).await;
        }
        assert_eq!(sms.received(), 0, "{is_delivered}");
    }
}

#[tokio::test]
async fn a_channel_whose_daily_limit_is_reached_is_left_out() {
    let (bale, call, sms) = (
        Scripted::refusing("bale", Outcome::BadRecipient),
        Scripted::refusing("call", Outcome::BadRecipient),
        Scripted::new("sms"),
    );
    let chains =
        PerChannel { bale: chain(&[&bale]), call: chain(&[&call]), sms: chain(&[&sms]), ..PerChannel::default() };
    let limits = Limits::new(|limit| if limit == Limit::CallsPerDay { 1 } else { 0 });
    let app = TestApp::start_serving(Settings { limits, ..with_chains(chains) }).await;
    let all = |number: &str| format!(r#"{{"mobile_number":"{number}","channel":["bale","call","sms"]}}"#);
    send(&app, &all("09123456789")).await;
    state_at(&app, 0, "sent").await;
    assert_eq!((bale.received(), call.received(), sms.received()), (1, 1, 1));
    send(&app, &all("09123456780")).await;
    let delivering = app.deliver();
    history(&app, 2, 0, "sent").await;
    delivering.end().await;
    assert_eq!((bale.received(), call.received(), sms.received()), (2, 1, 2));
    // The first channel is left out as well, unless it is the only one.
    send(&app, &all("09123456781").replace(r#""bale","#, "")).await;
    let delivering = app.deliver();
    let message = history(&app, 3, 0, "sent").await;
    delivering.end().await;
    assert_eq!((message["channel"].as_str(), call.received(), sms.received()), (Some("sms"), 1, 3));
    let refused = app.send_json("POST", SEND, r#"{"mobile_number":"09123456782","channel":"call"}"#).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["reason"], "rate_limited");
}

#[tokio::test]
async fn a_message_on_its_way_is_sent_although_the_next_channel_fails() {
    let (bale, sms) = (Scripted::new("bale"), Scripted::refusing("sms", Outcome::BadRecipient));
    let app = TestApp::start_serving(bale_and_sms(&bale, &sms)).await;
    send(&app, BALE_THEN_SMS).await;
    state_at(&app, 0, "sent").await;
    set_clock(&app, 16);
    let delivering = app.deliver();
    until(|| sms.received() == 1).await;
    history(&app, 1, 0, "sent").await;
    delivering.end().await;
    bale.edit(|script| script.status = Some(DeliveryStatus::Delivered));
    state_at(&app, 30, "delivered").await;
}

#[tokio::test]
async fn each_channel_has_its_own_reference() {
    let provider = Scripted::new("all");
    let chains = PerChannel::try_from_fn(|_| Ok::<_, ()>(chain(&[&provider]))).unwrap();
    let app = TestApp::start_serving(with_chains(chains)).await;
    send(&app, r#"{"mobile_number":"09123456789","channel":["sms","call"]}"#).await;
    state_at(&app, 0, "sent").await;
    set_clock(&app, 16);
    let delivering = app.deliver();
    until(|| provider.received() == 2).await;
    delivering.end().await;
    let received = provider.edit(|script| script.received.clone());
    assert_eq!((received[0].0, received[1].0), (Channel::Sms, Channel::Call));
    assert_ne!(received[0].1, received[1].1);
}

#[tokio::test]
async fn a_newer_message_or_an_edit_ends_the_use_of_further_channels() {
    for change in ["resend", "edit"] {
        let (bale, sms) = (Scripted::new("bale"), Scripted::new("sms"));
        let settings = bale_and_sms(&bale, &sms);
        let delivery =
            otpd::delivery::Delivery { escalate_after: std::time::Duration::from_secs(100), ..settings.delivery };
        let app = TestApp::start_serving(Settings { delivery, ..settings }).await;
        send(&app, BALE_THEN_SMS).await;
        state_at(&app, 0, "sent").await;
        set_clock(&app, 60);
        if change == "resend" {
            send(&app, r#"{"mobile_number":"09123456789","channel":"bale"}"#).await;
        } else {
            let patch = r#"{"code":255315,"valid_to":"2025-12-29T14:43:32Z"}"#;
            assert_eq!(app.send_json("PATCH", &crate::helpers::path(1), patch).await.status, 200);
        }
        bale.edit(|script| script.status = Some(DeliveryStatus::Undelivered));
        state_at(&app, 62, "undelivered").await;
        state_at(&app, 120, "undelivered").await;
        assert_eq!(sms.received(), 0, "{change}");
    }
}

#[tokio::test]
async fn a_repeated_request_with_another_channel_is_another_request() {
    let app = TestApp::start_serving(bale_and_sms(&Scripted::new("bale"), &Scripted::new("sms"))).await;
    let with_key = |body: &str| {
        let request =
            app.request("POST", SEND).header("Idempotency-Key", "k").header("Content-Type", "application/json");
        crate::helpers::answer(request.header("Authorization", format!("Token {}", app.admin)).body(body.to_owned()))
    };
    assert_eq!(with_key(BALE_THEN_SMS).await.status, 202);
    assert_eq!(with_key(BALE_THEN_SMS).await.status, 202);
    let other = r#"{"mobile_number":"09123456789","channel":["sms","bale"]}"#;
    assert_eq!(with_key(other).await.status, 422);
}
