//! The state of a provider.

use crate::domain::attempt::Attempt;
use crate::domain::breaker::{Breaker, BreakerState};
use crate::domain::figures::totals::ProviderTotals;
use crate::domain::message::Channel;
use crate::domain::timestamp::Timestamp;

/// A configured provider, its circuit breaker and its figures.
#[derive(Clone, Debug)]
pub struct ProviderState {
    pub channel: Channel,
    /// The position in the order of the channel, from 0.
    pub index: usize,
    /// The configured name.
    pub name: String,
    /// The configured type.
    pub type_name: &'static str,
    pub health: Health,
    /// The last 24 full hours and the current hour.
    pub figures: ProviderTotals,
    /// The newest attempt that ended with an error.
    pub last_failed: Option<Attempt>,
}

impl ProviderState {
    /// Whether most attempts of the last day failed, although its circuit breaker is closed. A single failure is no sign.
    pub fn is_failing(&self) -> bool {
        const ENOUGH: u64 = 5;
        self.health == Health::Sound
            && self.figures.attempts >= ENOUGH
            && self.figures.accepted * 2 < self.figures.attempts
    }
}

/// Whether messages go to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Sound,
    /// It failed repeatedly. The next message shows whether it works again.
    OnTrial,
    /// It fails repeatedly and is tried last until this time.
    Resting(Timestamp),
}

impl Health {
    /// The health of a provider with this circuit breaker.
    pub fn of(breaker: &Breaker, now: Timestamp) -> Self {
        match (breaker.state(now), breaker.open_until(now)) {
            (BreakerState::Closed, _) => Self::Sound,
            (_, Some(until)) => Self::Resting(until),
            (_, None) => Self::OnTrial,
        }
    }
}
