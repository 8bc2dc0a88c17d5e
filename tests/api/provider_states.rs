//! The states of the providers and the list of messages.

use std::time::Duration;

use otpd::domain::attempt::Outcome;
use otpd::domain::message::Channel;
use otpd::domain::message_list::{MessageFilter, MessageQuery};
use otpd::domain::outbox::{MessageState, OnUnknown};
use otpd::domain::provider_state::Health;
use otpd::domain::timestamp::Timestamp;
use otpd::domain::token::ApiToken;
use otpd::service::RequestSource;

use crate::helpers::{START, TestApp};
use crate::outbox::{Gateway, Reply, with_two};
use crate::outbox_faults::history;
use crate::sending::SEND;

async fn send(app: &TestApp, number: u32, state: &str) -> i64 {
    let body = format!(r#"{{"mobile_number":"0912000{number:04}"}}"#);
    let id = app.send_json("POST", SEND, body).await.json()["id"].as_i64().unwrap();
    history(app, id, 0, state).await;
    id
}

#[tokio::test]
async fn a_provider_rests_after_failures_and_then_gets_a_trial() {
    let (one, two) = (Gateway::start(vec![Reply::from((500, ""))]), Gateway::start(Vec::new()));
    let app = TestApp::start_serving(with_two(&one.url, &two.url, OnUnknown::Stop)).await;
    let sound = app.service().providers().await.unwrap();
    assert_eq!(
        (sound[0].health, sound[0].figures.success(), sound[0].last_failed.is_none()),
        (Health::Sound, None, true)
    );
    let delivering = app.deliver();
    for number in 0..5 {
        send(&app, number, "sent").await;
    }
    delivering.end().await;
    let states = app.service().providers().await.unwrap();
    let shown: Vec<_> = states.iter().map(|state| (state.index, state.name.as_str(), state.type_name)).collect();
    assert_eq!(shown, [(0, "one", "http"), (1, "two", "http")]);
    let until = Timestamp::parse(START).unwrap().plus(Duration::from_secs(30));
    assert_eq!((states[0].health, states[1].health), (Health::Resting(until), Health::Sound));
    assert_eq!((states[0].figures.attempts, states[0].figures.success()), (5, Some(0.0)));
    assert_eq!((states[1].figures.accepted, states[1].figures.fallbacks), (5, 5));
    assert!(states[1].figures.seconds.percentile(0.95).unwrap() > 0.0);
    let failed = states[0].last_failed.as_ref().unwrap();
    assert_eq!(failed.error.as_deref(), Some("500: the gateway is unavailable"));
    assert_eq!((failed.outcome, states[1].last_failed.is_none()), (Some(Outcome::Retry), true));
    app.set_clock("2025-12-29T14:39:02.273219Z");
    assert_eq!(app.service().providers().await.unwrap()[0].health, Health::OnTrial);
}

#[tokio::test]
async fn the_account_of_a_provider_is_checked() {
    let one = Gateway::start(vec![Reply::from((200, "{}"))]);
    let app = TestApp::start_serving(with_two(&one.url, "http://127.0.0.1:9", OnUnknown::Stop)).await;
    let check = |index| app.service().check_provider(Channel::Sms, index);
    assert_eq!(check(0).await.unwrap(), Ok("reachable; the key is checked only by sending".to_owned()));
    assert!(check(1).await.unwrap().unwrap_err().starts_with("unreachable: "));
    assert!(check(2).await.is_err());
    assert!(app.service().check_provider(Channel::Email, 0).await.is_err());
}

#[tokio::test]
async fn messages_are_listed_with_provider_outcome_and_error() {
    let refused = Reply::from((404, "{}"));
    let one = Gateway::start(vec![refused, Reply::from((200, crate::gateway::ACCEPTED))]);
    let two = Gateway::start(vec![Reply::from((403, ""))]);
    let app = TestApp::start_serving(with_two(&one.url, &two.url, OnUnknown::Stop)).await;
    let _delivering = app.deliver();
    let failed = send(&app, 1, "failed").await;
    let sent = send(&app, 2, "sent").await;
    let token = ApiToken::chosen(&app.admin).unwrap();
    let caller = app.service().authenticate(&token, RequestSource::default()).await.unwrap();
    let list = async |filter| {
        let query = MessageQuery { filter, before: None, limit: 10 };
        app.service().list_messages(&caller, query).await.unwrap().messages
    };
    let all = list(MessageFilter::default()).await;
    assert_eq!(all.iter().map(|message| message.otp_id.value()).collect::<Vec<_>>(), [sent, failed]);
    let attempt = all[1].last_attempt.as_ref().unwrap();
    assert_eq!((attempt.provider.as_str(), attempt.outcome), ("two", Some(Outcome::Misconfigured)));
    assert_eq!(attempt.error.as_deref(), Some("403: the key was rejected"));
    assert_eq!((all[0].channel, all[0].state), (Channel::Sms, MessageState::Sent));
    assert_eq!(all[0].recipient.as_ref().unwrap().as_str(), "09120000002");
    let only = list(MessageFilter { state: Some(MessageState::Failed), ..MessageFilter::default() }).await;
    assert_eq!(only, all[1..]);
    let by_two = list(MessageFilter { provider: Some("two".to_owned()), ..MessageFilter::default() }).await;
    assert_eq!(by_two, all[1..]);
}
