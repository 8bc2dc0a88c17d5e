//! One page of a list, in the shape of DRF's `LimitOffsetPagination`.

use form_urlencoded::Serializer;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::listing::Window;
use crate::http::query::pairs;

/// One page of a list. `next` and `previous` are absolute URLs, or null if there is no such page.
#[derive(Serialize, ToSchema)]
pub(super) struct Page<T> {
    /// Number of items in the whole list
    #[schema(minimum = 0, example = 1)]
    pub(super) count: i64,
    #[schema(required, example = "https://otp.example.com/api/notifications/otp/?limit=50&offset=100")]
    pub(super) next: Option<String>,
    #[schema(required, example = "https://otp.example.com/api/notifications/otp/?limit=50")]
    pub(super) previous: Option<String>,
    pub(super) results: Vec<T>,
}

impl<T> Page<T> {
    /// `url` is the URL of this page as used by the client, without the query string.
    pub(super) fn new(count: i64, results: Vec<T>, window: Window, url: &str, query: &str) -> Self {
        let Window { limit, offset } = window;
        let (after, before) = (offset.saturating_add(limit), offset.saturating_sub(limit));
        Self {
            count,
            next: (after < count).then(|| link(url, query, limit, Some(after))),
            previous: (offset > 0).then(|| link(url, query, limit, Some(before).filter(|before| *before > 0))),
            results,
        }
    }
}

/// The URL of the same query with another window. Parameters are sorted by name, as in DRF.
fn link(url: &str, query: &str, limit: i64, offset: Option<i64>) -> String {
    let mut parameters = pairs(query);
    parameters.retain(|(name, _)| name != "limit" && name != "offset");
    parameters.push(("limit".to_owned(), limit.to_string()));
    parameters.extend(offset.map(|offset| ("offset".to_owned(), offset.to_string())));
    parameters.sort_by(|(one, _), (other, _)| one.cmp(other));
    format!("{url}?{}", Serializer::new(String::new()).extend_pairs(parameters).finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(count: i64, limit: i64, offset: i64, query: &str) -> (Option<String>, Option<String>) {
        let page = Page::<()>::new(count, vec![], Window { limit, offset }, "http://h/p", query);
        (page.next, page.previous)
    }

    #[test]
    fn the_links_match_django() {
        let link = |text: &str| Some(format!("http://h/p?{text}"));
        assert_eq!(links(10, 50, 0, ""), (None, None));
        assert_eq!(links(51, 50, 0, ""), (link("limit=50&offset=50"), None));
        assert_eq!(links(50, 50, 0, ""), (None, None));
        assert_eq!(links(100, 10, 10, "offset=10&limit=10"), (link("limit=10&offset=20"), link("limit=10")));
        assert_eq!(links(100, 10, 25, ""), (link("limit=10&offset=35"), link("limit=10&offset=15")));
        assert_eq!(links(100, 10, 5, ""), (link("limit=10&offset=15"), link("limit=10")));
        assert_eq!(links(3, 10, i64::MAX, ""), (None, link("limit=10&offset=9223372036854775797")));
    }

    #[test]
    fn other_parameters_are_kept_and_sorted() {
        let (next, _) = links(100, 10, 0, "search=a+b%26c&x=1&limit=10&created_date=2025-01-01&x=0");
        let kept = "http://h/p?created_date=2025-01-01&limit=10&offset=10&search=a+b%26c&x=1&x=0";
        assert_eq!(next.as_deref(), Some(kept));
    }
}
