//! The lock file of the outbox is replaced or removed while a server runs.

use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::files::{give_away, kinds, remove};
use crate::gateway::Gateway;
use crate::helpers::{Server, TOKEN, all_at_once, folder, run, text, until};
use crate::replaced::errors;
use crate::sending::configure;

const OTPS: &str = "/api/notifications/otp/";
const BODY: &str = r#"{"code":1,"email":"a@b.com"}"#;

/// Starts a server that sends SMS to a gateway.
fn sending(folder: &Path, gateway: &Gateway) -> Server {
    let toml = format!(
        "[auth]\nbootstrap_token = \"{TOKEN}\"\n[otp]\nresend_cooldown = \"0s\"\n[limits]\nsends_per_recipient_hour = 0\n\
         sends_per_recipient_day = 0\n[[delivery.sms]]\ntype = \"http\"\nurl = \"{}/send\"\nbody = \"{{recipient}} {{code}}\"\n",
        gateway.url
    );
    configure(folder, &toml);
    let server = Server::start(folder);
    until("the lock is there", || folder.join("otp.db-outbox").exists());
    server
}

fn send(server: &Server) -> u16 {
    server.send("POST", &format!("{OTPS}send"), TOKEN, r#"{"mobile_number":"09123456789"}"#).0
}

/// Returns the number of messages that the gateway received. The GET requests of `otpd doctor` do not count.
fn sent(gateway: &Gateway) -> usize {
    gateway.requests().iter().filter(|(line, ..)| line.starts_with("POST ")).count()
}

const OUTBOX: &str = "messages are neither accepted nor delivered: ";

#[test]
fn a_replaced_lock_stops_messages_and_is_reported_until_repaired() {
    all_at_once(kinds(), |(kind, make)| {
        let (folder, gateway) = (folder(), Gateway::start(Vec::new()));
        let server = sending(folder.path(), &gateway);
        let path = folder.path().join("otp.db-outbox");
        remove(&path);
        make(&path);
        until("it is logged", || errors(&server).iter().any(|line| line.contains(OUTBOX)));
        assert_eq!(server.send("GET", "/readyz", TOKEN, "").0, 503, "{kind}");
        assert_eq!(send(&server), 503, "{kind}");
        assert_eq!(server.send("POST", OTPS, TOKEN, BODY).0, 201, "{kind}: changes without a message still succeed");
        let doctor = text(run(folder.path(), &["doctor"]).stdout);
        assert!(doctor.contains(&format!("otp.db-outbox: is {kind}, but otpd needs")), "{kind}: {doctor}");
        thread::sleep(Duration::from_secs(2));
        assert_eq!(errors(&server).len(), 1, "{kind}: {}", server.stderr());
        assert!(!server.stderr().contains(" WARN "), "{kind}: {}", server.stderr());
        remove(&path);
        until("the lock is valid again", || server.send("GET", "/readyz", TOKEN, "").0 == 200);
        assert_eq!(send(&server), 202, "{kind}");
        until("the message is sent", || sent(&gateway) == 1);
    });
}

#[test]
fn a_lock_owned_by_another_user_stops_messages() {
    let (folder, gateway) = (folder(), Gateway::start(Vec::new()));
    let server = sending(folder.path(), &gateway);
    let path = folder.path().join("otp.db-outbox");
    if !give_away(&path) {
        return;
    }
    until("it is logged", || errors(&server).iter().any(|line| line.contains("belongs to user 65534")));
    assert_eq!(server.send("GET", "/readyz", TOKEN, "").0, 503);
    assert_eq!(send(&server), 503);
    remove(&path);
    until("messages are accepted again", || send(&server) == 202);
    until("the message is sent", || sent(&gateway) == 1);
}

#[test]
fn a_removed_lock_is_created_again() {
    let (folder, gateway) = (folder(), Gateway::start(Vec::new()));
    let server = sending(folder.path(), &gateway);
    let path = folder.path().join("otp.db-outbox");
    remove(&path);
    until("the lock is there", || path.exists());
    until("messages are accepted again", || send(&server) == 202);
    until("the message is sent", || sent(&gateway) == 1);
    assert!(errors(&server).len() <= 1, "{}", server.stderr());
}
