//! The `curl` requests in the documents.

use std::fs;

use serde_json::{Map, Value};

use crate::shell::commands;
use crate::{documents, root};

fn paths() -> Map<String, Value> {
    let description: Value = serde_json::from_slice(&fs::read(root().join("tests/openapi.json")).unwrap()).unwrap();
    description["paths"].as_object().unwrap().clone()
}

/// Method and path of a `curl` command.
fn request(words: &[String]) -> (String, String) {
    let after = |option: &str| words.iter().skip_while(|word| *word != option).nth(1);
    let has_body = words.iter().any(|word| word.starts_with("-d") || word.starts_with("--data"));
    let method = after("-X").map_or(if has_body { "post" } else { "get" }.to_owned(), |verb| verb.to_lowercase());
    let url = words.iter().find_map(|word| word.split_once("://")).unwrap_or_else(|| panic!("no URL in {words:?}"));
    let path = url.1.split_once('/').map_or("", |(_, path)| path);
    (method, format!("/{}", path.split('?').next().unwrap_or_default()))
}

/// Whether a path of the description, such as `/api/notifications/otp/{id}`, matches; trailing slashes do not count.
fn matches(pattern: &str, path: &str) -> bool {
    let segments = |path: &str| path.trim_matches('/').split('/').map(str::to_owned).collect::<Vec<_>>();
    let (pattern, path) = (segments(pattern), segments(path));
    let is_id = |segment: &str| !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_digit());
    pattern.len() == path.len()
        && pattern.iter().zip(&path).all(|(one, other)| one == other || (one == "{id}" && is_id(other)))
}

#[test]
fn the_requests_go_to_routes_that_exist() {
    let paths = paths();
    let mut count = 0;
    for block in documents().iter().flat_map(|document| document.blocks_in("sh")) {
        for command in commands(&block.text).iter().filter(|command| command[0] == "curl") {
            let (method, path) = request(command);
            let exists =
                paths.iter().any(|(pattern, methods)| matches(pattern, &path) && methods.get(&method).is_some());
            assert!(exists, "{}: there is no route {method} {path}", block.place);
            count += 1;
        }
    }
    assert!(count > 15, "only {count} requests were found");
}

#[test]
fn a_request_is_read_from_its_command() {
    let read = |line: &str| request(&commands(line)[0]);
    let expected = |method: &str, path: &str| (method.to_owned(), path.to_owned());
    assert_eq!(read("curl -X PATCH http://h:1/a/1 -H 'B: c' -d '{}'"), expected("patch", "/a/1"));
    assert_eq!(read("curl http://h/send -d a=b"), expected("post", "/send"));
    assert_eq!(read("curl 'http://h/a/?b=c'"), expected("get", "/a/"));
    assert!(matches("/a/{id}", "/a/57/"));
    assert!(!matches("/a/{id}", "/a/send"));
    assert!(!matches("/a", "/a/57"));
}
