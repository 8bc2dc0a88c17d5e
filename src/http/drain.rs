//! Bodies that a handler does not read, because the request is refused. A connection with an unread body has to be closed,
//! and a client that is still sending may not see the answer then. So the rest is read and discarded, up to a bound.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::ConnectionType;
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt};

/// The most that is discarded of one body. A longer one closes its connection.
const MOST: usize = 1024 * 1024;
/// How long an answer waits for the rest of a body that nobody needs. After that it closes the connection.
const PATIENCE: Duration = Duration::from_secs(1);

/// A payload that the handler reads first, and this middleware after it.
#[derive(Clone)]
struct Shared(Rc<RefCell<Payload>>);

impl Stream for Shared {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.borrow_mut().poll_next_unpin(context)
    }
}

impl Shared {
    async fn discard(mut self) {
        let mut length = 0;
        while let Some(Ok(chunk)) = self.next().await {
            length += chunk.len();
            if length > MOST {
                break;
            }
        }
    }
}

pub(super) async fn drain(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let payload = request.take_payload();
    if matches!(payload, Payload::None) {
        return next.call(request).await;
    }
    let payload = Shared(Rc::new(RefCell::new(payload)));
    request.set_payload(Payload::Stream { payload: Box::pin(payload.clone()) });
    let response = next.call(request).await?;
    if response.response().head().connection_type() != ConnectionType::Close {
        // Past this the connection is closed: actix does that where a body is unread.
        let _ = tokio::time::timeout(PATIENCE, payload.discard()).await;
    }
    Ok(response)
}
