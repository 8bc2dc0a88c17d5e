//! The metrics of the service.

use crate::error::{Error, Result};
use crate::service::Service;

impl Service {
    /// Returns the metrics in the Prometheus text format.
    pub async fn metrics(&self) -> Result<String> {
        self.update_shares().await?;
        self.store.measure().await?.render().map_err(Error::internal)
    }
}
