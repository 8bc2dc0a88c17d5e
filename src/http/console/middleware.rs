//! Middleware of the console. It checks the access to pages and the origin of forms, reads the session, sets the
//! security headers, and shows errors as pages.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};

use crate::error::{Error, Kind, Result};
use crate::http::body::Body;
use crate::http::console::context::{Context, Visitor};
use crate::http::console::error_page::{address_page, error_page, forbidden_page, origin_page};
use crate::http::console::form::Form;
use crate::http::console::routes::{ACCOUNT, Access, OVERVIEW, page_of, resumed_path};
use crate::http::console::shell::redirect;
use crate::http::console::{Settings, sign_in};
use crate::http::observe::Pattern;
use crate::http::request_log::LoggedOrigin;

const SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src \
                               'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors \
                               'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// Wraps every page of the console.
pub(super) async fn page(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let mut context = Context::of(request.request())?;
    let early = admit(&mut context, &mut request).await;
    let response = match early {
        Ok(None) => next.call(request).await?.map_into_boxed_body(),
        Ok(Some(response)) => request.into_response(response),
        Err(error) => ServiceResponse::from_err(error, request.into_parts().0),
    };
    let mut response = with_error_page(response, &context)?;
    set_headers(response.headers_mut(), &context);
    Ok(response)
}

/// Decides whether the handler runs. Returns the response if it does not.
async fn admit(context: &mut Context, service_request: &mut ServiceRequest) -> Result<Option<HttpResponse>> {
    let request = service_request.request().clone();
    let settings = request.app_data::<web::Data<Settings>>();
    if settings.is_some_and(|settings| !context.is_allowed(settings)) {
        return address_page(context, &request).map(Some);
    }
    if request.method() == Method::POST
        && let Err(origin) = context.own.require_same(&request)
    {
        return origin_page(context, &origin).map(Some);
    }
    let pattern = request.app_data::<Pattern>().map_or("", |pattern| pattern.0);
    let page = page_of(request.method(), pattern);
    if request.method() == Method::POST {
        // The address of the page for GET, to which the switches of the frame return.
        context.location = resumed_path(pattern, request.path());
    }
    let access = page.map_or(Access::Session, |page| page.access);
    if access != Access::Open {
        if let Err(error) = resume(context, &request, page.is_none_or(|page| page.is_activity)).await {
            return if error.kind() == Kind::Unauthenticated {
                signed_out(context, service_request, pattern).await.map(Some)
            } else {
                Err(error)
            };
        }
        let caller = context.visit.as_ref().map(|visit| &visit.caller);
        if let Some(missing) = caller.and_then(|caller| access.missing(caller)) {
            if pattern == OVERVIEW {
                return Ok(Some(redirect(ACCOUNT).finish()));
            }
            return forbidden_page(context, missing).map(Some);
        }
    }
    request.extensions_mut().insert(Visitor::new(context.clone()));
    Ok(None)
}

/// Reads the session of a request.
async fn resume(context: &mut Context, request: &HttpRequest, is_activity: bool) -> Result<()> {
    let key = context.session_key(request);
    let key = key.ok_or_else(|| Error::new(Kind::Unauthenticated, "There is no session."))?;
    let visit = context.service.resume(&key, context.source.clone(), is_activity).await?;
    request.extensions_mut().insert(LoggedOrigin(visit.caller.origin.clone()));
    context.visit = Some(visit);
    Ok(())
}

/// The answer to a request without a session. A page is shown after the sign-in; a form keeps its fields.
async fn signed_out(context: &Context, request: &mut ServiceRequest, pattern: &str) -> Result<HttpResponse> {
    if request.method() != Method::POST {
        let next: String = form_urlencoded::byte_serialize(context.location.as_bytes()).collect();
        let location = format!("/console/sign-in?next={next}");
        return Ok(redirect(&location).finish());
    }
    let next = resumed_path(pattern, request.path());
    let Ok(body) = request.extract::<Body>().await;
    let form = Form::read(body).await.unwrap_or_default();
    sign_in::after_expiry(context, &next, &form)
}

/// Replaces the response to an error by a page.
fn with_error_page(
    response: ServiceResponse<BoxBody>,
    context: &Context,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let (request, response) = response.into_parts();
    let error = response.error().and_then(actix_web::Error::as_error::<Error>);
    let page = match error {
        // The session ended while the handler ran.
        Some(error) if error.kind() == Kind::Unauthenticated => Some(redirect("/console/sign-in").finish()),
        Some(error) => Some(error_page(context, error, request.method() == Method::POST)?),
        None => None,
    };
    // The error stays in the response, because the log shows its cause.
    let response = match page {
        Some(page) => {
            let (head, body) = page.into_parts();
            let mut replaced = response.set_body(body);
            *replaced.status_mut() = head.status();
            let headers = replaced.headers_mut();
            for (name, value) in head.headers() {
                headers.insert(name.clone(), value.clone());
            }
            replaced
        }
        None => response,
    };
    Ok(ServiceResponse::new(request, response))
}

fn set_headers(headers: &mut HeaderMap, context: &Context) {
    let mut set = |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_SECURITY_POLICY, SECURITY_POLICY);
    set(header::REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    // Browsers ignore this header on plain HTTP and report that.
    if context.own.is_https() || context.own.is_loopback() {
        set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    }
}
