//! The permits of one kind of work on PostgreSQL, and how long it may take.

use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus::{Histogram, IntCounter};
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// How long a read may wait and run.
pub(super) const READ: Duration = Duration::from_secs(4);
/// How long a change may wait and run, including repetitions.
pub(super) const WRITE: Duration = Duration::from_secs(6);
/// The most reads, and the most changes, that may wait or run at once. Further ones fail as unavailable.
const QUEUE: usize = 1024;
/// Work that has less time left does not begin. It would probably fail in the middle, and its connection with it.
const LEAST_LEFT: Duration = Duration::from_millis(300);

/// The permits of one kind of work. Clones share them.
#[derive(Clone)]
pub(super) struct Permits {
    /// Work that waits or runs.
    places: Arc<Semaphore>,
    /// Work that runs.
    running: Arc<Semaphore>,
    /// How long work may wait and run.
    limit: Duration,
    /// Counts the work that was refused.
    refusals: Option<IntCounter>,
    wait_seconds: Histogram,
}

impl Permits {
    pub(super) fn new(running: u32, limit: Duration, wait_seconds: &Histogram) -> Self {
        let places = Arc::new(Semaphore::new(QUEUE));
        let running = Arc::new(Semaphore::new(running as usize));
        Self { places, running, limit, refusals: None, wait_seconds: wait_seconds.clone() }
    }

    /// The same with a counter of refused work.
    pub(super) fn counting(self, refusals: &IntCounter) -> Self {
        Self { refusals: Some(refusals.clone()), ..self }
    }

    /// Runs blocking `work` on another thread once it has a permit, and waits for its end. The work keeps the permit
    /// until it ends. It receives its deadline and stores its own result. It is boxed, so that this function is compiled
    /// once and not for each type of result.
    pub(super) async fn run(&self, work: Box<dyn FnOnce(Instant) + Send>) -> Result<()> {
        let Ok(_place) = self.places.try_acquire() else {
            self.refusals.iter().for_each(IntCounter::inc);
            return Err(Error::unavailable("too many requests wait for the database"));
        };
        let begun = Instant::now();
        let deadline = begun + self.limit;
        let late = || Error::unavailable("the database did not answer in time");
        let outcome = async {
            let permit = Arc::clone(&self.running).acquire_owned().await.map_err(Error::internal)?;
            if begun.elapsed() + LEAST_LEFT > self.limit {
                return Err(late());
            }
            self.wait_seconds.observe(begun.elapsed().as_secs_f64());
            let work = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                work(deadline);
            });
            work.await.map_err(|_| Error::internal("a transaction panicked; the log contains the location"))
        };
        tokio::time::timeout(self.limit, outcome).await.map_err(|_| late())?
    }
}
