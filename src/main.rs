//! The binary: runs the command line, turns an error into one line and an exit code.

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match otpd::cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where stderr is closed nobody is left to read it.
            let _ = writeln!(std::io::stderr(), "otpd: {error}");
            ExitCode::FAILURE
        }
    }
}
