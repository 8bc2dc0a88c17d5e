//! The table of open sessions, as the pages of an account and of a user show it.

use crate::domain::session::SessionRecord;
use crate::domain::timestamp::Timestamp;

pub(super) struct SessionRow {
    pub(super) browser: Option<String>,
    pub(super) address: Option<String>,
    pub(super) token_prefix: Option<String>,
    pub(super) started: Timestamp,
    pub(super) last_seen: Timestamp,
    /// Whether this is the session of the request.
    pub(super) is_own: bool,
}

impl SessionRow {
    pub(super) fn new(session: SessionRecord, own: i64) -> Self {
        Self {
            browser: session.browser.as_deref().map(short),
            address: session.address.map(|address| address.to_string()),
            token_prefix: session.token_prefix,
            started: session.times.created_at,
            last_seen: session.times.last_seen_at,
            is_own: session.id == own,
        }
    }
}

/// Names and marks in a `User-Agent`. The first that occurs is right: Edge also names Chrome, and Chrome Safari.
const BROWSERS: [(&str, &str); 6] = [
    ("Edge", "Edg/"),
    ("Opera", "OPR/"),
    ("Samsung Internet", "SamsungBrowser/"),
    ("Firefox", "Firefox/"),
    ("Chrome", "Chrome/"),
    ("Safari", "Version/"),
];
const SYSTEMS: [(&str, &str); 6] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("macOS", "Mac OS X"),
    ("Linux", "Linux"),
];

/// A `User-Agent` in a few words, such as `Firefox 145 · Linux`. One of an unknown program is returned as it is.
fn short(user_agent: &str) -> String {
    let browser = BROWSERS.iter().find_map(|(name, mark)| {
        let (_, version) = user_agent.split_once(mark)?;
        Some(format!("{name} {}", version.split(['.', ' ']).next().unwrap_or_default()))
    });
    let system = SYSTEMS.iter().find(|(_, mark)| user_agent.contains(mark)).map(|(name, _)| *name);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} · {system}"),
        (Some(browser), None) => browser,
        (None, _) => user_agent.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_is_shown_in_a_few_words() {
        let chrome = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0";
        for (user_agent, shown) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox 145 · Linux"),
            (&format!("Mozilla/5.0 (Linux; Android 16) {chrome} Mobile Safari/537.36"), "Chrome 142 · Android"),
            (&format!("Mozilla/5.0 (Windows NT 10.0) {chrome} Safari/537.36 Edg/142.0"), "Edge 142 · Windows"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1",
                "Safari 19 · iPhone",
            ),
            ("curl/8.5.0", "curl/8.5.0"),
        ] {
            assert_eq!(short(user_agent), shown);
        }
    }
}
