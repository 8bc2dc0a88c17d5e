//! Tables `hourly_figures` and `daily_figures`. Triggers add each change of the first to the second.

use crate::domain::figures::period::{Grain, Span};
use crate::domain::figures::{Counter, Figure, MAX_SUBJECTS};
use crate::error::{Error, Result};
use crate::store::db::{Db, Dialect};
use crate::values;

const HOURS_PER_DAY: i64 = 24;

const ADD: &str = "
    INSERT INTO hourly_figures (figure, hour, subject, count)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (figure, hour, subject) DO UPDATE SET count = hourly_figures.count + excluded.count";
/// On PostgreSQL a counter is spread over several rows, so that transactions do not wait for each other.
const ADD_TO_SLOT: &str = "
    INSERT INTO hourly_figures (figure, hour, subject, count, slot)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (figure, hour, subject, slot) DO UPDATE SET count = hourly_figures.count + excluded.count";

/// Adds to the counter of an hour.
pub fn add(db: &Db, hour: i64, counter: &Counter, count: u64) -> Result<()> {
    let [figure, hour, subject, count] = values![counter.figure.as_str(), hour, &counter.subject, stored(count)?];
    match db.dialect() {
        Dialect::Sqlite => db.change(ADD, &[figure, hour, subject, count]),
        Dialect::Postgres => db.change(ADD_TO_SLOT, &[figure, hour, subject, count, db.slot().into()]),
    }
}

/// Adds one to each of the counters of an hour.
pub fn add_each(db: &Db, hour: i64, counters: &[Counter]) -> Result<()> {
    counters.iter().try_for_each(|counter| add(db, hour, counter, 1))
}

pub(in crate::store) const HAS_ROOM: &str = "
    SELECT EXISTS (SELECT 1 FROM hourly_figures WHERE figure = $1 AND hour = $2 AND subject = $3)
        OR (SELECT count(DISTINCT subject) FROM hourly_figures WHERE figure = $1 AND hour = $2) < $4 AS has_room";

/// Adds to the counter of an hour. If the hour has too many subjects already, a new one is counted with the others.
pub fn add_bounded(db: &Db, hour: i64, counter: &Counter, count: u64) -> Result<()> {
    let values = values![counter.figure.as_str(), hour, &counter.subject, stored(MAX_SUBJECTS as u64)?];
    if db.one(HAS_ROOM, &values, |row| row.get("has_room"))? {
        return add(db, hour, counter, count);
    }
    add(db, hour, &counter.for_other_subjects(), count)
}

fn stored(count: u64) -> Result<i64> {
    i64::try_from(count).map_err(Error::internal)
}

pub(in crate::store) const LIST_HOURS: &str = "
    SELECT hour,
           subject,
           count
      FROM hourly_figures
     WHERE figure = $1
       AND hour >= $2
       AND hour < $3";

pub(in crate::store) const LIST_DAYS: &str = "
    SELECT day * 24 AS hour,
           subject,
           count
      FROM daily_figures
     WHERE figure = $1
       AND day >= $2
       AND day < $3";

/// Passes the counts of a figure in a range to `each`: the first hour of the row, the subject and the count. By days,
/// the range begins with the day that contains its first hour. A subject can occur several times.
pub fn read(db: &Db, figure: Figure, span: Span, grain: Grain, mut each: impl FnMut(i64, &str, u64)) -> Result<()> {
    let (sql, from, until) = match grain {
        Grain::Hour => (LIST_HOURS, span.from, span.until),
        Grain::Day => (LIST_DAYS, span.from.div_euclid(HOURS_PER_DAY), (span.until - 1).div_euclid(HOURS_PER_DAY) + 1),
    };
    db.rows(sql, &values![figure.as_str(), from, until], |row| {
        each(row.get("hour")?, &row.get::<String>("subject")?, row.get("count")?);
        Ok(())
    })?;
    Ok(())
}

pub(in crate::store) const DELETE_HOURS_BEFORE: &str = "
    DELETE FROM hourly_figures
     WHERE (figure, hour, subject) IN (
               SELECT figure, hour, subject FROM hourly_figures WHERE figure = $1 AND hour < $2 LIMIT $3
           )";
pub(in crate::store) const DELETE_DAYS_BEFORE: &str = "
    DELETE FROM daily_figures
     WHERE (figure, day, subject) IN (
               SELECT figure, day, subject FROM daily_figures WHERE figure = $1 AND day < $2 LIMIT $3
           )";

/// Deletes at most `limit` counts of each figure from before `hour`, and from before its day. Returns their number.
pub fn delete_before(db: &Db, hour: i64, limit: i64) -> Result<usize> {
    delete(db, [(DELETE_HOURS_BEFORE, hour), (DELETE_DAYS_BEFORE, hour.div_euclid(HOURS_PER_DAY))], limit)
}

pub(in crate::store) const DELETE_HOURS_AFTER: &str = "
    DELETE FROM hourly_figures
     WHERE (figure, hour, subject) IN (
               SELECT figure, hour, subject FROM hourly_figures WHERE figure = $1 AND hour > $2 LIMIT $3
           )";
pub(in crate::store) const DELETE_DAYS_AFTER: &str = "
    DELETE FROM daily_figures
     WHERE (figure, day, subject) IN (
               SELECT figure, day, subject FROM daily_figures WHERE figure = $1 AND day > $2 LIMIT $3
           )";

/// Deletes at most `limit` counts of each figure from after `hour`, and from after its day. Returns their number.
pub fn delete_after(db: &Db, hour: i64, limit: i64) -> Result<usize> {
    delete(db, [(DELETE_HOURS_AFTER, hour), (DELETE_DAYS_AFTER, hour.div_euclid(HOURS_PER_DAY))], limit)
}

fn delete(db: &Db, statements: [(&str, i64); 2], limit: i64) -> Result<usize> {
    let mut deleted = 0;
    for figure in Figure::ALL {
        for (sql, boundary) in statements {
            deleted += db.execute(sql, &values![figure.as_str(), boundary, limit])?;
        }
    }
    Ok(deleted)
}
