//! The `otpd` command lines in the documents.

use std::process::{Command, Output};

use tempfile::TempDir;

use crate::current_documents;
use crate::shell::{commands, otpd_arguments};

/// `otpd` in an empty directory, without settings from the environment.
pub fn otpd(folder: &TempDir, arguments: &[String]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otpd"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OTPD_")) {
        command.env_remove(name);
    }
    command.current_dir(folder.path()).args(arguments).output().unwrap()
}

/// Returns the arguments with a missing configuration file, so that otpd parses the command line and then stops.
fn harmless(arguments: &[String]) -> Vec<String> {
    let mut arguments = arguments.to_vec();
    match arguments.iter().position(|word| word == "--config") {
        Some(at) => arguments[at + 1] = "missing.toml".to_owned(),
        None => arguments.extend(["--config".to_owned(), "missing.toml".to_owned()]),
    }
    arguments
}

#[test]
fn otpd_accepts_the_command_lines_in_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let (mut count, mut refused) = (0, Vec::new());
    for block in current_documents().iter().flat_map(|document| document.blocks_in("sh")) {
        for command in commands(&block.text) {
            let Some(arguments) = otpd_arguments(&command) else { continue };
            count += 1;
            let output = otpd(&folder, &harmless(arguments));
            if output.status.code() == Some(2) {
                refused.push(format!("{}: otpd {}", block.place, arguments.join(" ")));
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(count > 20, "only {count} commands were found");
}

/// A code span may leave out arguments (`otpd user add`) or name them (`otpd backup FILE`).
#[test]
fn otpd_has_the_commands_and_options_in_code_spans() {
    let folder = tempfile::tempdir().unwrap();
    let (mut count, mut refused) = (0, Vec::new());
    for (place, span) in current_documents().iter().flat_map(|document| document.spans()) {
        let Some(rest) = span.strip_prefix("otpd ") else { continue };
        let is_name = |word: &&str| word.bytes().all(|b| b.is_ascii_uppercase());
        let words = rest.split_whitespace().filter(|word| !is_name(word));
        let mut arguments: Vec<String> = words.map(str::to_owned).collect();
        arguments.push("--help".to_owned());
        count += 1;
        if !otpd(&folder, &arguments).status.success() {
            refused.push(format!("{place}: {span}"));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(count > 10, "only {count} commands were found");
}
