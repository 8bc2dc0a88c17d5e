//! One database under several names, and names that SQLite would read as URIs.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;

use crate::gateway::Gateway;
use crate::helpers::{Server, TOKEN, folder, otpd, run, succeed, until};
use crate::sending::configure;

const OTPS: &str = "/api/notifications/otp/";
const BODY: &str = r#"{"code":1,"email":"a@b.com","valid_to":"2099-01-01"}"#;

#[test]
fn servers_on_aliases_of_one_database_share_its_lock() {
    let (folder, gateway) = (folder(), Gateway::start(Vec::new()));
    let toml = format!(
        "[auth]\nbootstrap_token = \"{TOKEN}\"\n[[delivery.sms]]\ntype = \"http\"\nurl = \"{}/send\"\n\
         body = \"{{recipient}} {{code}}\"\n",
        gateway.url
    );
    configure(folder.path(), &toml);
    fs::create_dir(folder.path().join("data")).unwrap();
    symlink("data", folder.path().join("current")).unwrap();
    symlink("data/otp.db", folder.path().join("link.db")).unwrap();
    let absolute = folder.path().join("data/otp.db");
    let names = ["data/otp.db", "link.db", "current/otp.db", "./current/../data/otp.db", absolute.to_str().unwrap()];
    let servers: Vec<Server> =
        names.iter().map(|name| Server::spawn(otpd(folder.path()).env("OTPD_DATABASE__PATH", name))).collect();
    for n in 0..100 {
        let body = format!(r#"{{"mobile_number":"0912000{n:04}"}}"#);
        assert_eq!(servers[n % servers.len()].send("POST", &format!("{OTPS}send"), TOKEN, &body).0, 202);
    }
    until("every message is sent", || gateway.requests().len() >= 100);
    drop(servers);
    let mut sent = BTreeMap::new();
    for (_, _, recipient) in gateway.requests() {
        *sent.entry(recipient).or_insert(0) += 1;
    }
    assert!(sent.len() == 100 && sent.values().all(|times| *times == 1), "{sent:?}");
    let locks = ["data/otp.db-outbox", "link.db-outbox", "link.db-wal"].map(|name| folder.path().join(name).exists());
    assert_eq!(locks, [true, false, false]);
}

#[test]
fn a_name_that_looks_like_a_uri_is_a_file() {
    for name in ["file:x?mode=memory", "file::memory:", "x.db?mode=ro#1%41", "file:///x.db"] {
        let folder = folder();
        let path = name.strip_prefix("file:///").map_or_else(|| name.to_owned(), |name| format!("./file:{name}"));
        let start = || {
            let mut command = otpd(folder.path());
            Server::spawn(command.env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN).env("OTPD_DATABASE__PATH", &path))
        };
        let server = start();
        assert_eq!(server.send("POST", OTPS, TOKEN, BODY).0, 201);
        drop(server);
        assert!(folder.path().join(&path).is_file(), "{path}");
        assert_eq!(start().send("GET", &format!("{OTPS}1"), TOKEN, "").0, 200, "{path}");
    }
}

#[test]
fn a_copy_whose_name_looks_like_a_uri_is_a_file() {
    for name in ["file:copy.db?mode=memory", ":memory:", "file::memory:?cache=shared"] {
        let folder = folder();
        succeed(folder.path(), &["init"]);
        succeed(folder.path(), &["backup", name]);
        assert!(fs::read(folder.path().join(name)).unwrap().starts_with(b"SQLite format 3\0"), "{name}");
        let said = String::from_utf8(run(folder.path(), &["restore", name]).stderr).unwrap();
        assert_eq!(said.lines().next().unwrap(), "0 codes, 1 user and 1 token were restored to otp.db");
    }
}
