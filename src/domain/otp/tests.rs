use proptest::prelude::*;

use super::*;
use crate::error::{FieldErrors, Public};

#[test]
fn digits_are_read_and_bounds_are_named() {
    let code = |text| Code::parse(text).map(Code::value);
    for (text, value) in [
        ("0", 0),
        ("255315", 255_315),
        (" 42 ", 42),
        ("۱۲۳۴۵۶", 123_456),
        ("٠٩٨", 98),
        ("007", 7),
        ("-0", 0),
        ("9007199254740991", Code::MAX),
    ] {
        assert_eq!(code(text), Ok(value), "{text}");
    }
    for text in ["", " ", "-", "12a", "1 2", "1_000", "3.0", "+5", "--5", "0x1f", "NaN"] {
        assert_eq!(code(text), Err("A valid integer is required.".into()), "{text}");
    }
    for text in ["-1", "-99999999999999999999999"] {
        assert_eq!(code(text), Err("Ensure this value is greater than or equal to 0.".into()), "{text}");
    }
    for text in ["9007199254740992", "99999999999999999999999"] {
        let refusal = "Ensure this value is less than or equal to 9007199254740991.";
        assert_eq!(code(text), Err(refusal.into()), "{text}");
    }
}

#[test]
fn a_code_is_allowed_until_the_very_microsecond_it_expires() {
    let at = |micros| Timestamp::from_micros(micros).unwrap();
    let otp = Otp {
        id: OtpId(1),
        code: Code(1),
        recipient: Recipient::Mobile(MobileNumber::parse("09123456789").unwrap()),
        valid_to: at(10),
        created_at: at(0),
        updated_at: at(0),
    };
    assert!(otp.is_allow(at(9)));
    assert!(!otp.is_allow(at(10)));
    assert!(!format!("{otp:?}").contains("09123456789"));
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
    (0..=Code::MAX).prop_map(Code)
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
        Otp { id: OtpId(id), code, recipient, valid_to, created_at, updated_at: updated_at.max(created_at) }
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
        let expiration = Duration::from_secs(seconds);
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
        let outcome = patch.apply(&stored, now, expiration);
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
        prop_assert_eq!(changed.valid_to, patch.valid_to.unwrap_or(now.plus(expiration)));
        prop_assert_eq!(changed.updated_at, now.max(stored.created_at));
    }
}
