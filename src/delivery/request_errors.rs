//! Interpretation of requests without a complete answer.

use std::error::Error;
use std::io;

use hyper_util::client::legacy;
use rustls::AlertDescription;

use crate::delivery::provider::innermost;
use crate::domain::attempt::{Outcome, Report};

/// Returns the report for a request without an answer. The gateway did not process the request if no connection was
/// established or if the connection was closed before the whole request was written. In all other cases the gateway may
/// have processed it.
pub(super) fn request_failure(cause: &reqwest::Error) -> Report {
    if cause.is_connect() {
        Report::not_sent(Outcome::Retry, format!("unreachable: {}", innermost(cause)))
    } else if was_not_received(cause) {
        let words = format!("the connection was closed before the request was sent: {}", innermost(cause));
        Report::not_sent(Outcome::Retry, words)
    } else {
        response_failure(cause)
    }
}

/// Returns the report for a request that the gateway received and whose answer is missing or incomplete.
pub(super) fn response_failure(cause: &reqwest::Error) -> Report {
    if cause.is_timeout() {
        Report::not_sent(Outcome::Unknown, "the request was sent, but no response arrived in time")
    } else {
        let words = format!("the connection broke after the request was sent: {}", innermost(cause));
        Report::not_sent(Outcome::Unknown, words)
    }
}

/// Returns whether `cause` proves that the server did not receive the whole request.
fn was_not_received(cause: &(dyn Error + 'static)) -> bool {
    is_proof(cause) || cause.source().is_some_and(was_not_received)
}

fn is_proof(cause: &(dyn Error + 'static)) -> bool {
    if let Some(cause) = cause.downcast_ref::<legacy::Error>() {
        // Errors that occur after the request was passed to a connection include the connection info.
        return cause.connect_info().is_none();
    }
    if let Some(cause) = cause.downcast_ref::<hyper::Error>() {
        // hyper returns these errors only for requests that it has not begun to write.
        return cause.is_canceled() || cause.is_closed();
    }
    let Some(cause) = cause.downcast_ref::<io::Error>() else { return false };
    // Only a write returns BrokenPipe. The system accepted none of its bytes, which include the end of the request.
    cause.kind() == io::ErrorKind::BrokenPipe || is_refused_handshake(cause)
}

/// Returns whether the server rejected the TLS handshake. In TLS 1.3 the rejection may arrive after the request was
/// written. The server does not read the request in that case.
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
