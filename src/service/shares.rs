//! The verified share of recent codes by prefix and provider, for the metrics and for warnings about SMS pumping.
//!
//! The counts of the checked hour no longer change, because all its codes have been verified or have expired. So they are
//! read once an hour and kept in memory.

use std::sync::Arc;

use crate::domain::figures::alarm::checked_hour;
use crate::domain::figures::period::Grain;
use crate::domain::figures::shares::{Collapse, Part, Recent, Shares};
use crate::error::Result;
use crate::metrics::Sample;
use crate::service::Service;
use crate::store::{Db, hourly_figures};

/// Reported hours are remembered for a week before and after the checked hour, because the clock may be set back and
/// forth.
const REMEMBERED: i64 = 7 * 24;

impl Service {
    /// Returns the collapsed shares of the checked hour. Each hour is returned once. After a restart, one hour may be
    /// returned again.
    pub async fn new_collapses(&self) -> Result<Vec<Collapse>> {
        let shares = self.update_shares().await?;
        let hour = shares.hour();
        let mut reported = self.shares.reported.lock();
        reported.retain(|other| (other - hour).abs() <= REMEMBERED);
        Ok(if reported.insert(hour) { shares.collapses() } else { Vec::new() })
    }

    /// Returns the shares, and exports them as metrics when a new hour is checked.
    pub(super) async fn update_shares(&self) -> Result<Arc<Shares>> {
        let hour = checked_hour(self.now());
        let known = self.shares.known.lock().clone();
        if let Some(known) = known.filter(|known| known.hour() == hour) {
            return Ok(known);
        }
        let shares = Arc::new(self.store.read(move |db| read(db, hour)).await?);
        export(self, &shares);
        *self.shares.known.lock() = Some(Arc::clone(&shares));
        Ok(shares)
    }
}

fn read(db: &Db, hour: i64) -> Result<Shares> {
    let mut shares = Shares::new(hour);
    for figure in Shares::FIGURES {
        let span = shares.span();
        hourly_figures::read(db, figure, span, Grain::Hour, |hour, subject, count| {
            shares.add(figure, hour, subject, count);
        })?;
    }
    Ok(shares)
}

fn export(service: &Service, shares: &Shares) {
    let prefixes = shares.parts().filter_map(|(part, recent)| match part {
        Part::Prefix(prefix) => Some((prefix.as_str(), recent)),
        Part::Provider(_) => None,
    });
    let providers = shares.parts().filter_map(|(part, recent)| match part {
        Part::Provider(name) => Some((name.as_str(), recent)),
        Part::Prefix(_) => None,
    });
    service.store.metrics().set_shares(prefixes.flat_map(samples), providers.flat_map(samples));
}

fn samples((part, Recent { hour, week }): (&str, Recent)) -> [Sample<'_>; 2] {
    [("hour", hour), ("week", week)].map(|(window, codes)| Sample {
        part,
        window,
        sent: codes.sent,
        verified: codes.verified,
        ratio: codes.verified_share(),
    })
}
