//! Pool of idle SMTP sessions. A session is ended with QUIT after the idle timeout or when the provider is closed.

use std::mem;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinSet};

use crate::delivery::smtp::session::Session;

/// Maximum number of idle sessions. Equals the number of mails that are sent concurrently.
const MAX_SESSIONS: usize = 8;

pub(super) struct Idle {
    keep_for: Duration,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    /// Idle sessions with the time since which they are idle, oldest first.
    sessions: Vec<(Session, Instant)>,
    /// The task that ends expired sessions. It runs while there are idle sessions.
    sweeper: Option<AbortHandle>,
    /// Tasks that end sessions.
    ending: JoinSet<()>,
}

impl Idle {
    pub(super) fn new(keep_for: Duration) -> Self {
        Self { keep_for, shared: Arc::default() }
    }

    /// Takes the most recently used session. Returns `None` if there is none or if its server does not answer.
    pub(super) async fn take(&self) -> Option<Session> {
        let (mut session, _) = self.shared.lock().sessions.pop()?;
        session.answers().await.then_some(session)
    }

    /// Keeps a session for the next mail.
    pub(super) fn keep(&self, session: Session) {
        let mut shared = self.shared.lock();
        if shared.sessions.len() >= MAX_SESSIONS {
            return shared.end(session);
        }
        shared.sessions.push((session, Instant::now()));
        if shared.sweeper.is_none() {
            let sweeper = tokio::spawn(sweep(Arc::downgrade(&self.shared), self.keep_for));
            shared.sweeper = Some(sweeper.abort_handle());
        }
    }

    /// Ends a session in the background.
    pub(super) fn end(&self, session: Session) {
        self.shared.lock().end(session);
    }

    /// Ends all sessions and waits for the end, at most one second.
    pub(super) async fn close(&self) {
        let mut ending = {
            let mut shared = self.shared.lock();
            shared.end_all();
            mem::take(&mut shared.ending)
        };
        while ending.join_next().await.is_some() {}
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        let mut shared = self.shared.lock();
        shared.end_all();
        shared.ending.detach_all();
    }
}

impl Shared {
    /// Ends a session in a separate task. Outside a Tokio runtime the connection is closed without QUIT.
    fn end(&mut self, session: Session) {
        while self.ending.try_join_next().is_some() {}
        if Handle::try_current().is_ok() {
            self.ending.spawn(session.quit());
        }
    }

    fn end_all(&mut self) {
        if let Some(sweeper) = self.sweeper.take() {
            sweeper.abort();
        }
        for (session, _) in mem::take(&mut self.sessions) {
            self.end(session);
        }
    }

    /// Ends the sessions that are idle for at least `keep_for`. Returns the time until the next session expires, or
    /// `None` if no session is left.
    fn end_expired(&mut self, keep_for: Duration) -> Option<Duration> {
        let expired = self.sessions.iter().take_while(|(_, since)| since.elapsed() >= keep_for).count();
        for (session, _) in self.sessions.drain(..expired).collect::<Vec<_>>() {
            self.end(session);
        }
        let next = self.sessions.first().map(|(_, since)| keep_for.saturating_sub(since.elapsed()));
        if next.is_none() {
            self.sweeper = None;
        }
        next
    }
}

/// Ends expired sessions until no session is left or the provider is dropped.
async fn sweep(shared: Weak<Mutex<Shared>>, keep_for: Duration) {
    let mut pause = Some(keep_for);
    while let Some(wait) = pause {
        tokio::time::sleep(wait).await;
        pause = shared.upgrade().and_then(|shared| shared.lock().end_expired(keep_for));
    }
}
