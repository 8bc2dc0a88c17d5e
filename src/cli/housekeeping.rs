//! What the server does beside the requests, now and then.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::service::Service;

const PURGE_EVERY: Duration = Duration::from_secs(60);
const TIDY_EVERY: Duration = Duration::from_secs(60 * 60);
/// A log of this size means that somebody reads without end, or that nobody makes checkpoints.
const WAL_TOO_LARGE: u64 = 1024 * 1024 * 1024;

/// Deletes what expired longer than `retention` ago (`None`: nothing), and keeps the database in good order.
pub(super) async fn keep_house(service: Service, retention: Option<Duration>) {
    let mut every = tokio::time::interval(PURGE_EVERY);
    let mut tidied = Instant::now();
    loop {
        every.tick().await;
        if let Err(error) = service.purge_traces().await.or_else(not_logged_before) {
            log::warn!("old counts could not be deleted, the next try is in a minute: {error}");
        }
        let purged = match retention {
            Some(retention) => purge(&service, retention).await,
            None => 0,
        };
        if purged > 0 || tidied.elapsed() >= TIDY_EVERY {
            tidied = Instant::now();
            tidy(&service).await;
        }
    }
}

async fn purge(service: &Service, retention: Duration) -> usize {
    let purged = service.purge_expired(retention).await.or_else(not_logged_before).unwrap_or_else(|error| {
        log::warn!("expired codes could not be deleted, the next try is in a minute: {error}");
        0
    });
    if purged > 0 {
        log::info!("deleted {purged} codes that expired more than otp.retention ago");
    }
    purged
}

/// Passes on an error that has a cause to log; the cause of others was logged when the trouble began.
fn not_logged_before<T: Default>(error: Error) -> Result<T> {
    if error.cause().is_some() { Err(error) } else { Ok(T::default()) }
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
