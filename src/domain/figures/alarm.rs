//! The alarm on a fall of the verified share, which usually means that messages do not arrive.

use crate::domain::figures::counts::Codes;
use crate::domain::figures::hour_of;
use crate::domain::policy::Policy;
use crate::domain::timestamp::Timestamp;

/// The fewest codes of an hour that cause an alarm.
pub(super) const FEWEST: u64 = 50;
/// An hour causes an alarm if its share is at most this part of the median.
const FALL: f64 = 0.8;
/// Tolerance for rounding errors.
const EPSILON: f64 = 1e-9;
/// The number of earlier days. The same hour of each of them is compared.
pub const DAYS: i64 = 7;

/// A condition that staff should look into.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Alarm {
    /// The verified share of an hour is at least a fifth lower than usual.
    FewVerified {
        /// Hours since 1970-01-01T00:00:00Z.
        hour: i64,
        codes: Codes,
        share: f64,
        /// The median of the shares of the same hour on the 7 days before. Days without codes in that hour are left out.
        usual: f64,
    },
}

/// Returns the hour that is checked: the last full hour that ended at least ten minutes ago. All its codes have been
/// verified or have expired.
pub fn checked_hour(now: Timestamp) -> i64 {
    hour_of(now.minus(Policy::SENT_CODE_LIVES)) - 1
}

/// Compares the codes of `hour` with those of the same hour on the days before.
pub fn few_verified(hour: i64, codes: Codes, days_before: &[Codes]) -> Option<Alarm> {
    let shares = days_before.iter().filter_map(|codes| codes.verified_share()).collect();
    let usual = median(shares)?;
    let share = fallen_share(codes, usual, FALL)?;
    Some(Alarm::FewVerified { hour, codes, share, usual })
}

/// Returns the share of the codes of an hour if it is at most the part `fall` of the usual share. `None` also if there
/// are too few codes, or if usually none are verified.
pub(super) fn fallen_share(codes: Codes, usual: f64, fall: f64) -> Option<f64> {
    let share = codes.verified_share().filter(|_| codes.sent >= FEWEST && usual > 0.0)?;
    (share <= usual * fall + EPSILON).then_some(share)
}

/// Returns the middle value, or the mean of the two middle values.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get((values.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}
