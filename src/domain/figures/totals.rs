//! The sums of all figures over a period.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::domain::attempt::{DeliveryStatus, Outcome};
use crate::domain::figures::counts::{Codes, Outcomes};
use crate::domain::figures::histogram::Histogram;
use crate::domain::figures::{Figure, OTHER, share};
use crate::domain::message::Channel;

/// The most tokens and prefixes in a list.
const TOP: usize = 10;

/// The sums of all figures over a period.
#[derive(Clone, Debug, PartialEq)]
pub struct Totals {
    pub sms: Codes,
    pub email: Codes,
    pub outcomes: Outcomes,
    /// Time from the first sending of a code to its verification.
    pub verify_seconds: Histogram,
    /// By name. Names that are no longer configured are included.
    pub providers: BTreeMap<String, ProviderTotals>,
    /// Refused requests by the setting of the limit.
    pub refusals: BTreeMap<String, u64>,
    by_token: Vec<Refused>,
    by_prefix: Vec<Refused>,
}

/// The figures of a provider over a period.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderTotals {
    /// Attempts with an outcome.
    pub attempts: u64,
    /// Attempts with the outcome "sent".
    pub accepted: u64,
    /// Duration of the attempts.
    pub seconds: Histogram,
    /// Messages that it accepted after another provider was tried.
    pub fallbacks: u64,
    /// Messages that it reported as delivered, not delivered or blocked.
    pub reported: u64,
    pub delivered: u64,
}

/// Requests refused by a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The prefix of a token, or the first four digits of mobile numbers; [`OTHER`] for those that are not counted
    /// separately.
    pub subject: String,
    /// The setting of the limit.
    pub limit: String,
    pub count: u64,
}

impl Default for Totals {
    fn default() -> Self {
        Self {
            sms: Codes::default(),
            email: Codes::default(),
            outcomes: Outcomes::default(),
            verify_seconds: Histogram::VERIFICATION,
            providers: BTreeMap::new(),
            refusals: BTreeMap::new(),
            by_token: Vec::new(),
            by_prefix: Vec::new(),
        }
    }
}

impl Default for ProviderTotals {
    fn default() -> Self {
        Self { attempts: 0, accepted: 0, seconds: Histogram::ATTEMPT, fallbacks: 0, reported: 0, delivered: 0 }
    }
}

impl ProviderTotals {
    /// The share of the attempts that were accepted. `None`: there were no attempts.
    pub fn success(&self) -> Option<f64> {
        share(self.accepted, self.attempts)
    }

    /// The share of the reported messages that arrived. `None`: nothing was reported.
    pub fn delivery_rate(&self) -> Option<f64> {
        share(self.delivered, self.reported)
    }
}

impl Totals {
    /// Adds the sum of a figure for a subject. Unknown subjects are ignored.
    pub fn add(&mut self, figure: Figure, subject: &str, count: u64) {
        let (first, second) = subject.split_once(' ').unwrap_or((subject, ""));
        let bucket = first.parse().unwrap_or(usize::MAX);
        match figure {
            Figure::CodesSent | Figure::CodesVerified => match first.parse() {
                Ok(Channel::Sms | Channel::Call | Channel::Bale) => self.sms.add(figure, count),
                Ok(Channel::Email) => self.email.add(figure, count),
                Err(_) => {}
            },
            // The overview does not show codes by provider.
            Figure::CodesSentByProvider | Figure::CodesVerifiedByProvider => {}
            Figure::VerifySeconds => self.verify_seconds.add(bucket, count),
            Figure::MessagesEnded => self.outcomes.add(first, count),
            Figure::Attempts => {
                let provider = self.provider(second);
                provider.attempts += count;
                provider.accepted += if first == Outcome::Sent.as_str() { count } else { 0 };
            }
            Figure::AttemptSeconds => self.provider(second).seconds.add(bucket, count),
            Figure::Fallbacks => self.provider(subject).fallbacks += count,
            Figure::Reports => {
                let provider = self.provider(second);
                provider.reported += count;
                provider.delivered += if first == DeliveryStatus::Delivered.as_str() { count } else { 0 };
            }
            Figure::Refusals => *self.refusals.entry(first.to_owned()).or_default() += count,
            Figure::RefusalsByToken => self.by_token.push(Refused::new(first, second, count)),
            Figure::RefusalsByPrefix => self.by_prefix.push(Refused::new(first, second, count)),
        }
    }

    fn provider(&mut self, name: &str) -> &mut ProviderTotals {
        if !self.providers.contains_key(name) {
            self.providers.insert(name.to_owned(), ProviderTotals::default());
        }
        self.providers.entry(name.to_owned()).or_default()
    }

    /// The codes of both channels.
    pub fn codes(&self) -> Codes {
        Codes { sent: self.sms.sent + self.email.sent, verified: self.sms.verified + self.email.verified }
    }

    /// The number of refused requests.
    pub fn refused(&self) -> u64 {
        self.refusals.values().sum()
    }

    /// The tokens with the most refused requests, by limit. The most comes first.
    pub fn top_tokens(&self) -> Vec<Refused> {
        top(&self.by_token)
    }

    /// The prefixes of mobile numbers with the most refused requests, by limit. The most comes first.
    pub fn top_prefixes(&self) -> Vec<Refused> {
        top(&self.by_prefix)
    }

    /// The messages that a fallback accepted, as a share of all messages that were sent. `None`: none was sent.
    pub fn fallback_share(&self) -> Option<f64> {
        share(self.providers.values().map(|provider| provider.fallbacks).sum(), self.outcomes.sent)
    }
}

impl Refused {
    fn new(limit: &str, subject: &str, count: u64) -> Self {
        Self { subject: subject.to_owned(), limit: limit.to_owned(), count }
    }

    /// Whether this is the sum of the subjects that are not counted separately.
    pub fn is_other(&self) -> bool {
        self.subject == OTHER
    }
}

fn top(refused: &[Refused]) -> Vec<Refused> {
    let mut sums: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for one in refused {
        *sums.entry((&one.subject, &one.limit)).or_default() += one.count;
    }
    let mut top: Vec<Refused> =
        sums.into_iter().map(|((subject, limit), count)| Refused::new(limit, subject, count)).collect();
    top.sort_by_key(|one| (one.is_other(), Reverse(one.count)));
    top.truncate(TOP);
    top
}
