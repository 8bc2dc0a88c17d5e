use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000).unwrap()
}

fn attempt(provider: &str, outcome: Outcome, finished: i64) -> Attempt {
    Attempt {
        channel: Channel::Sms,
        provider: provider.to_owned(),
        outcome: Some(outcome),
        provider_message_id: None,
        error: None,
        started_at: at(finished),
        finished_at: Some(at(finished)),
        status: None,
        status_at: None,
    }
}

fn route(breakers: [BreakerState; 2], on_unknown: OnUnknown) -> Route<'static> {
    let candidate = |name, breaker| Candidate { name, breaker };
    Route { chain: vec![candidate("a", breakers[0]), candidate("b", breakers[1])], on_unknown }
}

fn next_with(on_unknown: OnUnknown, attempts: &[Attempt], now: i64) -> Step {
    route([BreakerState::Closed; 2], on_unknown).next_step(&standing(attempts, now))
}

/// A message that may be sent again, without another channel.
fn standing(attempts: &[Attempt], now: i64) -> Standing<'_> {
    Standing {
        attempts,
        channel: Channel::Sms,
        is_wanted: true,
        may_fall_back: true,
        next_channel: None,
        valid_to: at(300),
        now: at(now),
        jitter: 1.0,
    }
}

fn cancel(attempts: &[Attempt]) -> Step {
    let unwanted = Standing { is_wanted: false, ..standing(attempts, 7) };
    route([BreakerState::Closed; 2], OnUnknown::Stop).next_step(&unwanted)
}

fn next(attempts: &[Attempt], now: i64) -> Step {
    next_with(OnUnknown::Stop, attempts, now)
}

fn try_at(provider: usize, seconds: i64) -> Step {
    Step::Try { provider, at: at(seconds) }
}

#[test]
fn the_first_provider_is_tried_immediately_and_the_next_after_a_failure() {
    assert_eq!(next(&[], 5), try_at(0, 5));
    for outcome in [Outcome::Retry, Outcome::Next, Outcome::Misconfigured] {
        assert_eq!(next(&[attempt("a", outcome, 6)], 6), try_at(1, 6), "{outcome:?}");
    }
}

#[test]
fn each_further_round_waits_longer() {
    let retry = |provider, finished| attempt(provider, Outcome::Retry, finished);
    let mut attempts = vec![retry("a", 0), retry("b", 0)];
    assert_eq!(next(&attempts, 0), try_at(0, 1));
    attempts.push(retry("a", 1));
    assert_eq!(next(&attempts, 1), try_at(1, 1));
    attempts.push(retry("b", 1));
    assert_eq!(next(&attempts, 1), try_at(0, 3));
    let many: Vec<Attempt> = (0..40).flat_map(|_| [retry("a", 100), retry("b", 100)]).collect();
    assert_eq!(next(&many, 100), try_at(0, 130), "never longer than half a minute");
    assert_eq!(pause(1, 0.0), Duration::from_millis(500));
    assert_eq!(pause(3, 0.5), Duration::from_secs(3));
}

#[test]
fn a_provider_with_an_open_breaker_is_tried_last() {
    let next = |breakers, attempts: &[Attempt]| route(breakers, OnUnknown::Stop).next_step(&standing(attempts, 1));
    let (sound, resting) = (BreakerState::Closed, BreakerState::Open);
    assert_eq!(next([resting, sound], &[]), try_at(1, 1));
    assert_eq!(next([resting, sound], &[attempt("b", Outcome::Retry, 1)]), try_at(0, 1));
    assert_eq!(next([resting, resting], &[]), try_at(0, 1));
    assert_eq!(next([sound, resting], &[attempt("a", Outcome::Next, 1)]), try_at(1, 1));
}

#[test]
fn a_half_open_breaker_allows_one_trial_message() {
    let mut route = route([BreakerState::HalfOpen, BreakerState::Closed], OnUnknown::Stop);
    assert_eq!(route.next_step(&standing(&[], 1)), try_at(0, 1));
    route.begin(0);
    assert_eq!(route.next_step(&standing(&[], 1)), try_at(1, 1));
    route.begin(1);
    assert_eq!(route.next_step(&standing(&[], 1)), try_at(1, 1));
}

#[test]
fn a_provider_is_not_retried_after_a_final_outcome() {
    let attempts = [attempt("a", Outcome::Next, 1), attempt("b", Outcome::Retry, 1)];
    assert_eq!(next(&attempts, 1), try_at(1, 2));
    let attempts = [attempt("a", Outcome::Next, 1), attempt("b", Outcome::Misconfigured, 1)];
    assert_eq!(next(&attempts, 1), Step::End(MessageState::Failed));
    assert_eq!(next(&[attempt("a", Outcome::BadRecipient, 1)], 1), Step::End(MessageState::Failed));
    assert_eq!(next(&[attempt("a", Outcome::Sent, 1)], 1), Step::End(MessageState::Sent));
}

#[test]
fn a_message_with_an_unknown_outcome_is_sent_by_the_next_provider_only_if_configured() {
    let unknown = [attempt("a", Outcome::Unknown, 1)];
    assert_eq!(next(&unknown, 1), Step::End(MessageState::Unknown));
    assert_eq!(next_with(OnUnknown::Next, &unknown, 1), try_at(1, 1));
    for outcome in [Outcome::Next, Outcome::BadRecipient] {
        let both = [attempt("a", Outcome::Unknown, 1), attempt("b", outcome, 1)];
        assert_eq!(next_with(OnUnknown::Next, &both, 1), Step::End(MessageState::Unknown), "{outcome:?}");
    }
    let both = [attempt("a", Outcome::Unknown, 1), attempt("b", Outcome::Retry, 299)];
    assert_eq!(next_with(OnUnknown::Next, &both, 299), Step::End(MessageState::Unknown), "it did not just expire");
}

#[test]
fn a_cancelled_message_with_an_unknown_outcome_stays_unknown() {
    assert_eq!(cancel(&[attempt("a", Outcome::Retry, 1)]), Step::End(MessageState::Cancelled));
    assert_eq!(cancel(&[attempt("a", Outcome::Unknown, 1)]), Step::End(MessageState::Unknown));
}

#[test]
fn nothing_is_sent_if_the_code_is_expired_at_that_time() {
    assert_eq!(next(&[], 300), Step::End(MessageState::Expired));
    assert_eq!(next(&[], 299), try_at(0, 299));
    let attempts = [attempt("a", Outcome::Retry, 299), attempt("b", Outcome::Retry, 299)];
    assert_eq!(next(&attempts, 299), Step::End(MessageState::Expired));
}

fn reported(provider: &str, status: DeliveryStatus) -> Attempt {
    Attempt { status: Some(status), status_at: Some(at(6)), ..attempt(provider, Outcome::Sent, 1) }
}

#[test]
fn a_message_that_did_not_arrive_goes_to_the_next_provider() {
    use DeliveryStatus::{Blocked, Delivered, Undelivered, Waiting};
    for (status, state) in [(Waiting, MessageState::Sent), (Delivered, MessageState::Delivered)] {
        assert_eq!(next(&[reported("a", status)], 7), Step::End(state), "{status:?}");
    }
    for status in [Undelivered, Blocked] {
        assert_eq!(next(&[reported("a", status)], 7), try_at(1, 7), "{status:?}");
    }
    let retried = [reported("a", Undelivered), attempt("b", Outcome::Retry, 7)];
    assert_eq!(next(&retried, 7), try_at(1, 8));
    let sent = [reported("a", Undelivered), attempt("b", Outcome::Sent, 7)];
    assert_eq!(next(&sent, 7), Step::End(MessageState::Sent));
}

#[test]
fn a_message_that_did_not_arrive_ends_with_the_last_report() {
    use DeliveryStatus::{Blocked, Undelivered};
    for (first, second, state) in
        [(Undelivered, Blocked, MessageState::Blocked), (Blocked, Undelivered, MessageState::Undelivered)]
    {
        assert_eq!(next(&[reported("a", first), reported("b", second)], 7), Step::End(state));
    }
    let refused = [reported("a", Blocked), attempt("b", Outcome::BadRecipient, 7)];
    assert_eq!(next(&refused, 7), Step::End(MessageState::Blocked));
    assert_eq!(next(&[reported("a", Undelivered)], 300), Step::End(MessageState::Undelivered));
    assert_eq!(cancel(&[reported("a", Undelivered)]), Step::End(MessageState::Undelivered));
}

#[test]
fn a_recipient_never_gets_a_third_copy() {
    let first = reported("a", DeliveryStatus::Undelivered);
    for outcome in [Outcome::Unknown, Outcome::Interrupted] {
        let attempts = [first.clone(), attempt("b", outcome, 7)];
        assert_eq!(next_with(OnUnknown::Next, &attempts, 7), Step::End(MessageState::Unknown), "{outcome:?}");
        let attempts = [attempt("a", outcome, 0), first.clone()];
        assert_eq!(next_with(OnUnknown::Next, &attempts, 7), Step::End(MessageState::Unknown), "{outcome:?}");
    }
}

#[test]
fn an_interrupted_attempt_is_repeated() {
    assert_eq!(next(&[attempt("a", Outcome::Interrupted, 1)], 5), try_at(1, 5));
    let both = [attempt("a", Outcome::Interrupted, 1), attempt("b", Outcome::Next, 1)];
    assert_eq!(next(&both, 5), try_at(0, 5));
    assert_eq!(next(&both, 300), Step::End(MessageState::Unknown));
}

/// The same attempt in another channel.
fn by_call(attempt: Attempt) -> Attempt {
    Attempt { channel: Channel::Call, ..attempt }
}

#[test]
fn a_message_without_permission_is_not_sent_again() {
    let attempts = [reported("a", DeliveryStatus::Undelivered)];
    let step = |standing| route([BreakerState::Closed; 2], OnUnknown::Stop).next_step(&standing);
    let undelivered = Step::End(MessageState::Undelivered);
    assert_eq!(step(Standing { may_fall_back: false, ..standing(&attempts, 7) }), undelivered);
    let next_channel = Some(Channel::Call);
    assert_eq!(step(Standing { is_wanted: false, next_channel, ..standing(&attempts, 7) }), undelivered);
    let refused = [attempt("a", Outcome::BadRecipient, 1)];
    let unwanted = Standing { is_wanted: false, next_channel, ..standing(&refused, 7) };
    assert_eq!(step(unwanted), Step::End(MessageState::Failed));
}

#[test]
fn the_next_channel_is_used_if_this_one_does_not_reach_the_recipient() {
    let step = |attempts: &[Attempt]| {
        let standing = Standing { next_channel: Some(Channel::Call), ..standing(attempts, 7) };
        route([BreakerState::Closed; 2], OnUnknown::Stop).next_step(&standing)
    };
    let call = Step::NextChannel(Channel::Call);
    assert_eq!(step(&[attempt("a", Outcome::BadRecipient, 1)]), call);
    assert_eq!(step(&[attempt("a", Outcome::Next, 1), attempt("b", Outcome::Misconfigured, 1)]), call);
    assert_eq!(step(&[reported("a", DeliveryStatus::Undelivered)]), call);
    assert_eq!(step(&[attempt("a", Outcome::Next, 1)]), try_at(1, 7));
    assert_eq!(step(&[attempt("a", Outcome::Sent, 1)]), Step::End(MessageState::Sent));
    assert_eq!(step(&[attempt("a", Outcome::Unknown, 1)]), Step::End(MessageState::Unknown));
}

#[test]
fn the_end_state_depends_on_the_attempts_of_all_channels() {
    use DeliveryStatus::{Delivered, Undelivered, Waiting};
    let refused = attempt("a", Outcome::BadRecipient, 8);
    for (other, state) in [
        (attempt("x", Outcome::Sent, 1), MessageState::Sent),
        (reported("x", Waiting), MessageState::Sent),
        (reported("x", Delivered), MessageState::Delivered),
        (reported("x", Undelivered), MessageState::Undelivered),
        (attempt("x", Outcome::Unknown, 1), MessageState::Unknown),
        (attempt("x", Outcome::Interrupted, 1), MessageState::Unknown),
        (attempt("x", Outcome::BadRecipient, 1), MessageState::Failed),
    ] {
        let attempts = [by_call(other), refused.clone()];
        assert_eq!(next(&attempts, 8), Step::End(state), "{attempts:?}");
    }
    let waiting = [by_call(reported("x", Waiting)), reported("a", Undelivered), attempt("b", Outcome::BadRecipient, 8)];
    assert_eq!(next(&waiting, 8), Step::End(MessageState::Sent));
    let arrived = [by_call(reported("x", Delivered)), attempt("a", Outcome::Retry, 8)];
    assert_eq!(next(&arrived, 8), Step::End(MessageState::Delivered));
    assert_eq!(
        cancel(&[by_call(attempt("x", Outcome::Sent, 1)), attempt("a", Outcome::Retry, 6)]),
        Step::End(MessageState::Sent)
    );
}
