//! A model of the server, based on a map.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The attempts per code, and the number of codes that an attempt is compared with.
const ATTEMPTS: u32 = 5;
const COMPARED: usize = 3;
pub const NUMBERS: [&str; 3] = ["09120000001", "09120000002", "09350000003"];
pub const ADDRESSES: [&str; 3] = ["one@email.com", "two@email.com", "three@email.com"];
const FUTURE: &str = "2099-01-01T00:00:00.000000Z";

#[derive(Clone, Debug, Default)]
pub struct Body {
    pub code: Option<i64>,
    /// `Some(None)` is an explicit null.
    pub mobile_number: Option<Option<usize>>,
    pub email: Option<Option<usize>>,
    pub is_long: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    code: i64,
    mobile_number: Option<usize>,
    pub email: Option<usize>,
    is_long: bool,
    attempts_left: u32,
    is_used: bool,
}

#[derive(Default)]
pub struct Model {
    /// The expected events of the audit trail: action and code.
    pub events: Vec<(&'static str, Option<i64>)>,
    pub codes: BTreeMap<i64, Stored>,
    /// Every id that was ever assigned.
    pub ids: Vec<i64>,
}

impl Body {
    pub fn json(&self) -> String {
        let mut body = serde_json::Map::new();
        if let Some(code) = self.code {
            body.insert("code".to_owned(), code.into());
        }
        for (name, value, values) in [("mobile_number", self.mobile_number, NUMBERS), ("email", self.email, ADDRESSES)]
        {
            if let Some(value) = value {
                body.insert(name.to_owned(), value.map_or(Value::Null, |n| values[n].into()));
            }
        }
        if self.is_long {
            body.insert("valid_to".to_owned(), FUTURE.into());
        }
        Value::Object(body).to_string()
    }

    /// Returns the code after this body has been applied to `old`. Returns `None` if it has no code or not exactly one
    /// recipient.
    pub fn applied_to(&self, old: Option<&Stored>) -> Option<Stored> {
        let code = self.code.or(old.map(|old| old.code))?;
        let same = old.filter(|old| old.code == code);
        let stored = Stored {
            code,
            mobile_number: self.mobile_number.unwrap_or(old.and_then(|old| old.mobile_number)),
            email: self.email.unwrap_or(old.and_then(|old| old.email)),
            is_long: self.is_long,
            attempts_left: same.map_or(ATTEMPTS, |same| same.attempts_left),
            is_used: same.is_some_and(|same| same.is_used),
        };
        (stored.mobile_number.is_some() != stored.email.is_some()).then_some(stored)
    }
}

impl Stored {
    pub fn is(&self, id: i64, otp: &Value) -> bool {
        otp["id"] == id
            && otp["code"] == self.code
            && otp["mobile_number"] == json!(self.mobile_number.map(|n| NUMBERS[n]))
            && otp["email"] == json!(self.email.map(|n| ADDRESSES[n]))
            && (otp["valid_to"] == FUTURE) == self.is_long
            && otp["is_allow"] == (self.attempts_left > 0)
    }
}

impl Model {
    /// Applies an attempt to the codes of a recipient. Returns the expected status and body.
    pub fn verify(&mut self, by_email: bool, index: usize, attempt: i64) -> (u16, Value) {
        let recipient = if by_email { ADDRESSES[index] } else { NUMBERS[index] };
        let is_theirs = |stored: &Stored| (if by_email { stored.email } else { stored.mobile_number }) == Some(index);
        let theirs = self.codes.iter_mut().rev().filter(|(_, stored)| is_theirs(stored));
        let (usable, spent): (Vec<_>, Vec<_>) = theirs.partition(|(_, stored)| stored.attempts_left > 0);
        let (mut verified, mut left) = (None, None);
        let mut compared: Vec<_> = usable.into_iter().take(COMPARED).collect();
        for (id, stored) in compared.iter_mut().filter(|(_, stored)| stored.code == attempt) {
            (stored.attempts_left, stored.is_used) = (0, true);
            verified = verified.or(Some(**id));
        }
        if let Some(id) = verified {
            self.events.push(("otp.verify", Some(id)));
            return (200, json!({ "verified": true, "id": id, "recipient": recipient }));
        }
        let attempted = compared.first().map(|(id, _)| **id);
        for (_, stored) in compared {
            stored.attempts_left -= 1;
            left = left.max(Some(stored.attempts_left));
        }
        let refused =
            |reason, detail, left: u32| (400, json!({ "detail": detail, "reason": reason, "attempts_left": left }));
        // An attempt is recorded if it is counted.
        let event = match (left, spent.first()) {
            (Some(_), _) => Some(attempted),
            (None, None) => Some(None),
            (None, Some((id, newest))) => (newest.is_used && newest.code != attempt).then_some(Some(**id)),
        };
        self.events.extend(event.map(|otp| ("otp.verify", otp)));
        match (left, spent.first()) {
            (Some(left), _) => refused("wrong_code", "The code is wrong.", left),
            (None, None) => refused("not_found", "There is no code.", 0),
            (None, Some((_, newest))) if newest.is_used => refused("used", "The code has been used.", 0),
            (None, Some(_)) => (429, json!({ "detail": "Too many attempts.", "reason": "too_many_attempts" })),
        }
    }
}
