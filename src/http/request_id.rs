//! The request id: the `X-Request-ID` of the request if it has 1–64 characters of `[A-Za-z0-9._-]`, otherwise a new
//! one.

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use rand::TryRng;
use rand::rngs::SysRng;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The maximum length and number of digits of an id that is logged unchanged as a word. Longer ids may be mobile
/// numbers or tokens.
const WORD_CHARS: usize = 20;
const WORD_DIGITS: usize = 3;

/// The id of a request.
pub(super) struct RequestId {
    value: HeaderValue,
    /// The id for the log, masked if necessary.
    logged: String,
}

impl RequestId {
    /// Reads the id from the request headers, or generates one.
    pub(super) fn from_headers(headers: &HeaderMap) -> Self {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        let callers = headers.get(REQUEST_ID).and_then(|value| Some((value, value.to_str().ok()?)));
        match callers.filter(|(_, id)| (1..=64).contains(&id.len()) && id.bytes().all(allowed)) {
            Some((value, id)) => Self { value: value.clone(), logged: masked(id, &credentials(headers)) },
            None => Self::fresh(),
        }
    }

    fn fresh() -> Self {
        // The id is not a secret, so zeros are acceptable if the random number generator fails.
        let id = format!("{:016x}", SysRng.try_next_u64().unwrap_or_default());
        let value = HeaderValue::try_from(&id).unwrap_or_else(|_| HeaderValue::from_static("0"));
        Self { value, logged: id }
    }

    /// The value of the response header `X-Request-ID`.
    pub(super) fn value(&self) -> HeaderValue {
        self.value.clone()
    }

    pub(super) fn logged(&self) -> &str {
        &self.logged
    }
}

/// The words of `Authorization` after the scheme. A single word may be a token without a scheme.
fn credentials(headers: &HeaderMap) -> Vec<&[u8]> {
    let header = headers.get(AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
    let words: Vec<&[u8]> = header.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    match words.as_slice() {
        [_, credentials @ ..] if !credentials.is_empty() => credentials.to_vec(),
        _ => words,
    }
}

/// A client's id for the log. An id that may contain a token, a code or a mobile number is shortened to its first two
/// letters.
fn masked(id: &str, secrets: &[&[u8]]) -> String {
    let holds = |secret: &&[u8]| id.as_bytes().windows(secret.len()).any(|part| part == *secret);
    let harmless = (is_uuid(id) || is_hex_id(id)) && !holds_number(id) || is_word(id);
    if harmless && !secrets.iter().any(holds) {
        return id.to_owned();
    }
    let letters: String = id.chars().take(2).take_while(char::is_ascii_alphabetic).collect();
    format!("{letters}***")
}

/// Whether an id is a UUID with at least one letter.
fn is_uuid(id: &str) -> bool {
    let lengths = id.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12])
        && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
        && id.bytes().any(|b| b.is_ascii_alphabetic())
}

/// Whether an id is a UUID without dashes or a trace id, with at least one letter. Without a letter it may be any
/// number.
fn is_hex_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()) && id.bytes().any(|b| b.is_ascii_alphabetic())
}

/// Whether an id contains ten digits in a row that may be a mobile number. This is rare in random ids.
fn holds_number(id: &str) -> bool {
    let digits: Vec<u8> = id.bytes().filter(|b| *b != b'-').collect();
    digits.windows(10).any(|part| part[0] == b'9' && part.iter().all(u8::is_ascii_digit))
}

fn is_word(id: &str) -> bool {
    id.len() <= WORD_CHARS && id.bytes().filter(u8::is_ascii_digit).count() <= WORD_DIGITS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(id: &str, authorization: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_str(id).unwrap());
        headers.insert(AUTHORIZATION, HeaderValue::from_str(authorization).unwrap());
        RequestId::from_headers(&headers).logged().to_owned()
    }

    #[test]
    fn harmless_ids_are_logged_unchanged() {
        for id in [
            "0b5f1d5e-8c1f-4d43-9d0e-0a1b2c3d4e5f",
            "0B5F1D5E-8C1F-4D43-9D0E-0A1B2C3D4E5F",
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "a",
            "req-1.2_3",
            "checkout",
            "twenty-characters-12",
        ] {
            assert_eq!(logged(id, "Token secret"), id);
        }
    }

    #[test]
    fn ids_that_may_be_numbers_or_tokens_are_masked() {
        for (id, shown) in [
            ("09123456789", "***"),
            ("1234", "***"),
            ("a1b2c3d4", "a***"),
            ("989123456789", "***"),
            ("00989123456789", "***"),
            ("12345678901234567890123456789012", "***"),
            ("0b5f1d5e-8c1f-4d43-9d0e-0a1b2c3d4e5", "***"),
            ("0b5f1d5e-8c1f-4d43-9d0e0-a1b2c3d4e5f", "***"),
            ("0b5f1d5e-8c1f-4d43-9d0g-0a1b2c3d4e5f", "***"),
            ("4bf92f3577b34da6a3ce929d0e0e473", "***"),
            ("otpd_AbcdefgHijklmnoPqrstuvWxyzAbcdefgHijklmnoPqrstuvW", "ot***"),
            ("login-255315", "lo***"),
            ("09123456-7890-1234-5678-901234567890", "***"),
            ("a0000000-0000-0000-0000-989123456789", "a***"),
            ("twenty-one-characters", "tw***"),
        ] {
            assert_eq!(logged(id, "Token secret"), shown, "{id}");
        }
    }

    #[test]
    fn ids_that_contain_the_token_are_masked() {
        let uuid = "0b5f1d5e-8c1f-4d43-9d0e-0a1b2c3d4e5f";
        for (id, authorization, shown) in [
            ("secret", "Token secret", "se***"),
            ("my-secret", "token  secret", "my***"),
            ("secret", "secret", "se***"),
            ("secret", "Bearer secret", "se***"),
            ("secret", "Token other secret", "se***"),
            ("s", "Token s", "s***"),
            (uuid, &format!("Token {uuid}"), "***"),
            ("4bf92f3577b34da6a3ce929d0e0e4736", "Token 4bf92f3577b34da6a3ce929d0e0e473", "***"),
        ] {
            assert_eq!(logged(id, authorization), shown, "{id}");
        }
        assert_eq!(logged("secret", "Token secrets"), "secret", "a part of the token alone is not the token");
        assert_eq!(logged("token-refresh", "token secret"), "token-refresh", "the scheme is not the token");
        assert_eq!(logged("a", ""), "a");
    }

    #[test]
    fn generated_ids_are_logged_unchanged() {
        let id = RequestId::from_headers(&HeaderMap::new());
        assert_eq!(id.logged(), id.value().to_str().unwrap());
        assert_eq!(id.value().len(), 16);
    }
}
