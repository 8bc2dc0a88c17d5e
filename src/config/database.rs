//! Where the database is: in a SQLite file or on a PostgreSQL server.

use crate::config::database_url::URL;
use crate::config::layers::Layers;
use crate::config::values::file_path;
use crate::error::ConfigError;
use crate::store::{Database, PostgresUrl};

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
