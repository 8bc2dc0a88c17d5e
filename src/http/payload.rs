//! Bodies that a handler leaves unread, because the request is refused. A connection with an unread body has to be closed,
//! and a client that is still sending may not see the answer then. So the rest is read and discarded, up to a bound.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::{FutureExt, Stream, StreamExt};

/// The most that is discarded of one body. A longer one closes its connection.
const MOST: usize = 1024 * 1024;
/// How long an answer waits for the rest of a body. After that it closes the connection.
const PATIENCE: Duration = Duration::from_secs(1);

/// A payload that the handler reads first, and the middleware after it.
#[derive(Clone)]
pub(super) struct Shared(Rc<Inner>);

struct Inner {
    payload: RefCell<Payload>,
    /// `Some` once it has ended: whether it was malformed.
    ended: Cell<Option<bool>>,
}

impl Stream for Shared {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.0.ended.get().is_some() {
            return Poll::Ready(None);
        }
        let next = self.0.payload.borrow_mut().poll_next_unpin(context);
        match &next {
            Poll::Ready(None) => self.0.ended.set(Some(false)),
            Poll::Ready(Some(Err(_))) => self.0.ended.set(Some(true)),
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
        }
        next
    }
}

impl Shared {
    /// The payload of a request, if it has one. The request keeps a handle of it.
    pub(super) fn of(request: &mut ServiceRequest) -> Option<Self> {
        let payload = request.take_payload();
        if matches!(payload, Payload::None) {
            return None;
        }
        let shared = Self(Rc::new(Inner { payload: RefCell::new(payload), ended: Cell::new(None) }));
        request.set_payload(Payload::Stream { payload: Box::pin(shared.clone()) });
        Some(shared)
    }

    /// Reads the rest. Where it is too long or too slow the connection has to be closed, which actix does.
    pub(super) async fn discard(&mut self) {
        let mut length = 0;
        let rest = async {
            while let Some(Ok(chunk)) = self.next().await {
                length += chunk.len();
                if length > MOST {
                    break;
                }
            }
        };
        // A body that is too slow is treated like one that is too long.
        let _ = tokio::time::timeout(PATIENCE, rest).await;
    }

    /// Whether what has arrived is malformed.
    pub(super) fn is_malformed(&mut self) -> bool {
        while let Some(Some(Ok(_))) = self.next().now_or_never() {}
        self.0.ended.get() == Some(true)
    }
}
