//! What makes a failing test end.

use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::program::LIMIT;

/// Runs a command to its end. One that does not end in time is killed, and its status says so.
pub fn complete(command: &mut Command) -> Output {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = Pid::from_child(&child);
    let (done, until_done) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        if until_done.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
            // It may have ended at this moment.
            let _ = kill_process(id, Signal::KILL);
        }
    });
    let output = child.wait_with_output().unwrap();
    drop(done);
    watchdog.join().unwrap();
    output
}

/// Tells threads to end, also when the test fails while they run: a scope waits for them.
pub struct SetAtEnd<'a>(pub &'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
