//! Controls the preloaded library `recorder.c`.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::program::{TOKEN, otpd};

/// A field of `struct control` of the recorder, in the same order.
#[derive(Clone, Copy)]
pub enum Number {
    FailingSync,
    FailingWrite,
    Full,
    LockDelayMs,
    ClockOffsetMs,
    Syncs,
    Writes,
}

/// The faults of one server, and the record of its writes.
pub struct Faults {
    folder: TempDir,
    control: File,
}

impl Faults {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        fs::write(&path, [0; 7 * 8]).unwrap();
        let control = File::options().read(true).write(true).open(path).unwrap();
        Self { folder, control }
    }

    pub fn set(&self, number: Number, value: i64) {
        self.control.write_all_at(&value.to_ne_bytes(), number as u64 * 8).unwrap();
    }

    pub fn get(&self, number: Number) -> i64 {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, number as u64 * 8).unwrap();
        i64::from_ne_bytes(bytes)
    }

    /// Returns the command for `otpd` in `folder` with these faults. Its writes are recorded if `records` is true.
    pub fn otpd(&self, folder: &Path, records: bool) -> Command {
        let mut command = otpd(folder);
        command
            .env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN)
            // Frequent checkpoints, so that the faults affect some of them.
            .env("OTPD_DATABASE__CHECKPOINT_KIB", "128")
            .env("LD_PRELOAD", library())
            .env("FAULTS_FOLDER", folder)
            .env("FAULTS_CONTROL", self.folder.path().join("control"));
        if records {
            command.env("FAULTS_LOG", self.log());
        }
        command
    }

    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

/// Returns the path of the recorder, which is compiled once.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("recorder-{}.so", std::process::id()));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fault_injection/recorder.c");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o"])
            .arg(&library)
            .args([source, "-ldl"])
            .status();
        assert!(compiled.unwrap().success());
        library
    })
}
