use std::fmt;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::error::{FieldErrors, Public};

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

fn mobile() -> Recipient {
    Recipient::Mobile(MobileNumber::parse("09123456789").unwrap())
}

#[test]
fn a_code_is_allowed_until_it_expires_or_is_used_up() {
    let new = NewOtp { code: Code::new(1).unwrap(), recipient: mobile(), valid_to: Some(at(10)) };
    let otp = Otp::created(&new, at(0), &Policy::default());
    assert!(otp.is_allow(at(9)));
    assert!(!otp.is_allow(at(10)));
    assert!(!Otp { attempts_left: 0, ..otp.clone() }.is_allow(at(9)));
    assert!(!otp.clone().consumed(at(1)).is_allow(at(9)));
    assert!(!format!("{otp:?}").contains("09123456789"));
}

#[test]
fn a_sent_code_is_valid_for_ten_minutes_at_most() {
    for (minutes, lives) in [(1, 60), (10, 600), (11, 600), (1440, 600)] {
        let policy = Policy { expiration: Duration::from_secs(minutes * 60), ..Policy::default() };
        let otp = Otp::issued(Code::new(1).unwrap(), mobile(), Purpose::default(), at(0), &policy);
        assert_eq!(otp.valid_to, at(lives * 1_000_000));
        assert!(otp.is_allow(at(lives * 1_000_000 - 1)));
        assert!(!otp.is_allow(at(lives * 1_000_000)));
    }
}

#[test]
fn an_update_makes_a_used_code_usable_only_if_the_code_changes() {
    let policy = Policy::default();
    let code = |value| Some(Code::new(value).unwrap());
    let sent = Otp::issued(Code::new(1).unwrap(), mobile(), Purpose::default(), at(0), &policy);
    let used = sent.consumed(at(5));
    let patch = |code| OtpPatch { code, mobile_number: Change::Keep, email: Change::Keep, valid_to: None };
    for same in [None, code(1)] {
        let patched = patch(same).apply(&used, at(9), &policy).unwrap();
        assert_eq!((patched.attempts_left, patched.consumed_at, patched.issued_at), (0, Some(at(5)), None));
    }
    let renewed = patch(code(2)).apply(&used, at(9), &policy).unwrap();
    assert_eq!((renewed.attempts_left, renewed.consumed_at, renewed.issued_at), (5, None, None));
}

fn number() -> impl Strategy<Value = MobileNumber> {
    "09[0-9]{9}".prop_map(|text| MobileNumber::parse(&text).unwrap())
}

fn address() -> impl Strategy<Value = EmailAddress> {
    "[a-z]{1,8}@[a-z]{1,8}\\.com".prop_map(|text| EmailAddress::parse(&text).unwrap())
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (0i64..4_000_000_000_000_000).prop_map(|micros| Timestamp::from_micros(micros).unwrap())
}

fn code() -> impl Strategy<Value = Code> {
    (0..=Code::MAX).prop_map(|value| Code::new(value).unwrap())
}

fn change<T: Clone + fmt::Debug>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Change<T>> {
    proptest::option::of(proptest::option::of(value)).prop_map(|change| match change {
        None => Change::Keep,
        Some(None) => Change::Clear,
        Some(Some(value)) => Change::Set(value),
    })
}

prop_compose! {
    fn stored()(
        id in 1i64..,
        code in code(),
        recipient in prop_oneof![number().prop_map(Recipient::Mobile), address().prop_map(Recipient::Email)],
        valid_to in moment(),
        created_at in moment(),
        updated_at in moment(),
    ) -> Otp {
        let new = NewOtp { code, recipient, valid_to: Some(valid_to) };
        let created = Otp::created(&new, created_at, &Policy::default());
        Otp { id: OtpId(id), updated_at: updated_at.max(created_at), ..created }
    }
}

prop_compose! {
    fn patch()(
        code in proptest::option::of(code()),
        mobile_number in change(number()),
        email in change(address()),
        valid_to in proptest::option::of(moment()),
    ) -> OtpPatch {
        OtpPatch { code, mobile_number, email, valid_to }
    }
}

proptest! {
    #[test]
    fn a_patch_leaves_exactly_one_recipient_or_is_refused(
        stored in stored(), patch in patch(), now in moment(), seconds in 1u64..31_622_400,
    ) {
        let policy = Policy { expiration: Duration::from_secs(seconds), ..Policy::default() };
        let number = match &patch.mobile_number {
            Change::Keep => stored.recipient.mobile_number().cloned(),
            Change::Clear => None,
            Change::Set(number) => Some(number.clone()),
        };
        let address = match &patch.email {
            Change::Keep => stored.recipient.email().cloned(),
            Change::Clear => None,
            Change::Set(address) => Some(address.clone()),
        };
        let outcome = patch.apply(&stored, now, &policy);
        if number.is_some() == address.is_some() {
            let refusal = FieldErrors::one("non_field_errors", "Exactly one of mobile_number or email must be provided.");
            let refused = outcome.unwrap_err();
            prop_assert_eq!(refused.public(), &Public::Fields(refusal));
            return Ok(());
        }
        let changed = outcome.unwrap();
        prop_assert_eq!(changed.recipient.mobile_number(), number.as_ref());
        prop_assert_eq!(changed.recipient.email(), address.as_ref());
        prop_assert_eq!((changed.id, changed.created_at), (stored.id, stored.created_at));
        prop_assert_eq!(changed.code, patch.code.unwrap_or(stored.code));
        prop_assert_eq!(changed.valid_to, patch.valid_to.unwrap_or(now.plus(policy.expiration)));
        prop_assert_eq!(changed.updated_at, now.max(stored.created_at));
    }
}
