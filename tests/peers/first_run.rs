use std::process::Command;

use crate::program::{Server, folder};

#[test]
fn the_printed_example_requests_work_in_a_shell() {
    let folder = folder();
    let server = Server::start(folder.path());
    let said = server.stderr();
    let lines: Vec<&str> = said.lines().filter(|line| line.trim().starts_with("curl ")).collect();
    assert_eq!(lines.len(), 2, "{said}");
    let answers = lines.iter().map(|line| {
        let output = Command::new("timeout").args(["60", "sh", "-c", line]).output().unwrap();
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    });
    let answers: Vec<_> = answers.collect();
    assert_eq!((&answers[0]["id"], &answers[0]["recipient"]), (&1.into(), &"09123456789".into()));
    assert_eq!((&answers[1]["id"], &answers[1]["recipient"]), (&1.into(), &"some@email.com".into()));
    assert_eq!(answers[1]["mobile_number"], serde_json::Value::Null);
}
