//! Limits for lists, which may take seconds: lists never hold every reader, and the lists of one token never hold every
//! reader available to lists.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

/// The most lists of one token that may wait or run at once. Further ones fail as unavailable.
pub(super) const LISTS_OF_TOKEN: usize = 256;

/// If there are so many tokens, those without a list are forgotten when a new one comes.
const FORGET_FROM: usize = 1024;

/// Counts either queue slots or readers.
pub(super) type Permits = Arc<Semaphore>;

/// The permits of all lists.
pub(super) struct ListPermits {
    /// One permit per reader that lists may hold.
    pub(super) all: Permits,
    /// How many of them the lists of one token may hold.
    pub(super) share: usize,
    /// By `Caller::token_id`. A session without a token has a negative id.
    tokens: Mutex<HashMap<i64, TokenPermits>>,
}

/// The limits for the lists of one token.
#[derive(Clone)]
pub(super) struct TokenPermits {
    pub(super) places: Permits,
    pub(super) readers: Permits,
}

impl TokenPermits {
    /// Whether a list has a clone of these permits.
    fn are_used(&self) -> bool {
        Arc::strong_count(&self.places) > 1 || Arc::strong_count(&self.readers) > 1
    }
}

impl ListPermits {
    /// Reserves one of the readers for other reads, and one for the lists of another token.
    pub(super) fn new(readers: usize) -> Self {
        let lists = readers.saturating_sub(1).max(1);
        let share = lists.div_ceil(2).min(lists.saturating_sub(1)).max(1);
        Self { all: Arc::new(Semaphore::new(lists)), share, tokens: Mutex::default() }
    }

    pub(super) fn of_token(&self, id: i64) -> TokenPermits {
        let mut tokens = self.tokens.lock();
        let new = || TokenPermits {
            places: Arc::new(Semaphore::new(LISTS_OF_TOKEN)),
            readers: Arc::new(Semaphore::new(self.share)),
        };
        if tokens.len() >= FORGET_FROM && !tokens.contains_key(&id) {
            tokens.retain(|_, permits| permits.are_used());
        }
        tokens.entry(id).or_insert_with(new).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_without_a_list_are_forgotten() {
        let permits = ListPermits::new(4);
        let used = permits.of_token(1);
        let _place = Arc::clone(&used.places).try_acquire_owned().unwrap();
        (2..10_000).for_each(|id| drop(permits.of_token(id)));
        assert!(permits.tokens.lock().len() <= FORGET_FROM);
        assert_eq!(permits.of_token(1).places.available_permits(), LISTS_OF_TOKEN - 1);
    }
}
