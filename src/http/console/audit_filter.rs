//! The filters of the audit trail, as they stand in the URL. A recipient is kept with the session, because URLs are
//! logged by proxies.

use crate::domain::audit::{Action, AuditFilter};
use crate::domain::code_list::Search;
use crate::domain::recipient::Recipient;
use crate::error::Result;
use crate::http::console::context::{Context, Visitor};
use crate::http::console::drafts;
use crate::http::console::lists::{Chip, Filters, TypedDays};
use crate::http::console::texts::placeholders::fill;
use crate::http::query::Parameters;

pub(super) const PATH: &str = "/console/audit";
pub(super) const CSV_PATH: &str = "/console/audit.csv";
/// No event has this id.
const NONE: i64 = 0;

/// The filters of a request.
pub(super) struct Request {
    pub(super) actor: String,
    pub(super) action: Option<Action>,
    /// The id of a code, as typed.
    pub(super) code: String,
    pub(super) days: TypedDays,
    /// A recipient, as typed.
    pub(super) search: String,
    pub(super) search_is_lost: bool,
    pub(super) filters: Filters,
}

impl Request {
    pub(super) async fn read(visitor: &Visitor, parameters: &Parameters) -> Result<Self> {
        let asked: Option<i64> = parameters.text("s").and_then(|n| n.parse().ok());
        let kept = match asked {
            Some(n) => drafts::search(visitor, n).await?.map(|text| (n, text)),
            None => None,
        };
        let text = |name| parameters.text(name).unwrap_or_default().to_owned();
        let action: Option<Action> = parameters.text("action").and_then(|text| text.parse().ok());
        let days = TypedDays::read(parameters, visitor.t);
        let values = vec![
            ("s", kept.as_ref().map_or_else(String::new, |(n, _)| n.to_string())),
            ("actor", text("actor")),
            ("action", action.map_or("", Action::as_str).to_owned()),
            ("code", text("code")),
            ("from", days.from.text.clone()),
            ("to", days.to.text.clone()),
        ];
        Ok(Self {
            actor: text("actor"),
            action,
            code: text("code"),
            days,
            search_is_lost: asked.is_some() && kept.is_none(),
            search: kept.map_or_else(String::new, |(_, text)| text),
            filters: Filters::new(PATH, values),
        })
    }

    /// The whole recipient that was searched for. `None`: the text is not one.
    pub(super) fn recipient(&self) -> Option<Recipient> {
        match Search::parse(&self.search) {
            Some(Search::Recipient(recipient)) => Some(recipient),
            Some(Search::Words(_)) | None => None,
        }
    }

    pub(super) fn search_is_bad(&self) -> bool {
        !self.search.is_empty() && self.recipient().is_none()
    }

    fn code_id(&self) -> Option<i64> {
        crate::domain::digits::to_ascii_digits(&self.code).parse().ok()
    }

    pub(super) fn code_is_bad(&self) -> bool {
        !self.code.is_empty() && self.code_id().is_none()
    }

    /// The conditions of the list. An invalid recipient or id matches nothing.
    pub(super) fn filter(&self, context: &Context) -> AuditFilter {
        AuditFilter {
            id_max: (self.search_is_bad() || self.code_is_bad()).then_some(NONE),
            action: self.action,
            actor: Some(self.actor.clone()).filter(|actor| !actor.is_empty()),
            otp: self.code_id(),
            recipient: self.recipient(),
            at: self.days.period(context.zone),
        }
    }

    pub(super) fn chips(&self, context: &Context) -> Vec<Chip> {
        let t = context.t;
        let labelled = |label: &str, value: &str| format!("{label}: {value}");
        let given = |label, value: &str| Some(labelled(label, value)).filter(|_| !value.is_empty());
        let action = self.action.map(|action| labelled(t.filter.action, t.action(action.as_str())));
        let day = |label, day: Option<chrono::NaiveDate>| day.map(|day| labelled(label, &t.date(day)));
        let search = Some(fill(t.codes.search_chip, &[("text", &self.search)])).filter(|_| !self.search.is_empty());
        let labels = [
            ("s", search),
            ("actor", given(t.filter.actor, &self.actor)),
            ("action", action),
            ("code", given(t.audit.code, &self.code)),
            ("from", day(t.filter.from, self.days.from.day)),
            ("to", day(t.filter.to, self.days.to.day)),
        ];
        let chip = |(name, label)| Some(Chip { label: label?, link: self.filters.without(&[name]) });
        labels.into_iter().filter_map(chip).collect()
    }
}
