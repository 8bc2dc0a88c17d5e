//! The documentation matches the program: generated pages are current, links resolve, and settings, commands, requests and
//! examples are accepted. The blocks of the README are executed by `tests/docs/run`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod commands;
mod configuration;
mod examples;
mod links;
mod markdown;
mod requests;
mod settings;
mod shell;

use std::path::{Path, PathBuf};

use crate::markdown::Document;

/// The directory of the repository.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All documents of the repository.
fn documents() -> Vec<Document> {
    let root = root();
    let read = |folder: &Path| {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect::<Vec<_>>()
    };
    let mut paths = [read(&root), read(&root.join("docs"))].concat();
    paths.sort();
    assert!(paths.len() >= 10, "documents are missing: {paths:?}");
    paths.into_iter().map(|path| Document::read(&root, &path)).collect()
}

/// The documents about the present version. The changelog may name what no longer exists.
fn current_documents() -> Vec<Document> {
    documents().into_iter().filter(|document| document.path != Path::new("CHANGELOG.md")).collect()
}

#[test]
fn the_readme_is_short_and_starts_with_the_two_commands() {
    let readme = Document::read(&root(), &root().join("README.md"));
    assert!(readme.text.lines().count() <= 150);
    let blocks: Vec<String> = readme.blocks().into_iter().map(|block| block.text).collect();
    assert_eq!(blocks[..2], ["cargo run --release\n", "cargo test\n"]);
}
