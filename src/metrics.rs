//! What is counted while the program runs. The store and the HTTP side note things here, `/metrics` shows them in the
//! text format of Prometheus. No label holds what a client sent.

use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

/// Seconds: from a tenth of a millisecond to the longest that a request may take.
const DURATIONS: [f64; 15] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
const BATCH_SIZES: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

/// The counters of one running program. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    requests: HistogramVec,
    /// Requests that `server.requests_per_second` refused.
    pub throttled: IntCounter,
    /// Changes that wait for the writer.
    pub queue_length: IntGauge,
    /// Changes that were refused because the queue was full.
    pub queue_refusals: IntCounter,
    pub batch_size: Histogram,
    pub commit_seconds: Histogram,
    pub checkpoint_seconds: Histogram,
    pub wal_bytes: IntGauge,
    pub database_bytes: IntGauge,
    /// Codes in the database, valid or not.
    pub codes: IntGauge,
    limited: IntCounterVec,
    verifications: IntCounterVec,
    messages: IntCounterVec,
    /// Messages that wait or are under way.
    pub outbox: IntGauge,
    /// Codes that were deleted because they expired long ago.
    pub purged: IntCounter,
}

impl Metrics {
    pub fn new() -> Self {
        let registry = Registry::new();
        let counter = |name, help| register(&registry, IntCounter::new(name, help));
        let counters = |name: &str, help: &str, labels: &[&str]| {
            register(&registry, IntCounterVec::new(Opts::new(name, help), labels))
        };
        let gauge = |name, help| register(&registry, IntGauge::new(name, help));
        let histogram = |name: &str, help: &str, buckets: &[f64]| {
            register(&registry, Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())))
        };
        let requests = HistogramOpts::new(
            "otpd_http_request_duration_seconds",
            "From the head of a request to the head of its answer",
        );
        let requests = HistogramVec::new(requests.buckets(DURATIONS.to_vec()), &["method", "route", "status"]);
        Self {
            requests: register(&registry, requests),
            throttled: counter("otpd_throttled_requests_total", "Refused by server.requests_per_second"),
            queue_length: gauge("otpd_write_queue_length", "Changes that wait for the writer"),
            queue_refusals: counter("otpd_write_queue_refusals_total", "Changes refused because the queue was full"),
            batch_size: histogram("otpd_write_batch_size", "Changes of one transaction", &BATCH_SIZES),
            commit_seconds: histogram("otpd_commit_duration_seconds", "COMMIT, disk sync included", &DURATIONS),
            checkpoint_seconds: histogram(
                "otpd_checkpoint_duration_seconds",
                "Moving the write-ahead log into the database",
                &DURATIONS,
            ),
            wal_bytes: gauge("otpd_wal_bytes", "Size of the write-ahead log"),
            database_bytes: gauge("otpd_database_bytes", "Size of the database file"),
            codes: gauge("otpd_codes", "Codes in the database, valid or not"),
            limited: counters("otpd_limited_requests_total", "Refused by a limit on sending or verifying", &["limit"]),
            verifications: counters("otpd_verifications_total", "Guesses that were judged", &["verdict"]),
            messages: counters("otpd_message_attempts_total", "Messages handed to providers", &["provider", "outcome"]),
            outbox: gauge("otpd_outbox_messages", "Messages that wait or are under way"),
            purged: counter(
                "otpd_purged_codes_total",
                "Codes deleted because they expired longer than otp.retention ago",
            ),
            registry,
        }
    }

    /// Shows a limit from the start, at 0: an alert on growth sees its first refusal then. `limit` is the setting.
    pub fn expect_limit(&self, limit: &str) {
        self.limited.with_label_values(&[limit]);
    }

    /// The same for a verdict on guesses.
    pub fn expect_verdict(&self, verdict: &str) {
        self.verifications.with_label_values(&[verdict]);
    }

    /// The same for an outcome of a provider's attempts.
    pub fn expect_message(&self, provider: &str, outcome: &str) {
        self.messages.with_label_values(&[provider, outcome]);
    }

    /// Notes an answered request. `route` is the pattern that it matched.
    pub fn request(&self, method: &str, route: &str, status: &str, took: Duration) {
        self.requests.with_label_values(&[method, route, status]).observe(took.as_secs_f64());
    }

    /// Notes a request that a limit refused; `limit` is the setting.
    pub fn limited(&self, limit: &str) {
        self.limited.with_label_values(&[limit]).inc();
    }

    /// Notes a guess that was judged.
    pub fn verified(&self, verdict: &str) {
        self.verifications.with_label_values(&[verdict]).inc();
    }

    /// Notes an attempt to deliver a message; `provider` is the operator's name for it.
    pub fn message(&self, provider: &str, outcome: &str) {
        self.messages.with_label_values(&[provider, outcome]).inc();
    }

    /// Everything, in the text format of Prometheus, version 0.0.4.
    ///
    /// # Errors
    /// Where a metric can't be written, which is a fault of ours.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(clippy::expect_used, reason = "names and buckets are the constants above; they are sound, or no test passes")]
fn register<C: Collector + Clone + 'static>(registry: &Registry, metric: prometheus::Result<C>) -> C {
    let metric = metric.expect("a sound name");
    registry.register(Box::new(metric.clone())).expect("a name of its own");
    metric
}
