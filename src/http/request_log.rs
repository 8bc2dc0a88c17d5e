//! What the log line of a request names besides its route: the id, the user and its token, and the code.

use std::fmt;
use std::sync::Arc;

use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};

use crate::domain::audit::Origin;
use crate::domain::otp::OtpId;

/// The id of a request as logged. An extension of each request.
#[derive(Clone)]
pub(super) struct LoggedId(pub(super) String);

/// The user of a request. An extension of each authenticated request.
pub(super) struct LoggedOrigin(pub(super) Arc<Origin>);

/// The code that a response is about, if its id is not in the path. An extension of the response.
struct LoggedOtp(OtpId);

/// Notes the code that a response is about.
pub(super) fn log_otp(mut response: HttpResponse, id: OtpId) -> HttpResponse {
    response.extensions_mut().insert(LoggedOtp(id));
    response
}

/// The user, token prefix and code of a request, as the end of its log line.
pub(super) struct Details {
    origin: Option<Arc<Origin>>,
    otp: Option<OtpId>,
}

impl Details {
    pub(super) fn of<B>(response: &ServiceResponse<B>) -> Self {
        let request = response.request();
        let in_response = response.response().extensions().get::<LoggedOtp>().map(|otp| otp.0);
        Self {
            origin: request.extensions().get::<LoggedOrigin>().map(|origin| Arc::clone(&origin.0)),
            otp: in_response.or_else(|| in_path(request).filter(|_| exists(response.status()))),
        }
    }

    /// Nothing is known about the request.
    pub(super) fn none() -> Self {
        Self { origin: None, otp: None }
    }
}

/// Whether a response with this status shows that the code in the path exists. The id of a missing code is not logged,
/// because it may be a code or a mobile number in the wrong place.
fn exists(status: StatusCode) -> bool {
    status.is_success() || [400, 408, 413, 415].contains(&status.as_u16())
}

fn in_path(request: &HttpRequest) -> Option<OtpId> {
    OtpId::parse(request.match_info().get("id")?).ok()
}

impl fmt::Display for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, " user={}", origin.name)?;
            origin.token_prefix.iter().try_for_each(|prefix| write!(f, " token={prefix}"))?;
        }
        self.otp.iter().try_for_each(|otp| write!(f, " otp={}", otp.value()))
    }
}
