//! `otpd health`, `otpd completions` and `otpd man`.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use crate::helpers::{Server, fail, folder, otpd, run, succeed, text};

#[test]
fn health_prints_nothing_for_a_ready_server() {
    let folder = folder();
    let server = Server::start(folder.path());
    let port = server.socket().rsplit_once(':').unwrap().1.to_owned();
    let base = format!("http://{}", server.socket());
    for url in [base.clone(), format!("{base}/")] {
        assert_eq!(succeed(folder.path(), &["health", "--url", &url]), "");
    }
    for host in ["127.0.0.1", "0.0.0.0", "localhost"] {
        let output =
            otpd(folder.path()).arg("health").env("OTPD_SERVER__PORT", &port).env("OTPD_SERVER__HOST", host).output();
        let output = output.unwrap();
        assert_eq!((output.status.code(), output.stdout, output.stderr), (Some(0), vec![], vec![]), "{host}");
    }
}

#[test]
fn health_needs_no_database_and_no_valid_configuration_if_the_url_is_given() {
    let with_server = folder();
    let server = Server::start(with_server.path());
    let folder = folder();
    std::fs::write(folder.path().join("otp.toml"), "[serve]\nport = 1\n").unwrap();
    let url = format!("http://{}", server.socket());
    assert_eq!(succeed(folder.path(), &["health", "--url", &url]), "");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "otp.toml alone");
    assert!(fail(run(folder.path(), &["health"])).starts_with("otpd: otp.toml: "));
}

#[test]
fn health_names_the_url_and_the_reason_of_a_failure() {
    let folder = folder();
    let server = Server::start(folder.path());
    let url = format!("http://{}", server.socket());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let refusing = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert_eq!(
        fail(run(folder.path(), &["health", "--url", &refusing])),
        format!(
            "otpd: {refusing}/readyz: the server can't be reached: Connection refused (os error 111); is it running?"
        )
    );
    assert_eq!(
        fail(run(folder.path(), &["health", "--url", &format!("{url}/other")])),
        format!("otpd: {url}/other/readyz: the response is \"HTTP/1.1 404 Not Found\"; is this an otpd server?")
    );
    assert_eq!(
        fail(run(folder.path(), &["health"])),
        "otpd: server.port is 0, so the server listens on an unknown port; give its address with --url"
    );
    for (url, reason) in [
        ("https://127.0.0.1", "is not a URL that starts with http://"),
        ("127.0.0.1:8080", "is not a URL"),
        ("/", "is not a URL that starts with http://"),
    ] {
        let line = fail(run(folder.path(), &["health", "--url", url]));
        assert!(line.contains(reason), "{line}");
    }
}

/// Starts a server that reads a request from each client, writes `response` and keeps the connection open.
fn answering(response: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut open = Vec::new();
        while let Ok((mut client, _)) = listener.accept() {
            let _ = client.read(&mut [0; 1024]);
            let _ = client.write_all(response.as_bytes());
            open.push(client);
        }
    });
    format!("http://{address}")
}

#[test]
fn health_fails_if_the_server_is_not_ready() {
    let folder = folder();
    let url = answering("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(
        fail(run(folder.path(), &["health", "--url", &url])),
        format!("otpd: {url}/readyz: the server is not ready (status 503); its log contains the reason")
    );
    let url = answering("SSH-2.0-OpenSSH_9.2\r\n");
    assert_eq!(
        fail(run(folder.path(), &["health", "--url", &url])),
        format!("otpd: {url}/readyz: the response is \"SSH-2.0-OpenSSH_9.2\"; is this an otpd server?")
    );
}

#[test]
fn health_waits_three_seconds_for_a_response() {
    let folder = folder();
    let url = answering("");
    let begun = Instant::now();
    let line = fail(run(folder.path(), &["health", "--url", &url]));
    assert_eq!(line, format!("otpd: {url}/readyz: the server did not respond within 3 seconds"));
    assert!(begun.elapsed() >= Duration::from_secs(3));
}

#[test]
fn completions_contain_all_commands() {
    let folder = folder();
    // `completions` and `man` work with an unreadable configuration.
    std::fs::write(folder.path().join("otp.toml"), "[serve]\nport = 1\n").unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = succeed(folder.path(), &["completions", shell]);
        for command in ["serve", "user", "grant", "send-test", "backup", "health", "completions", "man"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    assert_eq!(run(folder.path(), &["completions", "tcsh"]).status.code(), Some(2));
}

#[test]
fn the_manual_page_describes_every_command() {
    let folder = folder();
    std::fs::write(folder.path().join("otp.toml"), "[serve]\nport = 1\n").unwrap();
    let page = succeed(folder.path(), &["man"]);
    let title = format!(".TH otpd 1 \"\" \"otpd {}\"", env!("CARGO_PKG_VERSION"));
    assert_eq!(page.lines().filter(|line| line.trim_end() == title).count(), 1, "{title}");
    let heading = |name: &str| page.matches(&format!("\n{name}\n")).count();
    for name in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "FILES", "ENVIRONMENT", "\"EXIT STATUS\""] {
        assert_eq!(heading(&format!(".SH {name}")), 1, "{name}");
    }
    for name in ["otpd serve", "otpd user add", "otpd token revoke", "otpd config check", "otpd health", "otpd man"] {
        assert_eq!(heading(&format!(".SS \"{name}\"")), 1, "{name}");
    }
    assert!(!page.contains(".SS \"otpd user\"\n"), "a group of commands is not a command");
    assert_eq!(page.matches("\\fB\\-\\-config\\fR").count(), 2, "in SYNOPSIS and OPTIONS of otpd itself");
    assert!(page.contains("otpd user add support \\-\\-role staff"), "{page}");
}

#[test]
fn a_page_per_command_is_written_into_a_directory() {
    let folder = folder();
    let dir = folder.path().join("man");
    let line = fail(run(folder.path(), &["man", "--dir", "man"]));
    assert_eq!(line, "otpd: man: No such file or directory (os error 2)");
    std::fs::create_dir(&dir).unwrap();
    assert_eq!(succeed(folder.path(), &["man", "--dir", "man"]), "");
    for name in ["otpd.1", "otpd-user.1", "otpd-user-add.1", "otpd-health.1"] {
        let page = text(std::fs::read(dir.join(name)).unwrap());
        let title = name.strip_suffix(".1").unwrap();
        assert!(page.contains(&format!("\n.TH {title} 1 \"\" ")), "{name}");
    }
}
