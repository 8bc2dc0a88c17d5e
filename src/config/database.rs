//! Where the database is: in a SQLite file or on a PostgreSQL server.

use config::Value;

use crate::config::layers::Layers;
use crate::config::values::file_path;
use crate::error::ConfigError;
use crate::store::{Database, PostgresUrl};

/// The URL of a PostgreSQL database. It may contain a password.
pub(super) const URL: &str = "database.url";
/// The path of a file that contains the URL.
const URL_FILE: &str = "database.url_file";
/// The path of the SQLite file.
const PATH: &str = "database.path";

/// Reads where the database is: on the server that the URL names, or in the file at `database.path`. An empty
/// `database.url` is no URL, but a file must contain one.
///
/// # Errors
/// The URL or the path is not valid, or the configuration file contains a path although there is a URL. The message
/// does not contain the URL.
pub(super) fn read(layers: &Layers) -> Result<Database, ConfigError> {
    let path = layers.value(PATH, "the path of a file", file_path)?;
    let given = layers.text_of_secret(URL)?.filter(|_| !layers.is_empty_text(URL));
    let Some((text, source)) = given else { return Ok(Database::File(path.into())) };
    let invalid = |why: String| ConfigError(format!("{source}: {URL} is not valid: {why}"));
    let url = PostgresUrl::parse(&text).map_err(invalid)?;
    if layers.is_in_file(PATH) {
        let ((key, key_source), path_source) = (url_setting(layers), layers.source(PATH));
        return Err(ConfigError(format!("{key_source}: {key} and {PATH} ({path_source}) are both set; keep one")));
    }
    Ok(Database::Postgres(url))
}

/// A note about a path from the environment that is not used because there is a URL. This is no error, because the
/// container image sets the path.
pub(super) fn note(layers: &Layers, database: &Database) -> Option<String> {
    let is_unused = database.file().is_none() && !layers.is_default(PATH);
    let ((key, source), path_source) = (url_setting(layers), layers.source(PATH));
    is_unused.then(|| format!("{PATH} ({path_source}) has no effect, because {key} ({source}) is set"))
}

/// The setting that gives the URL, and its source.
fn url_setting(layers: &Layers) -> (&'static str, &str) {
    let key = if layers.source(URL).is_empty() { URL_FILE } else { URL };
    (key, layers.source(key))
}

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
