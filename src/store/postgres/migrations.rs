//! The versions of the PostgreSQL schema, embedded from `migrations/postgres/`.

use std::time::{Duration, Instant};

use refinery::embed_migrations;
use tokio_postgres::Client;

use crate::error::{Error, Result};
use crate::store::db::Db;
use crate::store::postgres::error::words;
use crate::store::postgres::pool::Pool;
use crate::store::sqlite::create::Create;

embed_migrations!("migrations/postgres");

/// "otpd" in ASCII. Processes that start at the same time migrate one after the other.
const LOCK: i64 = 1_869_901_924;
/// How long a start waits for the migration of another process, and how long its own may take.
const LIMIT: Duration = Duration::from_secs(600);
const STILL_MIGRATING: &str = "the schema was not up to date after ten minutes; another process may be migrating it (see \
                               pg_stat_activity)";
const NO_TABLES: &str = "has no tables of otpd; correct the URL, or create the tables with `otpd init`";
const CONNECT_WITHIN: Duration = Duration::from_secs(20);

/// The newest version known to this program.
fn latest() -> i64 {
    let runner = migrations::runner();
    runner.get_migrations().iter().map(|migration| i64::from(migration.version())).max().unwrap_or(0)
}

/// Applies the pending migrations. A newer schema is accepted if its `min_reader` is not above the version of this program.
///
/// # Errors
/// One sentence for the operator.
pub(super) fn bring_up_to_date(pool: &Pool, create: Create) -> Result<(), String> {
    let shown = pool.url().shown();
    let failed = |cause: &dyn std::fmt::Display| format!("database {shown}: {cause}");
    let mut session = pool.connect(Instant::now() + CONNECT_WITHIN).map_err(|error| failed(&error))?;
    let outcome = session.with_client(LIMIT, async |client| {
        require_utf8(client).await?;
        match found_version(client).await? {
            0 if create == Create::Never => return Err(NO_TABLES.to_owned()),
            found if found >= latest() => return Ok(()),
            _ => {}
        }
        client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.map_err(|cause| words(&cause))?;
        if found_version(client).await? >= latest() {
            return Ok(());
        }
        let outcome = migrations::runner().set_grouped(true).run_async(client).await;
        outcome.map(drop).map_err(|cause| format!("the schema can't be brought up to date: {}", reason(&cause)))
    });
    // The lock ends with the connection.
    drop(session);
    outcome.unwrap_or_else(|| Err(STILL_MIGRATING.to_owned())).map_err(|cause| failed(&cause))?;
    let session = pool.take(Instant::now() + CONNECT_WITHIN).map_err(|error| failed(&error))?;
    session.start(Instant::now() + CONNECT_WITHIN, CONNECT_WITHIN);
    let known = require_known(&Db::postgres(&session));
    known.map_err(|error| failed(&error))?;
    pool.put_back(session);
    Ok(())
}

/// Codes and texts are stored as UTF-8, and no other encoding has all of their characters.
async fn require_utf8(client: &Client) -> Result<(), String> {
    let sql = "SELECT current_setting('server_encoding')";
    let encoding: String = client.query_one(sql, &[]).await.map_err(|cause| words(&cause))?.get(0);
    match encoding.as_str() {
        "UTF8" => Ok(()),
        _ => Err(format!("has the encoding {encoding}; create it with ENCODING 'UTF8' TEMPLATE template0")),
    }
}

/// The version of the schema; 0 if there is none.
async fn found_version(client: &Client) -> Result<i64, String> {
    let exists = "SELECT to_regclass('schema_compatibility') IS NOT NULL";
    let exists: bool = client.query_one(exists, &[]).await.map_err(|cause| words(&cause))?.get(0);
    if !exists {
        return Ok(0);
    }
    let newest = "SELECT coalesce(max(version), 0)::bigint FROM refinery_schema_history";
    Ok(client.query_one(newest, &[]).await.map_err(|cause| words(&cause))?.get(0))
}

/// The innermost cause as one line: the text of refinery's own error does not contain it.
fn reason(cause: &dyn std::error::Error) -> String {
    let mut innermost = cause;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string().replace('\n', " ")
}

/// Requires the latest schema of this program, or a newer one that this program can read.
pub(super) fn require_known(db: &Db) -> Result<()> {
    let sql = "SELECT (SELECT CAST(max(version) AS BIGINT) FROM refinery_schema_history) AS version,
                      (SELECT min_reader FROM schema_compatibility WHERE id = 1) AS min_reader";
    let (found, min_reader): (i64, i64) = db.one(sql, &[], |row| Ok((row.get("version")?, row.get("min_reader")?)))?;
    let known = latest();
    if found == known || (found > known && min_reader <= known) {
        return Ok(());
    }
    let remedy = if found > known { "install a newer otpd" } else { "start this otpd once, which upgrades it" };
    Err(Error::unavailable(format!("the schema has version {found}, and this program needs {known}; {remedy}")))
}
