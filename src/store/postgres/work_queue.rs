//! A queue of blocking work on PostgreSQL, with its threads. A thread works until the queue is empty. Under load, no
//! thread has to be woken for each piece of work.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use prometheus::{Histogram, IntCounter};
use tokio::sync::oneshot;

use crate::error::{Error, Result};

/// How long a read may wait and run.
pub(super) const READ_LIMIT: Duration = Duration::from_secs(4);
/// How long a change may wait and run, including repetitions.
pub(super) const WRITE_LIMIT: Duration = Duration::from_secs(6);
/// The most reads, and the most changes, that may wait. Further ones fail as unavailable.
const MOST_WAITING: usize = 1024;
/// Work that has less time left does not begin. It would probably fail in the middle, and its connection with it.
const LEAST_LEFT: Duration = Duration::from_millis(300);
/// How much longer than its limit a caller waits for work that ends at its deadline. Only that work knows whether a change
/// may have taken effect.
const GRACE: Duration = Duration::from_millis(500);
/// How long a thread without work waits for some before it ends.
const IDLE: Duration = Duration::from_secs(10);

/// A piece of work.
pub(super) trait Job: Send {
    /// Whether a caller still waits for the result.
    fn is_wanted(&self) -> bool;
    /// Does the work, on a thread of the queue.
    fn run(self: Box<Self>, deadline: Instant);
    /// Answers the callers instead.
    fn refuse(self: Box<Self>, error: Error);
}

/// A queue and its threads. Clones share them.
#[derive(Clone)]
pub(super) struct WorkQueue {
    shared: Arc<Shared>,
    max_threads: usize,
    /// How long work may wait and run.
    limit: Duration,
    /// Counts the work that was refused because too much waits.
    refusals: Option<IntCounter>,
    wait_seconds: Histogram,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Wakes an idle thread.
    added: Condvar,
}

#[derive(Default)]
struct State {
    /// The work that waits, and since when.
    waiting: VecDeque<(Instant, Box<dyn Job>)>,
    threads: usize,
    /// How many of these threads are idle.
    idle: usize,
}

impl WorkQueue {
    pub(super) fn new(max_threads: u32, limit: Duration, wait_seconds: &Histogram) -> Self {
        let (max_threads, wait_seconds) = (max_threads as usize, wait_seconds.clone());
        Self { shared: Arc::default(), max_threads, limit, refusals: None, wait_seconds }
    }

    /// The same with a counter of refused work.
    pub(super) fn counting(self, refusals: &IntCounter) -> Self {
        Self { refusals: Some(refusals.clone()), ..self }
    }

    /// Runs `work` on a thread of the queue, and waits for its result. If the caller is dropped before the work begins,
    /// the work does not run.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(Instant) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, outcome) = oneshot::channel();
        self.push(Box::new(Request { work, answer }));
        let outcome = tokio::time::timeout(self.limit + GRACE, outcome).await.map_err(|_| late())?;
        outcome.map_err(|_| Error::internal("a transaction panicked; the log contains the location"))?
    }

    /// Adds work. If too much work waits, or if no thread can be started, the work is refused.
    pub(super) fn push(&self, work: Box<dyn Job>) {
        let mut state = self.shared.state.lock();
        if state.waiting.len() >= MOST_WAITING {
            state.waiting.retain(|(_, work)| work.is_wanted());
        }
        if state.waiting.len() >= MOST_WAITING {
            drop(state);
            self.refusals.iter().for_each(IntCounter::inc);
            return work.refuse(Error::unavailable("too many requests wait for the database"));
        }
        state.waiting.push_back((Instant::now(), work));
        if state.waiting.len() > state.idle && state.threads < self.max_threads {
            state.threads += 1;
            drop(state);
            self.start_thread();
        } else {
            drop(state);
            self.shared.added.notify_one();
        }
    }

    /// Starts a thread that was counted before. If that fails, the other threads do the work. Without any, all work is
    /// refused.
    fn start_thread(&self) {
        let queue = self.clone();
        let thread = thread::Builder::new().name("postgres".to_owned());
        let Err(cause) = thread.spawn(move || queue.work()) else { return };
        let mut state = self.shared.state.lock();
        state.threads -= 1;
        let refused = if state.threads == 0 { std::mem::take(&mut state.waiting) } else { VecDeque::new() };
        drop(state);
        for (_, work) in refused {
            work.refuse(Error::unavailable(format!("no thread could be started: {cause}")));
        }
    }

    /// Works until nothing was added for a while.
    fn work(&self) {
        while let Some((since, work)) = self.next() {
            let waited = since.elapsed();
            self.wait_seconds.observe(waited.as_secs_f64());
            // A panic was logged, and its caller gets no result. The thread goes on.
            drop(catch_unwind(AssertUnwindSafe(|| {
                if waited + LEAST_LEFT > self.limit {
                    work.refuse(late());
                } else if work.is_wanted() {
                    work.run(since + self.limit);
                }
            })));
        }
    }

    /// Waits for work. `None`: the thread is no longer counted and ends.
    fn next(&self) -> Option<(Instant, Box<dyn Job>)> {
        let mut state = self.shared.state.lock();
        if state.waiting.is_empty() {
            self.wait(&mut state);
        }
        let next = state.waiting.pop_front();
        if next.is_none() {
            state.threads -= 1;
        }
        next
    }

    fn wait(&self, state: &mut MutexGuard<'_, State>) {
        state.idle += 1;
        self.shared.added.wait_while_for(state, |state| state.waiting.is_empty(), IDLE);
        state.idle -= 1;
    }
}

/// The work of one caller.
struct Request<T, F> {
    work: F,
    answer: oneshot::Sender<Result<T>>,
}

impl<T: Send, F: FnOnce(Instant) -> Result<T> + Send> Job for Request<T, F> {
    fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    fn run(self: Box<Self>, deadline: Instant) {
        let Self { work, answer } = *self;
        // A caller that no longer waits needs no answer.
        drop(answer.send(work(deadline)));
    }

    fn refuse(self: Box<Self>, error: Error) {
        drop(self.answer.send(Err(error)));
    }
}

fn late() -> Error {
    Error::unavailable("the database did not answer in time")
}

#[cfg(test)]
mod tests;
