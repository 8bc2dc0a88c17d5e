//! Gauges of the codes sent and verified in recent time, for parts of all codes.

use prometheus::{GaugeVec, IntGaugeVec, Opts, Registry};

use crate::metrics::register::register;

/// The codes of a part in a window of time.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// The value of the label that names the part.
    pub part: &'a str,
    /// `hour` or `week`.
    pub window: &'static str,
    pub sent: u64,
    pub verified: u64,
    /// `verified / sent`. `None`: no code was sent.
    pub ratio: Option<f64>,
}

/// The gauges for one division of the codes into parts.
#[derive(Clone)]
pub struct ShareGauges {
    sent: IntGaugeVec,
    verified: IntGaugeVec,
    ratio: GaugeVec,
}

impl ShareGauges {
    /// `label` is `prefix` or `provider`.
    pub(super) fn new(registry: &Registry, label: &str) -> Self {
        let options = |name: &str, help: &str| Opts::new(format!("otpd_{label}_{name}"), format!("{help}, by {label}"));
        let labels = [label, "window"];
        let counts = |name, help| register(registry, IntGaugeVec::new(options(name, help), &labels));
        Self {
            sent: counts("codes_sent", "Codes sent in the last checked hour and in the week before it"),
            verified: counts("codes_verified", "Those codes that were verified"),
            ratio: register(
                registry,
                GaugeVec::new(options("verified_ratio", "Verified share of those codes"), &labels),
            ),
        }
    }

    /// Replaces all values. Parts without a sample are no longer exported.
    pub(super) fn set<'a>(&self, samples: impl Iterator<Item = Sample<'a>>) {
        self.sent.reset();
        self.verified.reset();
        self.ratio.reset();
        let exported = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        for Sample { part, window, sent, verified, ratio } in samples {
            self.sent.with_label_values(&[part, window]).set(exported(sent));
            self.verified.with_label_values(&[part, window]).set(exported(verified));
            if let Some(ratio) = ratio {
                self.ratio.with_label_values(&[part, window]).set(ratio);
            }
        }
    }
}
