//! The providers of one channel, in order, and how each of them does.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;

use crate::delivery::{Keep, Provider, ProviderSettings};
use crate::domain::breaker::{Breaker, Change};
use crate::domain::outbox::{Candidate, OnUnknown, Outcome, Route};
use crate::domain::timestamp::Timestamp;

#[derive(Default)]
pub struct Chain(Vec<Link>);

struct Link {
    provider: Box<dyn Provider>,
    breaker: Mutex<Breaker>,
}

impl Chain {
    pub fn new(providers: Vec<Box<dyn Provider>>) -> Self {
        Self(providers.into_iter().map(|provider| Link { provider, breaker: Mutex::default() }).collect())
    }

    /// The providers that these settings describe, in their order. `keep` is where the development inbox puts messages.
    ///
    /// # Errors
    /// What is wrong with which of them.
    pub fn build(settings: Vec<ProviderSettings>, keep: &Keep) -> Result<Self, String> {
        settings.into_iter().map(|provider| provider.build(keep)).collect::<Result<_, _>>().map(Self::new)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &dyn Provider> {
        self.0.iter().map(|link| link.provider.as_ref())
    }

    pub fn get(&self, index: usize) -> Option<&dyn Provider> {
        self.0.get(index).map(|link| link.provider.as_ref())
    }

    /// Ends what the providers keep open between messages. None of them is used afterwards.
    pub async fn close(&self) {
        join_all(self.iter().map(Provider::close)).await;
    }

    /// The way that a message takes at this moment.
    pub fn route(&self, on_unknown: OnUnknown, now: Timestamp) -> Route<'_> {
        Route { chain: self.0.iter().map(|link| link.candidate(now)).collect(), on_unknown }
    }

    /// Notes that a message goes to a provider.
    pub fn begin(&self, index: usize, now: Timestamp) {
        if let Some(link) = self.0.get(index) {
            link.breaker().begin(now);
        }
    }

    /// Notes what came of it, and tells the operator when the order in which providers are asked has changed.
    pub fn end(&self, index: usize, outcome: Outcome, now: Timestamp) {
        let Some(link) = self.0.get(index).filter(|_| self.0.len() > 1) else { return };
        let name = link.provider.name();
        match link.breaker().end(outcome, now) {
            Some(Change::Opened) => {
                log::warn!("{name} fails again and again: it is asked last until it takes a message");
            }
            Some(Change::Closed) => log::info!("{name} takes messages again, in its place"),
            None => {}
        }
    }
}

impl Link {
    fn candidate(&self, now: Timestamp) -> Candidate<'_> {
        Candidate { name: self.provider.name(), breaker: self.breaker().state(now) }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(Provider::name)).finish()
    }
}
