//! Look-ups of tokens, which concurrent requests share.
//!
//! A client sends many requests with one token. Requests that arrive during a look-up share the next one, so that no
//! request gets rows that were read before it arrived.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::domain::token::TokenHash;
use crate::error::{Error, Result};
use crate::store::db::Db;
use crate::store::postgres::pool::Pool;
use crate::store::postgres::transaction::look_up;
use crate::store::postgres::work_queue::{Job, READ_LIMIT, WorkQueue};
use crate::store::tables::tokens::{self, TokenWithPermissions};

type Found = Result<Option<TokenWithPermissions>>;

/// The requests that wait for the next look-up of a token, by its hash. There is an entry while a look-up of the token
/// waits or runs.
type Waiting = Mutex<HashMap<[u8; 32], Vec<oneshot::Sender<Found>>>>;

/// The look-ups of tokens. Clones share them.
#[derive(Clone)]
pub(super) struct TokenLookUps {
    pool: Arc<Pool>,
    readers: WorkQueue,
    waiting: Arc<Waiting>,
}

impl TokenLookUps {
    pub(super) fn new(pool: &Arc<Pool>, readers: &WorkQueue) -> Self {
        Self { pool: Arc::clone(pool), readers: readers.clone(), waiting: Arc::default() }
    }

    /// Returns the token with this hash, its user and the permissions of the user.
    pub(super) async fn find(&self, hash: TokenHash) -> Found {
        let (answer, found) = oneshot::channel();
        if let Some(look_up) = self.join(hash, answer) {
            look_up.push();
        }
        let late = || Error::unavailable("the look-up of the token took too long");
        let found = tokio::time::timeout(READ_LIMIT, found).await.map_err(|_| late())?;
        found.map_err(|_| Error::internal("the look-up of a token panicked; the log contains the location"))?
    }

    /// Adds a request. Returns the look-up of its token, unless one waits or runs.
    fn join(&self, hash: TokenHash, answer: oneshot::Sender<Found>) -> Option<Box<LookUp>> {
        let mut waiting = self.waiting.lock();
        let exists = waiting.contains_key(hash.as_bytes());
        waiting.entry(*hash.as_bytes()).or_default().push(answer);
        (!exists).then(|| Box::new(LookUp { shared: self.clone(), hash, is_over: false }))
    }

    /// The number of requests that wait for the next look-up of a token. `None`: no look-up waits or runs.
    #[cfg(test)]
    pub(super) fn waiting(&self, hash: TokenHash) -> Option<usize> {
        self.waiting.lock().get(hash.as_bytes()).map(Vec::len)
    }
}

/// The look-up of a token that waits or runs.
struct LookUp {
    shared: TokenLookUps,
    hash: TokenHash,
    is_over: bool,
}

impl LookUp {
    /// Adds it to the queue of reads.
    fn push(self: Box<Self>) {
        let readers = self.shared.readers.clone();
        readers.push(self);
    }

    /// Whether further requests wait. If none does, the look-up is over.
    fn has_requests(&mut self) -> bool {
        let mut waiting = self.shared.waiting.lock();
        self.is_over = waiting.get(self.hash.as_bytes()).is_none_or(Vec::is_empty);
        if self.is_over {
            waiting.remove(self.hash.as_bytes());
        }
        !self.is_over
    }
}

impl Job for LookUp {
    fn is_wanted(&self) -> bool {
        // A request may join at any time.
        true
    }

    fn run(mut self: Box<Self>, deadline: Instant) {
        let requests = self.shared.waiting.lock().get_mut(self.hash.as_bytes()).map(mem::take).unwrap_or_default();
        let found = look_up(&self.shared.pool, deadline, &|db: &Db| tokens::find_with_permissions(db, &self.hash));
        answer(requests, &found);
        if self.has_requests() {
            self.push();
        }
    }

    fn refuse(mut self: Box<Self>, error: Error) {
        let requests = self.shared.waiting.lock().remove(self.hash.as_bytes()).unwrap_or_default();
        self.is_over = true;
        answer(requests, &Err(error));
    }
}

/// Answers all requests. One that was cancelled needs no answer.
fn answer(requests: Vec<oneshot::Sender<Found>>, found: &Found) {
    for request in requests {
        drop(request.send(found.clone()));
    }
}

impl Drop for LookUp {
    /// Ends the wait of its requests after a panic.
    fn drop(&mut self) {
        if !self.is_over {
            self.shared.waiting.lock().remove(self.hash.as_bytes());
        }
    }
}
