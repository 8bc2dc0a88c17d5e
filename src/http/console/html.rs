//! Pieces of HTML that templates share.

use std::fmt;

use askama::filters::{Html as Escaper, HtmlSafe, escape};

use crate::domain::time_zone::Tz;
use crate::domain::timestamp::Timestamp;
use crate::http::console::texts::Texts;
use crate::http::console::texts::placeholders::around;

/// HTML that is already escaped.
#[derive(Clone, Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// A text, escaped.
    pub(super) fn text(text: &str) -> Self {
        Self(escaped(text))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A piece on a line of its own.
    pub(super) fn line(Self(piece): Self) -> Self {
        Self(format!("<span class=\"line\">{piece}</span>"))
    }

    /// Both pieces, one after the other.
    #[must_use]
    pub(super) fn and(self, Self(other): Self) -> Self {
        Self(self.0 + &other)
    }
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Html {}

impl askama::FastWritable for Html {
    fn write_into(&self, dest: &mut dyn fmt::Write, _: &dyn askama::Values) -> askama::Result<()> {
        Ok(dest.write_str(&self.0)?)
    }
}

/// Escapes a text.
pub(super) fn escaped(text: &str) -> String {
    escape(text, Escaper).map_or_else(|never| match never {}, |safe| safe.to_string())
}

/// An icon of the sprite in the layout. `class` adds a class, such as `flip` for one that has a direction.
pub(super) fn icon(name: &str, class: &str) -> Html {
    Html(format!(
        "<svg class=\"icon {class}\" aria-hidden=\"true\" viewBox=\"0 0 24 24\"><use href=\"#i-{name}\"/></svg>"
    ))
}

/// An identifier. It keeps its direction in a text from right to left.
pub(super) fn id(value: &(impl fmt::Display + ?Sized)) -> Html {
    Html(format!("<bdi dir=\"ltr\" class=\"id\">{}</bdi>", escaped(&value.to_string())))
}

/// Digits such as those of a date, which are read from left to right.
pub(super) fn digits(value: &str) -> Html {
    Html(format!("<bdi dir=\"ltr\">{}</bdi>", escaped(value)))
}

/// A label. The placeholder `name` is replaced by an identifier.
pub(super) fn label_with_id(label: &str, name: &str, value: &(impl fmt::Display + ?Sized)) -> Html {
    let (before, after) = around(label, name);
    Html(format!("{}{}{}", escaped(before), id(value), escaped(after)))
}

/// A moment, as the time since or until now and as date and time.
pub(super) fn relative_time(t: &Texts, moment: Timestamp, now: Timestamp, zone: Tz) -> Html {
    let relative = if moment > now { t.left(moment.seconds_after(now)) } else { t.ago(now.seconds_after(moment)) };
    Html(format!(
        "<time datetime=\"{moment}\">{} <small><bdi dir=\"ltr\">{}</bdi></small></time>",
        escaped(&relative),
        t.moment(moment, zone)
    ))
}

/// A recipient. A long address may wrap.
pub(super) fn recipient(value: &str) -> Html {
    let class = if value.contains('@') { "id wrap" } else { "id" };
    Html(format!("<bdi dir=\"ltr\" class=\"{class}\">{}</bdi>", escaped(value)))
}

/// A moment as date and time, with seconds.
pub(super) fn absolute_time(t: &Texts, moment: Timestamp, zone: Tz) -> Html {
    Html(format!("<time datetime=\"{moment}\"><bdi dir=\"ltr\">{}</bdi></time>", t.exact_moment(moment, zone)))
}
