//! What a restore would allow again: codes that were used since the copy was made, disabled users, and revoked tokens
//! and permissions. Codes are marked as used up in the copy; users and tokens are reported to the operator.
//!
//! The counts of limits and failures are those of the copy, because no code that could be attempted is left usable.

mod account;
mod trail;

use std::collections::{BTreeMap, HashSet};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, params};
use serde_json::Value;

use crate::domain::audit::{Action, NewEvent, Origin};
use crate::domain::otp::{Otp, OtpId};
use crate::domain::timestamp::Timestamp;
use crate::store::db::Db;
use crate::store::error::is_damaged_row;
use crate::store::open_error::OpenError;
use crate::store::sqlite::migrations;
use crate::store::sqlite::open;
use crate::store::sqlite::path::Location;
use crate::store::sqlite::returning::account::{Account, Accounts, accounts};
use crate::store::sqlite::returning::trail::{Trail, last_event};
use crate::store::tables::{audit_events, otps};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The first version of the schema with issued and verified codes.
const FIRST_WITH_ATTEMPTS: i64 = 4;

/// What the restored database accepts and the present one does not.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Returning {
    /// Why the present database could not be compared with the copy. All users and tokens of the copy are then listed.
    pub not_compared: Option<String>,
    pub users: Vec<ReturningUser>,
    pub tokens: Vec<ReturningToken>,
    /// Whether these tokens were deleted from the copy.
    pub are_tokens_revoked: bool,
    /// How many codes were marked as used up in the copy.
    pub spent: usize,
    /// How many queued messages were cancelled in the copy.
    pub cancelled: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub struct ReturningUser {
    pub name: String,
    pub gain: RestoredAccess,
}

/// What a user has in the copy but not at present.
#[derive(Debug, PartialEq, Eq)]
pub enum RestoredAccess {
    /// The user does not exist.
    Account { role: String },
    /// The user is disabled.
    Activity,
    /// The user has another role.
    Role { role: String, instead_of: String },
    /// The user lacks these permissions.
    Permissions(Vec<i64>),
}

#[derive(Debug, PartialEq, Eq)]
pub struct ReturningToken {
    pub prefix: String,
    pub owner: String,
    id: i64,
}

/// The present state of the database that the copy replaces.
pub(super) struct Present {
    accounts: Accounts,
    /// Ids and codes of the usable codes that staff created.
    usable: HashSet<(i64, i64)>,
    /// The greatest id that each table ever assigned.
    last_ids: Vec<(String, i64)>,
    /// The events that the copy lacks.
    trail: Option<Trail>,
}

impl Present {
    /// Reads the present database without changing it. `source` is the copy that will replace it.
    ///
    /// # Errors
    /// Why it can't be read.
    pub(super) fn read(location: &Location, source: &Location) -> Result<Self, String> {
        if !location.file().exists() {
            return Err("it does not exist".to_owned());
        }
        // If the copy can't be read yet, all events are read. Those that the copy has are not added again.
        let last = open::connect(source.file(), OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(|copy| last_event(&copy));
        Self::open(location, last.unwrap_or(0)).map_err(|cause| cause.to_string())
    }

    fn open(location: &Location, last_event: i64) -> Outcome<Self> {
        let sqlite = |cause| OpenError::sqlite(location.given(), &cause);
        let db = open::connect(location.file(), OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(sqlite)?;
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        open::require_ours(&db, location)?;
        let mut usable = HashSet::new();
        if migrations::current(&db)? >= FIRST_WITH_ATTEMPTS {
            let mut codes =
                db.prepare("SELECT id, code FROM otp_codes WHERE attempts_left > 0 AND issued_at IS NULL")?;
            usable = codes.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        }
        let mut ids = db.prepare("SELECT name, seq FROM sqlite_sequence")?;
        let last_ids = ids.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        drop(ids);
        Ok(Self { accounts: accounts(&db)?, usable, last_ids, trail: Trail::read(&db, last_event)? })
    }
}

impl Returning {
    /// Brings the schema of a copy up to date and removes what it must not allow again. Returns what the restore brings
    /// back.
    ///
    /// # Errors
    /// The copy can't be read or changed.
    pub(super) fn prepare(
        copy: &mut Connection,
        present: Result<Present, String>,
        revokes_tokens: bool,
        origin: &Origin,
        now: Timestamp,
    ) -> Outcome<Self> {
        migrations::apply(copy)?;
        let copy = copy.transaction()?;
        let (present, not_compared) = match present {
            Ok(present) => (Some(present), None),
            Err(why) => (None, Some(why)),
        };
        let here = accounts(&copy)?;
        let (users, tokens) = differences(&here, present.as_ref().map(|present| &present.accounts));
        if revokes_tokens {
            for token in &tokens {
                copy.execute("DELETE FROM api_tokens WHERE id = $1", [token.id])?;
            }
        }
        let spent = spend(&copy, present.as_ref().map(|present| &present.usable))?;
        let cancelled = cancel(&copy, now)?;
        for (table, last) in present.iter().flat_map(|present| &present.last_ids) {
            raise_last_id(&copy, table, *last)?;
        }
        for trail in present.iter().filter_map(|present| present.trail.as_ref()) {
            trail.append(&copy)?;
        }
        let revoked = if revokes_tokens { tokens.len() } else { 0 };
        let event = NewEvent::new(Action::Restore)
            .with("codes_consumed", Value::Null, spent)
            .with("messages_cancelled", Value::Null, cancelled)
            .with("tokens_revoked", Value::Null, revoked);
        audit_events::insert(&Db::sqlite(&copy), origin, &event, now)?;
        copy.commit()?;
        Ok(Self { not_compared, users, tokens, are_tokens_revoked: revokes_tokens, spent, cancelled })
    }
}

fn differences(copy: &Accounts, present: Option<&Accounts>) -> (Vec<ReturningUser>, Vec<ReturningToken>) {
    let (mut users, mut tokens) = (Vec::new(), Vec::new());
    for (name, account) in copy {
        let now = present.and_then(|present| present.get(name));
        users.extend(gains(account, now).into_iter().map(|gain| ReturningUser { name: name.clone(), gain }));
        let is_honoured = |hash: &Vec<u8>| {
            let owners = present.into_iter().flat_map(BTreeMap::values);
            owners.filter(|owner| owner.tokens.contains_key(hash)).any(|owner| owner.is_active || !account.is_active)
        };
        let returning = account.tokens.iter().filter(|(hash, _)| !is_honoured(hash));
        tokens.extend(returning.map(|(_, (id, prefix))| ReturningToken {
            prefix: prefix.clone(),
            owner: name.clone(),
            id: *id,
        }));
    }
    (users, tokens)
}

fn gains(copy: &Account, present: Option<&Account>) -> Vec<RestoredAccess> {
    let role = copy.role.clone();
    let Some(present) = present else { return vec![RestoredAccess::Account { role }] };
    let mut gains = Vec::new();
    if copy.is_active && !present.is_active {
        gains.push(RestoredAccess::Activity);
    }
    if copy.role != present.role {
        gains.push(RestoredAccess::Role { role, instead_of: present.role.clone() });
    }
    let permissions: Vec<i64> = copy.permissions.difference(&present.permissions).copied().collect();
    if !permissions.is_empty() {
        gains.push(RestoredAccess::Permissions(permissions));
    }
    gains
}

/// Uses up every code that may have been used since the copy was made: all except the staff's codes that are usable in
/// the present database. Returns how many.
fn spend(db: &Connection, usable: Option<&HashSet<(i64, i64)>>) -> Outcome<usize> {
    let mut listed = db.prepare("SELECT id, code, issued_at IS NOT NULL FROM otp_codes WHERE attempts_left > 0")?;
    let codes =
        listed.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, bool>(2)?)))?;
    let codes: Vec<_> = codes.collect::<Result<_, _>>()?;
    let is_usable = |id: i64, code: i64| usable.is_some_and(|usable| usable.contains(&(id, code)));
    let (db, mut count) = (Db::sqlite(db), 0);
    for (id, ..) in codes.into_iter().filter(|(id, code, is_issued)| *is_issued || !is_usable(*id, *code)) {
        match otps::find(&db, OtpId::from_stored(id)) {
            Ok(otp) => otps::update_usage(&db, &Otp { attempts_left: 0, ..otp })?,
            // A damaged code can't be verified.
            Err(error) if is_damaged_row(&error) => continue,
            Err(error) => return Err(error.into()),
        }
        count += 1;
    }
    Ok(count)
}

/// Cancels queued messages and returns how many. Deletes the stored answers to idempotent requests, because they refer
/// to codes that are used up, sessions and sign-in links, because they may have ended since, and events that wait for an
/// endpoint, because the endpoint may have received them since.
fn cancel(db: &Connection, now: Timestamp) -> Outcome<usize> {
    let sql = "UPDATE message_attempts
                  SET outcome = 'unknown',
                      error = 'the database was restored; it may have been sent',
                      finished_at = $1
                WHERE outcome IS NULL";
    db.execute(sql, [now.as_micros()])?;
    for table in ["event_deliveries", "idempotency_keys", "sessions", "sign_in_links"] {
        db.execute(&format!("DELETE FROM {table}"), [])?;
    }
    db.execute("UPDATE messages SET is_closed = 1, escalate_at = NULL", [])?;
    let sql = "UPDATE messages
                  SET state = 'cancelled',
                      updated_at = $1
                WHERE state IN ('queued', 'sending')";
    Ok(db.execute(sql, [now.as_micros()])?)
}

/// Ensures that an id assigned after the copy was made is not assigned again.
fn raise_last_id(db: &Connection, table: &str, last: i64) -> rusqlite::Result<()> {
    let known = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1";
    if db.prepare_cached(known)?.exists([table])? {
        let raised = "UPDATE sqlite_sequence SET seq = max(seq, $1) WHERE name = $2";
        if db.execute(raised, params![last, table])? == 0 {
            db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)", params![table, last])?;
        }
    }
    Ok(())
}
