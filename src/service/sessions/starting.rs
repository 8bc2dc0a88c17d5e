//! Signing in with a token or a link. A refused sign-in is a committed result, because it is counted and recorded. It
//! becomes an error only after the commit.

use std::sync::Arc;
use std::time::Duration;

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use serde_json::Value;
use tokio::time::timeout;

use crate::domain::audit::{Action, ActorKind, NewEvent, Origin};
use crate::domain::client::ClientNetwork;
use crate::domain::clock::time_left;
use crate::domain::limit::Event;
use crate::domain::session::{FAILURE_WINDOW, FAILURES_ALLOWED, LINK_LIVES, LinkKey, SessionKey};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::TokenHash;
use crate::domain::token_details::is_expired;
use crate::domain::user::{Role, User, UserName};
use crate::error::{Error, Kind, Result};
use crate::service::{RequestSource, Service};
use crate::store::sessions::NewSession;
use crate::store::{Db, Store, Subject, audit_events, limit_events, sessions, sign_in_links, tokens, users};

/// How long a sign-in waits until fewer others are checked.
const SIGN_IN_WAIT: Duration = Duration::from_secs(4);

/// Whether a sign-in is accepted.
enum Answer {
    /// By this user, with the id and the prefix of its token if it gave one.
    Accepted(User, Option<(i64, String)>),
    /// The name of the user, for the audit trail; empty if there is no such user.
    Refused(String),
}

/// Where a sign-in comes from.
struct Source {
    request: RequestSource,
    browser: Option<String>,
}

impl Service {
    /// Starts a session for a user and one of its API tokens. `browser` is the `User-Agent`
    /// ([`crate::domain::session::browser`]).
    ///
    /// # Errors
    /// `Unauthenticated` if name and token don't belong together or may not sign in. All reasons have the same text.
    /// `Throttled` after too many failures. `Unavailable` if too many others are checked for four seconds.
    pub async fn sign_in(
        &self,
        name: &str,
        token: &str,
        source: RequestSource,
        browser: Option<String>,
    ) -> Result<SessionKey> {
        let (name, hash) = (UserName::from_stored(name.trim().to_owned()), TokenHash::of(token.trim()));
        let source = Source { request: source, browser };
        self.start_session(source, move |db, now| by_token(db, &name, &hash, now)).await
    }

    /// Starts a session with a link, which does not work again.
    ///
    /// # Errors
    /// The same as of [`Service::sign_in`].
    pub async fn sign_in_by_link(
        &self,
        key: &LinkKey,
        source: RequestSource,
        browser: Option<String>,
    ) -> Result<SessionKey> {
        let (hash, source) = (key.hash(), Source { request: source, browser });
        self.start_session(source, move |db, now| by_link(db, &hash, now)).await
    }

    async fn start_session(
        &self,
        source: Source,
        answer: impl Fn(&Db, Timestamp) -> Result<Answer> + Send + 'static,
    ) -> Result<SessionKey> {
        let source = Arc::new(source);
        // The sign-ins of a flood end here, or after the wait if they came at once. The check in the transaction is exact.
        self.check_failures(&source).await?;
        let permit = timeout(SIGN_IN_WAIT, self.sign_ins.acquire()).await;
        let _permit = permit.map_err(|_| Error::unavailable("too many sign-ins wait"))?.map_err(Error::internal)?;
        self.check_failures(&source).await?;
        let key = SessionKey::generate(&mut UnwrapErr(SysRng));
        let (clock, hash) = (Arc::clone(&self.clock), key.hash());
        let start = move |db: &Db| {
            // A user that is disabled at this moment gets no session.
            db.hold(Subject::Users)?;
            source.hold(db)?;
            let now = clock();
            require_few_failures(db, &source, now)?;
            match answer(db, now)? {
                Answer::Accepted(user, token) => accept(db, hash, &user, token, &source, now).map(|()| true),
                Answer::Refused(name) => refuse(db, name, &source, now).map(|()| false),
            }
        };
        if self.store.write(start).await? { Ok(key) } else { Err(unknown()) }
    }

    /// Looks up whether there were too many failures, without the writer.
    async fn check_failures(&self, source: &Arc<Source>) -> Result<()> {
        let (clock, source) = (Arc::clone(&self.clock), Arc::clone(source));
        self.store.look_up(move |db| require_few_failures(db, &source, clock())).await
    }
}

/// Creates a link that signs a user in once.
///
/// # Errors
/// `Invalid` if there is no such user or if it may not sign in.
pub async fn create_sign_in_link(
    store: &Store,
    origin: Arc<Origin>,
    name: UserName,
    now: Timestamp,
) -> Result<LinkKey> {
    let key = LinkKey::generate(&mut UnwrapErr(SysRng));
    let hash = key.hash();
    let create = move |db: &Db| {
        db.hold(Subject::Users)?;
        let user = crate::service::accounts::existing(db, &name)?;
        require_console(&user)?;
        sign_in_links::insert(db, &hash, user.id, now)?;
        let event = NewEvent::about_user(Action::SessionStart, &name);
        audit_events::insert(db, &origin, &event.with("result", Value::Null, "link"), now)
    };
    store.write(create).await.map(|()| key)
}

fn require_console(user: &User) -> Result<()> {
    let name = &user.name;
    let why = if user.role == Role::User {
        format!("user {name} has the role user, which can't use the console")
    } else if user.is_active {
        return Ok(());
    } else {
        format!("user {name} is disabled; `otpd user enable {name}` enables it")
    };
    Err(Error::new(Kind::Invalid, why))
}

/// Finds both the user and the token in any case, so that all refusals take about the same time.
fn by_token(db: &Db, name: &UserName, hash: &TokenHash, now: Timestamp) -> Result<Answer> {
    let (user, token) = (users::find_by_name(db, name)?, tokens::find_by_hash(db, hash)?);
    let Some(user) = user else { return Ok(Answer::Refused(String::new())) };
    match token {
        Some(token)
            if token.user_id == user.id && !is_expired(token.expires_at, now) && require_console(&user).is_ok() =>
        {
            tokens::update_last_used(db, token.token_id, now)?;
            Ok(Answer::Accepted(user, Some((token.token_id, token.prefix))))
        }
        _ => Ok(Answer::Refused(user.name.as_str().to_owned())),
    }
}

fn by_link(db: &Db, hash: &TokenHash, now: Timestamp) -> Result<Answer> {
    match sign_in_links::take(db, hash)? {
        Some((user, created_at))
            if time_left(created_at, LINK_LIVES, now).is_some() && require_console(&user).is_ok() =>
        {
            Ok(Answer::Accepted(user, None))
        }
        Some((user, _)) => Ok(Answer::Refused(user.name.as_str().to_owned())),
        None => Ok(Answer::Refused(String::new())),
    }
}

fn accept(
    db: &Db,
    hash: TokenHash,
    user: &User,
    token: Option<(i64, String)>,
    source: &Source,
    now: Timestamp,
) -> Result<()> {
    let (token_id, prefix) = token.unzip();
    let (address, browser) = (source.request.address, source.browser.clone());
    sessions::insert(db, &NewSession { hash, user_id: user.id, token_id, address, browser }, now)?;
    record(db, user.name.as_str().to_owned(), prefix, source, "started", now)
}

fn refuse(db: &Db, name: String, source: &Source, now: Timestamp) -> Result<()> {
    for (event, _) in FAILURES_ALLOWED {
        limit_events::insert(db, event, &source.subject(event), now)?;
    }
    record(db, name, None, source, "refused", now)
}

fn record(
    db: &Db,
    name: String,
    token_prefix: Option<String>,
    source: &Source,
    result: &str,
    now: Timestamp,
) -> Result<()> {
    let RequestSource { request_id, address } = source.request.clone();
    let origin = Origin { kind: ActorKind::User, name, token_prefix, request_id, address };
    audit_events::insert(db, &origin, &NewEvent::new(Action::SessionStart).with("result", Value::Null, result), now)
}

/// Requires that the network of the client, and all clients together, have not failed too often.
///
/// # Errors
/// `Throttled`, with the time until the next sign-in is allowed.
fn require_few_failures(db: &Db, source: &Source, now: Timestamp) -> Result<()> {
    for (event, allowed) in FAILURES_ALLOWED {
        let oldest = limit_events::nth_newest(db, event, &source.subject(event), allowed, now)?;
        if let Some(wait) = oldest.and_then(|oldest| time_left(oldest, FAILURE_WINDOW, now)) {
            return Err(Error::throttled(wait));
        }
    }
    Ok(())
}

impl Source {
    /// Locks the subjects of failures, so that they are counted exactly.
    fn hold(&self, db: &Db) -> Result<()> {
        let subjects = FAILURES_ALLOWED.map(|(event, _)| (event, self.subject(event)));
        let locks = subjects.each_ref().map(|(event, subject)| Subject::Limit { kind: event.as_str(), subject });
        db.hold_all(&locks).map(drop)
    }

    /// The key under which the store counts a failure. Clients without a known address share one key.
    fn subject(&self, event: Event) -> String {
        let network = self.request.address.filter(|_| event == Event::SignInFailureFrom);
        network.map(|address| ClientNetwork::containing(address).key()).unwrap_or_default()
    }
}

fn unknown() -> Error {
    Error::new(Kind::Unauthenticated, "This token is not known, was revoked, or its user is disabled.")
}
