//! The ordered providers of one channel, each with a circuit breaker.

use std::fmt;

use futures_util::future::join_all;
use parking_lot::Mutex;

use crate::delivery::provider::{Keep, Provider};
use crate::delivery::settings::ProviderSettings;
use crate::domain::attempt::Outcome;
use crate::domain::breaker::{Breaker, Change};
use crate::domain::outbox::OnUnknown;
use crate::domain::route::{Candidate, Route};
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

    /// Builds a chain from settings, in their order. `keep` stores the messages of the development inbox.
    ///
    /// # Errors
    /// A description of the first invalid provider.
    pub fn build(settings: &[ProviderSettings], keep: &Keep) -> Result<Self, String> {
        settings.iter().map(|provider| provider.build(keep)).collect::<Result<_, _>>().map(Self::new)
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

    /// Returns the circuit breaker of the provider with this index.
    pub fn breaker(&self, index: usize) -> Option<Breaker> {
        self.0.get(index).map(|link| *link.breaker.lock())
    }

    /// Closes idle connections of all providers. No provider may be used afterwards.
    pub async fn close(&self) {
        join_all(self.iter().map(Provider::close)).await;
    }

    /// Returns the providers with the state of their circuit breakers at `now`.
    pub fn route(&self, on_unknown: OnUnknown, now: Timestamp) -> Route<'_> {
        Route { chain: self.0.iter().map(|link| link.candidate(now)).collect(), on_unknown }
    }

    /// Records that a message is passed to a provider.
    pub fn begin(&self, index: usize, now: Timestamp) {
        if let Some(link) = self.0.get(index) {
            link.breaker.lock().begin(now);
        }
    }

    /// Records the outcome of an attempt. Logs when the circuit breaker of the provider opens or closes. A chain with
    /// one provider has no use for the circuit breaker.
    pub fn end(&self, index: usize, outcome: Outcome, now: Timestamp) {
        let Some(link) = self.0.get(index).filter(|_| self.0.len() > 1) else { return };
        let name = link.provider.name();
        match link.breaker.lock().end(outcome, now) {
            Some(Change::Opened) => {
                log::warn!("{name} fails repeatedly: its circuit breaker is open, so it is tried last");
            }
            Some(Change::Closed) => log::info!("{name} accepts messages again: its circuit breaker is closed"),
            None => {}
        }
    }
}

impl Link {
    fn candidate(&self, now: Timestamp) -> Candidate<'_> {
        Candidate { name: self.provider.name(), breaker: self.breaker.lock().state(now) }
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(Provider::name)).finish()
    }
}
