//! Fields of a form that are kept with the session, because the form could not be saved.

use actix_web::HttpRequest;

use crate::error::Result;
use crate::http::console::context::Visitor;
use crate::http::console::form::Form;
use crate::http::query::Parameters;

/// The fields that a form had when the session ended, if the page is shown after that.
pub(super) async fn kept(visitor: &Visitor, request: &HttpRequest) -> Result<Option<Form>> {
    let parameters = Parameters::new(request.query_string());
    let Some(n) = parameters.text("draft").and_then(|n| n.parse().ok()) else { return Ok(None) };
    draft(visitor, n).await
}

/// Fields that are kept with the session.
pub(super) async fn draft(visitor: &Visitor, n: i64) -> Result<Option<Form>> {
    let text = visitor.service().find_search(visitor.visit()?.session_id, n).await?;
    Ok(text.map(|text| form_urlencoded::parse(text.as_bytes()).into_owned().collect()))
}
