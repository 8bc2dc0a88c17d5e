//! Checks of settings that are valid individually but contradict each other.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;

use crate::config::layers::Layers;
use crate::domain::limit::{Limit, Limits};
use crate::domain::policy::Policy;
use crate::error::ConfigError;

/// Returns the resend cooldown, which is at most the lifetime of a sent code. A longer cooldown would block new
/// messages after the code has expired. The default value is shortened if necessary; a configured value is not.
///
/// # Errors
/// The configured value is longer than the lifetime of a sent code.
pub(super) fn cooldown(layers: &Layers, given: Duration, expiration: Duration) -> Result<Duration, ConfigError> {
    let key = "otp.resend_cooldown";
    let life = expiration.min(Policy::SENT_CODE_LIVES);
    if given <= life || layers.is_default(key) {
        return Ok(given.min(life));
    }
    let life = humantime::format_duration(life);
    let accepted = format!("at most {life}, the lifetime of a sent code (otp.expiration, but at most 10m)");
    Err(layers.refused(key, &accepted))
}

/// Checks that the metrics and the API have different addresses.
///
/// # Errors
/// The addresses overlap.
pub(super) fn require_separate_address(
    layers: &Layers,
    (host, port): (&str, u16),
    metrics: Option<SocketAddr>,
) -> Result<(), ConfigError> {
    let overlaps = |ip: IpAddr| match host.parse::<IpAddr>() {
        Ok(host) => host == ip || host.is_unspecified() || ip.is_unspecified(),
        Err(_) => host == "localhost" && (ip.is_loopback() || ip.is_unspecified()),
    };
    match metrics {
        Some(metrics) if port != 0 && metrics.port() == port && overlaps(metrics.ip()) => {
            Err(layers.refused("server.metrics", "an address other than that of server.host and server.port"))
        }
        _ => Ok(()),
    }
}

/// The warning if `server.trusted_proxies` contains all addresses of IPv4 or IPv6.
pub(super) fn trusts_all(trusted_proxies: &[IpNet]) -> Option<String> {
    let all = trusted_proxies.iter().find(|network| network.prefix_len() == 0)?;
    let remedy = "so clients can forge their address; name only the addresses of your proxies";
    Some(format!("server.trusted_proxies contains {all}, {remedy}"))
}

/// Warnings about settings that are allowed but probably not intended.
pub(super) fn warnings(policy: &Policy, limits: &Limits) -> Vec<String> {
    let mut warnings: Vec<String> = pairs().filter_map(|(short, long)| never_reached(limits, short, long)).collect();
    let (hour, attempts) = (Limit::FailuresPerRecipientHour, policy.max_attempts);
    if let Some(most) = limits.allowed(hour).filter(|most| *most < attempts) {
        warnings.push(format!(
            "otp.max_attempts = {attempts} is greater than {} = {most}, which is reached first",
            hour.setting()
        ));
    }
    if let Some(most) = policy.max_consecutive_failures.filter(|most| *most < attempts) {
        warnings.push(format!(
            "otp.max_consecutive_failures = {most} locks a recipient before the attempts of one code are used up \
             (otp.max_attempts = {attempts})"
        ));
    }
    let of_token = Limit::FailuresPerTokenHour;
    if let (Some(one), Some(all)) = (limits.allowed(hour), limits.allowed(of_token))
        && all <= one
    {
        warnings.push(format!(
            "{} = {all} allows the failures of one recipient ({} = {one}) to lock out all other recipients of the \
             same token",
            of_token.setting(),
            hour.setting()
        ));
    }
    warnings
}

/// Pairs of limits on the same event, the one with the shorter window first.
fn pairs() -> impl Iterator<Item = (Limit, Limit)> {
    let with_longer = |short: Limit| {
        let is_longer = move |long: &Limit| long.event() == short.event() && long.window() > short.window();
        Limit::ALL.iter().copied().filter(is_longer).map(move |long| (short, long))
    };
    Limit::ALL.iter().copied().flat_map(with_longer)
}

fn never_reached(limits: &Limits, short: Limit, long: Limit) -> Option<String> {
    let (of_short, of_long) = (limits.allowed(short)?, limits.allowed(long)?);
    let (short, long) = (short.setting(), long.setting());
    (of_short > of_long).then(|| format!("{short} = {of_short} is never reached: {long} = {of_long} is reached first"))
}
