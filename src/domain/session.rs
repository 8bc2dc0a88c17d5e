//! Sessions of the console, and the links that start one.

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::time::Duration;

use rand::CryptoRng;
use rand::distr::{Alphanumeric, SampleString};

use crate::domain::clock::time_left;
use crate::domain::limit::Event;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::TokenHash;
use crate::domain::token_details::is_expired;

/// A session ends after this time without activity.
pub const IDLE: Duration = Duration::from_secs(30 * 60);
/// A session ends this time after the sign-in.
pub const LONGEST: Duration = Duration::from_secs(12 * 3600);
/// How long a sign-in link works.
pub const LINK_LIVES: Duration = Duration::from_secs(10 * 60);
/// The age at which activity updates `last_seen_at` of a session.
pub const SEEN_GRAIN: Duration = Duration::from_secs(60);
/// Number of searches that are kept per session.
pub const SEARCHES_KEPT: i64 = 20;
/// The failed sign-ins that are allowed in [`FAILURE_WINDOW`]: per client network, and over all.
pub const FAILURES_ALLOWED: [(Event, u32); 2] = [(Event::SignInFailureFrom, 5), (Event::SignInFailure, 20)];
pub const FAILURE_WINDOW: Duration = Duration::from_secs(15 * 60);

/// Random base62 characters: 43 × log₂ 62 = 256 bits.
const KEY_CHARS: usize = 43;
const BROWSER_CHARS: usize = 200;

/// A random key of 256 bits, as URL-safe text. `P` separates keys of different purposes. `Debug` hides the key, and
/// there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct RandomKey<P>(String, PhantomData<P>);

/// The purpose of a [`SessionKey`].
#[derive(Clone, PartialEq, Eq)]
pub enum ForSession {}

/// The purpose of a [`LinkKey`].
#[derive(Clone, PartialEq, Eq)]
pub enum ForLink {}

/// The key of a session, as the cookie carries it.
pub type SessionKey = RandomKey<ForSession>;
/// The key of a sign-in link.
pub type LinkKey = RandomKey<ForLink>;

impl<P> RandomKey<P> {
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(Alphanumeric.sample_string(rng, KEY_CHARS), PhantomData)
    }

    /// Parses a key sent by a client. `None`: the text can't be a key.
    pub fn parse(text: &str) -> Option<Self> {
        let is_key = text.len() == KEY_CHARS && text.bytes().all(|b| b.is_ascii_alphanumeric());
        is_key.then(|| Self(text.to_owned(), PhantomData))
    }

    /// Returns the hash that is stored.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }

    /// Returns the key in clear text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl<P> fmt::Debug for RandomKey<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RandomKey(***)")
    }
}

/// An open session, as shown in lists.
#[derive(Clone, Debug)]
pub struct SessionRecord {
    pub id: i64,
    pub times: SessionTimes,
    /// The prefix of the token of the sign-in. `None`: the user signed in with a link.
    pub token_prefix: Option<String>,
    /// The address of the sign-in.
    pub address: Option<IpAddr>,
    /// The `User-Agent` of the sign-in.
    pub browser: Option<String>,
}

/// The times of a session, which decide when it ends.
#[derive(Clone, Copy, Debug)]
pub struct SessionTimes {
    pub created_at: Timestamp,
    /// The last activity, accurate to a minute.
    pub last_seen_at: Timestamp,
    /// When the token of the sign-in expires, and the session with it. `None`: never, or there is no token.
    pub token_expires_at: Option<Timestamp>,
}

impl SessionTimes {
    /// Whether the session is neither idle for too long nor too old, and its token has not expired. Times in the future
    /// are not trusted (`domain/clock.rs`): such a session is over.
    pub fn is_open(&self, now: Timestamp) -> bool {
        let is_running = |began, length| time_left(began, length, now).is_some();
        is_running(self.created_at, LONGEST)
            && is_running(self.last_seen_at, IDLE)
            && !is_expired(self.token_expires_at, now)
    }

    /// Returns when the session ends if there is no further activity.
    pub fn ends_at(&self) -> Timestamp {
        let end = self.created_at.plus(LONGEST).min(self.last_seen_at.plus(IDLE));
        self.token_expires_at.map_or(end, |expires_at| end.min(expires_at))
    }
}

/// Returns the printable ASCII characters of a `User-Agent`, at most 200 of them. `None`: there are none.
pub fn browser(user_agent: &str) -> Option<String> {
    let printable: String = user_agent.chars().filter(|c| matches!(c, ' '..='~')).take(BROWSER_CHARS).collect();
    Some(printable.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }

    #[test]
    fn a_key_has_256_random_bits_and_is_not_printed() {
        let mut rng = StdRng::seed_from_u64(1);
        let [key, other] = [(); 2].map(|()| SessionKey::generate(&mut rng));
        assert_ne!(key, other);
        assert_eq!(key.reveal().len(), 43);
        assert_eq!(SessionKey::parse(key.reveal()), Some(key.clone()));
        assert_eq!(format!("{key:?}"), "RandomKey(***)");
        for text in ["", "x", &key.reveal()[1..], &format!("{}x", key.reveal()), &format!("{}é", &key.reveal()[2..])] {
            assert_eq!(SessionKey::parse(text), None, "{text}");
        }
    }

    fn times(created_at: i64, last_seen_at: i64) -> SessionTimes {
        SessionTimes { created_at: at(created_at), last_seen_at: at(last_seen_at), token_expires_at: None }
    }

    #[test]
    fn a_session_ends_after_30_idle_minutes_and_after_12_hours() {
        let (half_hour, half_day) = (1800, 12 * 3600);
        assert!(times(0, 0).is_open(at(0)));
        assert!(times(0, 60).is_open(at(half_hour + 59)));
        assert!(!times(0, 60).is_open(at(half_hour + 60)));
        assert!(times(0, half_day - 1).is_open(at(half_day - 1)));
        assert!(!times(0, half_day - 1).is_open(at(half_day)));
        assert_eq!(times(0, 60).ends_at(), at(half_hour + 60));
        assert_eq!(times(0, half_day - 1).ends_at(), at(half_day));
    }

    #[test]
    fn a_session_ends_when_its_token_expires() {
        let until = |second| SessionTimes { token_expires_at: Some(at(second)), ..times(0, 0) };
        assert!(until(60).is_open(at(59)) && !until(60).is_open(at(60)));
        assert_eq!((until(60).ends_at(), until(3600).ends_at()), (at(60), at(1800)));
    }

    #[test]
    fn a_session_with_a_time_in_the_future_is_over() {
        assert!(!times(1, 1).is_open(at(0)));
        assert!(!times(0, 2).is_open(at(1)));
    }

    #[test]
    fn a_browser_is_short_and_prints_safely() {
        assert_eq!(browser(" Mozilla/5.0\u{1b}[31m\n\u{202e}x "), Some("Mozilla/5.0[31mx".to_owned()));
        assert_eq!(browser(&"é".repeat(9)), None);
        assert_eq!(browser(&"a".repeat(201)), Some("a".repeat(200)));
    }
}
