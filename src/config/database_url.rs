//! The setting `database.url`, and how it is shown.

use config::Value;

use crate::store::PostgresUrl;

/// The URL of a PostgreSQL database. It may contain a password.
pub(super) const URL: &str = "database.url";

/// The URL as TOML, without its password. A text that is not a URL is masked, because it may contain one.
pub(super) fn shown(value: &Value) -> String {
    let text = value.clone().into_string().unwrap_or_default();
    match PostgresUrl::parse(&text) {
        Ok(url) => format!("{:?}", url.shown()),
        Err(_) if text.is_empty() => "\"\"".to_owned(),
        Err(_) => "\"***\"".to_owned(),
    }
}

/// Whether a valid URL contains a password: a colon between the one of the scheme and the `@`.
pub(super) fn holds_password(value: &Value) -> bool {
    let text = value.clone().into_string().unwrap_or_default();
    text.split_once('@').is_some_and(|(login, _)| login.matches(':').count() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password() {
        for (text, toml, holds) in [
            ("postgres://otpd:s3cret@db1,db2:5433/otp", r#""postgres://otpd@db1:5432,db2:5433/otp""#, true),
            ("postgres://otpd:s%40cret@db1/otp?sslmode=disable", r#""postgres://otpd@db1:5432/otp""#, true),
            ("postgresql://otpd@db1:5433/otp", r#""postgres://otpd@db1:5433/otp""#, false),
            ("postgres://otpd@[::1]:5433/otp", r#""postgres://otpd@[::1]:5433/otp""#, false),
            ("", r#""""#, false),
        ] {
            let value = Value::from(text);
            assert_eq!((shown(&value).as_str(), holds_password(&value)), (toml, holds), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_not_a_url_is_masked() {
        for text in ["s3cret", "postgres://otpd:s3@cret@db1/otp", "mysql://otpd:s3cret@db1/otp", " "] {
            assert_eq!(shown(&Value::from(text)), r#""***""#, "{text}");
        }
    }
}
