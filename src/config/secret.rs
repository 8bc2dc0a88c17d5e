//! Secrets, which are given as they are or as files that hold them.

use std::fs;

use crate::config::ConfigError;

/// What a setting is set to, and where.
pub(super) type Given = (String, String);

/// The secret of `key`, with where it stands: `given` as it is, or in the file that `KEY_file` names. The white space at
/// the end of a file is none of it.
///
/// # Errors
/// Both are set, or the file can't be read. The secret is in no message.
pub(super) fn secret_text(key: &str, given: Option<Given>, file: Option<Given>) -> Result<Option<Given>, ConfigError> {
    match (given, file) {
        (None, None) => Ok(None),
        (Some((_, here)), Some((_, there))) => {
            Err(ConfigError(format!("{here}: {key} and {key}_file ({there}) are both set; keep one")))
        }
        (Some(given), None) => Ok(Some(given)),
        (None, Some((path, source))) => {
            let unreadable = |cause| ConfigError(format!("{source}: {key}_file = {path:?}: {cause}"));
            let text = fs::read_to_string(&path).map_err(unreadable)?;
            Ok(Some((text.trim_end().to_owned(), path)))
        }
    }
}
