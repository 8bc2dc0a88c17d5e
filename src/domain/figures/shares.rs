//! The verified share of recent codes, by number prefix and by provider. In SMS pumping, an attacker requests codes for
//! many numbers, often of one prefix, and verifies none of them. The share of that prefix then collapses.

use std::collections::BTreeMap;
use std::fmt;

use crate::domain::figures::alarm::{FEWEST, fallen_share};
use crate::domain::figures::counts::Codes;
use crate::domain::figures::period::Span;
use crate::domain::figures::{Figure, share, start_of};

/// The hours of the week that an hour is compared with.
const WEEK: i64 = 7 * 24;
/// A share has collapsed if it is at most this part of the usual one.
///
/// The alarm of the console concerns all codes and needs a smaller fall. The share of a single prefix varies more. If 70 %
/// are usual, four fifths of that or less occur by chance in 1 of 40 hours with 50 codes. Half of that or less practically
/// never occur.
const COLLAPSE: f64 = 0.5;

/// A part of all codes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The first four digits of mobile numbers, or [`Part::EMAIL`].
    Prefix(String),
    /// The provider that accepted the messages.
    Provider(String),
}

/// The codes of a part in the checked hour, and in the week before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recent {
    pub hour: Codes,
    pub week: Codes,
}

/// The recent codes of all parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shares {
    hour: i64,
    parts: BTreeMap<Part, Recent>,
}

/// A part with an unusually low share. `Display` is a line for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collapse {
    pub part: Part,
    /// Hours since 1970-01-01T00:00:00Z.
    pub hour: i64,
    pub codes: Codes,
    /// The codes that they are compared with.
    pub usual: Usual,
}

/// Codes of the week before a collapse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usual {
    /// Those of the same part.
    OfPart(Codes),
    /// Those of all prefixes, or of all providers, because the part had too few.
    OfAll(Codes),
}

impl Part {
    /// What stands for the prefix of e-mail addresses.
    pub const EMAIL: &str = "email";

    /// Returns the part that a stored count belongs to. `None`: older counts of codes have no prefix.
    fn of(figure: Figure, subject: &str) -> Option<Self> {
        match figure {
            Figure::CodesSent | Figure::CodesVerified => {
                let prefix = subject.split_once(' ').map(|(_, prefix)| prefix);
                let prefix = prefix.or((subject == Self::EMAIL).then_some(subject));
                prefix.map(|prefix| Self::Prefix(prefix.to_owned()))
            }
            Figure::CodesSentByProvider | Figure::CodesVerifiedByProvider => Some(Self::Provider(subject.to_owned())),
            _ => None,
        }
    }

    fn is_prefix(&self) -> bool {
        matches!(self, Self::Prefix(_))
    }
}

impl Shares {
    /// The figures that are read.
    pub const FIGURES: [Figure; 4] =
        [Figure::CodesSent, Figure::CodesVerified, Figure::CodesSentByProvider, Figure::CodesVerifiedByProvider];

    /// No codes. `hour` is the checked hour, in hours since 1970-01-01T00:00:00Z.
    pub fn new(hour: i64) -> Self {
        Self { hour, parts: BTreeMap::new() }
    }

    /// The checked hour.
    pub fn hour(&self) -> i64 {
        self.hour
    }

    /// The hours to be read: the checked hour and the week before it.
    pub fn span(&self) -> Span {
        Span { from: self.hour - WEEK, until: self.hour + 1 }
    }

    /// Adds the stored count of an hour in [`Shares::span`].
    pub fn add(&mut self, figure: Figure, hour: i64, subject: &str, count: u64) {
        let Some(part) = Part::of(figure, subject) else { return };
        let recent = self.parts.entry(part).or_default();
        let codes = if hour == self.hour { &mut recent.hour } else { &mut recent.week };
        match figure {
            Figure::CodesVerified | Figure::CodesVerifiedByProvider => codes.verified += count,
            _ => codes.sent += count,
        }
    }

    /// Returns all parts: the prefixes, then the providers.
    pub fn parts(&self) -> impl Iterator<Item = (&Part, Recent)> {
        self.parts.iter().map(|(part, recent)| (part, *recent))
    }

    /// Returns the prefixes and providers with a share that collapsed in the checked hour.
    pub fn collapses(&self) -> Vec<Collapse> {
        let collapse = |(part, recent): (&Part, Recent)| {
            let usual = self.usual(part, recent)?;
            fallen_share(recent.hour, usual.codes().verified_share()?, COLLAPSE)?;
            Some(Collapse { part: part.clone(), hour: self.hour, codes: recent.hour, usual })
        };
        self.parts().filter_map(collapse).collect()
    }

    /// The week of a part. Attackers often use prefixes that have few codes otherwise, so a part with too few codes for
    /// a usual share is compared with all of its kind. `None`: these are too few as well.
    fn usual(&self, part: &Part, recent: Recent) -> Option<Usual> {
        if recent.week.sent >= FEWEST {
            return Some(Usual::OfPart(recent.week));
        }
        let same_kind = self.parts().filter(|(other, _)| other.is_prefix() == part.is_prefix());
        let all = same_kind.fold(Codes::default(), |sum, (_, Recent { week, .. })| Codes {
            sent: sum.sent + week.sent,
            verified: sum.verified + week.verified,
        });
        (all.sent >= FEWEST).then_some(Usual::OfAll(all))
    }
}

impl Usual {
    fn codes(self) -> Codes {
        match self {
            Self::OfPart(codes) | Self::OfAll(codes) => codes,
        }
    }
}

/// Counts with their share: `12 of 100 (12.0 %)`.
struct Counts(Codes);

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Codes { sent, verified } = self.0;
        write!(f, "{verified} of {sent} ({:.1} %)", share(verified, sent).unwrap_or_default() * 100.0)
    }
}

impl fmt::Display for Collapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (part, remedy) = match &self.part {
            Part::Prefix(prefix) if prefix == Part::EMAIL => (
                "e-mail addresses".to_owned(),
                "check that the applications pass client_ip, and lower limits.sends_per_client_hour",
            ),
            Part::Prefix(prefix) => (
                format!("numbers with the prefix {prefix}"),
                "this is typical of SMS pumping; check that the applications pass client_ip, lower \
                 limits.sends_per_client_hour, and restrict delivery.allowed_prefixes",
            ),
            Part::Provider(name) => (
                format!("the provider {name}"),
                "its messages may not arrive, or this is SMS pumping; check the provider, and the warnings about \
                 prefixes",
            ),
        };
        let (usual, compared) = match self.usual {
            Usual::OfPart(codes) => (codes, ""),
            Usual::OfAll(codes) => (codes, " for all of them"),
        };
        let (hour, codes, usual) = (start_of(self.hour), Counts(self.codes), Counts(usual));
        write!(
            f,
            "few codes for {part} are verified: {codes} in the hour from {hour}, {usual}{compared} in the week before; \
             {remedy}"
        )
    }
}

#[cfg(test)]
mod tests;
