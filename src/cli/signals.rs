//! Signals that ask the process to end. The first one asks; one that comes a second or more later ends the process at once.

use std::fs;
use std::future::{pending, poll_fn};
use std::io;
use std::sync::mpsc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::cli::tell;

/// A signal sooner after the first is the same request: `timeout` and terminals send two within milliseconds.
const SAME_WITHIN: Duration = Duration::from_secs(1);
/// Signals that end a process by default and that few programs send: timers, and the stop of some containers.
const OTHERS: [rustix::process::Signal; 3] =
    [rustix::process::Signal::ALARM, rustix::process::Signal::VTALARM, rustix::process::Signal::POWER];
/// How long the last words may take where stderr is blocked.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// The signals, caught from the moment when this value is made until the process ends.
pub(super) struct Signals(watch::Receiver<bool>);

impl Signals {
    /// Catches SIGTERM and SIGINT, and every other signal that people and supervisors send and that would end the process
    /// without a graceful stop. Those that the process was started with ignoring stay ignored, as `nohup` does with SIGHUP.
    ///
    /// A thread of its own waits for them: the second signal counts also while the others are busy or blocked.
    ///
    /// # Errors
    /// No handler or thread could be set up.
    pub(super) fn catch() -> io::Result<Self> {
        let (first, came) = watch::channel(false);
        let (ready, until_ready) = mpsc::channel();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let runtime = Builder::new_current_thread().enable_io().build();
            if let Err(cause) = runtime.and_then(|runtime| runtime.block_on(listen(&first, &ready))) {
                // Its receiver waits below.
                let _ = ready.send(Err(cause));
            }
        })?;
        until_ready.recv().map_err(io::Error::other)??;
        Ok(Self(came))
    }

    /// Whether a signal has come.
    pub(super) fn came(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for the first signal.
    pub(super) async fn first(&self) {
        if self.0.clone().wait_for(|came| *came).await.is_err() {
            // The thread has ended: no signal will be told any more.
            pending::<()>().await;
        }
    }
}

/// Catches the signals, says so, and listens for ever.
async fn listen(first: &watch::Sender<bool>, ready: &mpsc::Sender<io::Result<()>>) -> io::Result<()> {
    let mut caught = kinds().into_iter().map(signal).collect::<io::Result<Vec<Signal>>>()?;
    // The other thread waits for this.
    let _ = ready.send(Ok(()));
    next(&mut caught).await;
    let begun = Instant::now();
    first.send_replace(true);
    loop {
        next(&mut caught).await;
        if begun.elapsed() >= SAME_WITHIN {
            end("stopped at once by a second signal");
        }
    }
}

/// SIGTERM and SIGINT; of the others those that are not ignored.
fn kinds() -> Vec<SignalKind> {
    let ignored = ignored();
    let named = [SignalKind::hangup(), SignalKind::quit(), SignalKind::user_defined1(), SignalKind::user_defined2()];
    let others = named.into_iter().chain(OTHERS.map(|signal| SignalKind::from_raw(signal.as_raw())));
    let is_heard = |kind: &SignalKind| ignored >> (kind.as_raw_value() - 1) & 1 == 0;
    [SignalKind::terminate(), SignalKind::interrupt()].into_iter().chain(others.filter(is_heard)).collect()
}

async fn next(caught: &mut [Signal]) {
    poll_fn(|context| match caught.iter_mut().any(|signal| signal.poll_recv(context).is_ready()) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

/// Ends the process at once, with 1 and one line, whatever its other threads do.
pub(super) fn end(why: &str) -> ! {
    let (told, until_told) = mpsc::channel();
    let line = format!("otpd: {why}");
    thread::spawn(move || {
        tell(&line);
        // Nobody waits any more where it took too long.
        let _ = told.send(());
    });
    let _ = until_told.recv_timeout(LAST_WORDS);
    std::process::exit(1)
}

/// The signals that the process ignores, a bit each from 1 on. Only Linux tells; elsewhere none are taken to be ignored.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
