//! Metrics of a PostgreSQL database. They are exported only if there is one.

use prometheus::{Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts, Registry};

use crate::metrics::register::{DURATIONS, new, register};

/// The metrics of the connections to PostgreSQL and their transactions.
#[derive(Clone)]
pub struct PostgresMetrics {
    failed: IntCounterVec,
    /// COMMITs whose outcome is unknown.
    pub unknown_commits: IntCounter,
    /// Opened connections.
    pub connects: IntCounter,
    /// Time until work may use a connection.
    pub wait_seconds: Histogram,
    /// Seconds by which the server's clock is ahead of the local one.
    pub clock_offset: Gauge,
}

impl PostgresMetrics {
    pub(super) fn new() -> Self {
        let failed =
            Opts::new("otpd_postgres_failed_transactions_total", "Changes that failed before COMMIT, by SQLSTATE");
        let wait =
            HistogramOpts::new("otpd_postgres_wait_seconds", "Time until a request may use a connection, in seconds");
        Self {
            failed: new(IntCounterVec::new(failed, &["code"])),
            unknown_commits: new(IntCounter::new(
                "otpd_postgres_unknown_commits_total",
                "COMMITs whose outcome is unknown",
            )),
            connects: new(IntCounter::new("otpd_postgres_connects_total", "Opened connections to PostgreSQL")),
            wait_seconds: new(Histogram::with_opts(wait.buckets(DURATIONS.to_vec()))),
            clock_offset: new(Gauge::new(
                "otpd_postgres_clock_offset_seconds",
                "Seconds by which the clock of PostgreSQL is ahead of the local clock",
            )),
        }
    }

    /// Adds the metrics to those that are exported.
    pub(super) fn export(&self, registry: &Registry) {
        register(registry, Ok(self.failed.clone()));
        register(registry, Ok(self.unknown_commits.clone()));
        register(registry, Ok(self.connects.clone()));
        register(registry, Ok(self.wait_seconds.clone()));
        register(registry, Ok(self.clock_offset.clone()));
    }

    /// Counts a change that failed before its COMMIT. `code` is the SQLSTATE.
    pub fn failed(&self, code: &str) {
        self.failed.with_label_values(&[code]).inc();
    }
}
