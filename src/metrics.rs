//! Metrics. The store and the HTTP layer update them, and `/metrics` exports them in the Prometheus text format. Labels
//! never contain client input.

mod postgres;
mod register;
mod shares;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

pub use crate::metrics::postgres::PostgresMetrics;
use crate::metrics::register::{DURATIONS, register};
pub use crate::metrics::shares::{Sample, ShareGauges};

/// Buckets in seconds, up to the lifetime of a code. A status is first requested after five seconds.
const DELIVERIES: [f64; 8] = [2.5, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0];
const BATCH_SIZES: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

/// The metrics of one process. Clones share the same counters.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    requests: HistogramVec,
    /// Requests refused by `server.requests_per_second`.
    pub throttled: IntCounter,
    /// Changes waiting for the writer.
    pub queue_length: IntGauge,
    /// Changes refused because the queue was full.
    pub queue_refusals: IntCounter,
    pub batch_size: Histogram,
    pub commit_seconds: Histogram,
    pub checkpoint_seconds: Histogram,
    pub wal_bytes: IntGauge,
    pub database_bytes: IntGauge,
    /// Codes in the database, including invalid ones.
    pub codes: IntGauge,
    limited: IntCounterVec,
    verifications: IntCounterVec,
    messages: IntCounterVec,
    reports: IntCounterVec,
    delivery_seconds: HistogramVec,
    /// Messages that are queued or being sent.
    pub outbox: IntGauge,
    events: IntCounterVec,
    /// Events that wait for their delivery to an endpoint.
    pub waiting_events: IntGauge,
    /// Codes deleted because they expired longer than `otp.retention` ago.
    pub purged: IntCounter,
    /// What only a PostgreSQL database has.
    pub postgres: PostgresMetrics,
    prefixes: ShareGauges,
    providers: ShareGauges,
    /// Held while gauges are replaced or rendered, so that a response contains all of them.
    replacing: Arc<Mutex<()>>,
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
        let requests = HistogramOpts::new("otpd_http_request_duration_seconds", "Duration of requests, in seconds");
        let requests = HistogramVec::new(requests.buckets(DURATIONS.to_vec()), &["method", "route", "status"]);
        Self {
            requests: register(&registry, requests),
            throttled: counter("otpd_throttled_requests_total", "Requests refused by server.requests_per_second"),
            queue_length: gauge("otpd_write_queue_length", "Changes waiting for the writer"),
            queue_refusals: counter("otpd_write_queue_refusals_total", "Changes refused because the queue was full"),
            batch_size: histogram("otpd_write_batch_size", "Changes per transaction", &BATCH_SIZES),
            commit_seconds: histogram(
                "otpd_commit_duration_seconds",
                "Duration of commits, including the disk sync, in seconds",
                &DURATIONS,
            ),
            checkpoint_seconds: histogram(
                "otpd_checkpoint_duration_seconds",
                "Duration of checkpoints, in seconds",
                &DURATIONS,
            ),
            wal_bytes: gauge("otpd_wal_bytes", "Size of the write-ahead log, in bytes"),
            database_bytes: gauge("otpd_database_bytes", "Size of the database file, in bytes"),
            codes: gauge("otpd_codes", "Codes in the database, including invalid ones"),
            limited: counters(
                "otpd_limited_requests_total",
                "Requests refused by a limit on sending or verifying",
                &["limit"],
            ),
            verifications: counters("otpd_verifications_total", "Verifications, by verdict", &["verdict"]),
            messages: counters("otpd_message_attempts_total", "Delivery attempts", &["provider", "outcome"]),
            reports: counters("otpd_delivery_reports_total", "Delivery reports", &["provider", "status"]),
            delivery_seconds: register(
                &registry,
                HistogramVec::new(
                    HistogramOpts::new("otpd_delivery_seconds", "Time from acceptance to delivery, in seconds")
                        .buckets(DELIVERIES.to_vec()),
                    &["provider"],
                ),
            ),
            outbox: gauge("otpd_outbox_messages", "Messages that are queued or being sent"),
            events: counters("otpd_events_total", "Attempts to deliver events to endpoints", &["type", "outcome"]),
            waiting_events: gauge("otpd_events_waiting", "Events that wait for their delivery to an endpoint"),
            purged: counter(
                "otpd_purged_codes_total",
                "Codes deleted because they expired longer than otp.retention ago",
            ),
            postgres: PostgresMetrics::new(),
            prefixes: ShareGauges::new(&registry, "prefix"),
            providers: ShareGauges::new(&registry, "provider"),
            replacing: Arc::default(),
            registry,
        }
    }

    /// Exports the metrics of a PostgreSQL database too.
    pub fn export_postgres(&self) {
        self.postgres.export(&self.registry);
    }

    /// Creates the counter of a limit at 0, so that an alert on its increase detects the first refusal. `limit` is the
    /// name of the setting.
    pub fn expect_limit(&self, limit: &str) {
        self.limited.with_label_values(&[limit]);
    }

    /// Creates the counter of a verdict at 0.
    pub fn expect_verdict(&self, verdict: &str) {
        self.verifications.with_label_values(&[verdict]);
    }

    /// Creates the counter of a provider and an outcome at 0.
    pub fn expect_message(&self, provider: &str, outcome: &str) {
        self.messages.with_label_values(&[provider, outcome]);
    }

    /// Records the duration of a request. `route` is the path pattern of its endpoint.
    pub fn request(&self, method: &str, route: &str, status: &str, took: Duration) {
        self.requests.with_label_values(&[method, route, status]).observe(took.as_secs_f64());
    }

    /// Counts a request refused by a limit. `limit` is the name of the setting.
    pub fn limited(&self, limit: &str) {
        self.limited.with_label_values(&[limit]).inc();
    }

    /// Counts an attempt to verify a code, by its verdict.
    pub fn verified(&self, verdict: &str) {
        self.verifications.with_label_values(&[verdict]).inc();
    }

    /// Counts an attempt to deliver a message. `provider` is the configured name of the provider.
    pub fn message(&self, provider: &str, outcome: &str) {
        self.messages.with_label_values(&[provider, outcome]).inc();
    }

    /// Counts a delivery that a provider reported.
    pub fn reported(&self, provider: &str, status: &str) {
        self.reports.with_label_values(&[provider, status]).inc();
    }

    /// Records the time from the acceptance of a message to its delivery.
    pub fn delivered(&self, provider: &str, after: Duration) {
        self.delivery_seconds.with_label_values(&[provider]).observe(after.as_secs_f64());
    }

    /// Creates the series of the delivery reports of a provider at 0.
    pub fn expect_reports(&self, provider: &str, status: &str) {
        self.reports.with_label_values(&[provider, status]);
        self.delivery_seconds.with_label_values(&[provider]);
    }

    /// Creates the counter of a type of events and an outcome at 0.
    pub fn expect_event(&self, kind: &str, outcome: &str) {
        self.events.with_label_values(&[kind, outcome]);
    }

    /// Counts an attempt to deliver an event, or an event that is given up.
    pub fn event(&self, kind: &str, outcome: &str) {
        self.events.with_label_values(&[kind, outcome]).inc();
    }

    /// Replaces the recent codes of all prefixes and providers.
    pub fn set_shares<'a>(
        &self,
        prefixes: impl Iterator<Item = Sample<'a>>,
        providers: impl Iterator<Item = Sample<'a>>,
    ) {
        let _whole = self.replacing.lock();
        self.prefixes.set(prefixes);
        self.providers.set(providers);
    }

    /// Returns all metrics in the Prometheus text format, version 0.0.4.
    ///
    /// # Errors
    /// A metric can't be encoded. This is a bug in otpd.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        let _whole = self.replacing.lock();
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
