use std::collections::BTreeSet;

use super::*;
use crate::http::ENDPOINTS;

fn described() -> serde_json::Value {
    serde_json::to_value(Description::openapi()).unwrap()
}

/// A path without a trailing slash and without parameter patterns, for comparison.
fn plain(path: &str) -> String {
    path.trim_end_matches('/').replace(":.*", "")
}

#[test]
fn the_description_covers_exactly_the_routes() {
    let described = described();
    let operations: BTreeSet<(String, String)> = described["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| item.as_object().unwrap().keys().map(|verb| (plain(path), verb.to_uppercase())))
        .collect();
    let routes: BTreeSet<(String, String)> = ENDPOINTS
        .iter()
        .flat_map(|endpoint| endpoint.allow.split(", ").map(|verb| (plain(endpoint.path), verb.to_owned())))
        .filter(|(_, verb)| verb != "HEAD")
        .collect();
    assert_eq!(operations, routes);
}

#[test]
fn every_operation_under_api_documents_its_token_and_error_responses() {
    for (path, item) in described()["paths"].as_object().unwrap() {
        for (verb, operation) in item.as_object().unwrap() {
            let endpoint = ENDPOINTS.iter().find(|endpoint| plain(endpoint.path) == plain(path)).unwrap();
            let needs_token = endpoint.needs_token;
            assert_eq!(operation["security"].is_array(), needs_token, "{verb} {path}");
            let statuses: Vec<&str> = operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
            for status in if needs_token { &["401", "403", "500", "503"][..] } else { &[] } {
                assert!(statuses.contains(status), "{verb} {path}: {statuses:?}");
            }
        }
    }
}

#[test]
fn operation_ids_are_unique() {
    let described = described();
    let operations =
        described["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    let mut ids: Vec<&str> = operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    ids.sort_unstable();
    let all = ids.len();
    ids.dedup();
    assert_eq!((ids.len(), all), (19, 19), "{ids:?}");
}

/// `tests/openapi.json` shows changes of the API in reviews. `UPDATE_SNAPSHOT=1 cargo test` updates it.
#[test]
fn the_description_matches_the_snapshot() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openapi.json");
    let now = json().unwrap() + "\n";
    if std::env::var_os("UPDATE_SNAPSHOT").is_some() {
        std::fs::write(path, &now).unwrap();
    }
    let reviewed = std::fs::read_to_string(path).unwrap();
    assert!(now == reviewed, "the description differs from tests/openapi.json; UPDATE_SNAPSHOT=1 cargo test shows how");
}
