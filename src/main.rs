//! The binary. Runs the command line and reports an error as one line on stderr and an exit code.

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match otpd::cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed stderr is ignored: there is no other place to report the error.
            let _ = writeln!(std::io::stderr(), "otpd: {error}");
            ExitCode::FAILURE
        }
    }
}
