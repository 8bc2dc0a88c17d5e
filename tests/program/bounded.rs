//! Timeouts for commands and threads, so that a failing test ends.

use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::program::LIMIT;

/// Runs a command and returns its output. Kills it if it does not end in time.
pub fn complete(command: &mut Command) -> Output {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = Pid::from_child(&child);
    let (done, until_done) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        if until_done.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
            // The process may already have ended.
            let _ = kill_process(id, Signal::KILL);
        }
    });
    let output = child.wait_with_output().unwrap();
    drop(done);
    watchdog.join().unwrap();
    output
}

/// Sets a flag on drop, which tells threads to end. This also happens if the test panics, because a scope waits for its
/// threads.
pub struct SetAtEnd<'a>(pub &'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
