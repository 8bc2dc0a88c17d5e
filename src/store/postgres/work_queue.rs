//! A queue of blocking work on PostgreSQL. A thread that has done some work takes the next from the queue, so that busy
//! threads are not woken for each piece of work.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use prometheus::{Histogram, IntCounter};
use tokio::sync::oneshot;

use crate::error::{Error, Result};

/// How long a read may wait and run.
pub(super) const READ: Duration = Duration::from_secs(4);
/// How long a change may wait and run, including repetitions.
pub(super) const WRITE: Duration = Duration::from_secs(6);
/// The most reads, and the most changes, that may wait. Further ones fail as unavailable.
const MOST_WAITING: usize = 1024;
/// Work that has less time left does not begin. It would probably fail in the middle, and its connection with it.
const LEAST_LEFT: Duration = Duration::from_millis(300);

/// Receives its deadline, or an error if it waited too long. It is boxed and stores its own result, so that the functions
/// here are compiled once and not for each type of result.
pub(super) type Work = Box<dyn FnOnce(Result<Instant>) + Send>;

/// A queue and its threads. Clones share them.
#[derive(Clone)]
pub(super) struct WorkQueue {
    state: Arc<Mutex<State>>,
    /// The most threads that work at the same time.
    threads: u32,
    /// How long work may wait and run.
    limit: Duration,
    /// Counts the work that was refused.
    refusals: Option<IntCounter>,
    wait_seconds: Histogram,
}

#[derive(Default)]
struct State {
    /// The work that waits, and since when.
    waiting: VecDeque<(Instant, Work)>,
    /// The threads that work.
    threads: u32,
}

impl WorkQueue {
    pub(super) fn new(threads: u32, limit: Duration, wait_seconds: &Histogram) -> Self {
        Self { state: Arc::default(), threads, limit, refusals: None, wait_seconds: wait_seconds.clone() }
    }

    /// The same with a counter of refused work.
    pub(super) fn counting(self, refusals: &IntCounter) -> Self {
        Self { refusals: Some(refusals.clone()), ..self }
    }

    /// Runs `work` on a thread of the queue, and waits for its result. If the caller stops to wait, work that has not
    /// begun is left out.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(Instant) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, outcome) = oneshot::channel();
        self.push(Box::new(move |deadline| {
            if !answer.is_closed() {
                drop(answer.send(deadline.and_then(work)));
            }
        }))?;
        let outcome = tokio::time::timeout(self.limit, outcome).await.map_err(|_| late())?;
        outcome.map_err(|_| Error::internal("a transaction panicked; the log contains the location"))?
    }

    /// Adds work to the queue. Must be called in a tokio runtime, or on a thread of a queue.
    ///
    /// # Errors
    /// Unavailable, if too much work waits.
    pub(super) fn push(&self, work: Work) -> Result<()> {
        let is_new_thread = {
            let mut state = self.state.lock();
            if state.waiting.len() >= MOST_WAITING {
                self.refusals.iter().for_each(IntCounter::inc);
                return Err(Error::unavailable("too many requests wait for the database"));
            }
            state.waiting.push_back((Instant::now(), work));
            let is_new_thread = state.threads < self.threads;
            state.threads += u32::from(is_new_thread);
            is_new_thread
        };
        if is_new_thread {
            let queue = self.clone();
            tokio::task::spawn_blocking(move || queue.work());
        }
        Ok(())
    }

    /// Works until nothing waits.
    fn work(&self) {
        while let Some((since, work)) = self.next() {
            let waited = since.elapsed();
            let deadline = if waited + LEAST_LEFT > self.limit { Err(late()) } else { Ok(since + self.limit) };
            self.wait_seconds.observe(waited.as_secs_f64());
            // The panic was logged, and its caller gets no result. The thread goes on.
            drop(catch_unwind(AssertUnwindSafe(|| work(deadline))));
        }
    }

    fn next(&self) -> Option<(Instant, Work)> {
        let mut state = self.state.lock();
        let next = state.waiting.pop_front();
        if next.is_none() {
            state.threads -= 1;
        }
        next
    }
}

fn late() -> Error {
    Error::unavailable("the database did not answer in time")
}

#[cfg(test)]
mod tests;
