//! Look-ups of tokens, which concurrent requests share.
//!
//! A client sends many requests with one token. While a look-up of the token runs, further requests wait for the next
//! one, which answers all of them. No request gets rows that were read before it arrived.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::domain::token::TokenHash;
use crate::error::{Error, Result};
use crate::store::postgres::permits::{Permits, READ};
use crate::store::postgres::pool::Pool;
use crate::store::postgres::transaction::look_up;
use crate::store::tables::tokens::{self, TokenWithPermissions};

type Found = Result<Option<TokenWithPermissions>>;

/// The requests that wait for the next look-up of a token, by its hash. There is an entry while a look-up of the token
/// waits or runs.
type Waiting = Mutex<HashMap<[u8; 32], Vec<oneshot::Sender<Found>>>>;

/// The look-ups of tokens. Clones share them.
#[derive(Clone)]
pub(super) struct TokenLookUps {
    pool: Arc<Pool>,
    readers: Permits,
    waiting: Arc<Waiting>,
}

impl TokenLookUps {
    pub(super) fn new(pool: &Arc<Pool>, readers: &Permits) -> Self {
        Self { pool: Arc::clone(pool), readers: readers.clone(), waiting: Arc::default() }
    }

    /// Returns the token with this hash, its user and the permissions of the user.
    pub(super) async fn find(&self, hash: TokenHash) -> Found {
        let (answer, found) = oneshot::channel();
        if let Some(turns) = Turns::join(&self.waiting, hash, answer) {
            // A task of its own, because this request may be cancelled while others wait.
            tokio::spawn(turns.run(self.readers.clone(), Arc::clone(&self.pool)));
        }
        let failed = || Error::unavailable("the database did not look up a token in time, or too many requests wait");
        tokio::time::timeout(READ, found).await.map_err(|_| failed())?.map_err(|_| failed())?
    }

    /// The number of requests that wait for the next look-up of a token. `None`: no look-up waits or runs.
    #[cfg(test)]
    pub(super) fn waiting(&self, hash: TokenHash) -> Option<usize> {
        self.waiting.lock().get(hash.as_bytes()).map(Vec::len)
    }
}

/// The look-ups of a token, one after the other, until no request waits for one.
struct Turns {
    waiting: Arc<Waiting>,
    hash: TokenHash,
    is_over: bool,
}

impl Turns {
    /// Adds a request. Returns the look-ups of its token unless they are under way.
    fn join(all: &Arc<Waiting>, hash: TokenHash, answer: oneshot::Sender<Found>) -> Option<Self> {
        let mut waiting = all.lock();
        let are_under_way = waiting.contains_key(hash.as_bytes());
        waiting.entry(*hash.as_bytes()).or_default().push(answer);
        (!are_under_way).then(|| Self { waiting: Arc::clone(all), hash, is_over: false })
    }

    async fn run(mut self, readers: Permits, pool: Arc<Pool>) {
        let hash = self.hash;
        while let Some(requests) = self.next() {
            let pool = Arc::clone(&pool);
            let work = move |deadline| {
                let found = look_up(&pool, deadline, &|db| tokens::find_with_permissions(db, &hash));
                for answer in requests {
                    // A request that was cancelled needs no answer.
                    drop(answer.send(found.clone()));
                }
            };
            // After a failure, the drop of `requests` ends their wait.
            drop(readers.run(Box::new(work)).await);
        }
    }

    /// The requests that the next look-up answers.
    fn next(&mut self) -> Option<Vec<oneshot::Sender<Found>>> {
        let mut waiting = self.waiting.lock();
        let requests = waiting.get_mut(self.hash.as_bytes()).map(mem::take).filter(|requests| !requests.is_empty());
        if requests.is_none() {
            waiting.remove(self.hash.as_bytes());
            self.is_over = true;
        }
        requests
    }
}

impl Drop for Turns {
    /// Ends the wait of all requests if the event loop ends before.
    fn drop(&mut self) {
        if !self.is_over {
            self.waiting.lock().remove(self.hash.as_bytes());
        }
    }
}
