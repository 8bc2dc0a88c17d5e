//! Discards bodies that a handler has not read because it refused the request. A connection with an unread body must be
//! closed, and a client that is still sending may then lose the response. The amount that is discarded is limited.

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

/// The maximum number of bytes to discard. If a body is longer, its connection is closed.
const MAX_DISCARDED: usize = 1024 * 1024;
/// How long a response waits for the rest of the body. After that the connection is closed.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);

/// A payload shared by the handler, which reads it first, and the middleware.
#[derive(Clone)]
pub(super) struct Shared(Rc<Inner>);

struct Inner {
    payload: RefCell<Payload>,
    /// Whether the payload was malformed; `None` until it has ended.
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
    /// Returns the payload of a request, if it has one. The request keeps a handle to it.
    pub(super) fn of(request: &mut ServiceRequest) -> Option<Self> {
        let payload = request.take_payload();
        if matches!(payload, Payload::None) {
            return None;
        }
        let shared = Self(Rc::new(Inner { payload: RefCell::new(payload), ended: Cell::new(None) }));
        request.set_payload(Payload::Stream { payload: Box::pin(shared.clone()) });
        Some(shared)
    }

    /// Reads and discards the rest of the body. If it is too long or too slow, actix closes the connection.
    pub(super) async fn discard(&mut self) {
        let mut length = 0;
        let rest = async {
            while let Some(Ok(chunk)) = self.next().await {
                length += chunk.len();
                if length > MAX_DISCARDED {
                    break;
                }
            }
        };
        // A body that is too slow is treated like one that is too long.
        let _ = tokio::time::timeout(DISCARD_TIMEOUT, rest).await;
    }

    /// Whether the data received so far is malformed. Discards it.
    pub(super) fn is_malformed(&mut self) -> bool {
        while let Some(Some(Ok(_))) = self.next().now_or_never() {}
        self.0.ended.get() == Some(true)
    }
}
