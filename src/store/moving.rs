//! Copies the content of a database to a new one, of the same or the other engine: for `otpd move`, and for
//! `otpd backup` of a PostgreSQL database.
//!
//! The source is read in one snapshot and never changed. The target is one transaction or a temporary file, so that it
//! is empty or complete, also if the process is killed. What was written is read back and compared before it is kept.

mod copy;
mod ids;
mod server;
mod tables;

use std::path::Path;

use crate::error::{Error, Result};
use crate::store::database::Database;
use crate::store::db::Db;
use crate::store::moving::tables::TABLES;
use crate::store::open_error::OpenError;
use crate::store::postgres::{Bulk, PostgresUrl};
use crate::store::sqlite::backup::{Contents, Replace};
use crate::store::sqlite::moving::{NewFile, read_alone};

/// Progress callback: receives the percentage copied so far and the path of the temporary file, if there is one. It may
/// end the process; only that file is then left behind.
pub type MoveProgress<'a> = &'a dyn Fn(u64, Option<&Path>);

/// A database that is being read.
struct Source<'a> {
    db: &'a Db<'a>,
    /// The database, for messages.
    shown: String,
    /// Checks before the end that the copy is still complete.
    check: &'a dyn Fn() -> Result<(), OpenError>,
    progress: MoveProgress<'a>,
}

/// Copies the content of `source`, which no server uses, to `target`, which is new or empty. Returns the row counts.
///
/// # Errors
/// One sentence for the operator. `target` has no content then, except if the message says that the outcome is unknown.
pub fn move_database(source: &Database, target: &Database, progress: MoveProgress<'_>) -> Result<Contents, OpenError> {
    match (source, target) {
        (Database::File(file), Database::File(_)) => Err(OpenError::sentence(format!(
            "database {}: is an SQLite file already; give the URL of a PostgreSQL database, or copy the file with \
             `otpd backup`",
            file.display()
        ))),
        (Database::File(file), Database::Postgres(url)) => {
            let shown = source.shown();
            read_alone(file, |db| Source { db, shown, check: &|| Ok(()), progress }.copy_to_server(url))
        }
        (Database::Postgres(server), Database::File(path)) => {
            let file = NewFile::database(path)?;
            let target = file.shown();
            move_from_server(server, &target, progress, |source| source.copy_to_file(file))
        }
        (Database::Postgres(server), Database::Postgres(url))
            if (&server.hosts, &server.database) == (&url.hosts, &url.database) =>
        {
            Err(OpenError::sentence(format!(
                "database {}: is the source and the target; give another one",
                url.shown()
            )))
        }
        (Database::Postgres(server), Database::Postgres(url)) => {
            move_from_server(server, &url.shown(), progress, |source| source.copy_to_server(url))
        }
    }
}

/// Runs `copy` on a PostgreSQL database that no server uses and no command changes meanwhile.
fn move_from_server(
    server: &PostgresUrl,
    target: &str,
    progress: MoveProgress<'_>,
    copy: impl FnOnce(&Source) -> Result<Contents, OpenError>,
) -> Result<Contents, OpenError> {
    let shown = server.shown();
    let server = Bulk::existing(server)?;
    let check = || require_stopped(&server, &shown);
    check()?;
    server.read(|db| {
        let source = Source { db, shown: shown.clone(), check: &check, progress };
        server::stop_changes(db).map_err(|error| source.failed(target, &error))?;
        copy(&source)
    })
}

/// Copies a PostgreSQL database, which servers may use at the same time, to an SQLite file. Returns the row counts.
///
/// # Errors
/// One sentence for the operator. `target` is unchanged then.
pub fn back_up_server(
    server: &PostgresUrl,
    target: &Path,
    replace: Replace,
    progress: MoveProgress<'_>,
) -> Result<Contents, OpenError> {
    let file = NewFile::backup(target, replace)?;
    let shown = server.shown();
    Bulk::existing(server)?.read(|db| Source { db, shown, check: &|| Ok(()), progress }.copy_to_file(file))
}

/// Refuses the database if an otpd server delivers its messages at present.
fn require_stopped(server: &Bulk, shown: &str) -> Result<(), OpenError> {
    if server.is_served()? {
        return Err(OpenError::sentence(format!(
            "database {shown}: otpd is running on it; stop otpd on all hosts, then try again (after a crash, wait ten \
             seconds)"
        )));
    }
    Ok(())
}

impl Source<'_> {
    fn copy_to_file(&self, file: NewFile) -> Result<Contents, OpenError> {
        let target = file.shown();
        file.fill(|to, draft| {
            let contents = self.copy(to, Some(draft)).map_err(|error| self.failed(&target, &error))?;
            (self.check)()?;
            Ok(contents)
        })
    }

    fn copy_to_server(&self, url: &PostgresUrl) -> Result<Contents, OpenError> {
        let target = url.shown();
        Bulk::with_schema(url)?.write(|to| {
            let failed = |error: Error| self.failed(&target, &error);
            if let Some(table) = server::reserve(to).map_err(failed)? {
                return Err(OpenError::sentence(format!(
                    "database {target}: is not empty (table {table} has rows); give a new or empty database"
                )));
            }
            server::stop_counting(to).map_err(failed)?;
            let contents = self.copy(to, None).map_err(failed)?;
            server::count(to).map_err(failed)?;
            (self.check)()?;
            Ok(contents)
        })
    }

    fn failed(&self, target: &str, error: &Error) -> OpenError {
        OpenError::sentence(format!("database {} can't be copied to {target}: {error}; nothing was kept", self.shown))
    }

    /// Copies and compares all tables, and continues the ids.
    fn copy(&self, to: &Db, draft: Option<&Path>) -> Result<Contents> {
        let (all, mut copied) = (count_rows(self.db)?.max(1), 0);
        let mut summaries = Vec::new();
        for table in &TABLES {
            summaries.push(copy::copy(self.db, to, table, |rows| {
                copied += rows;
                (self.progress)((copied * 100 / all).min(99), draft);
            })?);
        }
        for (table, read) in TABLES.iter().zip(summaries) {
            let written = copy::summarize(to, table, || (self.progress)(100, draft))?;
            if !read.equals(written) {
                return Err(Error::internal(format!("the copy of table {} differs from the original", table.name)));
            }
        }
        for table in TABLES.iter().filter(|table| table.has_assigned_ids()) {
            ids::raise(to, table, ids::last(self.db, table)?)?;
        }
        contents(to)
    }
}

/// The number of rows of all tables, for the progress.
fn count_rows(db: &Db) -> Result<u64> {
    let mut all: u64 = 0;
    for table in &TABLES {
        let sql = format!("SELECT count(*) AS count FROM {}", table.name);
        all += db.one(&sql, &[], |row| row.get::<u64>("count"))?;
    }
    Ok(all)
}

fn contents(db: &Db) -> Result<Contents> {
    let sql = "SELECT (SELECT count(*) FROM otp_codes) AS codes,
                      (SELECT count(*) FROM users) AS users,
                      (SELECT count(*) FROM api_tokens) AS tokens";
    db.one(sql, &[], |row| {
        Ok(Contents { codes: row.get("codes")?, users: row.get("users")?, tokens: row.get("tokens")? })
    })
}

#[cfg(test)]
mod tests;
