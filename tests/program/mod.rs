//! Runs the real binary.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A chosen token, for tests that need to know it.
pub const TOKEN: &str = "a-token-of-32-characters-or-more-0123456789";

/// Timeout of a start, a response and a stop. It only ends a failing test; even a busy machine needs much less time.
pub const LIMIT: Duration = Duration::from_secs(120);

/// `otpd` with only the settings of the test.
pub fn otpd(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otpd"));
    command.current_dir(folder).env_remove("RUST_LOG").env("OTPD_SERVER__PORT", "0").stdin(Stdio::null());
    command
}

pub fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A shared client, because creating one reads all certificates of the system. It keeps no connections, because each
/// caller has its own runtime.
pub fn client() -> &'static reqwest::Client {
    static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
        // The library requires a TLS provider even if no TLS is used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(LIMIT).build().unwrap()
    });
    &CLIENT
}

/// A running `otpd serve` on a free port. It is killed on drop.
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
        Self::try_spawn(command).unwrap_or_else(|said| panic!("otpd ended before it listened: {said}"))
    }

    /// Starts a server and waits until it listens. If the process ends before that, returns its exit status and stderr.
    pub fn try_spawn(command: &mut Command) -> Result<Self, String> {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        Self::watch(child, stderr)
    }

    /// The same for a process that is already running. `stderr` is its output.
    pub fn watch(child: Child, stderr: impl Read + Send + 'static) -> Result<Self, String> {
        let mut lines = BufReader::new(stderr);
        let stderr = Arc::new(Mutex::new(String::new()));
        let (tell, told) = mpsc::channel();
        let said = Arc::clone(&stderr);
        let reader = thread::spawn(move || {
            let mut line = String::new();
            while lines.read_line(&mut line).unwrap_or(0) > 0 {
                said.lock().unwrap().push_str(&line);
                if let Some((_, address)) = line.split_once("listens on ") {
                    // The receiver takes only the first address.
                    let _ = tell.send(address.split(',').next().unwrap().to_owned());
                }
                line.clear();
            }
        });
        let address = told.recv_timeout(LIMIT);
        let mut server = Self { child, stderr, reader: Some(reader), address: String::new() };
        match address {
            Ok(address) => {
                server.address = address;
                Ok(server)
            }
            Err(RecvTimeoutError::Disconnected) => {
                let (status, said) = server.wait();
                Err(format!("{status}: {said}"))
            }
            Err(RecvTimeoutError::Timeout) => panic!("otpd neither listens nor ends: {}", server.stderr()),
        }
    }

    pub fn socket(&self) -> &str {
        self.address.strip_prefix("http://").unwrap()
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Waits until the process ends. Returns its exit status and all of stderr.
    pub fn wait(&mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + LIMIT;
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

    /// Sends a request. Returns status and body.
    pub fn send(&self, verb: &str, path: &str, token: &str, body: &str) -> (u16, String) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let response = client()
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

/// Sends a signal, such as `TERM`, to a process that has not been waited for.
pub fn signal(child: &Child, name: &str) {
    let signal = match name {
        "HUP" => Signal::HUP,
        "INT" => Signal::INT,
        "KILL" => Signal::KILL,
        "QUIT" => Signal::QUIT,
        "TERM" => Signal::TERM,
        "USR1" => Signal::USR1,
        "USR2" => Signal::USR2,
        other => panic!("unknown signal {other}"),
    };
    kill_process(Pid::from_child(child), signal).unwrap();
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
