//! The registration of metrics.

use prometheus::Registry;
use prometheus::core::Collector;

/// Registers a metric and returns it.
#[expect(clippy::expect_used, reason = "names and buckets are constants, and every test registers them")]
pub(super) fn register<C: Collector + Clone + 'static>(registry: &Registry, metric: prometheus::Result<C>) -> C {
    let metric = metric.expect("a valid name");
    registry.register(Box::new(metric.clone())).expect("a unique name");
    metric
}
