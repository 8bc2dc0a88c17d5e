//! The metric series that are exported from the start.

use crate::delivery::{Delivery, Endpoint};
use crate::domain::attempt::{DeliveryStatus, Outcome};
use crate::domain::limit::Limit;
use crate::domain::verification::Verdict;
use crate::domain::webhook::Answer;
use crate::metrics::Metrics;
use crate::service::limits::MAX_CONSECUTIVE_FAILURES;

/// The outcome of an event that no attempt delivered.
pub(super) const GIVEN_UP: &str = "given_up";

/// Registers all metric series of limits, verdicts, providers and events, so that they are exported from the start.
pub(super) fn expect_series(metrics: &Metrics, delivery: &Delivery, endpoints: &[Endpoint]) {
    let settings = Limit::ALL.iter().map(|limit| limit.setting());
    settings.chain([MAX_CONSECUTIVE_FAILURES]).for_each(|setting| metrics.expect_limit(setting));
    Verdict::ALL.into_iter().for_each(|verdict| metrics.expect_verdict(verdict.as_str()));
    for provider in delivery.providers() {
        Outcome::ALL.iter().for_each(|outcome| metrics.expect_message(provider.name(), outcome.as_str()));
        if provider.status_batch() > 0 {
            DeliveryStatus::FINAL.iter().for_each(|status| metrics.expect_reports(provider.name(), status.as_str()));
        }
    }
    for kind in endpoints.iter().flat_map(Endpoint::types) {
        let outcomes = Answer::OUTCOMES.into_iter().chain([GIVEN_UP]);
        outcomes.for_each(|outcome| metrics.expect_event(kind.as_str(), outcome));
    }
}
