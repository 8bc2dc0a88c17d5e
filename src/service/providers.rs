//! The states of the providers.

use crate::domain::figures::Figure;
use crate::domain::figures::period::PeriodLength;
use crate::domain::figures::totals::Totals;
use crate::domain::message::Channel;
use crate::domain::provider_state::{Health, ProviderState};
use crate::domain::timestamp::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::service::Service;
use crate::store::{Db, hourly_figures, message_attempts};

const FIGURES: [Figure; 4] = [Figure::Attempts, Figure::AttemptSeconds, Figure::Fallbacks, Figure::Reports];

impl Service {
    /// Returns the configured providers of all channels, each in their order.
    pub async fn providers(&self) -> Result<Vec<ProviderState>> {
        let (service, now) = (self.clone(), self.now());
        self.store.read(move |db| service.provider_states(db, now)).await
    }

    /// Returns the names of the configured providers of all channels, each name once.
    pub fn provider_names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for provider in self.delivery.providers() {
            if !names.contains(&provider.name()) {
                names.push(provider.name());
            }
        }
        names
    }

    /// Checks the account of the provider with this index, as `otpd doctor` does. Returns a description of its state,
    /// or of the problem. It takes no longer than the timeout of the provider.
    ///
    /// # Errors
    /// `NotFound` if there is no such provider.
    pub async fn check_provider(&self, channel: Channel, index: usize) -> Result<std::result::Result<String, String>> {
        let provider = self.delivery.chain(channel).get(index);
        Ok(provider.ok_or_else(|| Error::new(Kind::NotFound, "Not found."))?.check().await)
    }

    /// Returns the configured providers of all channels at `now`.
    pub(super) fn provider_states(&self, db: &Db, now: Timestamp) -> Result<Vec<ProviderState>> {
        let mut totals = Totals::default();
        let windows = PeriodLength::Day.windows(now);
        for figure in FIGURES {
            let add = |_, subject: &str, count| totals.add(figure, subject, count);
            hourly_figures::read(db, figure, windows.now, windows.totals, add)?;
        }
        let mut states = Vec::new();
        for channel in Channel::ALL.iter().copied() {
            for (index, provider) in self.delivery.chain(channel).iter().enumerate() {
                let last_failed = message_attempts::last_failed(db, provider.name())?;
                let figures = totals.providers.remove(provider.name()).unwrap_or_default();
                let breaker = self.delivery.chain(channel).breaker(index).unwrap_or_default();
                states.push(ProviderState {
                    channel,
                    index,
                    name: provider.name().to_owned(),
                    type_name: provider.type_name(),
                    health: Health::of(&breaker, now),
                    figures,
                    last_failed,
                });
            }
        }
        Ok(states)
    }
}
