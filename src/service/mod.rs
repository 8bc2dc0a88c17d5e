//! The operations of the API, one function each. `http/` validates the values and checks the permissions of the caller
//! before it calls them.

pub mod accounts;
pub mod audit;
mod background;
mod call;
mod callers;
mod channel_worker;
pub mod codes;
mod counting;
mod delivery_reports;
mod dispatch;
mod endpoints;
mod event_worker;
mod events;
mod figures;
pub mod health;
mod housekeeping;
mod in_flight;
pub mod inbox;
mod limits;
mod locked;
mod message_plan;
mod messages;
mod metrics;
mod otps;
mod outbox;
mod providers;
mod recent_shares;
pub mod recipients;
mod recording;
mod refusals;
pub mod sending;
mod series;
pub mod sessions;
mod settling;
mod shares;
mod source;
mod status_requests;
pub mod verifying;
mod waiting;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::delivery::{Delivery, Endpoint};
use crate::domain::caller::Caller;
use crate::domain::clock::time_left;
use crate::domain::limit::Limits;
use crate::domain::policy::Policy;
use crate::domain::test_recipient::TestRecipients;
use crate::domain::time_zone::Tz;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::ApiToken;
use crate::error::{Error, Result};
use crate::service::background::Background;
use crate::service::call::Call;
use crate::service::callers::caller_of;
use crate::service::endpoints::Endpoints;
use crate::service::in_flight::InFlight;
use crate::service::limits::Guard;
use crate::service::recent_shares::RecentShares;
use crate::service::refusals::Refusals;
use crate::service::series::expect_series;
pub use crate::service::source::{Clock, RequestSource};
use crate::service::waiting::Queued;
use crate::store::{Db, Store, tokens};

/// The age at which a request updates `last_used_at` of its token. The value is accurate enough to find unused tokens,
/// and most reads cause no write.
const LAST_USED_GRAIN: Duration = Duration::from_secs(600);
/// The most sign-ins that are checked at once. Further ones wait for some seconds. Their clients are not authenticated, so
/// they must not fill the queue of the writer.
const CONCURRENT_SIGN_INS: usize = 8;

/// The settings of the service.
#[derive(Debug)]
pub struct Settings {
    pub policy: Policy,
    /// Recipients with a fixed code (`otp.test_recipients`).
    pub test_recipients: TestRecipients,
    /// The time zone of the days in list filters (`otp.timezone`).
    pub timezone: Tz,
    pub limits: Limits,
    pub delivery: Delivery,
    /// The endpoints that get events.
    pub events: Vec<Endpoint>,
    /// Whether requests of the API that show codes are recorded in the audit trail (`audit.reads`).
    pub audits_reads: bool,
}

impl Default for Settings {
    /// Settings without limits and without providers.
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            test_recipients: TestRecipients::default(),
            timezone: Tz::UTC,
            limits: Limits::new(|_| 0),
            delivery: Delivery::default(),
            events: Vec::new(),
            audits_reads: false,
        }
    }
}

/// The operations of the API on one store.
#[derive(Clone)]
pub struct Service {
    store: Store,
    clock: Clock,
    policy: Policy,
    test_recipients: Arc<TestRecipients>,
    timezone: Tz,
    limits: Arc<Guard>,
    delivery: Arc<Delivery>,
    endpoints: Arc<Endpoints>,
    audits_reads: bool,
    in_flight: InFlight,
    queued: Arc<Queued>,
    refusals: Arc<Refusals>,
    shares: Arc<RecentShares>,
    /// One permit for each sign-in that may be checked at the same time.
    sign_ins: Arc<Semaphore>,
    /// Updates of `last_used_at` of tokens.
    uses: Background,
    /// Updates of `last_seen_at` of sessions.
    activity: Background,
}

impl Service {
    pub fn new(store: Store, clock: Clock, settings: Settings) -> Self {
        let Settings { policy, test_recipients, timezone, limits, delivery, events, audits_reads } = settings;
        expect_series(store.metrics(), &delivery, &events);
        let endpoints = Arc::new(Endpoints::new(events));
        let limits = Arc::new(Guard::new(limits, store.metrics().clone()));
        let (delivery, in_flight) = (Arc::new(delivery), InFlight::default());
        let (queued, refusals, shares) = (Arc::default(), Arc::default(), Arc::default());
        let sign_ins = Arc::new(Semaphore::new(CONCURRENT_SIGN_INS));
        let (uses, activity) = (Background::default(), Background::default());
        Self {
            store,
            clock,
            policy,
            test_recipients: Arc::new(test_recipients),
            timezone,
            limits,
            delivery,
            endpoints,
            audits_reads,
            in_flight,
            queued,
            refusals,
            shares,
            sign_ins,
            uses,
            activity,
        }
    }

    /// Returns the same service for one event loop. Its look-ups run on that event loop.
    #[must_use]
    pub fn for_event_loop(&self) -> Self {
        Self { store: self.store.for_event_loop(), ..self.clone() }
    }

    pub fn timezone(&self) -> Tz {
        self.timezone
    }

    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Checks that requests can be served: the readers, the writer and the schema.
    pub async fn check(&self) -> Result<()> {
        self.store.check().await
    }

    /// Returns the user of a token. Both are read from the store, so a revocation takes effect with the next request.
    ///
    /// # Errors
    /// `Unauthenticated` if the token is unknown or expired, or if its user is disabled.
    pub async fn authenticate(&self, token: &ApiToken, source: RequestSource) -> Result<Caller> {
        let now = self.now();
        let (caller, last_used_at) = caller_of(self.store.find_token(token.hash()).await?, source, now)?;
        if last_used_at.is_none_or(|last| time_left(last, LAST_USED_GRAIN, now).is_none()) {
            let token_id = caller.token_id;
            let update = move |db: &Db| tokens::update_last_used(db, token_id, now);
            self.uses.start(&self.store, "the last use of a token", update);
        }
        Ok(caller)
    }

    /// Runs `work` for a caller in one write transaction and returns its result. The clock is read inside the transaction,
    /// when `work` first needs the time.
    async fn write<T: Send + 'static>(
        &self,
        caller: &Caller,
        work: impl Fn(&Db, &Call) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.write_holding(caller, |_| Ok(()), work).await
    }

    /// The same with locks, which `hold` takes first.
    async fn write_holding<T: Send + 'static>(
        &self,
        caller: &Caller,
        hold: impl Fn(&Db) -> Result<()> + Send + 'static,
        work: impl Fn(&Db, &Call) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (clock, caller) = (Arc::clone(&self.clock), caller.clone());
        let work = move |db: &Db| hold(db).and_then(|()| work(db, &Call::new(&clock, &caller)));
        let outcome = self.store.write(work).await;
        if let Some(limitation) = outcome.as_ref().err().and_then(Error::limitation) {
            self.limits.warn_once(limitation, self.now());
        }
        outcome
    }
}
