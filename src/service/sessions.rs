//! Sessions of the console: signing in, resuming and ending.

mod starting;

use std::sync::Arc;

use serde_json::Value;

use crate::domain::audit::{Action, ActorKind, NewEvent, Origin};
use crate::domain::caller::Caller;
use crate::domain::session::{SEEN_GRAIN, SessionKey, SessionRecord, SessionTimes};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::TokenHash;
use crate::domain::user::{Role, UserName};
use crate::error::{Error, Kind, Result};
use crate::service::call::Call;
pub use crate::service::sessions::starting::create_sign_in_link;
use crate::service::{RequestSource, Service};
use crate::store::sessions::FoundSession;
use crate::store::{Db, sessions, sign_in_links, users};

/// A request in an open session.
#[derive(Clone, Debug)]
pub struct Visit {
    pub caller: Caller,
    pub session_id: i64,
    /// When the session ends if there is no further activity.
    pub ends_at: Timestamp,
}

impl Service {
    /// Returns the user of an open session. Session, user and token are read from the store, so a change takes effect
    /// with the next request. If the request `is_activity` of the user, the session stays open for longer.
    ///
    /// # Errors
    /// `Unauthenticated` if the session is over or unknown, or if its user may not sign in any more.
    pub async fn resume(&self, key: &SessionKey, source: RequestSource, is_activity: bool) -> Result<Visit> {
        let (hash, now) = (key.hash(), self.now());
        let find = move |db: &Db| find_visit(db, &hash, &source, now);
        let (visit, session) = self.store.look_up(find).await?;
        if !is_activity || now.since(session.times.last_seen_at) < SEEN_GRAIN {
            return Ok(visit);
        }
        let update = move |db: &Db| sessions::update_last_seen(db, session.id, now);
        if self.activity.start(&self.store, "the last activity of a session", update) {
            return Ok(Visit { ends_at: SessionTimes { last_seen_at: now, ..session.times }.ends_at(), ..visit });
        }
        Ok(visit)
    }

    /// Ends the session of a request. A session that has ended meanwhile is not an error.
    pub async fn end_session(&self, visit: &Visit) -> Result<()> {
        let (owner, session_id) = (owner(&visit.caller), visit.session_id);
        self.end(&visit.caller, move |_| Ok(owner.clone()), move |session| session.id == session_id).await.map(drop)
    }

    /// Ends the other sessions of the caller. Returns how many were open.
    pub async fn end_other_sessions(&self, caller: &Caller, session_id: i64) -> Result<usize> {
        let owner = owner(caller);
        self.end(caller, move |_| Ok(owner.clone()), move |session| session.id != session_id).await
    }

    /// Ends all sessions of a user and deletes its unused sign-in links. Returns how many sessions were open.
    ///
    /// # Errors
    /// `NotFound` if there is no such user.
    pub async fn end_sessions_of(&self, caller: &Caller, name: UserName) -> Result<usize> {
        let find = move |db: &Db| {
            let user = users::find_by_name(db, &name)?.ok_or_else(no_user)?;
            sign_in_links::delete_of_user(db, user.id)?;
            Ok((user.id, user.name))
        };
        self.end(caller, find, |_| true).await
    }

    /// Ends the sessions of `owner` that are `chosen`. Returns how many of them were open.
    async fn end(
        &self,
        caller: &Caller,
        owner: impl Fn(&Db) -> Result<(i64, UserName)> + Send + 'static,
        chosen: impl Fn(&SessionRecord) -> bool + Send + 'static,
    ) -> Result<usize> {
        let end = move |db: &Db, call: &Call| {
            let (user_id, name) = owner(db)?;
            let mut ended = 0;
            for session in sessions::list_of_user(db, user_id)?.into_iter().filter(&chosen) {
                if sessions::delete(db, session.id)? && session.times.is_open(call.now()) {
                    call.record(db, &end_of(&session, &name))?;
                    ended += 1;
                }
            }
            Ok(ended)
        };
        self.write(caller, end).await
    }

    /// Returns the open sessions of a user, newest first.
    pub async fn list_sessions(&self, user_id: i64) -> Result<Vec<SessionRecord>> {
        let now = self.now();
        let mut sessions = self.store.read(move |db| sessions::list_of_user(db, user_id)).await?;
        sessions.retain(|session| session.times.is_open(now));
        Ok(sessions)
    }

    /// Stores a search of a session. Returns its number, which counts up in each session.
    ///
    /// # Errors
    /// `Unauthenticated` if the session has ended.
    pub async fn keep_search(&self, session_id: i64, q: String) -> Result<i64> {
        self.store.write(move |db| sessions::insert_search(db, session_id, &q)?.ok_or_else(over)).await
    }

    /// Returns a search of a session. `None`: it is not one of the last 20.
    pub async fn find_search(&self, session_id: i64, n: i64) -> Result<Option<String>> {
        self.store.look_up(move |db| sessions::find_search(db, session_id, n)).await
    }
}

/// Returns the request of an open session, and the session.
fn find_visit(db: &Db, hash: &TokenHash, source: &RequestSource, now: Timestamp) -> Result<(Visit, FoundSession)> {
    let session = sessions::find_by_hash(db, hash)?.ok_or_else(over)?;
    let may_continue = session.is_active && session.role != Role::User;
    if !may_continue || !session.times.is_open(now) {
        return Err(over());
    }
    let permissions = users::list_permissions(db, session.user_id)?;
    let origin = Arc::new(Origin {
        kind: ActorKind::User,
        name: session.user_name.clone(),
        token_prefix: session.token.as_ref().map(|(_, prefix)| prefix.clone()),
        request_id: source.request_id.clone(),
        address: source.address,
    });
    let token_id = session.token.as_ref().map_or(-session.id, |(id, _)| *id);
    let caller = Caller { user_id: session.user_id, token_id, role: session.role, permissions, origin };
    Ok((Visit { caller, session_id: session.id, ends_at: session.times.ends_at() }, session))
}

/// The id and the name of the user of a request.
fn owner(caller: &Caller) -> (i64, UserName) {
    (caller.user_id, UserName::from_stored(caller.origin.name.clone()))
}

/// The event of the end of a session. Its start identifies it.
fn end_of(session: &SessionRecord, owner: &UserName) -> NewEvent {
    let event = NewEvent::about_user(Action::SessionEnd, owner);
    event.with("started_at", session.times.created_at.to_string(), Value::Null)
}

fn over() -> Error {
    Error::new(Kind::Unauthenticated, "This session is over.")
}

fn no_user() -> Error {
    Error::new(Kind::NotFound, "There is no such user.")
}
