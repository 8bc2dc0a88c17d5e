use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A chosen token, for tests that need to know it.
pub const TOKEN: &str = "a-token-of-32-characters-or-more-0123456789";

/// `otpd` with no settings but those of the test.
pub fn otpd(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otpd"));
    command.current_dir(folder).env_remove("RUST_LOG").env("OTPD_SERVER__PORT", "0").stdin(Stdio::null());
    command
}

/// Runs `otpd` to its end.
pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    otpd(folder).args(arguments).output().unwrap()
}

/// What a successful run wrote to stdout.
#[track_caller]
pub fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    text(output.stdout)
}

/// The one line in which a run failed.
#[track_caller]
pub fn fail(output: Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(text(output.stdout), "");
    let stderr = text(output.stderr);
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr.trim_end().to_owned()
}

pub fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

pub fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A running `otpd serve` on a free port; ended when it goes out of scope.
pub struct Server {
    child: Child,
    stderr: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
    pub address: String,
}

impl Server {
    /// Starts `otpd` in `folder` and waits until it listens.
    pub fn start(folder: &Path) -> Self {
        Self::spawn(&mut otpd(folder))
    }

    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let (mut stderr, mut address) = (String::new(), None);
        while address.is_none() {
            let before = stderr.len();
            assert_ne!(lines.read_line(&mut stderr).unwrap(), 0, "otpd ended before it listened: {stderr}");
            address =
                stderr[before..].split("listens on ").nth(1).map(|rest| rest.split(',').next().unwrap().to_owned());
        }
        let stderr = Arc::new(Mutex::new(stderr));
        let more = Arc::clone(&stderr);
        let reader = thread::spawn(move || {
            let mut line = String::new();
            while lines.read_line(&mut line).unwrap_or(0) > 0 {
                more.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        Self { child, stderr, reader: Some(reader), address: address.unwrap() }
    }

    pub fn socket(&self) -> &str {
        self.address.strip_prefix("http://").unwrap()
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    /// Waits for the end, at most 15 seconds; the exit status and all that stderr said.
    pub fn wait(&mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + Duration::from_secs(15);
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "otpd did not end: {}", self.stderr());
            thread::sleep(Duration::from_millis(5));
        };
        self.reader.take().unwrap().join().unwrap();
        (status, self.stderr())
    }

    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Sends a request; status and body.
    pub fn send(&self, verb: &str, path: &str, token: &str, body: &str) -> (u16, String) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let response = client
                .request(verb.parse().unwrap(), format!("{}{path}", self.address))
                .header("Authorization", format!("Token {token}"))
                .header("Content-Type", "application/json")
                .body(body.to_owned())
                .send()
                .await
                .unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads until the other side has said `end` or nothing more.
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
