//! Signals that stop the process. The first one requests a graceful stop. Another one a second or more later ends the
//! process at once.

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

use crate::cli::output::print_message;

/// Signals within this time of the first one are ignored: `timeout` and terminals send two within milliseconds.
const SAME_WITHIN: Duration = Duration::from_secs(1);
/// Rare signals that end a process by default: those of timers, and the stop signal of some containers.
const OTHERS: [rustix::process::Signal; 3] =
    [rustix::process::Signal::ALARM, rustix::process::Signal::VTALARM, rustix::process::Signal::POWER];
/// How long the final message may take if stderr is blocked.
const PRINT_TIMEOUT: Duration = Duration::from_secs(1);

/// The signals, which are caught from the creation of this value until the process ends.
pub(super) struct Signals(watch::Receiver<bool>);

impl Signals {
    /// Catches SIGTERM, SIGINT and the other signals that end a process by default and that users or supervisors send.
    /// Signals that were ignored at the start of the process stay ignored (`nohup` ignores SIGHUP).
    ///
    /// A dedicated thread waits for the signals, so that the second signal works even while other threads are blocked.
    ///
    /// # Errors
    /// A handler or the thread could not be set up.
    pub(super) fn catch() -> io::Result<Self> {
        let (first, came) = watch::channel(false);
        let (ready, until_ready) = mpsc::channel();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let runtime = Builder::new_current_thread().enable_io().build();
            if let Err(cause) = runtime.and_then(|runtime| runtime.block_on(listen(&first, &ready))) {
                // The receiver below waits for this message.
                let _ = ready.send(Err(cause));
            }
        })?;
        until_ready.recv().map_err(io::Error::other)??;
        Ok(Self(came))
    }

    /// Whether a signal has arrived.
    pub(super) fn came(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for the first signal.
    pub(super) async fn first(&self) {
        if self.0.clone().wait_for(|came| *came).await.is_err() {
            // The signal thread has ended, so no signal will be reported.
            pending::<()>().await;
        }
    }
}

/// Installs the handlers, reports that on `ready`, and waits for signals forever.
async fn listen(first: &watch::Sender<bool>, ready: &mpsc::Sender<io::Result<()>>) -> io::Result<()> {
    let mut caught = kinds().into_iter().map(signal).collect::<io::Result<Vec<Signal>>>()?;
    // `Signals::catch` waits for this message.
    let _ = ready.send(Ok(()));
    next(&mut caught).await;
    let begun = Instant::now();
    first.send_replace(true);
    loop {
        next(&mut caught).await;
        if begun.elapsed() >= SAME_WITHIN {
            end("stopped immediately by a second signal");
        }
    }
}

/// SIGTERM, SIGINT, and those of the other signals that are not ignored.
fn kinds() -> Vec<SignalKind> {
    let ignored = ignored();
    let named = [SignalKind::hangup(), SignalKind::quit(), SignalKind::user_defined1(), SignalKind::user_defined2()];
    let others = named.into_iter().chain(OTHERS.map(|signal| SignalKind::from_raw(signal.as_raw())));
    let is_caught = |kind: &SignalKind| ignored >> (kind.as_raw_value() - 1) & 1 == 0;
    [SignalKind::terminate(), SignalKind::interrupt()].into_iter().chain(others.filter(is_caught)).collect()
}

async fn next(caught: &mut [Signal]) {
    poll_fn(|context| match caught.iter_mut().any(|signal| signal.poll_recv(context).is_ready()) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

/// Prints one line and ends the process at once with exit status 1.
pub(super) fn end(why: &str) -> ! {
    let (printed, until_printed) = mpsc::channel();
    let line = format!("otpd: {why}");
    thread::spawn(move || {
        print_message(&line);
        // After the timeout below there is no receiver.
        let _ = printed.send(());
    });
    let _ = until_printed.recv_timeout(PRINT_TIMEOUT);
    std::process::exit(1)
}

/// The signals that the process ignores, one bit per signal (bit 0 is signal 1). Only Linux provides them; on other
/// systems the result is 0.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
