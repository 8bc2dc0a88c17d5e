//! What an operator should know about a PostgreSQL server.

use crate::error::Result;
use crate::store::db::Db;
use crate::store::finding::Finding;
use crate::store::postgres::pool::WRITERS;
use crate::store::postgres::url::{HostName, PostgresUrl};

/// The smallest difference of the clocks that is reported as a problem, in microseconds.
const CLOCK: i64 = 1_000_000;

/// The connections for reads of a process with one or two workers.
const LEAST_READERS: u32 = 4;

/// The settings of the server that the checks read.
const SETTINGS: &str = "
    SELECT version() AS version,
           current_setting('server_version_num')::bigint AS number,
           current_setting('server_encoding') AS encoding,
           current_setting('fsync') AS fsync,
           current_setting('full_page_writes') AS full_page_writes,
           current_setting('synchronous_commit') AS synchronous_commit,
           current_setting('synchronous_standby_names') AS standbys,
           current_setting('max_connections')::bigint AS max_connections,
           inet_server_port()::bigint AS port,
           (SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')) AS synchronous,
           (SELECT count(*) FROM pg_stat_replication WHERE sync_state IS NULL) AS hidden,
           EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm') AS has_trigrams";

struct Settings {
    version: String,
    number: i64,
    encoding: String,
    fsync: String,
    full_page_writes: String,
    synchronous_commit: String,
    standbys: String,
    max_connections: i64,
    /// `None`: the connection is a Unix socket.
    port: Option<i64>,
    synchronous: i64,
    /// The number of connected standbys that this role is not allowed to see in detail.
    hidden: i64,
    has_trigrams: bool,
}

/// Checks the server. `offset` is by how many microseconds its clock is ahead of the local one.
pub(super) fn read(db: &Db, url: &PostgresUrl, offset: i64) -> Result<Vec<(String, Finding)>> {
    let settings = db.one(SETTINGS, &[], |row| {
        Ok(Settings {
            version: row.get("version")?,
            number: row.get("number")?,
            encoding: row.get("encoding")?,
            fsync: row.get("fsync")?,
            full_page_writes: row.get("full_page_writes")?,
            synchronous_commit: row.get("synchronous_commit")?,
            standbys: row.get("standbys")?,
            max_connections: row.get("max_connections")?,
            port: row.get("port")?,
            synchronous: row.get("synchronous")?,
            hidden: row.get("hidden")?,
            has_trigrams: row.get("has_trigrams")?,
        })
    })?;
    let findings = [
        ("database", version(&settings, url)),
        ("encoding", encoding(&settings)),
        ("TLS", tls(url)),
        ("durability", durability(&settings)),
        ("standby", standby(&settings)),
        ("search", search(&settings)),
        ("connections", connections(&settings)),
        ("pooler", pooler(&settings, url)),
        ("server clock", clock(offset)),
    ];
    Ok(findings.into_iter().map(|(what, finding)| (what.to_owned(), finding)).collect())
}

/// Warns if the server is of another engine.
pub(super) fn warn_of_other_engine(db: &Db, url: &PostgresUrl) -> Result<()> {
    let version: String = db.one("SELECT version() AS version", &[], |row| row.get("version"))?;
    if let Some(warning) = other_engine(&version, url) {
        log::warn!("database {warning}");
    }
    Ok(())
}

fn other_engine(version: &str, url: &PostgresUrl) -> Option<String> {
    let is_postgres = version.starts_with("PostgreSQL ") && !version.contains("-YB-");
    let (shown, version) = (url.shown(), short(version));
    (!is_postgres).then(|| format!("{shown} is {version}; otpd is tested with PostgreSQL only (see docs/postgres.md)"))
}

/// The version without the platform.
fn short(version: &str) -> &str {
    version.split(" on ").next().unwrap_or_default()
}

fn version(settings: &Settings, url: &PostgresUrl) -> Finding {
    if let Some(note) = other_engine(&settings.version, url) {
        return Finding::Note(note);
    }
    let (shown, version) = (url.shown(), short(&settings.version));
    if settings.number < 140_000 {
        return Finding::Problem(format!("{shown} is {version}; upgrade it to PostgreSQL 14 or newer"));
    }
    Finding::Ok(format!("{shown} is {version}"))
}

fn encoding(settings: &Settings) -> Finding {
    match settings.encoding.as_str() {
        "UTF8" => Finding::Ok("UTF8".to_owned()),
        other => Finding::Problem(format!("{other}; create the database with ENCODING 'UTF8'")),
    }
}

fn tls(url: &PostgresUrl) -> Finding {
    let is_open = |name: &HostName| matches!(name, HostName::Tcp(name) if !crate::domain::host::is_this_machine(name));
    if url.hosts.iter().any(|host| !host.uses_tls && is_open(&host.name)) {
        return Finding::Problem(
            "sslmode=disable sends passwords and codes over the network without encryption; use sslmode=verify-full"
                .to_owned(),
        );
    }
    let state = if url.hosts.iter().any(|host| host.uses_tls) { "certificates are verified" } else { "local, none" };
    Finding::Ok(state.to_owned())
}

fn durability(settings: &Settings) -> Finding {
    let off: Vec<&str> = [("fsync", &settings.fsync), ("full_page_writes", &settings.full_page_writes)]
        .into_iter()
        .filter(|(_, value)| *value != "on")
        .map(|(name, _)| name)
        .collect();
    if !off.is_empty() {
        return Finding::Problem(format!(
            "{} is off, so a power cut can destroy the database; turn it on",
            off.join(" and ")
        ));
    }
    Finding::Ok(match settings.synchronous_commit.as_str() {
        "off" | "local" | "remote_write" => {
            format!("synchronous_commit = {}; otpd raises it to on", settings.synchronous_commit)
        }
        other => format!("synchronous_commit = {other}"),
    })
}

fn standby(settings: &Settings) -> Finding {
    if settings.standbys.is_empty() {
        return Finding::Note(
            "none is synchronous, so the loss of the primary can lose acknowledged changes; set \
             synchronous_standby_names"
                .to_owned(),
        );
    }
    if settings.synchronous == 0 && settings.hidden > 0 {
        return Finding::Note(
            "this role can't see the state of the standbys; GRANT pg_read_all_stats to it to check them".to_owned(),
        );
    }
    let (names, needed) = (&settings.standbys, needed_standbys(&settings.standbys));
    if settings.synchronous < needed {
        return Finding::Problem(format!(
            "synchronous_standby_names = {names:?} needs {needed}, and {} is connected, so no change can be acknowledged; \
             start the standbys",
            settings.synchronous
        ));
    }
    Finding::Ok(format!("{} synchronous", settings.synchronous))
}

/// How many standbys a COMMIT waits for: the number of `FIRST n (…)`, `ANY n (…)` or `n (…)`, or 1 for a plain list.
fn needed_standbys(names: &str) -> i64 {
    let before = names.split_once('(').map_or("", |(before, _)| before);
    before.split_whitespace().last().and_then(|number| number.parse().ok()).unwrap_or(1)
}

fn search(settings: &Settings) -> Finding {
    if settings.has_trigrams {
        return Finding::Ok("pg_trgm is installed".to_owned());
    }
    Finding::Problem("pg_trgm is missing, so searches scan all codes; run CREATE EXTENSION pg_trgm".to_owned())
}

fn connections(settings: &Settings) -> Finding {
    let (most, needed) = (settings.max_connections, i64::from(WRITERS + LEAST_READERS));
    if most < needed {
        return Finding::Problem(format!(
            "max_connections = {most}; a process of otpd needs {WRITERS} for changes and at least {LEAST_READERS} for reads"
        ));
    }
    Finding::Ok(format!("max_connections = {most}"))
}

/// Between otpd and a server on another port is a pooler, or a port that is forwarded.
fn pooler(settings: &Settings, url: &PostgresUrl) -> Finding {
    match settings.port {
        Some(port) if url.hosts.iter().all(|host| i64::from(host.port) != port) => Finding::Note(format!(
            "the server listens on port {port}, which the URL does not have; if there is a pooler in between, see \
             docs/postgres.md#poolers"
        )),
        _ => Finding::Ok("none was found".to_owned()),
    }
}

fn clock(offset: i64) -> Finding {
    let seconds = offset.unsigned_abs() as f64 / 1e6;
    let direction = if offset > 0 { "behind" } else { "ahead of" };
    if offset.abs() >= CLOCK {
        return Finding::Problem(format!(
            "the local clock is {seconds:.1} s {direction} that of the server; otpd uses the server's, but logs can't be \
             compared: use NTP on both"
        ));
    }
    Finding::Ok(format!("the local clock is {:.1} ms {direction} that of the server", seconds * 1e3))
}

#[cfg(test)]
mod tests;
