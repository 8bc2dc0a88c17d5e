//! What a caller may ask for, a function each. It takes valid values from a caller who has the permission; `http/` has
//! checked both.

pub mod accounts;
mod channel_worker;
pub mod health;
mod housekeeping;
pub mod inbox;
mod limits;
mod otps;
mod outbox;
pub mod recipients;
mod sending;
mod verifying;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use crate::service::sending::{SendRequest, Sent};
pub use crate::service::verifying::{Verified, VerifyRequest};
use chrono_tz::Tz;

use crate::delivery::Delivery;
use crate::domain::clock::time_left;
use crate::domain::limit::{Limit, Limits};
use crate::domain::outbox::Outcome;
use crate::domain::policy::Policy;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{ApiToken, TokenHash};
use crate::domain::user::Caller;
use crate::domain::verification::Verdict;
use crate::error::{Error, Kind, Result};
use crate::metrics::Metrics;
use crate::service::limits::Guard;
use crate::service::outbox::Queued;
use crate::service::sending::InFlight;
use crate::service::verifying::MAX_CONSECUTIVE_FAILURES;
use crate::store::tokens::Presented;
use crate::store::{Db, Store, tokens, users};

/// Tells the time; a test hands in its own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How old `last_used_at` of a token may grow before a request renews it: often enough for a person who looks for unused
/// tokens, seldom enough to cost reads no write.
const LAST_USED_GRAIN: Duration = Duration::from_secs(600);

/// What the operator set.
#[derive(Debug)]
pub struct Settings {
    pub policy: Policy,
    /// In which lists count days (`otp.timezone`).
    pub timezone: Tz,
    pub limits: Limits,
    pub delivery: Delivery,
}

impl Default for Settings {
    /// No limits, and no way to send anything.
    fn default() -> Self {
        Self { policy: Policy::default(), timezone: Tz::UTC, limits: Limits::new(|_| 0), delivery: Delivery::default() }
    }
}

/// Everything that the API does, over one store.
#[derive(Clone)]
pub struct Service {
    store: Store,
    clock: Clock,
    policy: Policy,
    timezone: Tz,
    limits: Arc<Guard>,
    delivery: Arc<Delivery>,
    in_flight: InFlight,
    queued: Arc<Queued>,
    /// Whether the use of a token is being noted.
    noting: Arc<AtomicBool>,
}

/// Who makes a change, and when.
struct Call {
    now: Timestamp,
    token_id: i64,
    user_id: i64,
}

impl Service {
    pub fn new(store: Store, clock: Clock, settings: Settings) -> Self {
        let Settings { policy, timezone, limits, delivery } = settings;
        expect_series(store.metrics(), &delivery);
        let limits = Arc::new(Guard::new(limits, store.metrics().clone()));
        let (delivery, in_flight) = (Arc::new(delivery), InFlight::default());
        let (queued, noting) = (Arc::default(), Arc::default());
        Self { store, clock, policy, timezone, limits, delivery, in_flight, queued, noting }
    }

    pub fn timezone(&self) -> Tz {
        self.timezone
    }

    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Whether requests can be served: the readers, the writer and the schema.
    pub async fn check(&self) -> Result<()> {
        self.store.check().await
    }

    /// The metrics, in the text format of Prometheus.
    pub async fn metrics(&self) -> Result<String> {
        self.store.measure().await?.render().map_err(Error::internal)
    }

    /// The user behind a token, as the store knows both at this moment: a revocation counts with the next request.
    ///
    /// # Errors
    /// Unauthenticated, where the token is unknown or its user is disabled.
    pub async fn authenticate(&self, token: &ApiToken) -> Result<Caller> {
        let (hash, now) = (token.hash(), self.now());
        let (caller, last_used_at) = self.store.read(move |db| find_caller(db, &hash)).await?;
        if last_used_at.is_none_or(|last| time_left(last, LAST_USED_GRAIN, now).is_none()) {
            self.note_use(caller.token_id, now);
        }
        Ok(caller)
    }

    /// Notes when a token was used. The request neither waits for the note nor fails with it. One note at a time is under
    /// way, so that notes never fill the queue of changes.
    fn note_use(&self, token_id: i64, now: Timestamp) {
        if self.noting.swap(true, Ordering::Relaxed) {
            return;
        }
        let (store, noting) = (self.store.clone(), Arc::clone(&self.noting));
        tokio::spawn(async move {
            if let Err(error) = store.write(move |db| tokens::update_last_used(db, token_id, now)).await {
                log::debug!("the use of a token could not be noted: {error}");
            }
            noting.store(false, Ordering::Relaxed);
        });
    }

    /// Runs `work` for a caller in one write transaction. The clock is read inside it, so moments follow the order of the
    /// commits.
    async fn write<T: Send + 'static>(
        &self,
        caller: &Caller,
        work: impl Fn(&Db, &Call) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (clock, token_id, user_id) = (Arc::clone(&self.clock), caller.token_id, caller.user_id);
        let outcome = self.store.write(move |db| work(db, &Call { now: clock(), token_id, user_id })).await;
        if let Some(limitation) = outcome.as_ref().err().and_then(Error::limitation) {
            self.limits.warn_once(limitation, self.now());
        }
        outcome
    }
}

/// Shows every series that limits, verdicts and providers can have, from the start.
fn expect_series(metrics: &Metrics, delivery: &Delivery) {
    let settings = Limit::ALL.map(Limit::setting);
    settings.into_iter().chain([MAX_CONSECUTIVE_FAILURES]).for_each(|setting| metrics.expect_limit(setting));
    Verdict::ALL.into_iter().for_each(|verdict| metrics.expect_verdict(verdict.as_str()));
    for provider in delivery.sms.iter().chain(delivery.email.iter()) {
        Outcome::ALL.into_iter().for_each(|outcome| metrics.expect_message(provider.name(), outcome.as_str()));
    }
}

/// The user behind a token, and when the token was last used.
fn find_caller(db: &Db, hash: &TokenHash) -> Result<(Caller, Option<Timestamp>)> {
    let refused = |detail| Error::new(Kind::Unauthenticated, detail);
    let presented = tokens::find_by_hash(db, hash)?.ok_or_else(|| refused("Invalid token."))?;
    let Presented { user_id, token_id, role, is_active, last_used_at } = presented;
    if !is_active {
        return Err(refused("User inactive or deleted."));
    }
    let permissions = users::list_permissions(db, user_id)?;
    Ok((Caller { user_id, token_id, role, permissions }, last_used_at))
}
