//! `server.requests_per_second`: a rate limit per client address. A client may send one second's requests in a burst.
//! For IPv6, the limit applies to the /64 network, because a client can use all its addresses.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use parking_lot::Mutex;

use crate::domain::client::ClientNetwork;
use crate::error::{Error, Result};
use crate::http::client_view::{self, TrustedProxies};
use crate::metrics::Metrics;

/// The number of requests between two cleanups, which remove addresses without recent requests.
const CLEANUP_INTERVAL: u32 = 4096;

const SECOND: Duration = Duration::from_secs(1);

/// Paths without a limit, because supervisors and load balancers request them, often from one address.
const EXEMPT: [&str; 4] = ["/healthz", "/healthz/", "/readyz", "/readyz/"];

/// The rate limiter of one server, shared by all workers.
pub(super) struct Throttle {
    limiter: Mutex<Limiter>,
    proxies: TrustedProxies,
    metrics: Metrics,
}

impl Throttle {
    pub(super) fn new(per_second: NonZeroU32, proxies: TrustedProxies, metrics: Metrics) -> Self {
        Self { limiter: Mutex::new(Limiter::new(per_second)), proxies, metrics }
    }

    fn admit(&self, client: IpAddr) -> Result<()> {
        let mut limiter = self.limiter.lock();
        limiter.admit(ClientNetwork::containing(client), Instant::now()).map_err(|wait| {
            self.metrics.throttled.inc();
            Error::throttled(wait)
        })
    }
}

/// The generic cell rate algorithm (ITU-T I.371): allows a burst of one second's requests, then one request per
/// interval.
struct Limiter {
    /// The time per request at the maximum rate.
    interval: Duration,
    /// When each client may send a full burst again. Times in the past have no effect.
    full_at: HashMap<ClientNetwork, Instant>,
    requests: u32,
}

impl Limiter {
    fn new(per_second: NonZeroU32) -> Self {
        Self { interval: SECOND / per_second.get(), full_at: HashMap::new(), requests: 0 }
    }

    /// Counts a request, or returns the time to wait before retrying it.
    fn admit(&mut self, client: ClientNetwork, now: Instant) -> std::result::Result<(), Duration> {
        if self.requests.is_multiple_of(CLEANUP_INTERVAL) {
            self.full_at.retain(|_, full_at| *full_at > now);
        }
        self.requests = self.requests.wrapping_add(1);
        let full_at = self.full_at.get(&client).map_or(now, |full_at| now.max(*full_at)) + self.interval;
        match full_at.duration_since(now).saturating_sub(SECOND) {
            Duration::ZERO => {
                self.full_at.insert(client, full_at);
                Ok(())
            }
            wait => Err(wait),
        }
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn limiter(per_second: u32) -> (Limiter, Instant) {
        (Limiter::new(NonZeroU32::new(per_second).unwrap()), Instant::now())
    }

    fn client(number: u32) -> ClientNetwork {
        ClientNetwork::containing(Ipv4Addr::from_bits(number).into())
    }

    #[test]
    fn a_burst_of_one_second_is_admitted_and_then_one_request_per_interval() {
        let (mut limiter, start) = limiter(4);
        let mut admit = |millis| limiter.admit(client(1), start + Duration::from_millis(millis));
        assert_eq!([0; 4].map(&mut admit), [Ok(()); 4]);
        assert_eq!(admit(0), Err(Duration::from_millis(250)));
        assert_eq!(admit(249), Err(Duration::from_millis(1)), "a refused request is not counted");
        assert_eq!(admit(250), Ok(()));
        assert_eq!(admit(250), Err(Duration::from_millis(250)));
        assert_eq!([1000; 3].map(&mut admit), [Ok(()); 3]);
        assert_eq!(admit(1000), Err(Duration::from_millis(250)));
        assert_eq!([9000; 4].map(&mut admit), [Ok(()); 4], "the burst is limited to one second's requests");
        assert_eq!(admit(9000), Err(Duration::from_millis(250)));
    }

    #[test]
    fn each_client_has_its_own_limit() {
        let (mut limiter, now) = limiter(1);
        assert_eq!(limiter.admit(client(1), now), Ok(()));
        assert_eq!(limiter.admit(client(1), now), Err(SECOND));
        assert_eq!(limiter.admit(client(2), now), Ok(()));
    }

    #[test]
    fn every_rate_is_close_to_the_configured_rate() {
        for per_second in [1, 3, 7, 1000, 1_000_000] {
            let (mut limiter, now) = limiter(per_second);
            let admitted = (0..2 * per_second).filter(|_| limiter.admit(client(1), now).is_ok()).count();
            let excess = f64::from(u32::try_from(admitted).unwrap()) / f64::from(per_second) - 1.0;
            assert!((0.0..0.001).contains(&excess), "{admitted} instead of {per_second}");
        }
    }

    #[test]
    fn addresses_without_recent_requests_are_removed() {
        let (mut limiter, start) = limiter(1000);
        for n in 0..3 * CLEANUP_INTERVAL {
            limiter.admit(client(n), start).unwrap();
        }
        assert_eq!(limiter.full_at.len(), 3 * CLEANUP_INTERVAL as usize);
        for _ in 0..CLEANUP_INTERVAL {
            // Refused requests count towards the cleanup interval too.
            let _ = limiter.admit(client(u32::MAX), start + Duration::from_millis(1));
        }
        assert_eq!(limiter.full_at.len(), 1);
    }
}
