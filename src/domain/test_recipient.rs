//! Test recipients: recipients with a fixed code, for reviewers of app stores and for end-to-end tests. Their codes are
//! not sent.

use crate::domain::code::Code;
use crate::domain::otp::Otp;
use crate::domain::recipient::Recipient;
use crate::domain::timestamp::Timestamp;

/// A recipient with a fixed code. `Debug` masks the recipient and hides the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestRecipient {
    pub recipient: Recipient,
    pub code: Code,
    /// The end of the exception. From then on, this is an ordinary recipient.
    pub until: Timestamp,
}

/// All test recipients (`otp.test_recipients`).
#[derive(Clone, Debug, Default)]
pub struct TestRecipients(Vec<TestRecipient>);

impl TestRecipient {
    /// Whether the exception applies at `now`.
    pub fn is_active(&self, now: Timestamp) -> bool {
        now < self.until
    }

    /// Returns `otp` with a validity that ends with the exception at the latest, so that the fixed code is not accepted
    /// later.
    #[must_use]
    pub fn bound(&self, otp: Otp) -> Otp {
        Otp { valid_to: otp.valid_to.min(self.until), ..otp }
    }
}

impl TestRecipients {
    /// # Errors
    /// Two entries have the same recipient. The error is the index of the second one.
    pub fn try_new(entries: Vec<TestRecipient>) -> Result<Self, usize> {
        let is_taken = |n: usize| entries[..n].iter().any(|other| other.recipient.key() == entries[n].recipient.key());
        match (0..entries.len()).find(|n| is_taken(*n)) {
            Some(n) => Err(n),
            None => Ok(Self(entries)),
        }
    }

    /// Returns the entry of a recipient that applies at `now`. `None`: this is an ordinary recipient.
    pub fn find_active(&self, recipient: &Recipient, now: Timestamp) -> Option<&TestRecipient> {
        if self.0.is_empty() {
            return None;
        }
        let key = recipient.key();
        self.0.iter().find(|entry| entry.is_active(now) && entry.recipient.key() == key)
    }

    /// Returns all entries in the configured order.
    pub fn iter(&self) -> impl Iterator<Item = &TestRecipient> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::policy::Policy;
    use crate::domain::purpose::Purpose;
    use crate::domain::recipient::EmailAddress;

    const UNTIL: &str = "2026-01-31T00:00:00Z";

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn email(text: &str) -> Recipient {
        Recipient::Email(EmailAddress::parse(text).unwrap())
    }

    fn entry(recipient: &str) -> TestRecipient {
        TestRecipient { recipient: email(recipient), code: Code::new(135_790).unwrap(), until: at(UNTIL) }
    }

    #[test]
    fn an_entry_is_found_in_any_spelling_until_its_end() {
        let recipients = TestRecipients::try_new(vec![entry("a@b.com"), entry("Review@Apple.com")]).unwrap();
        let found = |text, now| recipients.find_active(&email(text), at(now)).cloned();
        let review = Some(entry("Review@Apple.com"));
        assert_eq!(found("review@apple.com", "2026-01-30T23:59:59.999999Z"), review);
        assert_eq!(found("review@apple.com", UNTIL), None);
        assert_eq!(found("other@apple.com", "2026-01-30T00:00:00Z"), None);
    }

    #[test]
    fn two_entries_with_the_same_recipient_are_refused() {
        let entries = vec![entry("a@b.com"), entry("c@b.com"), entry("A@B.com")];
        assert_eq!(TestRecipients::try_new(entries).unwrap_err(), 2);
    }

    #[test]
    fn a_fixed_code_is_not_valid_after_the_end_of_the_entry() {
        let entry = entry("a@b.com");
        let issued = |now| {
            let otp = Otp::issued(entry.code, entry.recipient.clone(), Purpose::default(), now, &Policy::default());
            entry.bound(otp).valid_to
        };
        assert_eq!(issued(at("2026-01-30T23:58:00Z")), at(UNTIL));
        let earlier = at("2026-01-30T23:50:00Z");
        assert_eq!(issued(earlier), earlier.plus(Duration::from_secs(300)));
    }

    #[test]
    fn debug_shows_neither_the_code_nor_the_recipient() {
        let shown = format!("{:?}", TestRecipients::try_new(vec![entry("reviewer@b.com")]).unwrap());
        assert!(shown.contains("Code(***)") && shown.contains("r***@b.com"), "{shown}");
        assert!(!shown.contains("135790") && !shown.contains("reviewer"), "{shown}");
    }
}
