//! Transactions: a read in one snapshot, and a change that runs again after a conflict or a lost connection.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use std::time::{Duration, Instant};

use rand::TryRng;
use rand::rngs::SysRng;

use crate::error::{Error, Result};
use crate::store::db::Db;
use crate::store::postgres::error::{Failure, Remedy, TIMEOUT};
use crate::store::postgres::pool::Pool;
use crate::store::postgres::session::Session;

/// The beginning of a change. The settings are local to the transaction, so that they work through poolers.
///
/// - `client_min_messages`: otpd must receive the warning that a commit did not wait for its standby.
/// - `enable_seqscan`: a plan that is made while a table is empty would scan it until the next ANALYZE, although an index
///   exists for every statement.
macro_rules! begin_write {
    () => {
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
         SET LOCAL statement_timeout = '3s';
         SET LOCAL lock_timeout = '3s';
         SET LOCAL idle_in_transaction_session_timeout = '5s';
         SET LOCAL client_min_messages = 'warning';
         SET LOCAL enable_seqscan = 'off'"
    };
}
/// Below `synchronous_commit = on`, a commit could be lost although it was acknowledged.
const BEGIN_WRITE: &str = concat!(begin_write!(), "; SET LOCAL synchronous_commit = 'on'");
/// For a server with `synchronous_commit = remote_apply`, which is more than `on`.
const BEGIN_APPLIED_WRITE: &str = begin_write!();
const BEGIN_READ: &str = "
    BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
    SET LOCAL statement_timeout = '2s';
    SET LOCAL idle_in_transaction_session_timeout = '5s'";

/// The longest wait for a statement. In a transaction, the timeout of the server is shorter. It does not apply to a COMMIT
/// that waits for a standby.
const READ_STATEMENT: Duration = Duration::from_millis(2500);
const WRITE_STATEMENT: Duration = Duration::from_millis(3500);
/// The pauses before a transaction runs again. Each is chosen at random up to the bound, which doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LAST_PAUSE: Duration = Duration::from_millis(64);
/// The pause before another connection is tried, after none could be opened.
const RECONNECT: Duration = Duration::from_millis(100);
/// How often a transaction runs again after a conflict. A change that always conflicts is refused.
const MAX_CONFLICTS: u32 = 20;

/// The work of a transaction. It stores its own result, so that the functions here are compiled once and not for each type
/// of result.
type Work<'a> = dyn FnMut(&Db) -> Result<()> + 'a;

/// Runs `work` in a read transaction.
pub(super) fn read<T>(pool: &Pool, deadline: Instant, work: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
    let (mut work, mut done) = (Some(work), None);
    read_with(pool, deadline, &mut |db| {
        let work = work.take().ok_or_else(|| Error::internal("a read ran twice"))?;
        done = Some(work(db)?);
        Ok(())
    })?;
    done.ok_or_else(|| Error::internal("a read did not run"))
}

fn read_with(pool: &Pool, deadline: Instant, work: &mut Work<'_>) -> Result<()> {
    let session = take(pool, deadline)?;
    session.start(deadline, READ_STATEMENT);
    session.begin(BEGIN_READ);
    let read = || work(&Db::postgres(&session)).and_then(|()| session.require_no_changes());
    let outcome = catch_unwind(AssertUnwindSafe(read));
    compare_clocks(pool, &session);
    // A lost connection has no transaction to end.
    if session.failure().is_none_or(|failure| !is_lost(&failure)) && session.roll_back().is_ok() {
        pool.put_back(session);
    } else {
        discard(pool, &session);
    }
    outcome.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Runs `work` without a transaction, again if the connection is lost.
pub(super) fn look_up<T>(pool: &Pool, deadline: Instant, work: &impl Fn(&Db) -> Result<T>) -> Result<T> {
    let mut done = None;
    look_up_with(pool, deadline, &mut |db| {
        done = Some(work(db)?);
        Ok(())
    })?;
    done.ok_or_else(|| Error::internal("a look-up did not run"))
}

fn look_up_with(pool: &Pool, deadline: Instant, work: &mut Work<'_>) -> Result<()> {
    loop {
        let session = take(pool, deadline)?;
        session.start(deadline, READ_STATEMENT);
        let outcome = work(&Db::postgres(&session)).and_then(|()| session.require_no_changes());
        match session.failure() {
            Some(failure) if is_lost(&failure) => {
                if failure.code == TIMEOUT {
                    pool.cancel(&session);
                }
                discard(pool, &session);
                if Instant::now() + RECONNECT >= deadline {
                    return outcome;
                }
                thread::sleep(RECONNECT);
            }
            _ => {
                pool.put_back(session);
                return outcome;
            }
        }
    }
}

/// Returns a connection. Tries again until the deadline if no server accepts changes, because another one may be
/// promoted meanwhile.
fn take(pool: &Pool, deadline: Instant) -> Result<Session> {
    loop {
        match pool.take(deadline) {
            Err(_) if Instant::now() + RECONNECT < deadline => thread::sleep(RECONNECT),
            outcome => return outcome,
        }
    }
}

/// The outcome of one run of a change.
enum Trial {
    /// Committed, or refused and rolled back.
    Over(Result<()>),
    /// Nothing was changed. It may run again.
    Failed(Failure, Error),
    /// The COMMIT was sent, and its outcome is unknown.
    Unknown(Error),
}

/// Runs `work` in a write transaction until it is committed or refused, or the time is over.
pub(super) fn write<T>(pool: &Pool, deadline: Instant, work: &impl Fn(&Db) -> Result<T>) -> Result<T> {
    let mut done = None;
    write_with(pool, deadline, &mut |db| {
        done = Some(work(db)?);
        Ok(())
    })?;
    done.ok_or_else(|| Error::internal("a change did not run"))
}

fn write_with(pool: &Pool, deadline: Instant, work: &mut Work<'_>) -> Result<()> {
    let (mut bound, mut conflicts) = (FIRST_PAUSE, 0);
    pool.require_open()?;
    loop {
        let session = take(pool, deadline)?;
        let (failure, error) = match attempt(pool, &session, deadline, work) {
            Trial::Over(outcome) => {
                pool.put_back(session);
                return outcome;
            }
            Trial::Unknown(error) => {
                pool.note_unknown_commit(&session);
                discard(pool, &session);
                return Err(Error::unavailable(format!("{error}; the change may have taken effect")));
            }
            Trial::Failed(failure, error) => (failure, error),
        };
        pool.metrics().postgres.failed(&failure.code);
        conflicts += u32::from(failure.remedy != Remedy::ReconnectAll);
        let is_hopeless = failure.remedy == Remedy::GiveUp || conflicts > MAX_CONFLICTS;
        if is_lost(&failure) || session.roll_back().is_err() {
            discard(pool, &session);
        } else {
            pool.put_back(session);
        }
        let pause = bound.mul_f64(random());
        if is_hopeless || Instant::now() + pause >= deadline {
            return Err(error);
        }
        thread::sleep(pause);
        bound = (bound * 2).min(LAST_PAUSE);
    }
}

fn attempt(pool: &Pool, session: &Session, deadline: Instant, work: &mut Work<'_>) -> Trial {
    session.start(deadline, WRITE_STATEMENT);
    let failed = |error| {
        let unknown = || Failure::new(Remedy::GiveUp, "internal");
        Trial::Failed(session.failure().unwrap_or_else(unknown), error)
    };
    session.begin(if session.waits_for_apply.get() { BEGIN_APPLIED_WRITE } else { BEGIN_WRITE });
    let outcome = catch_unwind(AssertUnwindSafe(|| work(&Db::postgres(session))))
        .unwrap_or_else(|_| Err(Error::internal("a change panicked; the log contains the location")));
    compare_clocks(pool, session);
    // A failed statement has aborted the transaction, even if the work went on.
    if session.failure().is_some() {
        return failed(outcome.err().unwrap_or_else(|| Error::internal("a change ignored a failed statement")));
    }
    match outcome {
        Err(refusal) => match session.roll_back() {
            Ok(()) => Trial::Over(Err(refusal)),
            Err(error) => failed(error),
        },
        Ok(()) => match timed(|| session.commit()) {
            // A warning: the server no longer waits for its standby, so the change may be lost with the server.
            (Ok(()), _) if session.has_warning() => {
                Trial::Unknown(Error::unavailable("PostgreSQL committed a change without its synchronous standby"))
            }
            (Ok(()), took) => {
                pool.note_commit(took, session.has_changes());
                Trial::Over(Ok(()))
            }
            // The server refused a deferred change.
            (Err(error), _) if session.is_rolled_back() => failed(error),
            (Err(error), _) => Trial::Unknown(error),
        },
    }
}

/// Returns how long `work` took, too.
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let outcome = work();
    (outcome, begun.elapsed())
}

/// Compares the clocks, if the transaction has begun on the server.
fn compare_clocks(pool: &Pool, session: &Session) {
    if let Some((server, at)) = session.began_at().filter(|_| pool.is_present(session)) {
        pool.clock().compare(server, at);
    }
}

fn is_lost(failure: &Failure) -> bool {
    matches!(failure.remedy, Remedy::Reconnect | Remedy::ReconnectAll)
}

/// Called before a connection is dropped. If the server did not answer, or is no longer the primary, all connections to
/// it are dropped.
fn discard(pool: &Pool, session: &Session) {
    if session.failure().is_some_and(|failure| failure.remedy == Remedy::ReconnectAll) {
        pool.discard_all(session.generation);
    }
}

/// A random number from 0 to 1. A failure of the random number generator only means that pauses are not spread.
fn random() -> f64 {
    f64::from(SysRng.try_next_u32().unwrap_or(u32::MAX)) / f64::from(u32::MAX)
}
