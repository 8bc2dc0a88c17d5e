//! The registration of metrics.

use prometheus::Registry;
use prometheus::core::Collector;

/// Buckets in seconds, from 0.1 ms to the maximum duration of a request.
pub(super) const DURATIONS: [f64; 15] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Returns a metric that is registered later.
#[expect(clippy::expect_used, reason = "names and buckets are constants, and every test creates them")]
pub(super) fn new<C>(metric: prometheus::Result<C>) -> C {
    metric.expect("a valid name")
}

/// Registers a metric and returns it.
#[expect(clippy::expect_used, reason = "names are constants, and every test registers them")]
pub(super) fn register<C: Collector + Clone + 'static>(registry: &Registry, metric: prometheus::Result<C>) -> C {
    let metric = new(metric);
    registry.register(Box::new(metric.clone())).expect("a unique name");
    metric
}
