use std::process::Stdio;

use crate::helpers::{Server, fail, folder, otpd, run, stderr_of, succeed, text, with_database};

const OTPS: &str = "/api/notifications/otp/";
/// The line of `user list` for the user that the first start added.
const ADMIN: &str = "admin\tadmin\tactive\t\t\n";

#[test]
fn user_add_prints_the_token_and_nothing_else() {
    let folder = with_database();
    let output = run(folder.path(), &["user", "add", "support", "--role", "staff", "--permission", "2852"]);
    assert!(output.status.success());
    assert_eq!(text(output.stderr), "");
    let token = text(output.stdout);
    assert!(token.starts_with("otpd_") && token.len() == 55 && token.ends_with('\n'), "{token}");
    assert_eq!(succeed(folder.path(), &["user", "list"]), format!("{ADMIN}support\tstaff\tactive\t2852\tview\n"));
}

#[test]
fn users_are_listed_granted_revoked_disabled_and_enabled() {
    let folder = with_database();
    let otpd = |arguments: &[&str]| succeed(folder.path(), arguments);
    otpd(&["user", "add", "zed", "--role", "admin"]);
    otpd(&["user", "add", "amir", "--role", "staff", "--permission", "2851", "--permission", "2854"]);
    otpd(&["user", "add", "mina", "--role", "user"]);
    assert_eq!(otpd(&["user", "grant", "amir", "2853", "2851"]), "");
    assert_eq!(otpd(&["user", "revoke", "amir", "2854", "2856"]), "");
    assert_eq!(otpd(&["user", "disable", "zed"]), "");
    let listed = format!(
        "{ADMIN}amir\tstaff\tactive\t2851,2853\tcreate,update\nmina\tuser\tactive\t\t\nzed\tadmin\tdisabled\t\t\n"
    );
    assert_eq!(otpd(&["user", "list"]), listed);
    otpd(&["user", "enable", "zed"]);
    assert_eq!(otpd(&["user", "list"]), listed.replace("disabled", "active"));
}

#[test]
fn permissions_are_codes_or_names_with_commas_or_repeated() {
    let folder = with_database();
    let codes = |name: &str| {
        let list = succeed(folder.path(), &["user", "list"]);
        let line = list.lines().find(|line| line.starts_with(&format!("{name}\t"))).unwrap();
        line.split('\t').nth(3).unwrap().to_owned()
    };
    for (n, permissions) in [
        &["--permission", "2852,2853"][..],
        &["--permission", "2852", "--permission", "2853"],
        &["--permission", "view,update"],
        &["--permission=view", "--permission=2853"],
        &["--permission", "2853,View,2852", "--permission", "update"],
        &["--permission", "view, update"],
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("staff{n}");
        succeed(folder.path(), &[&["user", "add", &name, "--role", "staff"], permissions].concat());
        assert_eq!(codes(&name), "2852,2853", "{permissions:?}");
    }
    succeed(folder.path(), &["user", "grant", "staff0", "create,2854", "send", "send"]);
    assert_eq!(codes("staff0"), "2851,2852,2853,2854,2855");
    succeed(folder.path(), &["user", "revoke", "staff0", "2851,view", "update"]);
    assert_eq!(codes("staff0"), "2854,2855");
    succeed(folder.path(), &["user", "grant", "staff0", "--permission", "view,2853", "--permission=verify"]);
    assert_eq!(codes("staff0"), "2852,2853,2854,2855,2856");
    succeed(folder.path(), &["user", "revoke", "--permission", "view", "staff0", "2853,verify"]);
    assert_eq!(codes("staff0"), "2854,2855");
    for permissions in ["", ",", "2852,", "views", "2852 2853", "*", "all"] {
        let arguments = ["user", "add", "other", "--role", "staff", "--permission", permissions];
        let refused = run(folder.path(), &arguments);
        assert_eq!(refused.status.code(), Some(2), "{permissions}");
        let said = text(refused.stderr);
        assert!(said.contains("a permission is one of 2851 (create), 2852 (view), 2853 (update), "), "{said}");
    }
}

#[test]
fn user_commands_report_what_they_changed() {
    let folder = with_database();
    let said = |arguments: &[&str]| stderr_of(folder.path(), &[&["user"], arguments].concat());
    said(&["add", "support", "--role", "staff", "--permission", "view"]);
    said(&["add", "plain_user", "--role", "user"]);
    for (arguments, lines) in [
        (&["grant", "support", "2853", "2854"][..], "granted support 2853 (update), 2854 (delete)\n"),
        (&["grant", "support", "view"], "support already has 2852 (view)\n"),
        (&["grant", "support", "send,view,send"], "granted support 2855 (send)\nsupport already has 2852 (view)\n"),
        (
            &["revoke", "support", "send", "verify"],
            "revoked 2855 (send) from support\nsupport does not have 2856 (verify)\n",
        ),
        (&["disable", "support"], "support is disabled: its tokens are refused from the next request on\n"),
        (&["disable", "support"], "support was already disabled\n"),
        (&["enable", "support"], "support is enabled\n"),
        (&["enable", "support"], "support was already enabled\n"),
        (
            &["grant", "admin", "view"],
            "granted admin 2852 (view)\n\
             admin is an admin and has all permissions: granted permissions have no effect\n",
        ),
        (
            &["revoke", "admin", "send"],
            "admin does not have 2855 (send)\n\
             admin is an admin and has all permissions: granted permissions have no effect\n",
        ),
        (
            &["grant", "plain_user", "view"],
            "granted plain_user 2852 (view)\n\
             plain_user has the role user and no permissions: granted permissions have an effect only on the role \
             staff\n",
        ),
        (
            &["add", "chief", "--role", "admin", "--permission", "view"],
            "chief is an admin and has all permissions: granted permissions have no effect\n",
        ),
    ] {
        assert_eq!(said(arguments), lines, "{arguments:?}");
    }
}

#[test]
fn a_token_of_a_disabled_user_and_a_missing_admin_cause_warnings() {
    let folder = with_database();
    succeed(folder.path(), &["user", "add", "support", "--role", "staff"]);
    succeed(folder.path(), &["user", "add", "chief", "--role", "admin"]);
    let said = |arguments: &[&str]| stderr_of(folder.path(), arguments);
    assert_eq!(said(&["token", "add", "support"]), "");
    let disabled = |name: &str| format!("{name} is disabled: its tokens are refused from the next request on\n");
    assert_eq!(said(&["user", "disable", "support"]), disabled("support"));
    let line = "warning: user support is disabled; the token works after `otpd user enable support`\n";
    assert_eq!(said(&["token", "add", "support"]), line);
    assert_eq!(said(&["user", "disable", "chief"]), disabled("chief"), "another admin is active");
    let line = "warning: no active admin is left; `otpd user enable admin` enables this one, and `otpd user add NAME \
                --role admin` adds another\n";
    assert_eq!(said(&["user", "disable", "admin"]), disabled("admin") + line);
    assert_eq!(said(&["user", "disable", "admin"]), format!("admin was already disabled\n{line}"));
    assert_eq!(said(&["user", "disable", "support"]), "support was already disabled\n", "it is not an admin");
    assert_eq!(said(&["user", "enable", "admin"]), "admin is enabled\n");
}

#[test]
fn missing_and_duplicate_names_are_reported_in_one_line() {
    let folder = with_database();
    succeed(folder.path(), &["user", "add", "amir", "--role", "admin"]);
    for (arguments, line) in [
        (&["user", "add", "amir", "--role", "staff"][..], "otpd: user amir already exists"),
        (&["user", "disable", "x"], "otpd: user x does not exist; `otpd user list` lists the users"),
        (&["user", "grant", "x", "2851"], "otpd: user x does not exist; `otpd user list` lists the users"),
        (&["token", "add", "x"], "otpd: user x does not exist; `otpd user list` lists the users"),
        (&["token", "list", "x"], "otpd: user x does not exist; `otpd user list` lists the users"),
        (&["token", "revoke", "otpd_xxxxxxx"], "otpd: no token has this prefix; `otpd token list` lists the tokens"),
    ] {
        assert_eq!(fail(run(folder.path(), arguments)), line);
    }
}

#[test]
fn user_commands_create_no_database() {
    let folder = folder();
    for arguments in [
        &["user", "add", "x", "--role", "admin"][..],
        &["user", "list"],
        &["user", "disable", "x"],
        &["token", "add", "x"],
        &["token", "list"],
        &["token", "revoke", "otpd_xxxxxxx"],
        &["recipient", "reset", "09123456789"],
        &["inbox"],
    ] {
        let line = fail(run(folder.path(), arguments));
        assert!(line.starts_with("otpd: database otp.db: there is no database at "), "{arguments:?}: {line}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_running_server_applies_user_changes_at_the_next_request() {
    let folder = folder();
    let server = Server::start(folder.path());
    let token = succeed(folder.path(), &["user", "add", "amir", "--role", "staff"]);
    let ask = || server.send("GET", &format!("{OTPS}1"), token.trim(), "").0;
    assert_eq!(ask(), 403);
    for (arguments, status) in [
        (["user", "grant", "amir", "2852"].as_slice(), 404),
        (&["user", "revoke", "amir", "2852"], 403),
        (&["user", "grant", "amir", "2852"], 404),
        (&["user", "disable", "amir"], 401),
        (&["user", "enable", "amir"], 404),
        (&["token", "revoke", &token[..12]], 401),
    ] {
        succeed(folder.path(), arguments);
        assert_eq!(ask(), status, "{arguments:?}");
    }
}

#[test]
fn concurrent_commands_all_succeed() {
    for _ in 0..10 {
        let folder = with_database();
        let names = ["a", "b", "c", "d"];
        let children: Vec<_> = names
            .map(|name| {
                otpd(folder.path())
                    .args(["user", "add", name, "--role", "admin"])
                    .stdout(Stdio::null())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .into();
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{output:?}");
        }
        assert_eq!(succeed(folder.path(), &["user", "list"]).lines().count(), names.len() + 1);
    }
}

#[test]
fn users_are_removed_and_change_their_roles() {
    let folder = with_database();
    succeed(folder.path(), &["user", "add", "support", "--role", "staff", "--permission", "view"]);
    for (arguments, line) in [
        (&["user", "role", "support", "staff"][..], "support already had the role staff\n"),
        (&["user", "role", "support", "user"], "support has the role user\n"),
        (&["user", "role", "support", "admin"], "support has the role admin\n"),
        (&["user", "role", "admin", "user"], "admin has the role user\n"),
        (&["user", "remove", "admin"], "admin is removed: its tokens are refused from the next request on\n"),
    ] {
        assert_eq!(stderr_of(folder.path(), arguments), line);
    }
    assert_eq!(succeed(folder.path(), &["user", "list"]), "support\tadmin\tactive\t2852\tview\n");
    let last = "otpd: user support is the last active admin; `otpd user role NAME admin` makes another user one";
    for arguments in [&["user", "remove", "support"][..], &["user", "role", "support", "staff"]] {
        assert_eq!(fail(run(folder.path(), arguments)), last);
    }
    let unknown = "otpd: user x does not exist; `otpd user list` lists the users";
    for arguments in [&["user", "remove", "x"][..], &["user", "role", "x", "staff"]] {
        assert_eq!(fail(run(folder.path(), arguments)), unknown);
    }
    assert_eq!(run(folder.path(), &["user", "role", "support", "root"]).status.code(), Some(2));
}
