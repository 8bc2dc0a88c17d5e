//! The right to deliver messages, of one process at a time. It is a row that the process renews. Each transaction that
//! claims messages or events locks the row and checks that the process still has the right. A process that was suspended
//! therefore can't claim any with a right that it has lost.
//!
//! The limits of the providers (concurrent requests, requests per second, the circuit breaker) therefore apply to all
//! processes together.

use rand::TryRng;
use rand::rngs::SysRng;

use crate::error::{Error, Result};
use crate::store::db::Db;
use crate::store::postgres::clock::server_now;
use crate::values;

/// The identity of this process.
pub(in crate::store) struct Lease {
    holder: String,
}

impl Default for Lease {
    fn default() -> Self {
        // A failure of the random number generator leaves the process id.
        let random = SysRng.try_next_u64().unwrap_or(u64::from(std::process::id()));
        Self { holder: format!("{random:016x}") }
    }
}

/// When a right ends that is taken or renewed now: after ten seconds. `CERTAIN` in `outbox_right.rs` is shorter.
macro_rules! end {
    () => {
        concat!(server_now!(), " + 10000000")
    };
}

/// Waits for the transactions that rely on the right. A renewal, which changes no key, does not wait for them.
const LOCK: &str = "SELECT id FROM outbox_lease WHERE id = 1 FOR UPDATE";
const TAKE: &str = concat!(
    "UPDATE outbox_lease
        SET holder = $1,
            until = ",
    end!(),
    "
      WHERE id = 1
        AND (holder = $1 OR until <= ",
    server_now!(),
    ")"
);
/// Unlike `TAKE`, this has no effect after a release, even if it runs late.
const RENEW: &str = concat!("UPDATE outbox_lease SET until = ", end!(), " WHERE id = 1 AND holder = $1");
const HELD: &str =
    concat!("SELECT id FROM outbox_lease WHERE id = 1 AND holder = $1 AND until > ", server_now!(), " FOR KEY SHARE");
const IS_HELD: &str = concat!("SELECT id FROM outbox_lease WHERE id = 1 AND until > ", server_now!());
const RELEASE: &str = "UPDATE outbox_lease SET holder = '', until = 0 WHERE id = 1 AND holder = $1";

impl Lease {
    /// Takes the right. Returns whether this process has it.
    pub(super) fn take(&self, db: &Db) -> Result<bool> {
        db.one(LOCK, &[], |_| Ok(()))?;
        Ok(db.execute(TAKE, &values![&self.holder])? > 0)
    }

    /// Renews the right. Returns whether this process has it.
    pub(super) fn renew(&self, db: &Db) -> Result<bool> {
        Ok(db.execute(RENEW, &values![&self.holder])? > 0)
    }

    pub(super) fn release(&self, db: &Db) -> Result<()> {
        db.execute(RELEASE, &values![&self.holder]).map(drop)
    }

    /// Requires that this process has the right until the end of the transaction.
    ///
    /// # Errors
    /// Unavailable, if another process may have it.
    pub(in crate::store) fn require(&self, db: &Db) -> Result<()> {
        if db.exists(HELD, &values![&self.holder])? { Ok(()) } else { Err(Error::unavailable_as_logged()) }
    }
}

/// Whether any process has the right. Every server that runs has it or waits for it.
pub(super) fn is_held(db: &Db) -> Result<bool> {
    db.exists(IS_HELD, &[])
}

/// Changes the row without an effect.
pub(super) fn touch(db: &Db) -> Result<()> {
    db.execute("UPDATE outbox_lease SET until = until WHERE id = 1", &[]).map(drop)
}
