//! Secrets, which are given directly or as the path of a file.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{StatVfsMountFlags, statvfs};
use rustix::process::geteuid;

use crate::config::file::read_text;
use crate::error::ConfigError;

/// The value of a setting, and its source.
pub(super) type Given = (String, String);

/// Whether a text contains a user name and a password, as in `user:secret@host`, or a URL with a user name.
pub fn holds_login(text: &str) -> bool {
    let is_login = |(at, _): (usize, &str)| {
        let word = text.get(..at).and_then(|before| before.rsplit(ends_word).next()).unwrap_or_default();
        let word = word.split_once("://").map_or(word, |(_, rest)| rest);
        word.split_once(':').is_some_and(|(user, password)| !user.is_empty() && !password.is_empty())
    };
    text.match_indices('@').any(is_login) || holds_url_login(text)
}

/// Whether a text contains a URL with a user name, as in `https://token@host`.
pub(super) fn holds_url_login(text: &str) -> bool {
    let ends_authority = |c: char| ends_word(c) || matches!(c, '/' | '?' | '#');
    text.split("://").skip(1).any(|rest| rest.split(ends_authority).next().is_some_and(|it| it.contains('@')))
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '<' | '>' | '"')
}

/// Returns the secret of `key` and its source. `given` is the secret itself, `file` the path in `KEY_file`. Trailing
/// white space in a file is removed.
///
/// # Errors
/// Both are set, or the file can't be read. Messages never contain the secret.
pub(super) fn secret_text(key: &str, given: Option<Given>, file: Option<Given>) -> Result<Option<Given>, ConfigError> {
    match (given, file) {
        (None, None) => Ok(None),
        (Some((_, here)), Some((_, there))) => {
            Err(ConfigError(format!("{here}: {key} and {key}_file ({there}) are both set; keep one")))
        }
        (Some(given), None) => Ok(Some(given)),
        // Such as the secret itself, or a URL with a password.
        (None, Some((path, source))) if holds_login(&path) => Err(ConfigError(format!(
            "{source}: {key}_file is not valid: expected the path of a file, without user name and password"
        ))),
        (None, Some((path, source))) => {
            let unreadable = |cause| ConfigError(format!("{source}: {key}_file = {path:?}: {cause}"));
            let text = read_text(Path::new(&path)).map_err(unreadable)?;
            Ok(Some((text.trim_end().to_owned(), path)))
        }
    }
}

/// Directories in which Docker, Kubernetes and systemd provide secrets to one container or service.
const FOR_ONE_SERVICE: [&str; 3] = ["/run/secrets", "/var/run/secrets", "/run/credentials"];

/// Returns why a file with a secret is not safe, with a remedy. `None` if the file is safe or does not exist.
///
/// Other users must not be able to change the file. They must not be able to read it either, unless the file
/// - has no write permissions (0440, 0444), like secrets from orchestrators,
/// - belongs to another user and is readable by a group (root:otpd 0640), a usual way to share a file with a service,
/// - is accessible to this service only: it is in one of the directories above, in `credentials` (the service's
///   directory from systemd), or on a read-only file system (Kubernetes).
pub fn exposure(path: &Path, credentials: Option<&Path>) -> Option<String> {
    let file = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let (mode, user) = (file.mode(), geteuid());
    let is_shared = file.uid() != user.as_raw() || (user.is_root() && file.gid() != 0);
    let others = if is_shared { 0o007 } else { 0o077 };
    let what = if mode & 0o022 != 0 {
        "change"
    } else if mode & others & 0o044 != 0 && mode & 0o222 != 0 && !is_for_one_service(path, credentials) {
        "read"
    } else {
        return None;
    };
    Some(format!("{0} contains a secret, and other users can {what} it; run `chmod 600 {0}`", path.display()))
}

fn is_for_one_service(path: &Path, credentials: Option<&Path>) -> bool {
    let folders = || FOR_ONE_SERVICE.iter().map(Path::new).chain(credentials).flat_map(fs::canonicalize);
    fs::canonicalize(path).is_ok_and(|path| folders().any(|folder| path.starts_with(folder)))
        || statvfs(path).is_ok_and(|system| system.f_flag.contains(StatVfsMountFlags::RDONLY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_name_with_a_password_is_recognised() {
        for (text, login, url_login) in [
            ("user:secret@mail.example.com", true, false),
            ("smtp://user:secret@mail.example.com:587", true, true),
            ("smtp://user:sec/ret@mail.example.com", true, false),
            ("https://token@gateway.example/send", false, true),
            ("Shop <user:secret@example.com>", true, false),
            ("Look at https://user:secret@example.com/x", true, true),
            ("noreply@example.com", false, false),
            ("Shop <noreply@example.com>", false, false),
            ("Help: help@example.com", false, false),
            ("code:{code} @shop", false, false),
            ("https://example.com/@shop", false, false),
            ("mail.example.com:587", false, false),
            ("@example.com #255315", false, false),
            ("a:@b", false, false),
            ("", false, false),
        ] {
            assert_eq!((holds_login(text), holds_url_login(text)), (login || url_login, url_login), "{text}");
        }
    }
}
