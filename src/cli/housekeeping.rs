//! What the server does beside the requests, now and then.

use std::time::{Duration, Instant};

use crate::domain::clock::{STEADY, has_jumped};
use crate::domain::timestamp::Timestamp;
use crate::service::Service;

const PURGE_EVERY: Duration = Duration::from_secs(60);
const TIDY_EVERY: Duration = Duration::from_secs(60 * 60);
/// A write-ahead log of this size means that a reader never ends, or that no program makes checkpoints.
const WAL_TOO_LARGE: u64 = 1024 * 1024 * 1024;

/// Deletes what expired longer than `retention` ago (`None`: nothing), and keeps the database in good order.
pub(super) async fn keep_house(service: Service, retention: Option<Duration>) {
    let mut every = tokio::time::interval(PURGE_EVERY);
    let mut clock = SteadyClock::new(service.now(), service.newest_moment().await);
    let mut tidied = Instant::now();
    loop {
        every.tick().await;
        let purged = purge(&service, retention, clock.look(service.now())).await;
        if purged > 0 || tidied.elapsed() >= TIDY_EVERY {
            tidied = Instant::now();
            tidy(&service).await;
        }
    }
}

/// Compares the clock with a monotonic one.
struct SteadyClock {
    last: (Timestamp, Instant),
    steady_since: Instant,
    has_jumped: bool,
}

/// How far a purge may trust the clock.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// It has just jumped, or may have jumped before the start: nothing is deleted.
    None,
    /// It agrees with what was stored last: what is old is deleted.
    Past,
    /// It has been steady for long: what is later than now is deleted too.
    Future,
}

impl SteadyClock {
    /// `newest` is the newest moment in the database. After a long time without any the clock may be ahead: then a purge
    /// would delete what limits and lock-outs still need.
    fn new(now: Timestamp, newest: Option<Timestamp>) -> Self {
        let instant = Instant::now();
        let has_jumped = newest.is_some_and(|newest| now.since(newest) > STEADY);
        Self { last: (now, instant), steady_since: instant, has_jumped }
    }

    fn look(&mut self, now: Timestamp) -> Trust {
        let (last, instant) = self.last;
        self.last = (now, Instant::now());
        if has_jumped(last, now, instant.elapsed()) {
            log::warn!("the clock jumped from {last} to {now}; nothing is purged for an hour, check NTP");
            (self.steady_since, self.has_jumped) = (Instant::now(), true);
        }
        match (self.steady_since.elapsed() >= STEADY, self.has_jumped) {
            (true, _) => Trust::Future,
            (false, true) => Trust::None,
            (false, false) => Trust::Past,
        }
    }
}

/// How many expired codes were deleted.
async fn purge(service: &Service, retention: Option<Duration>, trust: Trust) -> usize {
    if trust == Trust::None {
        return 0;
    }
    let traces = async {
        service.purge_traces().await?;
        if trust == Trust::Future { service.purge_untrusted().await } else { Ok(()) }
    };
    if let Err(error) = traces.await {
        log::warn!("old counts could not be deleted, the next try is in a minute: {error}");
    }
    match retention {
        Some(retention) => purge_codes(service, retention).await,
        None => 0,
    }
}

async fn purge_codes(service: &Service, retention: Duration) -> usize {
    let purged = service.purge_expired(retention).await.unwrap_or_else(|error| {
        log::warn!("expired codes could not be deleted, the next try is in a minute: {error}");
        0
    });
    if purged > 0 {
        log::info!("deleted {purged} codes that expired more than otp.retention ago");
    }
    purged
}

async fn tidy(service: &Service) {
    match service.tidy().await {
        Ok(bytes) if bytes > WAL_TOO_LARGE => log::warn!(
            "the write-ahead log has {} MB: another program reads the database without end, or database.checkpoints \
             is false and Litestream does not run",
            bytes / 1_000_000
        ),
        Ok(bytes) => log::info!("the database is tidied up; {bytes} bytes are left in its write-ahead log"),
        Err(error) => log::warn!("the database could not be tidied up, the next try is in an hour: {error}"),
    }
}
