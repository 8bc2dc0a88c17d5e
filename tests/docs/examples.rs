//! The TOML and JSON blocks in the documents.

use std::fs;
use std::path::Path;

use serde_json::{Deserializer, Value};

use crate::commands::otpd;
use crate::documents;

/// The configuration with every `KEY_file = "/path"` replaced by a file in `folder`, which is created.
fn with_files_in(folder: &Path, toml: &str) -> String {
    let line = |(number, line): (usize, &str)| match line.split_once("_file = \"") {
        None => format!("{line}\n"),
        Some((key, _)) => {
            let path = folder.join(format!("secret-{number}"));
            fs::write(&path, "a-secret-of-32-characters-or-more-0123456789\n").unwrap();
            format!("{key}_file = \"{}\"\n", path.display())
        }
    };
    toml.lines().enumerate().map(line).collect()
}

#[test]
fn every_toml_block_is_a_valid_configuration() {
    let mut refused = Vec::new();
    for block in documents().iter().flat_map(|document| document.blocks_in("toml")) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("otp.toml"), with_files_in(folder.path(), &block.text)).unwrap();
        let output = otpd(&folder, &["config".to_owned(), "check".to_owned()]);
        if !output.status.success() {
            refused.push(format!("{}: {}", block.place, String::from_utf8_lossy(&output.stderr)));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn every_json_block_is_json() {
    for block in documents().iter().flat_map(|document| document.blocks_in("json")) {
        let values: Result<Vec<Value>, _> = Deserializer::from_str(&block.text).into_iter().collect();
        assert!(values.is_ok_and(|values| !values.is_empty()), "{}", block.place);
    }
}
