//! The list of codes in the console: pages by keys, and counts up to a bound.

use crate::domain::code_list::{CodeOrder, CodePage, CodeQuery, CodeState, Key, Search, Start};
use crate::domain::listing::Period;
use crate::domain::otp::Otp;
use crate::domain::recipient::Recipient;
use crate::domain::timestamp::Timestamp;
use crate::error::Result;
use crate::store::db::{Db, Dialect};
use crate::store::tables::otp_list;
use crate::store::tables::otp_row::{self, COLUMNS};
use crate::store::value::Value;
use crate::values;

/// Returns a page of the list.
pub fn list(db: &Db, query: &CodeQuery, now: Timestamp) -> Result<CodePage> {
    let parts = parts(db.dialect(), query, now);
    let is_unfiltered = query.search.is_none() && query.state.is_none() && query.created == Period::default();
    let mut count = 0;
    for part in &parts {
        count += if is_unfiltered { otp_list::total(db)? } else { part.count(db)? };
    }
    let is_backward = matches!(query.start, Start::Before(_));
    // Few matches are found by the filter's index and sorted. For many, the order's index is walked.
    let is_few = !is_unfiltered && count <= CodePage::COUNTED && db.dialect() == Dialect::Sqlite;
    let mut codes = Vec::new();
    for part in &parts {
        codes.extend(part.page(db, query, is_few)?);
    }
    if parts.len() > 1 {
        codes.sort_by_key(|otp: &Otp| otp.id.value());
        codes.dedup_by_key(|otp| otp.id);
        if query.order.is_descending() != is_backward {
            codes.reverse();
        }
    }
    let (codes, has_before, has_after) = query.start.page(codes, query.limit);
    if query.start == Start::First && !has_after {
        // The parts of a search may overlap.
        count = i64::try_from(codes.len()).unwrap_or(i64::MAX);
    }
    Ok(CodePage { codes, count: count.min(CodePage::COUNTED + 1), has_before, has_after })
}

/// Returns the number of codes that are newer than `id`, at most `limit`.
pub fn count_newer(db: &Db, id: i64, limit: i64) -> Result<i64> {
    let sql = "SELECT count(*) AS count FROM (SELECT 1 FROM otp_codes WHERE id > $1 LIMIT $2) AS newer";
    db.one(sql, &values![id, limit], |row| row.get("count"))
}

/// A part of the matches: its FROM and WHERE, with the values in order.
struct Part {
    from: &'static str,
    conditions: Vec<String>,
    values: Vec<Value<'static>>,
}

const CODES: &str = "otp_codes AS o";
const SEARCH: &str = "otp_search AS s JOIN otp_codes AS o ON o.id = s.rowid";

impl Part {
    /// Adds a condition. Every `$` in it stands for the value.
    fn add(&mut self, condition: &str, value: Value<'static>) {
        self.values.push(value);
        self.conditions.push(condition.replace('$', &format!("${}", self.values.len())));
    }

    fn filtered(from: &'static str, query: &CodeQuery, now: Timestamp) -> Self {
        let mut part = Self { from, conditions: vec!["true".to_owned()], values: Vec::new() };
        let now = Value::Int(now.as_micros());
        let valid = "o.valid_to > $ AND (+o.updated_at <= $ OR o.valid_to <= o.updated_at)";
        match query.state {
            Some(CodeState::Usable) => {
                part.add(&format!("o.consumed_at IS NULL AND o.attempts_left > 0 AND {valid}"), now);
            }
            Some(CodeState::Spent) => {
                part.add(&format!("o.consumed_at IS NULL AND +o.attempts_left = 0 AND {valid}"), now);
            }
            Some(CodeState::Expired) => part.add(
                "o.consumed_at IS NULL AND (o.valid_to <= $ OR (+o.updated_at > $ AND o.valid_to > o.updated_at))",
                now,
            ),
            Some(CodeState::Used) => {
                part.conditions.push("o.attempts_left = 0 AND o.consumed_at IS NOT NULL".to_owned());
            }
            None => {}
        }
        let Period { from, before } = query.created;
        let bounds = [("o.created_at >= $", from), ("o.created_at < $", before)];
        for (condition, moment) in bounds {
            if let Some(moment) = moment {
                part.add(condition, Value::Int(moment.as_micros()));
            }
        }
        part
    }

    fn count(&self, db: &Db) -> Result<i64> {
        let (from, conditions) = (self.from, self.conditions.join(" AND "));
        let bound = CodePage::COUNTED + 1;
        let sql =
            format!("SELECT count(*) AS count FROM (SELECT 1 FROM {from} WHERE {conditions} LIMIT {bound}) AS counted");
        db.one(&sql, &self.values, |row| row.get("count"))
    }

    /// One row more than the page has tells whether there is another page.
    fn page(&self, db: &Db, query: &CodeQuery, is_few: bool) -> Result<Vec<Otp>> {
        let (is_backward, key) = match query.start {
            Start::First => (false, None),
            Start::After(key) => (false, Some(key)),
            Start::Before(key) => (true, Some(key)),
        };
        let is_descending = query.order.is_descending() != is_backward;
        let (direction, comparison) = if is_descending { ("DESC", "<") } else { ("ASC", ">") };
        // A plus keeps SQLite from walking the index of the order, or from using that of the filter.
        let plus = if is_few { "+" } else { "" };
        let id = if self.from == SEARCH { "s.rowid" } else { "o.id" };
        let column = match query.order {
            CodeOrder::Newest | CodeOrder::Oldest => None,
            CodeOrder::ExpiringFirst | CodeOrder::ExpiringLast => Some("o.valid_to"),
            CodeOrder::ChangedLast => Some("o.updated_at"),
        };
        let mut conditions = self.conditions.join(" AND ");
        if !is_few && db.dialect() == Dialect::Sqlite {
            conditions = conditions.replace(" o.valid_to", " +o.valid_to").replace("o.created_at", "+o.created_at");
        }
        let mut values = self.values.clone();
        if let Some(Key { value, id: last }) = key {
            let n = values.len();
            match column {
                None => {
                    conditions += &format!(" AND {plus}{id} {comparison} ${}", n + 1);
                    values.push(Value::Int(last));
                }
                Some(column) => {
                    conditions += &format!(" AND ({plus}{column}, {plus}{id}) {comparison} (${}, ${})", n + 1, n + 2);
                    values.extend([Value::Int(value), Value::Int(last)]);
                }
            }
        }
        let order = match column {
            None => format!("{plus}{id} {direction}"),
            Some(column) => format!("{plus}{column} {direction}, {plus}{id} {direction}"),
        };
        let (from, limit) = (self.from, query.limit + 1);
        let sql = format!("SELECT {COLUMNS} FROM {from} WHERE {conditions} ORDER BY {order} LIMIT {limit}");
        db.rows(&sql, &values, otp_row::from_row)
    }
}

/// The parts of a query. A search has one part for recipients and one for each word that may be a code.
fn parts(dialect: Dialect, query: &CodeQuery, now: Timestamp) -> Vec<Part> {
    let words = match &query.search {
        None => return vec![Part::filtered(CODES, query, now)],
        Some(Search::Recipient(recipient)) => {
            let mut part = Part::filtered(CODES, query, now);
            let column = match (recipient, dialect) {
                (Recipient::Mobile(_), _) => "o.mobile_number = $",
                (Recipient::Email(_), Dialect::Sqlite) => "o.email = $",
                (Recipient::Email(_), Dialect::Postgres) => "o.email_key = $",
            };
            part.add(column, Value::from(recipient.key()));
            return vec![part];
        }
        Some(Search::Words(words)) => words,
    };
    let mut parts = Vec::new();
    let in_recipient = in_recipient(dialect);
    let phrases: Option<Vec<String>> = words.iter().map(|word| phrase(word)).collect();
    if let Some(phrases) = phrases {
        let mut part = match dialect {
            Dialect::Sqlite => {
                let mut part = Part::filtered(SEARCH, query, now);
                part.add("s.otp_search MATCH $", Value::from(phrases.join(" AND ")));
                part
            }
            Dialect::Postgres => {
                let mut part = Part::filtered(CODES, query, now);
                words.iter().for_each(|word| part.add("o.search LIKE $", otp_list::pattern(word)));
                part
            }
        };
        words.iter().for_each(|word| part.add(in_recipient, Value::from(word.clone())));
        parts.push(part);
    }
    for (n, code) in words.iter().enumerate().filter_map(|(n, word)| Some((n, word.parse::<i64>().ok()?))) {
        let mut part = Part::filtered(CODES, query, now);
        part.add("(o.code = $ OR o.id = $)", Value::Int(code));
        let others = words.iter().enumerate().filter(|(other, _)| *other != n);
        others.for_each(|(_, word)| part.add(in_recipient, Value::from(word.clone())));
        parts.push(part);
    }
    parts
}

/// The condition that a recipient contains a word.
fn in_recipient(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "(instr(o.mobile_number, $) OR instr(lower(o.email), $))",
        Dialect::Postgres => "strpos(coalesce(o.mobile_number, o.email_key), $) > 0",
    }
}

/// The query of the index for recipients with a word. `None`: the word is too short for the index.
fn phrase(word: &str) -> Option<String> {
    let part = otp_list::indexed_part(word)?;
    Some(format!("{{mobile_number email}} : \"{}\"", part.replace('"', "\"\"")))
}
