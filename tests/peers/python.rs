//! Python with a package, in an environment in target/.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns a Python interpreter that has a module of a package. Creates its environment if it is missing.
pub fn with_package(module: &str, package: &str) -> PathBuf {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{module}-venv"));
    let python = environment.join("bin/python");
    let run = |command: &mut Command| assert!(command.status().unwrap().success(), "{command:?}");
    let import = format!("import {module}");
    if !Command::new(&python).args(["-c", &import]).status().is_ok_and(|status| status.success()) {
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment));
        run(Command::new(environment.join("bin/pip")).args(["install", "-q", package]));
    }
    python
}
