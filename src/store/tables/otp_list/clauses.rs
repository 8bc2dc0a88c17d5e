//! The FROM and WHERE of a list.

use crate::domain::listing::{OtpFilter, Period};
use crate::domain::recipient::{EmailAddress, MobileNumber};
use crate::domain::timestamp::Timestamp;
use crate::store::value::Value;

/// The shortest word in the trigram index.
const TRIGRAM: usize = 3;
/// The trigram index, joined with the codes.
pub(super) const SEARCH: &str = "otp_search AS s JOIN otp_codes AS o ON o.id = s.rowid";

/// How the rows of a page are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Search the filter's index, then sort.
    Find,
    /// Walk the ids and check each row against the filter.
    WalkIds,
    /// Walk the index of the first order field and check each row against the filter.
    WalkOrder,
    /// As PostgreSQL decides, which combines indexes and has statistics about the values.
    ByEngine,
    /// The same, then sort.
    FindByEngine,
}

/// How words are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "each name says where")]
pub(super) enum Words {
    /// In the trigram index, if they are long enough.
    InIndex,
    /// In each row that passes the rest of the filter.
    InRows,
    /// In PostgreSQL's column of searchable text, which has a trigram index.
    InText,
}

/// The FROM and WHERE of a filter, with its parameter values in order.
pub(super) struct Clauses {
    pub(super) from: &'static str,
    /// The expression for the id that shows SQLite the order of the rows.
    pub(super) id: &'static str,
    pub(super) conditions: Vec<String>,
    pub(super) values: Vec<Value<'static>>,
}

impl Clauses {
    pub(super) fn new(filter: &OtpFilter, now: Timestamp, plan: Plan, words: Words) -> Self {
        let mut clauses = Self { from: "otp_codes AS o", id: "o.id", conditions: Vec::new(), values: Vec::new() };
        clauses.add_words(&filter.words, words, plan);
        clauses.add_some("o.id >= $", filter.id_min.map(Value::Int));
        clauses.add_some("o.id <= $", filter.id_max.map(Value::Int));
        // A plus before a number, or `|| ''` after a text, keeps SQLite from using the index of the column. In a walk,
        // the order determines the index.
        let (o, text) = match plan {
            Plan::Find | Plan::FindByEngine | Plan::ByEngine => ("o.", ""),
            Plan::WalkIds | Plan::WalkOrder => ("+o.", " || ''"),
        };
        for (column, period) in [("created_at", filter.created), ("updated_at", filter.updated)] {
            clauses.add_some(&format!("{o}{column} >= $"), period.from.map(micros));
            clauses.add_some(&format!("{o}{column} < $"), period.before.map(micros));
        }
        clauses.add_presence(&format!("o.mobile_number{text}"), filter.has_mobile_number);
        clauses.add_presence(&format!("o.email{text}"), filter.has_email);
        match (filter.is_allow, plan) {
            (Some(true), _) => {
                let allowed =
                    "valid_to > $ AND o.attempts_left > 0 AND (+o.updated_at <= $ OR o.valid_to <= o.updated_at)";
                clauses.add(&format!("{o}{allowed}"), micros(now));
            }
            // Three conditions, each with an index of its own.
            (Some(false), Plan::Find | Plan::FindByEngine | Plan::ByEngine) => {
                let spent = "(o.attempts_left = 0 AND o.valid_to > $)";
                let untrusted = "(o.updated_at > $ AND o.valid_to > o.updated_at AND o.attempts_left > 0)";
                clauses.add(&format!("(o.valid_to <= $ OR {spent} OR {untrusted})"), micros(now));
            }
            (Some(false), _) => {
                let untrusted = "(+o.updated_at > $ AND o.valid_to > o.updated_at)";
                clauses.add(&format!("(+o.valid_to <= $ OR o.attempts_left = 0 OR {untrusted})"), micros(now));
            }
            (None, _) => {}
        }
        let number = filter.mobile_number.as_ref().map(MobileNumber::as_str);
        clauses.add_some("o.mobile_number = $", number.map(|number| Value::from(number.to_owned())));
        let address = filter.email.as_ref().map(EmailAddress::as_str);
        let is_postgres = matches!(plan, Plan::FindByEngine | Plan::ByEngine);
        let email = if is_postgres { "o.email_key = $" } else { "o.email = $" };
        clauses.add_some(email, address.map(|address| Value::from(address.to_ascii_lowercase())));
        if plan == Plan::Find && clauses.from != SEARCH && is_range(filter) {
            // The plus again: without it SQLite might walk all ids.
            clauses.id = "+o.id";
        }
        clauses
    }

    /// Looks up words of at least three characters in the trigram index, shorter ones in each remaining row.
    fn add_words(&mut self, words: &[String], look: Words, plan: Plan) {
        if look == Words::InText {
            return words.iter().for_each(|word| self.add("o.search LIKE $", pattern(word)));
        }
        let mut phrases = Vec::new();
        for word in words {
            let indexed = (look == Words::InIndex).then(|| indexed_part(word)).flatten();
            phrases.extend(indexed.map(|part| format!("\"{}\"", part.replace('"', "\"\""))));
            if indexed != Some(word) {
                let part = "(instr(o.code, $) OR instr(o.mobile_number, $) OR instr(lower(o.email), $))";
                self.add(part, Value::from(word.clone()));
            }
        }
        if phrases.is_empty() {
            return;
        }
        let phrases = Value::from(phrases.join(" "));
        if plan == Plan::WalkOrder {
            self.add("+o.id IN (SELECT rowid FROM otp_search WHERE otp_search MATCH $)", phrases);
        } else {
            self.from = SEARCH;
            self.id = "s.rowid";
            self.add("s.otp_search MATCH $", phrases);
        }
    }

    fn add_presence(&mut self, column: &str, present: Option<bool>) {
        match present {
            // Not `IS NOT NULL`: SQLite uses an index range for a comparison, and no value is empty.
            Some(true) => self.conditions.push(format!("{column} > ''")),
            Some(false) => self.conditions.push(format!("{column} IS NULL")),
            None => {}
        }
    }

    fn add_some(&mut self, comparison: &str, value: Option<Value<'static>>) {
        if let Some(value) = value {
            self.add(comparison, value);
        }
    }

    /// Adds a condition. Every `$` in `comparison` stands for the value.
    pub(super) fn add(&mut self, comparison: &str, value: Value<'static>) {
        self.values.push(value);
        self.conditions.push(comparison.replace('$', &format!("${}", self.values.len())));
    }

    pub(super) fn conditions(&self) -> String {
        if self.conditions.is_empty() { String::new() } else { format!("WHERE {}", self.conditions.join(" AND ")) }
    }
}

/// The pattern of texts that contain a word, for LIKE.
pub(in crate::store) fn pattern(word: &str) -> Value<'static> {
    let escaped = word.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    Value::from(format!("%{escaped}%"))
}

/// The part of a word to look up in the index. Six digits in a row are rare, and all numbers begin alike. Of a longer
/// number only the end is looked up, and the matching rows are compared with the whole word.
pub(in crate::store) fn indexed_part(word: &str) -> Option<&str> {
    const RARE_DIGITS: usize = 6;
    match word.len().checked_sub(RARE_DIGITS) {
        Some(start) if word.bytes().all(|b| b.is_ascii_digit()) => word.get(start..),
        _ => Some(word).filter(|word| word.chars().count() >= TRIGRAM),
    }
}

/// Whether the filter selects a range of an index, in which the ids are not in order.
pub(super) fn is_range(filter: &OtpFilter) -> bool {
    let times = [filter.created, filter.updated];
    let flags = [filter.is_allow, filter.has_email, filter.has_mobile_number];
    times.iter().any(|period| *period != Period::default()) || flags.iter().any(Option::is_some)
}

fn micros(moment: Timestamp) -> Value<'static> {
    Value::Int(moment.as_micros())
}
