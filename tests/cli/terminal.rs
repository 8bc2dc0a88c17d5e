//! `otpd` in a terminal.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::helpers::Server;

/// Starts a server whose stdin, stdout and stderr are a new pseudo-terminal, and waits until it listens. `stderr()`
/// returns everything that the terminal shows.
pub fn start_in_terminal(command: &mut Command) -> Server {
    let shown = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&shown).unwrap();
    unlockpt(&shown).unwrap();
    let path = ptsname(&shown, Vec::new()).unwrap();
    let no_controlling_terminal = i32::try_from(OFlags::NOCTTY.bits()).unwrap();
    let mut options = File::options();
    options.read(true).write(true).custom_flags(no_controlling_terminal);
    let terminal = options.open(OsStr::from_bytes(path.to_bytes())).unwrap();
    command.stdin(terminal.try_clone().unwrap()).stdout(terminal.try_clone().unwrap()).stderr(terminal);
    let child = command.spawn().unwrap();
    // The terminal closes with its last open descriptor, so this process must not keep one.
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    Server::watch(child, File::from(shown)).unwrap_or_else(|said| panic!("otpd ended before it listened: {said}"))
}
