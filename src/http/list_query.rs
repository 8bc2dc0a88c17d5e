//! The query string of the list (`docs/api.md`, "List codes").

use utoipa::IntoParams;

use crate::domain::digits::to_ascii_digits;
use crate::domain::listing::{OrderBy, OrderField, OtpFilter, OtpQuery};
use crate::domain::recipient::{EmailAddress, MobileNumber};
use crate::domain::time_zone::Tz;
use crate::error::{InvalidValue, Result};
use crate::http::openapi::schemas::{any_integer, limit, offset};
use crate::http::query::{Parameters, number};

/// The maximum number of characters and of different words in a search.
const SEARCH_CHARS: usize = 100;
const SEARCH_WORDS: usize = 10;

/// The parameters, as shown in the OpenAPI description.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its schema is used; parse reads the query")]
pub(super) struct ListParameters {
    /// Maximum number of codes in the page. Values above 500 count as 500.
    #[param(schema_with = limit)]
    limit: Option<i64>,
    /// Number of codes before the page
    #[param(schema_with = offset)]
    offset: Option<i64>,
    /// At most 10 different words, separated by white space. Every word must occur in the code, the mobile number or
    /// the e-mail address. Case is ignored. Words of one or two characters are slower, because all codes are searched.
    #[param(max_length = 100, example = "0912")]
    search: Option<String>,
    /// Comma-separated `id`, `code`, `mobile_number`, `email`, `ttl`, `valid_to`, `created_at` and `updated_at`. A `-`
    /// reverses a field. Ties are ordered by `id`, like the last field. `ttl` and `valid_to` count as the same field.
    #[param(
        default = "-id",
        pattern = "^-?(id|code|mobile_number|email|ttl|valid_to|created_at|updated_at)(,-?(id|code|mobile_number|email|ttl|valid_to|created_at|updated_at))*$"
    )]
    ordering: Option<String>,
    #[param(schema_with = any_integer)]
    id_min: Option<i64>,
    #[param(schema_with = any_integer)]
    id_max: Option<i64>,
    /// Days are in the configured time zone
    #[param(format = Date)]
    created_date: Option<String>,
    #[param(format = Date)]
    created_from: Option<String>,
    #[param(format = Date)]
    created_to: Option<String>,
    #[param(format = Date)]
    updated_date: Option<String>,
    #[param(format = Date)]
    updated_from: Option<String>,
    #[param(format = Date)]
    updated_to: Option<String>,
    has_mobile_number: Option<bool>,
    has_email: Option<bool>,
    is_allow: Option<bool>,
    /// Any form that is accepted on input. A value that is not a number matches nothing.
    #[param(example = "0912 345 6789")]
    mobile_number: Option<String>,
    /// Compared case-insensitively. A value that is not an address matches nothing.
    #[param(example = "some@email.com")]
    email: Option<String>,
}

/// Parses a query string. Dates are interpreted in the time zone `zone`.
pub(super) fn parse(query: &str, zone: Tz) -> Result<OtpQuery> {
    let mut parameters = Parameters::new(query);
    let window = parameters.window();
    let ordering = parameters.get("ordering", ordering).unwrap_or_default();
    let filter = filter(&mut parameters, zone);
    parameters.finish(OtpQuery { ordering, filter, window })
}

fn filter(parameters: &mut Parameters, zone: Tz) -> OtpFilter {
    let filter = OtpFilter {
        words: parameters.get("search", words).unwrap_or_default(),
        id_min: parameters.get("id_min", number),
        id_max: parameters.get("id_max", number),
        created: parameters.period(["created_date", "created_from", "created_to"], zone),
        updated: parameters.period(["updated_date", "updated_from", "updated_to"], zone),
        has_mobile_number: parameters.get("has_mobile_number", boolean),
        has_email: parameters.get("has_email", boolean),
        is_allow: parameters.get("is_allow", boolean),
        ..OtpFilter::default()
    };
    let mobile_number = parameters.text("mobile_number").map(MobileNumber::parse).transpose();
    let email = parameters.text("email").map(EmailAddress::parse).transpose();
    match (mobile_number, email) {
        (Ok(mobile_number), Ok(email)) => OtpFilter { mobile_number, email, ..filter },
        // An invalid number or address matches nothing. No code has an id of 0 or less.
        _ => OtpFilter { id_max: Some(0), ..OtpFilter::default() },
    }
}

fn boolean(text: &str) -> Result<bool, InvalidValue> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("Must be a valid boolean.".into()),
    }
}

/// Parses the ordering. Repeated fields and fields after `id` are dropped, because they have no effect.
fn ordering(text: &str) -> Result<Vec<OrderBy>, InvalidValue> {
    let mut ordering: Vec<OrderBy> = Vec::new();
    for step in text.split(',').map(str::trim).filter(|step| !step.is_empty()) {
        let (name, descending) = step.strip_prefix('-').map_or((step, false), |name| (name, true));
        let field = OrderField::named(name).ok_or_else(|| {
            let names = OrderField::NAMES.map(|(name, _)| name).join(", ");
            InvalidValue(format!("Order by one or more of: {names}; a - before one reverses it.").into())
        })?;
        if !ordering.iter().any(|earlier| [field, OrderField::Id].contains(&earlier.field)) {
            ordering.push(OrderBy { field, descending });
        }
    }
    Ok(ordering)
}

/// Splits a search into normalized words. A word that is part of another word is dropped, because it has no effect.
fn words(text: &str) -> Result<Vec<String>, InvalidValue> {
    if text.contains('\0') {
        return Err("Null characters are not allowed.".into());
    }
    if text.chars().count() > SEARCH_CHARS {
        return Err(InvalidValue(format!("Ensure this value has at most {SEARCH_CHARS} characters.").into()));
    }
    let text = to_ascii_digits(text).to_lowercase();
    let mut words: Vec<&str> = text.split_whitespace().collect();
    words.sort_unstable();
    words.dedup();
    if words.len() > SEARCH_WORDS {
        return Err(InvalidValue(format!("Ensure this value has at most {SEARCH_WORDS} different words.").into()));
    }
    let is_in_another = |word: &str| words.iter().any(|other| *other != word && other.contains(word));
    Ok(words.iter().filter(|word| !is_in_another(word)).map(|word| (*word).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_fields_and_fields_after_the_id_are_dropped() {
        let ordering = |text: &str| {
            let name = |field| OrderField::NAMES.iter().find(|(_, named)| *named == field).unwrap().0;
            let steps = ordering(text).unwrap();
            let shown = |by: &OrderBy| format!("{}{}", if by.descending { "-" } else { "" }, name(by.field));
            steps.iter().map(shown).collect::<Vec<_>>().join(",")
        };
        for (text, effective) in [
            ("code,code", "code"),
            ("code,-code,email,code", "code,email"),
            ("-ttl,valid_to", "-ttl"),
            ("valid_to,-ttl,id", "ttl,id"),
            ("-id,code,email", "-id"),
            ("email,id,code,-id", "email,id"),
            (" code , ,-email ", "code,-email"),
            (&"ttl,".repeat(2600), "ttl"),
            (
                &"updated_at,created_at,-valid_to,email,mobile_number,code,id,ttl,".repeat(300),
                "updated_at,created_at,-ttl,email,mobile_number,code,id",
            ),
        ] {
            assert_eq!(ordering(text), effective, "{text:.60}");
        }
    }

    #[test]
    fn a_search_has_ten_different_words_at_most() {
        let refused = Err("Ensure this value has at most 10 different words.".into());
        assert_eq!(words("Sara 09 ۰۹ sara"), Ok(vec!["09".to_owned(), "sara".to_owned()]));
        assert_eq!(words("a sara ar ra 555 5"), Ok(vec!["555".to_owned(), "sara".to_owned()]));
        assert_eq!(words("z y x w v u t s r q").map(|words| words.len()), Ok(10));
        assert_eq!(words(&"z y x w v u t s r q ".repeat(5)).map(|words| words.len()), Ok(10));
        assert_eq!(words("z y x w v u t s r q p"), refused);
        assert_eq!(
            words("a aa aaa aaaa aaaaa aaaaaa b c d e f"),
            refused,
            "a word that is part of another word counts"
        );
        assert_eq!(words(&"x".repeat(100)).map(|words| words.len()), Ok(1));
        assert_eq!(words(&"x".repeat(101)), Err("Ensure this value has at most 100 characters.".into()));
    }
}
