//! `otpd token …`.

use rusqlite::Connection;

use crate::helpers::{TOKEN, fail, run, stderr_of, succeed, with_database};

#[test]
fn tokens_are_added_listed_and_revoked_and_never_shown_again() {
    let folder = with_database();
    let otpd = |arguments: &[&str]| succeed(folder.path(), arguments);
    let first = otpd(&["user", "add", "amir", "--role", "admin"]);
    otpd(&["user", "add", "mina", "--role", "admin"]);
    let second = otpd(&["token", "add", "amir"]);
    let listed = otpd(&["token", "list", "amir"]);
    let rows: Vec<Vec<&str>> = listed.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows.len(), 2);
    for (row, token) in rows.iter().zip([&first, &second]) {
        assert_eq!((row[0], row[1], row[3]), (&token[..12], "amir", "never"));
        assert_eq!(row[2].len(), "2025-12-30T14:39:10.268800Z".len());
        assert!(!listed.contains(&token[..13]));
    }
    assert_eq!(otpd(&["token", "list"]).lines().count(), 4);
    assert_eq!(
        stderr_of(folder.path(), &["token", "revoke", &first[..12]]),
        format!("revoked {} of amir\n", &first[..12])
    );
    assert_eq!(otpd(&["token", "list", "amir"]).lines().count(), 1);
    otpd(&["token", "revoke", second.trim()]);
    assert_eq!(otpd(&["token", "list", "amir"]), "");
    let again = fail(run(folder.path(), &["token", "revoke", second.trim()]));
    assert_eq!(again, "otpd: the token does not exist; `otpd token list` lists the tokens");
    let database = std::fs::read(folder.path().join("otp.db")).unwrap();
    for token in [first, second] {
        let secret = &token.as_bytes()[12..54];
        assert!(!database.windows(secret.len()).any(|window| window == secret));
    }
}

#[test]
fn a_prefix_shorter_than_listed_revokes_no_token() {
    let folder = with_database();
    let token = succeed(folder.path(), &["user", "add", "amir", "--role", "admin"]);
    for named in
        ["", " ", "o", "otpd", "otpd_", &token[..11], &TOKEN[..5], "%", "_", "*", "otpd_%", "otpd_______", "توکن"]
    {
        assert_eq!(run(folder.path(), &["token", "revoke", named]).status.code(), Some(2), "{named}");
    }
    for named in ["%%%%%%", "______", "a-tokx", "otpd_%%%%%%%", "otpd________", &TOKEN[..6].to_uppercase()] {
        let line = fail(run(folder.path(), &["token", "revoke", named]));
        assert_eq!(line, "otpd: no token has this prefix; `otpd token list` lists the tokens", "{named}");
    }
    assert_eq!(succeed(folder.path(), &["token", "list"]).lines().count(), 2);
    assert_eq!(stderr_of(folder.path(), &["token", "revoke", &TOKEN[..6]]), "revoked a-toke of admin\n");
    assert_eq!(
        stderr_of(folder.path(), &["token", "revoke", token.trim()]),
        format!("revoked {} of amir\n", &token[..12])
    );
}

#[test]
fn a_token_with_a_shared_prefix_is_revoked_by_its_full_text() {
    let folder = with_database();
    succeed(folder.path(), &["user", "add", "amir", "--role", "admin"]);
    let db = Connection::open(folder.path().join("otp.db")).unwrap();
    db.execute("UPDATE api_tokens SET prefix = ?1", [&TOKEN[..6]]).unwrap();
    drop(db);
    let line = fail(run(folder.path(), &["token", "revoke", &TOKEN[..6]]));
    assert_eq!(line, "otpd: 2 tokens have this prefix; give the complete token");
    assert_eq!(stderr_of(folder.path(), &["token", "revoke", TOKEN]), "revoked a-toke of admin\n");
    let listed = succeed(folder.path(), &["token", "list"]);
    assert!(listed.starts_with("a-toke\tamir\t") && listed.lines().count() == 1, "{listed}");
}

#[test]
fn a_token_may_have_a_name_and_an_expiry() {
    let folder = with_database();
    let otpd = |arguments: &[&str]| succeed(folder.path(), arguments);
    let day = (chrono::Utc::now() + chrono::TimeDelta::days(30)).format("%Y-%m-%d").to_string();
    otpd(&["token", "add", "admin", "--name", " my laptop ", "--expires", &format!("{day}T03:34+03:30")]);
    otpd(&["token", "add", "admin", "--expires", "90d"]);
    otpd(&["user", "add", "amir", "--role", "staff"]);
    otpd(&["backup", "copy.db"]);
    otpd(&["restore", "copy.db"]);
    let listed = otpd(&["token", "list"]);
    let ends: Vec<Vec<&str>> = listed.lines().map(|line| line.split('\t').skip(3).collect()).collect();
    assert_eq!(ends[0], ["never", "", "never"]);
    assert_eq!(ends[1], ["never", "my laptop", &format!("{day}T00:04:00.000000Z")]);
    assert_eq!((ends[2][1], ends[2][2].len()), ("", "2025-12-30T14:39:10.268800Z".len()));
    assert_eq!(ends[3], ["never", "", "never"]);
}

#[test]
fn an_invalid_name_or_expiry_of_a_token_is_wrong_usage() {
    let folder = with_database();
    for (option, value, text) in [
        ("--name", "", "a name has 1 to 64 printable characters"),
        ("--name", "a\tb", "a name has 1 to 64 printable characters"),
        ("--expires", "59s", "expected a duration from 1m to 3660d such as 90d"),
        ("--expires", "2025-01-01", "expected a duration from 1m to 3660d such as 90d"),
    ] {
        let refused = run(folder.path(), &["token", "add", "admin", option, value]);
        assert_eq!(refused.status.code(), Some(2), "{value:?}");
        assert!(crate::helpers::text(refused.stderr).contains(text), "{value:?}");
    }
    assert_eq!(succeed(folder.path(), &["token", "list"]).lines().count(), 1);
}
