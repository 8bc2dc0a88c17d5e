//! `server.requests_per_second`: how many requests one client address may send, as many at once as in a second. An IPv6
//! client is its /64, for it has all of that to send from.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::error::{Error, Result};
use crate::http::client_view::{self, TrustedProxies};
use crate::metrics::Metrics;

/// After so many requests the addresses that have been quiet for a second are forgotten.
const FORGET_EVERY: u32 = 4096;

/// Paths that are never refused: supervisors and load balancers ask them, often from one address.
const EXEMPT: [&str; 4] = ["/healthz", "/healthz/", "/readyz", "/readyz/"];

/// The limiter of one server; all workers share it.
pub(super) struct Throttle {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    admissions: AtomicU32,
    proxies: TrustedProxies,
    metrics: Metrics,
}

impl Throttle {
    pub(super) fn new(per_second: NonZeroU32, proxies: TrustedProxies, metrics: Metrics) -> Self {
        let limiter = RateLimiter::keyed(Quota::per_second(per_second));
        Self { limiter, admissions: AtomicU32::new(0), proxies, metrics }
    }

    fn admit(&self, client: IpAddr) -> Result<()> {
        if self.admissions.fetch_add(1, Ordering::Relaxed).is_multiple_of(FORGET_EVERY) {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&network(client)).map_err(|refused| {
            self.metrics.throttled.inc();
            Error::throttled(refused.wait_time_from(DefaultClock::default().now()))
        })
    }
}

pub(super) async fn throttle(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, actix_web::Error> {
    if !EXEMPT.contains(&request.path())
        && let Some(Some(throttle)) = request.app_data::<Option<Arc<Throttle>>>()
        && let Some(client) = client_view::client(request.request(), &throttle.proxies)
        && let Err(refusal) = throttle.admit(client)
    {
        return Ok(request.error_response(refusal).map_into_right_body());
    }
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_v6_client_is_its_64_and_a_mapped_v4_client_itself() {
        let network = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("2001:db8:1:2::"), "2001:db8:1:2::");
        assert_eq!(network("2001:db8:1:3::"), "2001:db8:1:3::");
        assert_eq!(network("::ffff:10.0.0.1"), "10.0.0.1");
        assert_eq!(network("10.0.0.1"), "10.0.0.1");
    }

    #[test]
    fn addresses_that_went_quiet_are_forgotten() {
        let throttle = Throttle::new(NonZeroU32::new(1000).unwrap(), TrustedProxies::default(), Metrics::new());
        for n in 0..3 * FORGET_EVERY {
            throttle.admit(std::net::Ipv4Addr::from_bits(n).into()).unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
        for _ in 0..FORGET_EVERY {
            // One address may be refused here; every try counts.
            let _ = throttle.admit(IpAddr::from([10, 0, 0, 1]));
        }
        assert!(throttle.limiter.len() <= 2, "{}", throttle.limiter.len());
    }
}
