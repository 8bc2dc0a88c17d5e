//! What a browser prefers: language, theme and shortcuts. The switches of the console keep them in cookies.

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite, time};
use actix_web::http::header::ACCEPT_LANGUAGE;

use crate::domain::message::Language;

pub(super) const LANGUAGE: &str = "otpd_language";
pub(super) const THEME: &str = "otpd_theme";
pub(super) const SHORTCUTS: &str = "otpd_shortcuts";

/// How long a browser keeps a preference.
const KEPT: time::Duration = time::Duration::days(365);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Preferences {
    pub(super) language: Language,
    /// `None`: as the device.
    pub(super) theme: Option<&'static str>,
    pub(super) shortcuts: bool,
}

impl Preferences {
    pub(super) fn of(request: &HttpRequest) -> Self {
        let cookie = |name| request.cookie(name).map(|cookie| cookie.value().to_owned());
        let chosen = cookie(LANGUAGE).and_then(|language| language.parse().ok());
        let header = request.headers().get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Self {
            language: chosen.unwrap_or_else(|| accepted(header.unwrap_or_default())),
            theme: cookie(THEME).as_deref().and_then(theme),
            shortcuts: cookie(SHORTCUTS).as_deref() != Some("off"),
        }
    }
}

/// A theme that a browser can be told to use. `None`: as the device.
pub(super) fn theme(name: &str) -> Option<&'static str> {
    ["light", "dark"].into_iter().find(|known| *known == name)
}

/// The cookie that keeps a preference.
pub(super) fn cookie(name: &'static str, value: &str) -> Cookie<'static> {
    let cookie = Cookie::build(name, value.to_owned()).path("/console").max_age(KEPT);
    cookie.same_site(SameSite::Lax).http_only(true).finish()
}

/// The language that an `Accept-Language` header prefers. Persian if it names neither language.
fn accepted(header: &str) -> Language {
    let mut best = (0.0, Language::Fa);
    for entry in header.split(',') {
        let (tag, quality) = entry.split_once(';').unwrap_or((entry, ""));
        let quality = quality.trim().strip_prefix("q=").map_or(1.0, |text| text.parse().unwrap_or(0.0));
        let primary = tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase();
        if let Ok(language) = primary.parse::<Language>()
            && quality > best.0
        {
            best = (quality, language);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_language_is_used_and_persian_without_one() {
        for (header, language) in [
            ("", Language::Fa),
            ("de", Language::Fa),
            ("en", Language::En),
            ("en-US,en;q=0.9,fa;q=0.8", Language::En),
            ("fa-IR,fa;q=0.9,en;q=0.8", Language::Fa),
            ("de,fa;q=0.4,en;q=0.5", Language::En),
            ("en;q=0", Language::Fa),
            ("en;q=x", Language::Fa),
            ("*", Language::Fa),
        ] {
            assert_eq!(accepted(header), language, "{header}");
        }
    }
}
