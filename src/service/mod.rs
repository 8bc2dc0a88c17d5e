//! What a caller may ask for, a function each: who calls and may they, is the object there, is the body sound; then the
//! transaction with the rules.

pub mod accounts;
pub mod health;
mod housekeeping;
pub mod inbox;
mod lane;
mod limits;
mod otps;
mod outbox;
pub mod recipients;
mod sending;
mod verifying;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono_tz::Tz;
use tokio::sync::watch;

pub use crate::service::sending::{SendRequest, Sent};
pub use crate::service::verifying::{Verified, VerifyRequest};

use crate::delivery::Delivery;
use crate::domain::clock::time_left;
use crate::domain::limit::Limits;
use crate::domain::policy::Policy;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::ApiToken;
use crate::domain::user::{Caller, Permission};
use crate::error::{Error, Kind, Result};
use crate::service::limits::Guard;
use crate::service::outbox::Queued;
use crate::service::sending::UnderWay;
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
    under_way: UnderWay,
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
        let limits = Arc::new(Guard::new(limits, store.metrics().clone()));
        let (delivery, under_way) = (Arc::new(delivery), UnderWay::default());
        let (queued, noting) = (Arc::default(), Arc::default());
        Self { store, clock, policy, timezone, limits, delivery, under_way, queued, noting }
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

    /// Lets admins and staff pass, for what has no permission code of its own.
    pub async fn require_staff(&self, token: ApiToken) -> Result<()> {
        self.store.read(move |db| authenticate(db, &token)?.0.require_staff()).await
    }

    /// The metrics for a caller who may view codes.
    pub async fn metrics(&self, token: ApiToken) -> Result<String> {
        self.read(token, Permission::ViewOtp, |_| Ok(())).await?;
        self.metrics_for_anyone().await
    }

    /// The metrics, in the text format of Prometheus.
    pub async fn metrics_for_anyone(&self) -> Result<String> {
        self.store.measure().await?.render().map_err(Error::internal)
    }

    /// Runs `work` for a caller who has `permission`, all in one visit to a reader. Refused or not, the token was used.
    async fn read<T: Send + 'static>(
        &self,
        token: ApiToken,
        permission: Permission,
        work: impl FnOnce(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let now = self.now();
        let (outcome, presented) = self
            .store
            .read(move |db| {
                let (caller, presented) = authenticate(db, &token)?;
                Ok((caller.require(permission).and_then(|()| work(db)), presented))
            })
            .await?;
        self.note_use(&presented, now);
        outcome
    }

    /// Notes when a token was used. Nobody waits for it: a request is not slower, and not refused, because it could not be
    /// noted. One note at a time, so that notes never fill the queue of changes.
    fn note_use(&self, presented: &Presented, now: Timestamp) {
        if !is_stale(presented, now) || self.noting.swap(true, Ordering::Relaxed) {
            return;
        }
        let (store, noting, token_id) = (self.store.clone(), Arc::clone(&self.noting), presented.token_id);
        tokio::spawn(async move {
            if let Err(error) = store.write(move |db| tokens::update_last_used(db, token_id, now)).await {
                log::debug!("the use of a token could not be noted: {error}");
            }
            noting.store(false, Ordering::Relaxed);
        });
    }

    /// Runs `work` for a caller who has `permission`, all in one write transaction: what the caller may do and what is
    /// stored are those of the moment of the write. The clock is read inside it, so moments follow the order of the
    /// commits.
    async fn write<T: Send + 'static>(
        &self,
        token: ApiToken,
        permission: Permission,
        work: impl Fn(&Db, &Call) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let clock = Arc::clone(&self.clock);
        let (tell, told) = watch::channel(None);
        let outcome = self
            .store
            .write(move |db| {
                let now = clock();
                let (caller, presented) = authenticate(db, &token)?;
                tell.send_replace(Some((presented, now)));
                caller.require(permission)?;
                work(db, &Call { now, token_id: presented.token_id, user_id: presented.user_id })
            })
            .await;
        // Refused or not, the token was used.
        if let Some((presented, now)) = *told.borrow() {
            self.note_use(&presented, now);
            if let Some(limitation) = outcome.as_ref().err().and_then(Error::limitation) {
                self.limits.warn_once(limitation, now);
            }
        }
        outcome
    }

    /// The same with a request that was read before: what is certain to change nothing waits for no turn of the writer's,
    /// its refusal is found by a reader.
    async fn write_checked<R: Send + 'static, T: Send + 'static>(
        &self,
        token: ApiToken,
        permission: Permission,
        request: Result<R>,
        work: impl Fn(&Db, &Call, &R) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match request {
            Ok(request) => self.write(token, permission, move |db, call| work(db, call, &request)).await,
            Err(refusal) => self.read(token, permission, |_| Err(refusal)).await,
        }
    }
}

/// The user behind a token, as the store knows both at this moment: a revocation counts with the next request.
fn authenticate(db: &Db, token: &ApiToken) -> Result<(Caller, Presented)> {
    let presented =
        tokens::find_by_hash(db, &token.hash())?.ok_or_else(|| Error::new(Kind::Unauthenticated, "Invalid token."))?;
    if !presented.is_active {
        return Err(Error::new(Kind::Unauthenticated, "User inactive or deleted."));
    }
    let permissions = users::list_permissions(db, presented.user_id)?;
    Ok((Caller { role: presented.role, permissions }, presented))
}

fn is_stale(presented: &Presented, now: Timestamp) -> bool {
    presented.last_used_at.is_none_or(|last| time_left(last, LAST_USED_GRAIN, now).is_none())
}
