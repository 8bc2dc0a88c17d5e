//! The endpoints that get events.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::delivery::Endpoint;
use crate::domain::webhook::EventType;

/// The endpoints that get events.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    pub(super) list: Vec<Arc<Destination>>,
}

/// An endpoint, and a notification that wakes its worker when an event is stored.
#[derive(Debug)]
pub(super) struct Destination {
    pub(super) endpoint: Endpoint,
    pub(super) stored: Arc<Notify>,
}

impl Endpoints {
    pub(super) fn new(endpoints: Vec<Endpoint>) -> Self {
        let destination = |endpoint| Arc::new(Destination { endpoint, stored: Arc::default() });
        Self { list: endpoints.into_iter().map(destination).collect() }
    }

    /// Whether an endpoint gets events of this type.
    pub(super) fn want(&self, kind: EventType) -> bool {
        self.list.iter().any(|it| it.endpoint.wants(kind))
    }
}
