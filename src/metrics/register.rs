//! The registration of metrics.

use prometheus::Registry;
use prometheus::core::Collector;

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
