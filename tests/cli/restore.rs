//! What `otpd restore` restores, and what it does not.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use serde_json::Value;

use crate::gateway::{Gateway, Reply};
use crate::helpers::{Server, TOKEN, folder, otpd, run, succeed, text, until, with_database};
use crate::sending::configure;

const OTPS: &str = "/api/notifications/otp/";
const TO: &str = r#"{"mobile_number":"09123456789"}"#;

/// Starts a server without a resend cooldown, with a gateway that accepts every message.
fn sending(folder: &Path, gateway: &Gateway) -> Server {
    let toml = format!(
        "[auth]\nbootstrap_token = \"{TOKEN}\"\n[otp]\nresend_cooldown = \"0s\"\n[[delivery.sms]]\ntype = \"http\"\n\
         url = \"{}/send\"\nbody = \"{{recipient}} {{code}}\"\n",
        gateway.url
    );
    configure(folder, &toml);
    Server::start(folder)
}

fn post(server: &Server, path: &str, body: &str) -> (u16, Value) {
    let (status, answer) = server.send("POST", &format!("{OTPS}{path}"), TOKEN, body);
    (status, serde_json::from_str(&answer).unwrap())
}

fn stop(mut server: Server) {
    server.signal("TERM");
    assert_eq!(server.wait().0.code(), Some(0));
}

/// Restores `copy.db` and returns stderr without its first line and without the name of the kept file.
#[track_caller]
fn restore(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let output = run(folder, &[&["restore", "copy.db"], arguments].concat());
    assert!(output.status.success(), "{output:?}");
    let said = text(output.stderr);
    let lines = said.lines().skip(1).filter(|line| !line.starts_with("the previous database is kept as "));
    lines.map(str::to_owned).collect()
}

#[test]
fn sent_and_used_codes_are_consumed_in_the_restored_database() {
    let (folder, gateway) = (folder(), Gateway::start(Vec::new()));
    let server = sending(folder.path(), &gateway);
    assert_eq!(post(&server, "send", TO).0, 202);
    until("the message is sent", || gateway.requests().len() == 1);
    let code: u64 = gateway.requests()[0].2.split(' ').nth(1).unwrap().parse().unwrap();
    // Two codes created by staff. One is used later, the other is not.
    for (n, email) in ["used@b.com", "unused@b.com"].iter().enumerate() {
        let body = format!(r#"{{"code":{},"email":"{email}","valid_to":"2099-01-01"}}"#, 111_111 * (n + 1));
        assert_eq!(post(&server, "", &body).0, 201);
    }
    succeed(folder.path(), &["backup", "copy.db"]);
    let right = format!(r#"{{"mobile_number":"09123456789","code":{code}}}"#);
    let used = r#"{"email":"used@b.com","code":111111}"#;
    assert_eq!(post(&server, "verify", &right).0, 200);
    assert_eq!(post(&server, "verify", used).0, 200);
    assert_eq!(post(&server, "", r#"{"code":1,"email":"later@b.com"}"#).1["id"], 4);
    stop(server);

    let lines = restore(folder.path(), &[]);
    assert_eq!(lines, ["2 codes can no longer be verified, because they may have been used since the backup"]);
    let server = sending(folder.path(), &gateway);
    for body in [&right, used] {
        let (status, answer) = post(&server, "verify", body);
        assert_eq!((status, &answer["reason"]), (429, &"too_many_attempts".into()));
    }
    let (_, otp) = server.send("GET", &format!("{OTPS}1"), TOKEN, "");
    assert_eq!(serde_json::from_str::<Value>(&otp).unwrap()["is_allow"], false);
    assert_eq!(post(&server, "verify", r#"{"email":"unused@b.com","code":222222}"#).0, 200);
    assert_eq!(post(&server, "send", TO).0, 202, "a new code is issued");
    until("the message is sent", || gateway.requests().len() == 2);
    let (_, newest) = server.send("GET", &format!("{OTPS}?limit=1"), TOKEN, "");
    assert_eq!(serde_json::from_str::<Value>(&newest).unwrap()["results"][0]["id"], 5, "no id is given out twice");
    assert_eq!(server.send("GET", "/readyz", TOKEN, "").0, 200, "and checksums are right");
}

#[test]
fn queued_messages_are_not_resent_after_a_restore() {
    let busy = Gateway::start(vec![Reply::from((500, "{}"))]);
    let folder = folder();
    let server = sending(folder.path(), &busy);
    let with_key = |server: &Server| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let request = crate::program::client().post(format!("{}{OTPS}send", server.address));
            let request = request.header("Authorization", format!("Token {TOKEN}")).header("Idempotency-Key", "key-1");
            let answer = request.header("Content-Type", "application/json").body(TO).send().await.unwrap();
            let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            body["id"].as_i64().unwrap()
        })
    };
    assert_eq!(with_key(&server), 1);
    until("it is tried", || !busy.requests().is_empty());
    succeed(folder.path(), &["backup", "copy.db"]);
    stop(server);
    let lines = restore(folder.path(), &[]);
    let expected = [
        "1 code can no longer be verified, because it may have been used since the backup",
        "1 queued message is cancelled",
    ];
    assert_eq!(lines, expected);
    let gateway = Gateway::start(Vec::new());
    let server = sending(folder.path(), &gateway);
    let (_, deliveries) = server.send("GET", &format!("{OTPS}1/deliveries"), TOKEN, "");
    assert_eq!(serde_json::from_str::<Value>(&deliveries).unwrap()[0]["state"], "cancelled");
    assert_eq!(with_key(&server), 2);
    until("the new message is sent", || !gateway.requests().is_empty());
    let sent: i64 = gateway.requests()[0].2.split(' ').nth(1).unwrap().parse().unwrap();
    let (_, otp) = server.send("GET", &format!("{OTPS}2"), TOKEN, "");
    assert_eq!(serde_json::from_str::<Value>(&otp).unwrap()["code"], sent);
    assert_eq!(gateway.requests().len(), 1);
}

/// A backup of a database with four users, and changes made after it. The fields are tokens, named after what happened
/// to them.
struct Changed {
    folder: tempfile::TempDir,
    /// Valid before and after the restore.
    kept: String,
    revoked: String,
    of_disabled: String,
    of_absent: String,
}

fn changed() -> Changed {
    let folder = folder();
    let add = |name: &str| {
        let arguments = ["user", "add", name, "--role", "staff", "--permission", "2852", "--permission", "2853"];
        succeed(folder.path(), &arguments).trim().to_owned()
    };
    assert!(otpd(folder.path()).arg("init").env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN).status().unwrap().success());
    let (kept, of_disabled, of_absent) = (add("amir"), add("mina"), add("zed"));
    let revoked = succeed(folder.path(), &["token", "add", "amir"]).trim().to_owned();
    succeed(folder.path(), &["backup", "copy.db"]);
    succeed(folder.path(), &["token", "revoke", &revoked[..12]]);
    succeed(folder.path(), &["user", "disable", "mina"]);
    succeed(folder.path(), &["user", "revoke", "amir", "2853"]);
    // No command deletes a user or changes a role, but the present database may be another one.
    let db = Connection::open(folder.path().join("otp.db")).unwrap();
    db.execute_batch("PRAGMA foreign_keys = ON; DELETE FROM users WHERE name = 'zed'").unwrap();
    db.execute("UPDATE users SET role = 'user' WHERE name = 'admin'", []).unwrap();
    Changed { folder, kept, revoked, of_disabled, of_absent }
}

fn statuses(folder: &Path, tokens: &[&str]) -> Vec<u16> {
    let server = Server::start(folder);
    tokens.iter().map(|token| server.send("GET", &format!("{OTPS}1"), token, "").0).collect()
}

#[test]
fn restored_users_tokens_and_permissions_are_listed() {
    let Changed { folder, kept, revoked, of_disabled, of_absent } = changed();
    let lines = restore(folder.path(), &[]);
    let token = |token: &str, owner: &str| format!("token {} of {owner} is restored", &token[..12]);
    let expected = [
        "user admin has the role admin again instead of user".to_owned(),
        "user amir has permissions again: 2853".to_owned(),
        "user mina is enabled again; `otpd user disable mina` disables it".to_owned(),
        "user zed (staff) is restored".to_owned(),
        token(&revoked, "amir"),
        token(&of_disabled, "mina"),
        token(&of_absent, "zed"),
        "Revoke each with `otpd token revoke PREFIX`. Running restore again does not revoke them.".to_owned(),
    ];
    assert_eq!(lines, expected);
    assert_eq!(statuses(folder.path(), &[TOKEN, &kept, &revoked, &of_disabled, &of_absent]), [404; 5]);
    let lines = restore(folder.path(), &["--revoke-tokens"]);
    assert!(!lines.iter().any(|line| line.starts_with("token ")), "they are in the present database: {lines:?}");
    succeed(folder.path(), &["token", "revoke", &revoked[..12]]);
    assert_eq!(statuses(folder.path(), &[&revoked, &kept]), [401, 404]);
}

#[test]
fn revoke_tokens_deletes_only_the_restored_tokens() {
    let Changed { folder, kept, revoked, of_disabled, of_absent } = changed();
    let lines = restore(folder.path(), &["--revoke-tokens"]);
    let token = |token: &str, owner: &str| format!("token {} of {owner} is revoked", &token[..12]);
    let expected = [token(&revoked, "amir"), token(&of_disabled, "mina"), token(&of_absent, "zed")];
    assert_eq!(lines[4..], expected);
    let tokens = [TOKEN, &kept, &revoked, &of_disabled, &of_absent];
    assert_eq!(statuses(folder.path(), &tokens), [404, 404, 401, 401, 401]);
}

#[test]
fn all_users_and_tokens_are_listed_if_the_present_database_is_unreadable() {
    let Changed { folder, kept, .. } = changed();
    fs::write(folder.path().join("otp.db"), "no database at all ".repeat(1000)).unwrap();
    let output = run(folder.path(), &["restore", "--revoke-tokens", "copy.db"]);
    let said = text(output.stderr);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "0 codes, 4 users and 0 tokens were restored to otp.db");
    assert!(
        lines[1].starts_with(
            "the previous database can't be read (database otp.db: is damaged or not a SQLite database (file is not a \
         database)"
        ),
        "{said}"
    );
    assert!(lines[1].ends_with("so all users and tokens of the backup are listed:"), "{said}");
    let users = ["admin (admin)", "amir (staff)", "mina (staff)", "zed (staff)"];
    assert_eq!(lines[2..6], users.map(|user| format!("user {user} is restored")));
    assert_eq!(lines[6..11].iter().filter(|line| line.ends_with(" is revoked")).count(), 5);
    assert_eq!(statuses(folder.path(), &[TOKEN, &kept]), [401, 401]);
}

#[test]
fn a_restore_ends_the_sessions_of_the_console() {
    let folder = with_database();
    let open = || Connection::open(folder.path().join("otp.db")).unwrap();
    let insert = "INSERT INTO sessions (hash, user_id, created_at, last_seen_at) VALUES (zeroblob(32), 1, 0, 0);
                  INSERT INTO sign_in_links (hash, user_id, created_at) VALUES (zeroblob(32), 1, 0)";
    open().execute_batch(insert).unwrap();
    succeed(folder.path(), &["backup", "copy.db"]);
    restore(folder.path(), &[]);
    let count = "SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM sign_in_links)";
    assert_eq!(open().query_row(count, [], |row| row.get(0)), Ok(0));
}

#[test]
fn the_audit_trail_keeps_the_events_of_both_databases() {
    let folder = with_database();
    succeed(folder.path(), &["user", "add", "sara", "--role", "staff"]);
    succeed(folder.path(), &["backup", "copy.db"]);
    succeed(folder.path(), &["user", "disable", "sara"]);
    restore(folder.path(), &[]);
    let audit = succeed(folder.path(), &["audit"]);
    let events: Vec<Value> = audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let actions: Vec<_> = events.iter().map(|event| event["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["user.add", "user.add", "user.disable", "restore"]);
    let last = events.last().unwrap();
    assert_eq!(
        last["changes"],
        serde_json::json!({
            "codes_consumed": [null, 0], "messages_cancelled": [null, 0], "tokens_revoked": [null, 0],
        })
    );
    assert_eq!(last["actor"]["kind"], "command");
    // A second restore adds no event twice.
    restore(folder.path(), &[]);
    let audit = succeed(folder.path(), &["audit"]);
    assert_eq!(audit.lines().count(), 5, "{audit}");
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let beside_copy = names.iter().filter(|name| name.to_string_lossy().starts_with("copy.db")).count();
    assert_eq!(beside_copy, 1, "{names:?}");
}
