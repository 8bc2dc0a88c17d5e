use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000).unwrap()
}

fn attempt(provider: &str, outcome: Outcome, finished: i64) -> Attempt {
    Attempt {
        provider: provider.to_owned(),
        outcome: Some(outcome),
        provider_message_id: None,
        error: None,
        started_at: at(finished),
        finished_at: Some(at(finished)),
    }
}

fn route(breakers: [BreakerState; 2], on_unknown: OnUnknown) -> Route<'static> {
    let candidate = |name, breaker| Candidate { name, breaker };
    Route { chain: vec![candidate("a", breakers[0]), candidate("b", breakers[1])], on_unknown }
}

fn next_with(on_unknown: OnUnknown, attempts: &[Attempt], now: i64) -> Step {
    route([BreakerState::Closed; 2], on_unknown).next_step(attempts, at(300), at(now), 1.0)
}

fn next(attempts: &[Attempt], now: i64) -> Step {
    next_with(OnUnknown::Stop, attempts, now)
}

fn try_at(provider: usize, seconds: i64) -> Step {
    Step::Try { provider, at: at(seconds) }
}

#[test]
fn the_first_provider_is_asked_at_once_and_the_next_as_soon_as_it_fails() {
    assert_eq!(next(&[], 5), try_at(0, 5));
    for outcome in [Outcome::Retry, Outcome::Next, Outcome::Misconfigured] {
        assert_eq!(next(&[attempt("a", outcome, 6)], 6), try_at(1, 6), "{outcome:?}");
    }
}

#[test]
fn a_second_round_waits_longer_each_time() {
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
fn who_rests_is_asked_last_and_only_where_nobody_else_is() {
    let next =
        |breakers, attempts: &[Attempt]| route(breakers, OnUnknown::Stop).next_step(attempts, at(300), at(1), 1.0);
    let (sound, resting) = (BreakerState::Closed, BreakerState::Open);
    assert_eq!(next([resting, sound], &[]), try_at(1, 1));
    assert_eq!(next([resting, sound], &[attempt("b", Outcome::Retry, 1)]), try_at(0, 1));
    assert_eq!(next([resting, resting], &[]), try_at(0, 1));
    assert_eq!(next([sound, resting], &[attempt("a", Outcome::Next, 1)]), try_at(1, 1));
}

#[test]
fn one_message_is_a_trial_and_the_next_stay_away() {
    let mut route = route([BreakerState::HalfOpen, BreakerState::Closed], OnUnknown::Stop);
    assert_eq!(route.next_step(&[], at(300), at(1), 1.0), try_at(0, 1));
    route.begin(0);
    assert_eq!(route.next_step(&[], at(300), at(1), 1.0), try_at(1, 1));
    route.begin(1);
    assert_eq!(route.next_step(&[], at(300), at(1), 1.0), try_at(1, 1));
}

#[test]
fn who_refused_for_good_is_not_asked_again() {
    let attempts = [attempt("a", Outcome::Next, 1), attempt("b", Outcome::Retry, 1)];
    assert_eq!(next(&attempts, 1), try_at(1, 2));
    let attempts = [attempt("a", Outcome::Next, 1), attempt("b", Outcome::Misconfigured, 1)];
    assert_eq!(next(&attempts, 1), Step::End(MessageState::Failed));
    assert_eq!(next(&[attempt("a", Outcome::BadRecipient, 1)], 1), Step::End(MessageState::Failed));
    assert_eq!(next(&[attempt("a", Outcome::Sent, 1)], 1), Step::End(MessageState::Sent));
}

#[test]
fn what_may_have_been_sent_is_repeated_at_the_next_provider_only_and_only_if_asked_for() {
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
fn what_is_wanted_no_more_ends_as_what_became_of_it() {
    assert_eq!(Route::cancel(&[attempt("a", Outcome::Retry, 1)]), Step::End(MessageState::Cancelled));
    assert_eq!(Route::cancel(&[attempt("a", Outcome::Unknown, 1)]), Step::End(MessageState::Unknown));
}

#[test]
fn nothing_is_sent_when_the_code_has_expired_or_would_have_by_then() {
    assert_eq!(next(&[], 300), Step::End(MessageState::Expired));
    assert_eq!(next(&[], 299), try_at(0, 299));
    let attempts = [attempt("a", Outcome::Retry, 299), attempt("b", Outcome::Retry, 299)];
    assert_eq!(next(&attempts, 299), Step::End(MessageState::Expired));
}
