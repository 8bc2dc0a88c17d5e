//! `otpd` in a terminal.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command};

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::helpers::{Server, otpd, read_until, succeed, with_database};

/// Starts a server on a new pseudo-terminal (stdin, stdout and stderr), and waits until it listens. `stderr()`
/// returns everything that the terminal shows.
pub fn start_in_terminal(command: &mut Command) -> Server {
    let (child, shown) = spawn_in_terminal(command);
    Server::watch(child, shown).unwrap_or_else(|said| panic!("otpd ended before it listened: {said}"))
}

/// Runs a command that must succeed in a new pseudo-terminal and returns everything that the terminal shows.
pub fn show_in_terminal(command: &mut Command) -> String {
    let (mut child, mut shown) = spawn_in_terminal(command);
    // NUL never occurs, so this reads to the end.
    let text = read_until(&mut shown, "\0");
    assert!(child.wait().unwrap().success(), "{text}");
    text.replace("\r\n", "\n")
}

/// Starts a command on a new pseudo-terminal (stdin, stdout and stderr). The file returns the output.
fn spawn_in_terminal(command: &mut Command) -> (Child, File) {
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
    (child, File::from(shown))
}

#[test]
fn lists_have_a_line_of_column_names_only_on_a_terminal() {
    let folder = with_database();
    for (arguments, header) in [
        (["user", "list"], "NAME\tROLE\tSTATE\tCODES\tPERMISSIONS\n"),
        (["token", "list"], "PREFIX\tOWNER\tCREATED\tLAST USED\tNAME\tEXPIRES\n"),
    ] {
        let rows = succeed(folder.path(), &arguments);
        assert_eq!(rows.lines().count(), 1);
        // A terminal may show tabs as spaces.
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let shown = show_in_terminal(otpd(folder.path()).args(arguments));
        assert_eq!(shown.lines().count(), 2, "{shown}");
        assert_eq!(words(&shown), words(&format!("{header}{rows}")));
    }
}
