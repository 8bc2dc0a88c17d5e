use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::helpers::{Server, TOKEN, folder, otpd, shell};
use crate::program::client;
use crate::terminal::start_in_terminal;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A request that the first start printed for curl.
struct Printed {
    verb: String,
    url: String,
    headers: Vec<String>,
    body: String,
}

impl Printed {
    /// Returns all printed requests.
    fn all(output: &str) -> Vec<Self> {
        output.lines().filter_map(|line| line.trim().strip_prefix("curl ")).map(Self::parse).collect()
    }

    fn parse(arguments: &str) -> Self {
        let mut printed = Self { verb: String::new(), url: String::new(), headers: Vec::new(), body: String::new() };
        let mut words = words(arguments).into_iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "-X" => printed.verb = words.next().unwrap(),
                "-H" => printed.headers.push(words.next().unwrap()),
                "-d" => printed.body = words.next().unwrap(),
                url => printed.url = url.to_owned(),
            }
        }
        printed
    }

    /// Sends the request. Returns status and body of the response.
    fn send(&self) -> (u16, serde_json::Value) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut request = client().request(self.verb.parse().unwrap(), &self.url).body(self.body.clone());
            for header in &self.headers {
                let (name, value) = header.split_once(": ").unwrap();
                request = request.header(name, value);
            }
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            (status, serde_json::from_str(&response.text().await.unwrap()).unwrap())
        })
    }
}

/// Splits a command into words like a shell. Removes quotes, and replaces `$(cat 'FILE')` with the content of the file.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut rest) = (Vec::new(), command.trim_start());
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '\'' | '"' => rest[1..].split_once(first).unwrap(),
            _ => rest.split_once(' ').unwrap_or((rest, "")),
        };
        let word = match word.split_once("$(cat '").and_then(|(before, file)| Some((before, file.split_once("')")?))) {
            Some((before, (file, after))) => format!("{before}{}{after}", fs::read_to_string(file).unwrap().trim_end()),
            None => word.to_owned(),
        };
        words.push(word);
        rest = after.trim_start();
    }
    words
}

/// Sends the printed requests, which create the first code and change its recipient.
fn send_printed(output: &str) {
    let printed = Printed::all(output);
    assert_eq!(printed.len(), 2, "{output}");
    let (status, created) = printed[0].send();
    assert_eq!((status, &created["id"], &created["recipient"]), (201, &1.into(), &"09123456789".into()));
    let (status, moved) = printed[1].send();
    assert_eq!((status, &moved["id"], &moved["recipient"]), (200, &1.into(), &"some@email.com".into()));
    assert_eq!(moved["mobile_number"], serde_json::Value::Null);
}

#[test]
fn the_printed_requests_work_and_the_token_is_in_a_private_file_only() {
    let folder = folder();
    let server = Server::spawn(&mut shell(folder.path(), "umask 000; exec \"$0\""));
    let token = fs::read_to_string(folder.path().join("admin.token")).unwrap();
    let said = server.stderr();
    assert!(!said.contains(token.trim()), "{said}");
    for name in ["admin.token", "otp.db", "otp.db-wal", "otp.db-shm"] {
        assert_eq!(mode(&folder.path().join(name)), 0o600, "{name}");
    }
    send_printed(&said);
}

#[test]
fn the_second_start_adds_no_user() {
    let folder = folder();
    drop(Server::start(folder.path()));
    let token = fs::read_to_string(folder.path().join("admin.token")).unwrap();
    fs::remove_file(folder.path().join("admin.token")).unwrap();
    let server = Server::start(folder.path());
    assert!(!server.stderr().contains("There were no users"));
    assert!(!folder.path().join("admin.token").exists());
    assert_eq!(server.send("GET", "/api/notifications/otp/1", token.trim(), "").0, 404);
}

#[test]
fn a_terminal_shows_the_token_and_no_file_is_written() {
    let folder = folder();
    let mut server = start_in_terminal(&mut otpd(folder.path()));
    let said = server.stderr();
    let token = said.lines().map(str::trim).find(|line| line.starts_with("otpd_")).unwrap_or_else(|| panic!("{said}"));
    assert_eq!(token.len(), 54);
    assert!(!folder.path().join("admin.token").exists());
    send_printed(&said);
    server.signal("TERM");
    let (status, said) = server.wait();
    assert!(status.success(), "{said}");
    assert_eq!(said.matches(token).count(), 3, "once by itself and once in each request");
}

#[test]
fn a_bootstrap_token_is_used_and_nothing_secret_is_printed() {
    let folder = folder();
    let mut server = Server::spawn(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN));
    assert_eq!(server.send("GET", "/api/notifications/otp/1", TOKEN, "").0, 404);
    assert!(!folder.path().join("admin.token").exists());
    server.signal("TERM");
    let (_, said) = server.wait();
    assert!(!said.contains(TOKEN) && !said.contains("curl"), "{said}");
}
