//! The clock of the service, and where a request comes from.

use std::net::IpAddr;
use std::sync::Arc;

use crate::domain::timestamp::Timestamp;

/// Returns the current time. Tests supply their own clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Where a request comes from.
#[derive(Clone, Debug, Default)]
pub struct RequestSource {
    /// The request id, as shown in the log.
    pub request_id: Option<String>,
    /// The address of the client.
    pub address: Option<IpAddr>,
}
