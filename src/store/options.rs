//! Options for opening a database.

use crate::metrics::Metrics;
use crate::store::sqlite::create::Create;

/// Options for opening a database.
pub struct Options {
    /// Size of the pool of read connections.
    pub readers: u32,
    /// Number of event loops that look up rows.
    pub event_loops: u32,
    /// Whether a missing database is created.
    pub create: Create,
    /// Whether this process serves. The outbox lock and the admin token file are then checked too.
    pub serves: bool,
    /// Whether this process makes the checkpoints (`database.checkpoints`).
    pub checkpoints: bool,
    /// KiB of the WAL between two checkpoints (`database.checkpoint_kib`).
    pub checkpoint_kib: u32,
    pub metrics: Metrics,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            readers: 4,
            event_loops: 0,
            create: Create::IfNew,
            serves: false,
            checkpoints: true,
            checkpoint_kib: 16 * 1024,
            metrics: Metrics::new(),
        }
    }
}
