//! Texts that are kept with the session instead of the URL: searches, and fields of forms that could not be saved.

use actix_web::HttpRequest;
use form_urlencoded::Serializer;

use crate::domain::code_list::Search;
use crate::error::Result;
use crate::http::console::context::Visitor;
use crate::http::console::form::Form;
use crate::http::query::Parameters;
use crate::service::Service;

/// Marks the fields of a form. A search that begins with this control character is not shown again.
const FORM: char = '\u{1}';

/// Keeps the fields of a form. Returns their number within the session.
pub(super) async fn keep_form<'a>(
    service: &Service,
    session_id: i64,
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<i64> {
    let fields = Serializer::new(String::new()).extend_pairs(fields).finish();
    service.keep_search(session_id, format!("{FORM}{fields}")).await
}

/// The fields that a form had when the session ended, if the page is shown after that.
pub(super) async fn kept(visitor: &Visitor, request: &HttpRequest) -> Result<Option<Form>> {
    let parameters = Parameters::new(request.query_string());
    let Some(n) = parameters.text("draft").and_then(|n| n.parse().ok()) else { return Ok(None) };
    draft(visitor, n).await
}

/// Fields that are kept with the session.
pub(super) async fn draft(visitor: &Visitor, n: i64) -> Result<Option<Form>> {
    let text = visitor.service().find_search(visitor.visit()?.session_id, n).await?;
    let fields = text.as_deref().and_then(|text| text.strip_prefix(FORM));
    Ok(fields.map(|fields| form_urlencoded::parse(fields.as_bytes()).into_owned().collect()))
}

/// Keeps the search of a form. Returns its number within the session, or nothing if the search is empty. The text is not
/// in the URL, which proxies log.
pub(super) async fn keep_search(visitor: &Visitor, form: &Form) -> Result<String> {
    let text: String = form.text("q").chars().take(Search::MAX_CHARS).collect();
    match Search::parse(&text) {
        Some(_) => Ok(visitor.service().keep_search(visitor.visit()?.session_id, text).await?.to_string()),
        None => Ok(String::new()),
    }
}

/// The search with this number. The fields of a form are not a search: they may contain a code.
pub(super) async fn search(visitor: &Visitor, n: i64) -> Result<Option<String>> {
    let text = visitor.service().find_search(visitor.visit()?.session_id, n).await?;
    Ok(text.filter(|text| !text.starts_with(FORM)))
}
