use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::panic::resume_unwind;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use crate::bounded::complete;
pub use crate::program::{Server, TOKEN, folder, otpd};

/// Runs `otpd` until it exits.
pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    complete(otpd(folder).args(arguments))
}

/// Runs a script in which `$0` is `otpd` and `$@` are the arguments that are added to the command. It covers what the
/// standard library offers only with unsafe code: a umask, a limit, an ignored signal or a closed stdout of one
/// process.
pub fn shell(folder: &Path, script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_otpd")]).current_dir(folder).env_remove("RUST_LOG");
    command.env("OTPD_SERVER__PORT", "0");
    command
}

/// Runs all cases at the same time, because they mostly wait.
pub fn all_at_once<T: Send>(cases: impl IntoIterator<Item = T>, try_case: impl Fn(T) + Sync) {
    let try_case = &try_case;
    thread::scope(|scope| {
        let trials: Vec<_> = cases.into_iter().map(|case| scope.spawn(move || try_case(case))).collect();
        for trial in trials {
            trial.join().unwrap_or_else(|cause| resume_unwind(cause));
        }
    });
}

/// Returns a folder with a database. Its first start added the user `admin` with `TOKEN`.
pub fn with_database() -> TempDir {
    // Names and contents of the files after that start.
    static FILES: LazyLock<Vec<(OsString, Vec<u8>)>> = LazyLock::new(|| {
        let folder = folder();
        let mut server = Server::spawn(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN));
        server.signal("TERM");
        assert!(server.wait().0.success());
        let entries = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap());
        entries.map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap())).collect()
    });
    let folder = folder();
    for (name, content) in FILES.iter() {
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(folder.path().join(name)).unwrap();
        file.write_all(content).unwrap();
    }
    folder
}

/// Runs a command that must succeed and returns its stdout.
#[track_caller]
pub fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    text(output.stdout)
}

/// Runs a command that must succeed and returns its stderr.
#[track_caller]
pub fn stderr_of(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    text(output.stderr)
}

/// Returns the only line of stderr of a failed run that wrote nothing to stdout.
#[track_caller]
pub fn fail(output: Output) -> String {
    assert_eq!(text(output.stdout.clone()), "", "{output:?}");
    one_line(output)
}

/// Returns the only line of stderr of a failed run. Its stdout is ignored.
#[track_caller]
pub fn one_line(output: Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let stderr = text(output.stderr);
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr.trim_end().to_owned()
}

pub fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// Reads until `end` or the end of the stream.
pub fn read_until(stream: &mut impl Read, end: &str) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut chunk) {
        bytes.extend_from_slice(&chunk[..length]);
        if String::from_utf8_lossy(&bytes).contains(end) {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits until `is_so` returns true. The timeout only ends a failing test.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came that {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
