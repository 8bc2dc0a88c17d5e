//! The audit trail as a file of comma-separated values (RFC 4180), for spreadsheets.

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::audit_list::{AuditListQuery, AuditPage};
use crate::domain::code_list::Start;
use crate::error::Result;
use crate::http::console::audit_filter::Request;
use crate::http::console::audit_row::Row;
use crate::http::console::changes::Shown;
use crate::http::console::context::{Context, Visitor};
use crate::http::query::Parameters;

/// The mark by which spreadsheets recognise UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';
/// The most rows of a file.
const ROWS: i64 = AuditPage::COUNTED;

/// Answers the events that the list shows with the same filters, newest first.
pub(super) async fn download(request: HttpRequest, visitor: Visitor) -> Result<HttpResponse> {
    let asked = Request::read(&visitor, &Parameters::new(request.query_string())).await?;
    let limit = usize::try_from(ROWS).unwrap_or(usize::MAX);
    let query = AuditListQuery { filter: asked.filter(&visitor), start: Start::First, limit };
    let page = visitor.service().audit_page(visitor.caller()?, query).await?;
    let mut file = String::from(BYTE_ORDER_MARK);
    write(&mut file, headings(&visitor));
    for event in &page.events {
        write(&mut file, cells(&visitor, &Row::new(&visitor, event)));
    }
    let name = format!("attachment; filename=\"otpd-audit-{}.csv\"", visitor.zone.local_time(visitor.now).date());
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, name))
        .body(file))
}

fn headings(context: &Context) -> [String; 13] {
    let (t, audit) = (context.t, &context.t.audit);
    [
        audit.when,
        audit.when_utc,
        audit.who,
        audit.token,
        audit.what,
        audit.action,
        audit.code,
        t.col.recipient,
        t.token.owner,
        audit.before,
        audit.after,
        audit.address,
        audit.request,
    ]
    .map(str::to_owned)
}

fn cells(context: &Context, row: &Row) -> [String; 13] {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let who = row.who.into_iter().chain(row.kind).collect::<Vec<_>>().join(" · ");
    let [before, after] = row.sides.each_ref().map(|side| fields(side));
    [
        context.t.exact_moment(row.at, context.zone),
        row.at.to_string(),
        who,
        text(row.token_prefix),
        row.action.to_owned(),
        row.action_name.to_owned(),
        row.code.map_or_else(String::new, |code| code.to_string()),
        text(row.recipient),
        text(row.user),
        before,
        after,
        text(row.address.as_deref()),
        text(row.request_id),
    ]
}

fn fields(fields: &[(&str, Shown)]) -> String {
    fields.iter().map(|(label, value)| format!("{label}: {}", value.text())).collect::<Vec<_>>().join("\n")
}

/// Appends a row.
fn write(file: &mut String, cells: [String; 13]) {
    file.push_str(&cells.map(|text| cell(&text)).join(","));
    file.push_str("\r\n");
}

/// A cell, in quotes if needed. Spreadsheets would compute a cell that begins like a formula; an apostrophe makes it a
/// text.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        for (text, written) in [
            ("", ""),
            ("admin", "admin"),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("one\ntwo", "\"one\ntwo\""),
            ("=1+1", "'=1+1"),
            ("+98", "'+98"),
            ("-1", "'-1"),
            ("@a,b", "\"'@a,b\""),
            ("\t=1", "'\t=1"),
            ("a=1", "a=1"),
        ] {
            assert_eq!(cell(text), written, "{text:?}");
        }
    }
}
