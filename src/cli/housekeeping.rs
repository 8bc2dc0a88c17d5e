//! Periodic maintenance of the server: purges, checkpoints, clock checks and warnings about abuse.

use std::time::{Duration, Instant};

use crate::domain::clock::{STEADY, has_jumped};
use crate::domain::count::counted;
use crate::domain::timestamp::Timestamp;
use crate::service::Service;

const PURGE_INTERVAL: Duration = Duration::from_secs(60);
const FLUSH_INTERVAL: Duration = Duration::from_secs(10);
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(60 * 60);
/// A write-ahead log of this size means that a read transaction never ends, or that no process runs checkpoints.
const WAL_TOO_LARGE: u64 = 1024 * 1024 * 1024;

/// How long data is kept. `None`: forever.
#[derive(Clone, Copy)]
pub(super) struct Retention {
    /// Codes after they expired (`otp.retention`).
    pub(super) codes: Option<Duration>,
    /// Events of the audit trail (`audit.retention`).
    pub(super) audit: Option<Duration>,
}

/// Periodically deletes old counters, codes and events, updates the statistics of the database, makes checkpoints and
/// warns about collapses of the verified share. `has_file`: the database is a SQLite file; PostgreSQL updates its
/// statistics and makes checkpoints itself. Never returns.
pub(super) async fn run_maintenance(service: Service, retention: Retention, has_file: bool) {
    let mut every = tokio::time::interval(PURGE_INTERVAL);
    let mut clock = SteadyClock::new(service.now(), service.newest_timestamp().await);
    let mut tidied = Instant::now();
    loop {
        every.tick().await;
        if let Err(error) = service.index_audit().await {
            log::warn!("the audit trail could not be indexed; retrying in a minute: {error}");
        }
        warn_of_collapses(&service).await;
        let purged = purge(&service, retention, clock.check(service.now())).await;
        if has_file && (purged > 0 || tidied.elapsed() >= MAINTENANCE_INTERVAL) {
            tidied = Instant::now();
            optimize_and_checkpoint(&service).await;
        }
    }
}

/// Logs each collapse of the verified share once.
async fn warn_of_collapses(service: &Service) {
    match service.new_collapses().await {
        Ok(collapses) => collapses.iter().for_each(|collapse| log::warn!("{collapse}")),
        Err(error) => log::warn!("the verified share of codes could not be read; retrying in a minute: {error}"),
    }
}

/// Periodically stores the figures that are counted in memory. Never returns.
pub(super) async fn flush_figures(service: Service) {
    let mut every = tokio::time::interval(FLUSH_INTERVAL);
    loop {
        every.tick().await;
        if let Err(error) = service.flush_figures().await {
            log::warn!("the counts of refused requests could not be stored; retrying in ten seconds: {error}");
        }
    }
}

/// Detects jumps of the system clock by comparing it with the monotonic clock.
struct SteadyClock {
    last: (Timestamp, Instant),
    steady_since: Instant,
    has_jumped: bool,
}

/// How far a purge can trust the system clock.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// The clock has jumped recently, or may have jumped before the start. Nothing is deleted.
    None,
    /// The clock agrees with the newest timestamp in the database. Old data is deleted.
    Past,
    /// The clock has been steady for a long time. Data with timestamps in the future is deleted too.
    Future,
}

impl SteadyClock {
    /// `newest` is the newest timestamp in the database. If it is much older than `now`, the clock may be ahead, and a
    /// purge could delete data that limits and lockouts still need.
    fn new(now: Timestamp, newest: Option<Timestamp>) -> Self {
        let instant = Instant::now();
        let has_jumped = newest.is_some_and(|newest| now.since(newest) > STEADY);
        Self { last: (now, instant), steady_since: instant, has_jumped }
    }

    fn check(&mut self, now: Timestamp) -> Trust {
        let (last, instant) = self.last;
        self.last = (now, Instant::now());
        if has_jumped(last, now, instant.elapsed()) {
            log::warn!("the clock jumped from {last} to {now}; expired data is kept for an hour; check NTP");
            (self.steady_since, self.has_jumped) = (Instant::now(), true);
        }
        match (self.steady_since.elapsed() >= STEADY, self.has_jumped) {
            (true, _) => Trust::Future,
            (false, true) => Trust::None,
            (false, false) => Trust::Past,
        }
    }
}

/// Runs one purge and returns the number of deleted codes.
async fn purge(service: &Service, retention: Retention, trust: Trust) -> usize {
    if trust == Trust::None {
        return 0;
    }
    let traces = async {
        service.purge_counters().await?;
        if trust == Trust::Future { service.purge_untrusted().await } else { Ok(()) }
    };
    if let Err(error) = traces.await {
        log::warn!("old counters of limits could not be deleted; retrying in a minute: {error}");
    }
    if let Some(retention) = retention.audit {
        purge_audit(service, retention).await;
    }
    match retention.codes {
        Some(retention) => purge_codes(service, retention).await,
        None => 0,
    }
}

async fn purge_audit(service: &Service, retention: Duration) {
    match service.purge_audit(retention).await {
        Ok(0) => {}
        Ok(purged) => log::info!("deleted {} of the audit trail older than audit.retention", counted(purged, "event")),
        Err(error) => log::warn!("old events of the audit trail could not be deleted; retrying in a minute: {error}"),
    }
}

async fn purge_codes(service: &Service, retention: Duration) -> usize {
    let purged = service.purge_expired(retention).await.unwrap_or_else(|error| {
        log::warn!("expired codes could not be deleted; retrying in a minute: {error}");
        0
    });
    if purged > 0 {
        log::info!("deleted {} that expired more than otp.retention ago", counted(purged, "code"));
    }
    purged
}

async fn optimize_and_checkpoint(service: &Service) {
    match service.optimize_and_checkpoint().await {
        Ok(bytes) if bytes > WAL_TOO_LARGE => log::warn!(
            "the write-ahead log has {} MB: another program keeps a read transaction open, or database.checkpoints is \
             false and Litestream is not running",
            bytes / 1_000_000
        ),
        Ok(bytes) => log::info!("statistics updated and checkpoint made; the write-ahead log has {bytes} bytes left"),
        Err(error) => log::warn!("updating the statistics and the checkpoint failed; retrying in an hour: {error}"),
    }
}
