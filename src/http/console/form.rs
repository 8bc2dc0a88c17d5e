//! The fields of a submitted form.

use form_urlencoded::parse;

use crate::domain::sent_form::{FormKey, SentForm};
use crate::error::{Error, Kind, Result};
use crate::http::body::Body;
use crate::http::console::context::Visitor;

/// The fields of a form, in their order. A field may occur several times.
#[derive(Clone, Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the form of a request.
    ///
    /// # Errors
    /// The body is too long or too slow, or is not a form.
    pub(super) async fn read(body: Body) -> Result<Self> {
        let is_form = body.media_type().starts_with("application/x-www-form-urlencoded");
        let bytes = body.bytes().await?;
        if !is_form && !bytes.is_empty() {
            return Err(Error::new(Kind::UnsupportedMediaType, "Unsupported media type in request."));
        }
        Ok(Self(parse(&bytes).into_owned().collect()))
    }

    /// The trimmed value of a field; empty if it is missing.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value.trim())
    }

    /// The key of the form and the session that it was sent in. `None`: the form has no key.
    pub(super) fn sent_in(&self, visitor: &Visitor) -> Result<Option<SentForm>> {
        let session_id = visitor.visit()?.session_id;
        Ok(FormKey::parse(self.text("form")).map(|key| SentForm { session_id, key }))
    }

    /// All values of a field.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The fields that a page may show again: all but secrets and the fields of the sign-in.
    pub(super) fn shown_again(&self) -> impl Iterator<Item = (&str, &str)> {
        let is_shown = |name: &str| !["code", "token", "user", "next", "link"].contains(&name);
        self.0.iter().filter(move |(name, _)| is_shown(name)).map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl FromIterator<(String, String)> for Form {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}
