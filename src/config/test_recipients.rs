//! `[[otp.test_recipients]]`: recipients with a fixed code.

use std::time::Duration;

use crate::config::layers::Layers;
use crate::config::table::Table;
use crate::delivery::ReadKeys;
use crate::domain::code::{Code, CodeLength};
use crate::domain::digits::to_ascii_digits;
use crate::domain::recipient::{EmailAddress, MobileNumber, Recipient};
use crate::domain::test_recipient::{TestRecipient, TestRecipients};
use crate::domain::time_zone::Tz;
use crate::domain::timestamp::Timestamp;
use crate::error::ConfigError;

/// The key of the list.
pub(super) const KEY: &str = "otp.test_recipients";
/// How far the end of an entry may be ahead, so that a forgotten entry does not remain a way to sign in.
const AT_MOST: Duration = Duration::from_secs(90 * DAY);
const DAY: u64 = 24 * 60 * 60;

/// What the entries are checked against.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    pub(super) now: Timestamp,
    /// The zone of dates and times without an offset.
    pub(super) zone: Tz,
    /// The number of digits of every code.
    pub(super) length: CodeLength,
}

/// Reads and checks all entries.
pub(super) fn read(layers: &Layers, rules: Rules) -> Result<TestRecipients, ConfigError> {
    let tables = layers.tables(KEY)?;
    let entries = tables.iter().map(|table| entry(table, rules)).collect::<Result<_, _>>()?;
    TestRecipients::try_new(entries).map_err(|n| tables[n].refused("recipient", "a recipient that no other entry has"))
}

fn entry(table: &Table<'_>, rules: Rules) -> Result<TestRecipient, ConfigError> {
    // The recipient is personal data, so `config show` masks it too.
    let text = table.masked("recipient")?.filter(|text| !text.trim().is_empty());
    let text = text.ok_or_else(|| table.missing("recipient"))?;
    let recipient = recipient(&text).ok_or_else(|| table.refused("recipient", "a mobile number or an e-mail address"));
    let found = TestRecipient { recipient: recipient?, code: fixed_code(table, rules)?, until: until(table, rules)? };
    table.finish()?;
    Ok(found)
}

fn recipient(text: &str) -> Option<Recipient> {
    if text.contains('@') {
        return EmailAddress::parse(text).ok().map(Recipient::Email);
    }
    MobileNumber::parse(text).ok().map(Recipient::Mobile)
}

/// Reads a code of the form that otpd issues, because applications expect that form. A code is an integer, so it has no
/// leading zeros.
fn fixed_code(table: &Table<'_>, rules: Rules) -> Result<Code, ConfigError> {
    let digits = to_ascii_digits(table.secret("code")?.reveal().trim());
    let length = rules.length.digits();
    let is_code = digits.len() == length && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    let code = Code::parse(&digits).ok().filter(|_| is_code);
    let accepted = format!("{length} digits (otp.code_length), the first of them not 0");
    code.ok_or_else(|| table.refused("code", &accepted))
}

fn until(table: &Table<'_>, rules: Rules) -> Result<Timestamp, ConfigError> {
    let text = table.text("until")?;
    let accepted = "a date such as 2026-12-31 or a time such as 2026-12-31T18:00:00Z";
    let until = moment(&text, rules.zone).ok_or_else(|| table.refused("until", accepted))?;
    // A date lasts until its end. The whole day is accepted if its start is.
    let length_of_day = if is_date(&text) { DAY } else { 0 };
    if until.minus(Duration::from_secs(length_of_day)) > rules.now.plus(AT_MOST) {
        return Err(table.refused("until", "a time at most 90 days ahead"));
    }
    Ok(until)
}

/// Parses the end of an entry. A date means the end of that day. A date or time without an offset is one of `zone`.
fn moment(text: &str, zone: Tz) -> Option<Timestamp> {
    let given = Timestamp::parse(text).ok()?;
    let local = Tz::UTC.local_time(given);
    if is_date(text) {
        return Some(zone.start_of(local.date().succ_opt()?));
    }
    Some(if has_offset(text) { given } else { zone.moment_at(local) })
}

fn is_date(text: &str) -> bool {
    !text.trim().contains(['T', ' '])
}

fn has_offset(text: &str) -> bool {
    let time = text.trim().split_once(['T', ' ']).map_or("", |(_, time)| time);
    time.contains(['+', '-', 'Z'])
}

/// A line for each entry that no longer applies.
pub(super) fn warnings(recipients: &TestRecipients, now: Timestamp) -> Vec<String> {
    let past = recipients.iter().enumerate().filter(|(_, entry)| !entry.is_active(now));
    let warning = |(n, entry): (usize, &TestRecipient)| {
        let (until, recipient) = (entry.until, entry.recipient.masked());
        format!("{KEY}[{n}] ended at {until}: {recipient} is an ordinary recipient; remove the entry")
    };
    past.map(warning).collect()
}

/// A line that lists the entries that apply.
pub(super) fn note(recipients: &TestRecipients, now: Timestamp) -> Option<String> {
    let active = recipients.iter().filter(|entry| entry.is_active(now));
    let active: Vec<String> =
        active.map(|entry| format!("{} until {}", entry.recipient.masked(), entry.until)).collect();
    let list = active.join(", ");
    (!active.is_empty()).then(|| format!("{KEY}: fixed codes, which are not sent, for {list}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_without_an_offset_is_in_the_configured_time_zone() {
        let tehran: Tz = "Asia/Tehran".parse().unwrap();
        for (text, expected) in [
            ("2026-12-31", Some("2026-12-31T20:30:00.000000Z")),
            ("2026-12-31T18:00:00", Some("2026-12-31T14:30:00.000000Z")),
            ("2026-12-31 18:00", Some("2026-12-31T14:30:00.000000Z")),
            ("2026-12-31T18:00:00Z", Some("2026-12-31T18:00:00.000000Z")),
            ("2026-12-31T18:00:00+02:00", Some("2026-12-31T16:00:00.000000Z")),
            ("2026-12-31T18:00:00-02:00", Some("2026-12-31T20:00:00.000000Z")),
            ("20261231", Some("2026-12-31T20:30:00.000000Z")),
            ("20261231T180000", Some("2026-12-31T14:30:00.000000Z")),
            ("2026-02-30", None),
            ("31.12.2026", None),
            ("18:00:00", None),
            ("90d", None),
            ("", None),
        ] {
            let found = moment(text, tehran).map(|found| found.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
