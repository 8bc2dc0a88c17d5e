//! The frame around the pages: navigation, menus and footer.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;

use crate::domain::sent_form::FormKey;
use crate::domain::time_zone::Tz;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::{Permission, Role};
use crate::error::{Error, Result};
use crate::http::console::assets;
use crate::http::console::context::Context;
use crate::http::console::html::{self, Html};
use crate::http::console::texts::Texts;

/// Starts a response that sends the browser to `location` with a GET request.
pub(super) fn redirect(location: &str) -> HttpResponseBuilder {
    let mut response = HttpResponse::SeeOther();
    response.insert_header((LOCATION, location));
    response
}

/// A place in the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Overview,
    Codes,
    Messages,
    Recipients,
    Providers,
    Users,
    Audit,
    Account,
}

/// A link of the navigation.
pub(super) struct Link {
    pub(super) label: &'static str,
    pub(super) path: &'static str,
    pub(super) icon: &'static str,
    /// The key of the shortcut after `g`.
    pub(super) key: &'static str,
    pub(super) is_current: bool,
}

/// The user as shown in the header.
pub(super) struct Person {
    pub(super) name: String,
    pub(super) role: &'static str,
    pub(super) session_ends: i64,
}

/// The frame of one page.
pub(super) struct Shell {
    pub(super) t: &'static Texts,
    pub(super) title: String,
    pub(super) theme: Option<&'static str>,
    pub(super) shortcuts: bool,
    pub(super) now: Timestamp,
    pub(super) zone: Tz,
    /// The address of this page for GET.
    pub(super) location: String,
    pub(super) host: String,
    pub(super) is_plain_http: bool,
    pub(super) person: Option<Person>,
    pub(super) links: Vec<Link>,
    pub(super) admin_links: Vec<Link>,
    /// The result of the last action, if there was one.
    pub(super) flash: Option<Html>,
}

impl Shell {
    /// The frame of a page at `place`. `title` is the title of the page.
    pub(super) fn new(context: &Context, title: impl Into<String>, place: Option<Place>) -> Self {
        let t = context.t;
        let caller = context.visit.as_ref().map(|visit| &visit.caller);
        let may = |permission| caller.is_some_and(|caller| caller.require(permission).is_ok());
        let is_admin = caller.is_some_and(|caller| caller.role == Role::Admin);
        let link = |at, label, path, icon, key| Link { label, path, icon, key, is_current: place == Some(at) };
        let mut links = Vec::new();
        if may(Permission::ViewOtp) {
            links.extend([
                link(Place::Overview, t.nav.overview, "/console/", "overview", "o"),
                link(Place::Codes, t.nav.codes, "/console/codes", "codes", "c"),
                link(Place::Messages, t.nav.messages, "/console/messages", "messages", "m"),
                link(Place::Recipients, t.nav.recipients, "/console/recipients", "recipients", "r"),
            ]);
        }
        let admin_links = if is_admin {
            vec![
                link(Place::Providers, t.nav.providers, "/console/providers", "providers", "p"),
                link(Place::Users, t.nav.users, "/console/users", "users", "u"),
                link(Place::Audit, t.nav.audit, "/console/audit", "audit", "a"),
            ]
        } else {
            Vec::new()
        };
        Self {
            t,
            title: title.into(),
            theme: context.preferences.theme,
            shortcuts: context.preferences.shortcuts,
            now: context.now,
            zone: context.zone,
            location: context.location.clone(),
            host: context.own.host().to_owned(),
            is_plain_http: !context.own.is_https() && !context.own.is_loopback(),
            person: context.visit.as_ref().map(|visit| Person {
                name: visit.caller.origin.name.clone(),
                role: t.role(visit.caller.role),
                session_ends: visit.ends_at.as_micros() / 1000,
            }),
            links,
            admin_links,
            flash: None,
        }
    }

    /// The same frame with the result of the last action.
    pub(super) fn with_flash(mut self, flash: Option<Html>) -> Self {
        self.flash = flash;
        self
    }

    /// A new key for a form that takes effect once.
    pub(super) fn form_key(&self) -> FormKey {
        FormKey::generate(&mut UnwrapErr(SysRng))
    }

    pub(super) fn icon(&self, name: &str) -> Html {
        html::icon(name, "")
    }

    /// An icon that points in the direction of reading.
    pub(super) fn directed_icon(&self, name: &str) -> Html {
        html::icon(name, "flip")
    }

    /// An identifier, which is always read from left to right.
    pub(super) fn id(&self, value: &(impl std::fmt::Display + ?Sized)) -> Html {
        html::id(value)
    }

    /// A recipient. A long address may wrap.
    pub(super) fn recipient(&self, value: &str) -> Html {
        html::recipient(value)
    }

    /// A label. The placeholder `name` is replaced by an identifier.
    pub(super) fn label_with_id(&self, label: &str, name: &str, value: &(impl std::fmt::Display + ?Sized)) -> Html {
        html::label_with_id(label, name, value)
    }

    /// A moment, as the time since or until now and as date and time.
    pub(super) fn relative_time(&self, moment: &Timestamp) -> Html {
        html::relative_time(self.t, *moment, self.now, self.zone)
    }

    /// A moment as date and time, as text.
    pub(super) fn moment(&self, moment: &Timestamp) -> String {
        self.t.moment(*moment, self.zone)
    }

    /// A moment as date and time, with seconds.
    pub(super) fn time(&self, moment: &Timestamp) -> Html {
        html::absolute_time(self.t, *moment, self.zone)
    }

    /// The present day in the time zone of the pages.
    pub(super) fn today(&self) -> chrono::NaiveDate {
        self.zone.local_time(self.now).date()
    }

    /// Milliseconds since 1970, for scripts.
    pub(super) fn millis(&self, moment: &Timestamp) -> i64 {
        moment.as_micros() / 1000
    }

    pub(super) fn style(&self) -> String {
        assets::style()
    }

    pub(super) fn script(&self) -> String {
        assets::script()
    }

    pub(super) fn icon_file(&self) -> String {
        assets::icon()
    }

    pub(super) fn version(&self) -> &'static str {
        concat!("otpd ", env!("CARGO_PKG_VERSION"))
    }
}

/// Renders a page.
///
/// # Errors
/// The template failed.
pub(super) fn render(status: StatusCode, page: &impl Template) -> Result<HttpResponse> {
    let html = page.render().map_err(Error::internal)?;
    Ok(HttpResponse::build(status).insert_header((CONTENT_TYPE, "text/html; charset=utf-8")).body(html))
}
