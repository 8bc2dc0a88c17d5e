//! What it means that a request got no answer.

use std::error::Error;
use std::io;

use hyper_util::client::legacy;
use rustls::AlertDescription;

use crate::delivery::innermost;
use crate::domain::outbox::{Outcome, Report};

/// The report of a request that got no answer. The gateway certainly did not process it where no connection came about, or
/// where the connection was closed before the whole request was written. In every other case the gateway may have
/// processed it.
pub(super) fn lost(cause: &reqwest::Error) -> Report {
    if cause.is_connect() {
        Report::not_sent(Outcome::Retry, format!("it can't be reached: {}", innermost(cause)))
    } else if was_not_received(cause) {
        let words = format!("the connection closed before the request was sent: {}", innermost(cause));
        Report::not_sent(Outcome::Retry, words)
    } else {
        broken_off(cause)
    }
}

/// The report of a request that the gateway has, and of whose answer something is missing.
pub(super) fn broken_off(cause: &reqwest::Error) -> Report {
    if cause.is_timeout() {
        Report::not_sent(Outcome::Unknown, "it took the request and did not answer in time")
    } else {
        let words = format!("it took the request and the connection broke: {}", innermost(cause));
        Report::not_sent(Outcome::Unknown, words)
    }
}

/// Whether the server certainly did not get the whole request.
fn was_not_received(cause: &(dyn Error + 'static)) -> bool {
    is_proof(cause) || cause.source().is_some_and(was_not_received)
}

fn is_proof(cause: &(dyn Error + 'static)) -> bool {
    if let Some(cause) = cause.downcast_ref::<legacy::Error>() {
        // An error that comes after the request was handed to a connection names the connection.
        return cause.connect_info().is_none();
    }
    if let Some(cause) = cause.downcast_ref::<hyper::Error>() {
        // Said only of requests that hyper has not begun to write.
        return cause.is_canceled() || cause.is_closed();
    }
    let Some(cause) = cause.downcast_ref::<io::Error>() else { return false };
    // Only a write fails so: the system took none of its bytes, and the end of the request was among them.
    cause.kind() == io::ErrorKind::BrokenPipe || is_refused_handshake(cause)
}

/// Whether the server refused the TLS handshake. In TLS 1.3 that may be known only after the request was written, which the
/// server then did not read.
fn is_refused_handshake(cause: &io::Error) -> bool {
    let fault = cause.get_ref().and_then(|cause| cause.downcast_ref());
    let Some(rustls::Error::AlertReceived(alert)) = fault else { return false };
    matches!(
        alert,
        AlertDescription::HandshakeFailure
            | AlertDescription::CertificateRequired
            | AlertDescription::NoCertificate
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the request failed")]
    struct Failed(#[source] io::Error);

    #[test]
    fn a_failed_write_or_handshake_proves_that_a_request_was_not_processed() {
        for (kind, expected) in [
            (io::ErrorKind::BrokenPipe, true),
            (io::ErrorKind::ConnectionReset, false),
            (io::ErrorKind::UnexpectedEof, false),
            (io::ErrorKind::TimedOut, false),
        ] {
            assert_eq!(was_not_received(&Failed(kind.into())), expected, "{kind:?}");
        }
        for (alert, expected) in [
            (AlertDescription::CertificateRequired, true),
            (AlertDescription::HandshakeFailure, true),
            (AlertDescription::InternalError, false),
            (AlertDescription::CloseNotify, false),
        ] {
            let cause = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::AlertReceived(alert));
            assert_eq!(was_not_received(&Failed(cause)), expected, "{alert:?}");
        }
    }
}
