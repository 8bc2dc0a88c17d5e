use super::*;

const NO_USER: &str = "the URL has no user name; write postgres://user@host/database";
const NOT_PLAIN: &str = "the URL contains #, white space or a control character; percent-encode it (# as %23)";
const SUPPORTED_ONLY: &str = "is not supported; use only sslmode, sslrootcert, target_session_attrs, application_name";

fn url(text: &str) -> PostgresUrl {
    PostgresUrl::parse(text).unwrap()
}

fn tcp(name: &str, port: u16, uses_tls: bool) -> Host {
    Host { name: HostName::Tcp(name.to_owned()), port, uses_tls }
}

fn socket(folder: &str, port: u16) -> Host {
    Host { name: HostName::Socket(folder.into()), port, uses_tls: false }
}

/// Asserts that each text, after `begin`, is refused with its message.
fn assert_refused(begin: &str, cases: &[(&str, &str)]) {
    for (text, message) in cases {
        assert_eq!(PostgresUrl::parse(&format!("{begin}{text}")), Err((*message).to_owned()), "{text}");
    }
}

#[test]
fn a_url_has_all_parts_or_defaults() {
    let full = "postgresql://otpd:s3cret@db1,db2:5433/codes?sslmode=verify-full&sslrootcert=/etc/otpd/ca.pem\
                &target_session_attrs=read-write&application_name=otpd%20a+b";
    let expected = PostgresUrl {
        hosts: vec![tcp("db1", 5432, true), tcp("db2", 5433, true)],
        user: "otpd".to_owned(),
        password: Some(Secret::new("s3cret".to_owned())),
        database: "codes".to_owned(),
        root_certificate: Some("/etc/otpd/ca.pem".into()),
        application_name: "otpd a+b".to_owned(),
    };
    assert_eq!(url(full), expected);
    let defaults = PostgresUrl {
        hosts: vec![tcp("db", 5432, true)],
        user: "u".to_owned(),
        password: None,
        database: "u".to_owned(),
        root_certificate: None,
        application_name: "otpd".to_owned(),
    };
    for text in [
        "postgres://u@db",
        "postgres://u@db/",
        "postgres://u:@db:5432/u",
        "postgres://u@DB?application_name=otpd",
        "postgres://u@db/?sslrootcert=system",
        "postgres://u@db/u?target_session_attrs=primary",
    ] {
        assert_eq!(url(text), defaults, "{text}");
    }
}

#[test]
fn user_password_and_database_are_percent_decoded() {
    let url = url("postgres://o%40p:s3%40%3A%2f%3F%23%25+%c3%A9@db/a%2Fb");
    let password = url.password.as_ref().map(Secret::reveal);
    assert_eq!((url.user.as_str(), password, url.database.as_str()), ("o@p", Some("s3@:/?#%+é"), "a/b"));
    assert_eq!(url.shown(), "postgres://o%40p@db:5432/a%2Fb");
}

#[test]
fn only_other_machines_need_tls_unless_sslmode_says_otherwise() {
    let tcp_name = |name: &str| HostName::Tcp(name.to_owned());
    // The host, and its TLS without `sslmode`, with `verify-full` and with `disable`.
    for (text, name, by_default, verified) in [
        ("db.example.com", tcp_name("db.example.com"), true, true),
        ("my_db", tcp_name("my_db"), true, true),
        ("192.0.2.1", tcp_name("192.0.2.1"), true, true),
        ("[2001:DB8:0::1]", tcp_name("2001:db8::1"), true, true),
        ("localhost.example.com", tcp_name("localhost.example.com"), true, true),
        ("localhost", tcp_name("localhost"), false, true),
        ("LocalHost", tcp_name("localhost"), false, true),
        ("127.0.0.1", tcp_name("127.0.0.1"), false, true),
        ("127.1.2.3", tcp_name("127.1.2.3"), false, true),
        ("[::1]", tcp_name("::1"), false, true),
        ("%2Fvar%2Frun%2Fpostgresql", HostName::Socket("/var/run/postgresql".into()), false, false),
    ] {
        for (query, uses_tls) in [("", by_default), ("?sslmode=verify-full", verified), ("?sslmode=disable", false)] {
            for (suffix, port) in [("", 5432), (":1", 1), (":65535", 65535)] {
                let hosts = url(&format!("postgres://u@{text}{suffix}/db{query}")).hosts;
                assert_eq!(hosts, [Host { name: name.clone(), port, uses_tls }], "{text}{suffix}{query}");
            }
        }
    }
    let mixed = url("postgres://u@db,[::1]:2,%2Frun:3/db");
    assert_eq!(mixed.hosts, [tcp("db", 5432, true), tcp("::1", 2, false), socket("/run", 3)]);
}

#[test]
fn the_shown_url_has_no_password_and_no_parameters() {
    for (text, shown) in [
        ("postgres://otpd:s3cret@db1,db2:5432/otpd?sslmode=disable", "postgres://otpd@db1:5432,db2:5432/otpd"),
        ("postgresql://otpd:s3cret@[::1]", "postgres://otpd@[::1]:5432/otpd"),
        ("postgres://a-b.c_d~:s3cret@h/%0A%C3%A9", "postgres://a-b.c_d~@h:5432/%0A%C3%A9"),
        ("postgres://u:s3cret@%2fvar%2frun:1/db", "postgres://u@%2Fvar%2Frun:1/db"),
    ] {
        assert_eq!((url(text).shown(), format!("{:?}", url(text))), (shown.to_owned(), shown.to_owned()));
        assert_eq!(url(shown).shown(), shown);
    }
}

#[test]
fn a_login_that_is_not_percent_encoded_is_refused() {
    assert_refused(
        "",
        &[
            ("postgres://u:s3@cret@h/db", NOT_ENCODED),
            ("postgres://u:s3:cret@h/db", NOT_ENCODED),
            ("postgres://u:s3/cret@h/db", NOT_ENCODED),
            ("postgres://u:s3?cret@h/db", NOT_ENCODED),
            ("postgres://u@h@i/db", NOT_ENCODED),
            ("postgres://u:s3cret@h/d@b", NOT_ENCODED),
            ("postgres://u:s3cret@h/db?application_name=a@b", NOT_ENCODED),
            ("postgres://u:s3#cret@h/db", NOT_PLAIN),
            ("postgres://u:s3 cret@h/db", NOT_PLAIN),
            (
                "postgres://u:s3%cret@h/db",
                "the password: two hexadecimal digits must follow %; write %25 for the character % itself",
            ),
        ],
    );
}

#[test]
fn an_invalid_part_is_refused_by_its_name() {
    let host =
        |number: u8| format!("host {number} must be a host name, an IP address or a socket directory (with %2F for /)");
    let port =
        |number: u8| format!("host {number}: the port must be 1 to 65535, and an IPv6 address must be in brackets");
    let code =
        |part: &str| format!("{part}: two hexadecimal digits must follow %; write %25 for the character % itself");
    let scheme = "the URL must begin with postgres:// or postgresql://";
    assert_refused(
        "",
        &[
            ("", scheme),
            ("mysql://u@h/db", scheme),
            ("POSTGRES://u@h/db", scheme),
            ("host=h user=u", scheme),
            ("postgres://h/db", NO_USER),
            ("postgres://@h/db", NO_USER),
            ("postgres://:s3cret@h/db", NO_USER),
            ("postgres://u@h/db#x", NOT_PLAIN),
            ("postgres://u@h/db\n", NOT_PLAIN),
            ("postgres://u@h/d\0b", NOT_PLAIN),
            ("postgres://u@/db", &host(1)),
            ("postgres://u@:5432/db", &host(1)),
            ("postgres://u@a,,c/db", &host(2)),
            ("postgres://u@a,b%20c/db", &host(2)),
            ("postgres://u@run%2Fpostgresql/db", &host(1)),
            ("postgres://u@[::1/db", &host(1)),
            ("postgres://u@[192.0.2.1]/db", &host(1)),
            ("postgres://u@[fe80::1%25eth0]/db", &host(1)),
            ("postgres://u@256.0.0.1/db", &host(1)),
            ("postgres://u@a,b:/db", &port(2)),
            ("postgres://u@h:0/db", &port(1)),
            ("postgres://u@h:65536/db", &port(1)),
            ("postgres://u@h:+1/db", &port(1)),
            ("postgres://u@a::1/db", &port(1)),
            ("postgres://u@[::1]5432/db", &port(1)),
            ("postgres://u%@h/db", &code("the user name")),
            ("postgres://u:%4@h/db", &code("the password")),
            ("postgres://u@a,%zz/db", &code("host 2")),
            ("postgres://u@h/%%41", &code("the database name")),
            ("postgres://u@h/db?sslmode=%+1", &code("the parameter sslmode")),
            ("postgres://u@h/db?%=1", &code("the name of parameter 1")),
            ("postgres://u%00@h/db", "the user name must be UTF-8 without NUL bytes"),
            ("postgres://u:%ff@h/db", "the password must be UTF-8 without NUL bytes"),
            ("postgres://u@%2F%00/db", "host 1 must be UTF-8 without NUL bytes"),
            ("postgres://u@h/db/x", "the database name contains /; write %2F for /"),
        ],
    );
}

#[test]
fn there_are_at_most_16_hosts() {
    let of = |count: usize| PostgresUrl::parse(&format!("postgres://u@{}/db", vec!["h"; count].join(",")));
    assert_eq!(of(16).unwrap().hosts.len(), 16);
    assert_eq!(of(17), Err("the URL has more than 16 hosts".to_owned()));
}

#[test]
fn unsafe_and_unknown_parameters_are_refused() {
    let unencrypted = "sslmode: allow and prefer permit connections without encryption; use verify-full, with \
                       sslrootcert for a private CA";
    let unverified = "sslmode: require and verify-ca do not verify the host name of the server; use verify-full, with \
                      sslrootcert for a private CA";
    let path = "sslrootcert must be `system` or the absolute path of a PEM file";
    let contradiction = "sslrootcert contradicts sslmode=disable; remove one of the two";
    let read_only = "target_session_attrs permits a read-only server, but otpd writes; use primary or leave it out";
    let unknown = |which: &str| format!("{which} {SUPPORTED_ONLY}");
    let form = |number: u8| {
        format!("parameter {number} must be written name=value, with %3D for = and %26 for & in the value")
    };
    assert_refused(
        "postgres://u:s3cret@h/db?",
        &[
            ("sslmode=allow", unencrypted),
            ("sslmode=prefer", unencrypted),
            ("sslmode=require", unverified),
            ("sslmode=verify-ca", unverified),
            ("sslmode=VERIFY-FULL", "sslmode must be verify-full or disable"),
            ("sslrootcert=ca.pem", path),
            ("sslrootcert=System", path),
            ("sslmode=disable&sslrootcert=/ca.pem", contradiction),
            ("sslrootcert=system&sslmode=disable", contradiction),
            ("target_session_attrs=any", read_only),
            ("target_session_attrs=standby", read_only),
            ("target_session_attrs=prefer-standby", read_only),
            ("target_session_attrs=master", "target_session_attrs must be primary or read-write"),
            ("sslmode=disable&sslmode=disable", "the parameter sslmode is given more than once; keep one"),
            ("sslmode=disable&ssl%6dode=verify-full", "the parameter sslmode is given more than once; keep one"),
            ("password=s3cret", &unknown("the parameter password")),
            ("host=h", &unknown("the parameter host")),
            ("connect_timeout=1&sslmode=allow", &unknown("the parameter connect_timeout")),
            ("sslmode=disable&s3%20cret=1", &unknown("parameter 2")),
            (&format!("{}=1", "a".repeat(41)), &unknown("parameter 1")),
            ("=1", &unknown("parameter 1")),
            ("", &form(1)),
            ("s3cret", &form(1)),
            ("sslmode=", &form(1)),
            ("sslmode=a=b", &form(1)),
            ("sslmode=disable&", &form(2)),
            ("application_name=%00", "the parameter application_name must be UTF-8 without NUL bytes"),
        ],
    );
}

#[test]
fn no_message_contains_text_of_the_url() {
    let parts = ["s3cret", "s3", "cret", "qdbhost", "quser", "qbase"];
    for change in ["@", ":", "/", "?", "#", "%", " ", "\0", "%00", "%ff", "&", "=", ",", "[", "]"] {
        let login = format!("quser:s3{change}cret@qdbhost/qbase");
        let host = format!("quser:s3cret@qdb{change}host/qbase");
        let query = format!("quser:s3cret@qdbhost/qbase?sslmode=s3{change}cret");
        for text in [login, host, query] {
            let Err(message) = PostgresUrl::parse(&format!("postgres://{text}")) else { continue };
            assert!(!parts.iter().any(|part| message.contains(part)), "{text}: {message}");
        }
    }
}
