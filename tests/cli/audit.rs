//! `otpd audit`.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::helpers::{fail, otpd, run, succeed, with_database};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn changes_of_commands_are_json_lines_oldest_first() {
    let folder = with_database();
    let token = succeed(folder.path(), &["user", "add", "sara", "--role", "staff", "--permission", "view"]);
    succeed(folder.path(), &["user", "grant", "sara", "update"]);
    succeed(folder.path(), &["user", "grant", "sara", "update"]);
    succeed(folder.path(), &["token", "revoke", token.trim()]);
    fail(run(folder.path(), &["user", "disable", "nobody"]));
    let events = lines(&succeed(folder.path(), &["audit"]));
    let actions: Vec<_> = events.iter().map(|event| event["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["user.add", "user.add", "user.grant", "token.revoke"]);
    let keys: Vec<&String> = events[0].as_object().unwrap().keys().collect();
    let expected = ["id", "at", "actor", "action", "otp", "recipient", "changes", "request_id", "address"];
    assert_eq!(keys, expected);
    assert_eq!(
        events[2]["changes"],
        serde_json::json!({"user": ["sara", "sara"], "permissions": [[2852], [2852, 2853]]})
    );
    assert!(!succeed(folder.path(), &["audit"]).contains(token.trim()), "a token is in the audit trail");
    assert_eq!(lines(&succeed(folder.path(), &["audit", "--since", "1h"])).len(), 4);
    assert_eq!(lines(&succeed(folder.path(), &["audit", "--since", "2999-01-01"])).len(), 0);
}

#[test]
fn follow_shows_new_events() {
    let folder = with_database();
    let mut following = otpd(folder.path());
    let mut following =
        following.args(["audit", "--since", "2999-01-01", "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut all = otpd(folder.path());
    let mut all = all.args(["audit", "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut shown = BufReader::new(all.stdout.take().unwrap()).lines();
    assert!(shown.next().unwrap().unwrap().contains("\"user.add\""));
    succeed(folder.path(), &["user", "add", "sara", "--role", "staff"]);
    assert!(shown.next().unwrap().unwrap().contains("\"sara\""));
    for child in [&mut all, &mut following] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
