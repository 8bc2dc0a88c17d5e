//! A provider that uses the protocol of a gateway.

use futures_util::future::BoxFuture;

use crate::delivery::checks;
use crate::delivery::common::Connection;
use crate::delivery::gateway::{Gateway, Statuses};
use crate::delivery::http_client::HttpClient;
use crate::delivery::provider::Provider;
use crate::domain::attempt::{DeliveryStatus, Report};
use crate::domain::message::Message;

/// A provider that sends messages through an HTTP gateway.
pub(super) struct HttpProvider<G> {
    client: HttpClient,
    gateway: G,
}

impl<G: Gateway> HttpProvider<G> {
    /// # Errors
    /// A description of the invalid base URL or proxy.
    pub(super) fn new(connection: Connection, gateway: G) -> Result<Self, String> {
        Ok(Self { client: HttpClient::new(connection)?, gateway })
    }
}

impl<G: Gateway> Provider for HttpProvider<G> {
    fn name(&self) -> &str {
        self.client.name()
    }

    fn type_name(&self) -> &'static str {
        G::TYPE
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Report> {
        self.gateway.send(&self.client, message)
    }

    fn status_batch(&self) -> usize {
        self.gateway.status_batch()
    }

    fn statuses<'a>(&'a self, ids: &'a [String]) -> BoxFuture<'a, Result<Statuses, String>> {
        self.gateway.statuses(&self.client, ids)
    }

    fn read_callback(&self, fields: &[(String, String)]) -> Option<(String, DeliveryStatus)> {
        self.gateway.read_callback(fields)
    }

    fn can_find(&self) -> bool {
        self.gateway.can_find()
    }

    fn find<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Option<Report>> {
        self.gateway.find(&self.client, message)
    }

    fn check(&self) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(checks::run(&self.gateway, &self.client))
    }
}
