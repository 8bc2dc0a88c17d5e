use super::*;

#[test]
fn the_number_of_standbys_that_a_commit_waits_for() {
    for (names, needed) in [
        ("*", 1),
        ("db2", 1),
        ("db2, db3", 1),
        ("ANY 1 (db2)", 1),
        ("ANY 2 (db2, db3)", 2),
        ("first 3 (a, b, c)", 3),
        ("2(a,b)", 2),
    ] {
        assert_eq!(needed_standbys(names), needed, "{names}");
    }
}

#[test]
fn another_engine_is_named() {
    let url = PostgresUrl::parse("postgres://otpd@localhost/otp").unwrap();
    assert_eq!(other_engine("PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64-pc-linux-gnu, compiled", &url), None);
    for (version, short) in [
        ("CockroachDB CCL v23.2.0 (built 2024)", "CockroachDB CCL v23.2.0 (built 2024)"),
        ("PostgreSQL 15.2-YB-2025.1.0.0-b1 on x86_64-pc-linux-gnu", "PostgreSQL 15.2-YB-2025.1.0.0-b1"),
    ] {
        let expected =
            format!("{} is {short}; otpd is tested with PostgreSQL only (see docs/postgres.md)", url.shown());
        assert_eq!(other_engine(version, &url), Some(expected));
    }
}
