//! The audit trail (`docs/api.md`, "Audit trail").

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::domain::audit::{Action, AuditEvent, AuditFilter, AuditQuery, Origin};
use crate::domain::otp::OtpId;
use crate::domain::recipient::{EmailAddress, MobileNumber, Recipient};
use crate::domain::time_zone::Tz;
use crate::error::{InvalidValue, Result};
use crate::http::caller::Caller;
use crate::http::client_view::{self, TrustedProxies};
use crate::http::openapi::responses::{Denials, Faults};
use crate::http::openapi::schemas::{FieldMessages, any_integer, audit_action, limit, offset};
use crate::http::page::Page;
use crate::http::query::{Parameters, number};
use crate::service::Service;

/// The parameters, as shown in the OpenAPI description.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its schema is used; parse reads the query")]
struct AuditParameters {
    /// Maximum number of events in the page. Values above 500 count as 500.
    #[param(schema_with = limit)]
    limit: Option<i64>,
    /// Number of events before the page. To read the whole trail, use `id_max` instead.
    #[param(schema_with = offset)]
    offset: Option<i64>,
    #[param(schema_with = any_integer)]
    id_max: Option<i64>,
    /// One action, such as `otp.update`
    #[param(schema_with = audit_action, example = "otp.update")]
    action: Option<String>,
    /// Name of the actor
    #[param(example = "support")]
    actor: Option<String>,
    /// Unique ID of a code, which may be deleted
    #[param(schema_with = any_integer)]
    otp: Option<i64>,
    /// A complete mobile number or e-mail address. A value that is neither matches nothing.
    #[param(example = "0912 345 6789")]
    recipient: Option<String>,
    /// Days are in the configured time zone
    #[param(format = Date)]
    from: Option<String>,
    #[param(format = Date)]
    to: Option<String>,
}

/// Read the audit trail
///
/// For admins. Newest event first. Filters can be combined.
#[utoipa::path(
    get,
    path = "/api/audit/",
    tag = "audit",
    security(("token" = [])),
    params(AuditParameters),
    responses(
        (status = 200, description = "One page of the audit trail", body = Page<EventResource>),
        (
            status = 400, description = "Parameters are invalid. All invalid parameters are listed.",
            body = inline(FieldMessages)
        ),
        Denials, Faults
    )
)]
pub(super) async fn list_audit(
    request: HttpRequest,
    caller: Caller,
    service: web::Data<Service>,
    proxies: web::Data<TrustedProxies>,
) -> Result<HttpResponse> {
    caller.require_admin()?;
    let query = parse(request.query_string(), service.timezone())?;
    let window = query.window;
    let (count, events) = service.list_audit(&caller, query).await?;
    let results = events.iter().map(EventResource::new).collect();
    let url = client_view::url(&request, &proxies);
    Ok(HttpResponse::Ok().json(Page::new(count, results, window, &url, request.query_string())))
}

/// Parses a query string. Dates are interpreted in the time zone `zone`.
pub(super) fn parse(query: &str, zone: Tz) -> Result<AuditQuery> {
    let mut parameters = Parameters::new(query);
    let window = parameters.window();
    let filter = AuditFilter {
        id_max: parameters.get("id_max", number),
        action: parameters.get("action", action),
        actor: parameters.text("actor").map(str::to_owned),
        otp: parameters.get("otp", number),
        recipient: None,
        at: parameters.days(["from", "to"], zone),
    };
    let filter = match parameters.text("recipient").map(recipient) {
        None => filter,
        Some(Some(recipient)) => AuditFilter { recipient: Some(recipient), ..filter },
        // No event has an id of 0 or less.
        Some(None) => AuditFilter { id_max: Some(0), ..filter },
    };
    parameters.finish(AuditQuery { filter, window })
}

fn action(text: &str) -> Result<Action, InvalidValue> {
    let refused =
        |_| InvalidValue(format!("Select a valid choice. {text} is not one of the available choices.").into());
    text.parse().map_err(refused)
}

fn recipient(text: &str) -> Option<Recipient> {
    let number = MobileNumber::parse(text).map(Recipient::Mobile);
    number.or_else(|_| EmailAddress::parse(text).map(Recipient::Email)).ok()
}

/// Returns an event as JSON, as in the API.
pub fn event_json(event: &AuditEvent) -> serde_json::Result<String> {
    serde_json::to_string(&EventResource::new(event))
}

/// A recorded change.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEvent)]
pub(super) struct EventResource<'a> {
    #[schema(minimum = 1, example = 1042)]
    id: i64,
    #[schema(format = DateTime, example = "2025-12-29T14:53:04.467226Z")]
    at: String,
    actor: ActorResource<'a>,
    /// Such as `otp.update`
    #[schema(example = "otp.update")]
    action: &'static str,
    /// Unique ID of the code, or null
    #[schema(required, example = 57)]
    otp: Option<i64>,
    /// Masked, or null
    #[schema(required, example = "i***@moeinmail.ir")]
    recipient: Option<&'a str>,
    /// The changed fields with their values before and after the change. Codes are shown as `•`; recipients are masked.
    #[schema(value_type = Object, example = json!({"mobile_number": ["0912***6789", null], "email": [null, "i***@moeinmail.ir"]}))]
    changes: &'a Map<String, Value>,
    /// The request as named in the log, or null
    #[schema(required, example = "0b5f1d5e-8c1f-4d43-9d0e-0a1b2c3d4e5f")]
    request_id: Option<&'a str>,
    /// IP address of the client, or null
    #[schema(required, example = "203.0.113.7")]
    address: Option<String>,
}

/// The cause of a change.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditActor)]
struct ActorResource<'a> {
    /// `user`, `command` (a command of the operator) or `system` (otpd itself)
    #[schema(example = "user")]
    kind: &'static str,
    /// Name of the user; for a command, the user of the operating system
    #[schema(example = "support")]
    name: &'a str,
    /// Prefix of the token of the user, or null
    #[schema(required, example = "otpd_3vKq9Zt")]
    token_prefix: Option<&'a str>,
}

impl<'a> EventResource<'a> {
    fn new(event: &'a AuditEvent) -> Self {
        let Origin { kind, name, token_prefix, request_id, address } = &event.origin;
        Self {
            id: event.id,
            at: event.at.to_string(),
            actor: ActorResource { kind: kind.as_str(), name, token_prefix: token_prefix.as_deref() },
            action: event.action.as_str(),
            otp: event.otp.map(OtpId::value),
            recipient: event.recipient.as_deref(),
            changes: &event.changes,
            request_id: request_id.as_deref(),
            address: address.map(|address| address.to_string()),
        }
    }
}
