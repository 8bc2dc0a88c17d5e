use std::collections::BTreeSet;

use super::placeholders::{around, fill};
use super::*;
use crate::domain::purpose::Purpose;
use crate::domain::template::placeholders;
use crate::domain::time_zone::Tz;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::Permission;

#[test]
fn every_label_has_a_text_in_both_languages() {
    assert!(labels().count() > 400);
    for (key, en, fa) in labels() {
        for text in [en, fa] {
            assert!(!text.is_empty() && text == text.trim(), "{key}: {text:?}");
        }
    }
}

#[test]
fn persian_labels_have_persian_letters_and_digits() {
    for (key, _, fa) in labels() {
        let arabic = |c| matches!(c, 'ي' | 'ك' | 'ى' | 'ة' | '٠'..='٩' | '%' | ';' | '?');
        assert!(!fa.contains(arabic), "{key}: {fa}");
    }
}

#[test]
fn no_label_has_an_invisible_character_except_zwnj_between_letters() {
    for (key, en, fa) in labels() {
        for text in [en, fa] {
            let marks = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{2066}'..='\u{2069}' | '\u{202a}'..='\u{202e}');
            assert!(!text.contains(marks), "{key}: {text:?}");
            assert!(!text.contains("\u{200c} ") && !text.ends_with('\u{200c}'), "{key}: {text:?}");
        }
        assert!(!en.contains('\u{200c}'), "{key}: {en:?}");
    }
}

#[test]
fn both_languages_have_the_same_placeholders() {
    for (key, en, fa) in labels() {
        let names = |text| placeholders(text).collect::<BTreeSet<&str>>();
        assert_eq!(names(en), names(fa), "{key}");
        // `fill` and `around` replace all braces.
        for text in [en, fa] {
            assert_eq!(text.matches(['{', '}']).count(), 2 * names(text).len(), "{key}: {text}");
        }
    }
}

#[test]
fn texts_are_chosen_by_language() {
    assert_eq!((texts(Language::Fa).language(), texts(Language::Fa).dir()), ("fa", "rtl"));
    assert_eq!((texts(Language::En).language(), texts(Language::En).dir()), ("en", "ltr"));
    assert_eq!(texts(Language::Fa).nav.codes, "کدها");
    assert_eq!(texts(Language::En).nav.codes, "Codes");
}

#[test]
fn placeholders_are_filled_once() {
    let values: &[(&str, &dyn std::fmt::Display)] = &[("origin", &"{host}"), ("host", &"example.com")];
    assert_eq!(fill("from {origin} to {host}.", values), "from {host} to example.com.");
    assert_eq!(fill("{host}{host} {other} {", values), "example.comexample.com {other} {");
    assert_eq!(fill("", values), "");
    assert_eq!(fill(FA.codes.count, &[("n", &FA.number(12))]), "۱۲ کد");
}

#[test]
fn markup_can_be_put_around_a_value() {
    assert_eq!(around("{recipient} may try again.", "recipient"), ("", " may try again."));
    assert_eq!(around("Delete code {id}?", "id"), ("Delete code ", "?"));
    assert_eq!(around("Delete code {id}?", "other"), ("Delete code {id}?", ""));
}

#[test]
fn numbers_are_grouped_from_ten_thousand_on() {
    for (n, en, fa) in [
        (0, "0", "۰"),
        (9_999, "9999", "۹۹۹۹"),
        (10_000, "10,000", "۱۰٬۰۰۰"),
        (123_456, "123,456", "۱۲۳٬۴۵۶"),
        (1_234_567, "1,234,567", "۱٬۲۳۴٬۵۶۷"),
        (-9_999, "-9999", "-۹۹۹۹"),
        (-100_000, "-100,000", "-۱۰۰٬۰۰۰"),
        (i64::MIN, "-9,223,372,036,854,775,808", "-۹٬۲۲۳٬۳۷۲٬۰۳۶٬۸۵۴٬۷۷۵٬۸۰۸"),
    ] {
        assert_eq!((EN.number(n), FA.number(n)), (en.to_owned(), fa.to_owned()));
    }
    assert_eq!(EN.number(7_u32), "7");
}

#[test]
fn counts_have_a_singular() {
    let count = |n: i64| EN.count(n, EN.codes.count_one, EN.codes.count);
    assert_eq!([count(0), count(1), count(2)], ["0 codes", "1 code", "2 codes"]);
    assert_eq!(FA.count(1, FA.codes.count_one, FA.codes.count), "۱ کد");
}

#[test]
fn dates_and_moments_use_the_calendar_of_the_language_and_the_time_zone() {
    let zone: Tz = "Asia/Tehran".parse().unwrap();
    let at = |text| Timestamp::parse(text).unwrap();
    let day = "2026-11-23".parse().unwrap();
    assert_eq!((EN.date(day), FA.date(day)), ("2026-11-23".to_owned(), "۱۴۰۵/۰۹/۰۲".to_owned()));
    for (moment, en, fa) in [
        ("2026-11-23T11:05:59.9Z", "2026-11-23 14:35", "۱۴۰۵/۰۹/۰۲ ۱۴:۳۵"),
        ("2026-11-22T20:29:59Z", "2026-11-22 23:59", "۱۴۰۵/۰۹/۰۱ ۲۳:۵۹"),
        ("2026-11-22T20:30:00Z", "2026-11-23 00:00", "۱۴۰۵/۰۹/۰۲ ۰۰:۰۰"),
        ("2025-03-20T00:00:00Z", "2025-03-20 03:30", "۱۴۰۳/۱۲/۳۰ ۰۳:۳۰"),
    ] {
        assert_eq!(EN.moment(at(moment), zone), en);
        assert_eq!(FA.moment(at(moment), zone), fa);
    }
    assert_eq!(EN.moment(at("2026-11-23T11:05:59Z"), Tz::UTC), "2026-11-23 11:05");
}

#[test]
fn relative_times_use_the_largest_whole_unit() {
    for (seconds, ago, left) in [
        (0, "just now", "no time left"),
        (1, "1 second ago", "1 second left"),
        (59, "59 seconds ago", "59 seconds left"),
        (60, "1 minute ago", "1 minute left"),
        (3599, "59 minutes ago", "59 minutes left"),
        (3600, "1 hour ago", "1 hour left"),
        (86_399, "23 hours ago", "23 hours left"),
        (86_400, "1 day ago", "1 day left"),
        (400 * 86_400, "400 days ago", "400 days left"),
    ] {
        assert_eq!((EN.ago(seconds), EN.left(seconds)), (ago.to_owned(), left.to_owned()));
    }
    assert_eq!((FA.ago(0), FA.left(0)), ("همین حالا".to_owned(), "زمانی نمانده".to_owned()));
    assert_eq!((FA.ago(125), FA.left(59)), ("۲ دقیقه پیش".to_owned(), "۵۹ ثانیه مانده".to_owned()));
    assert_eq!((FA.ago(7200), FA.left(200_000)), ("۲ ساعت پیش".to_owned(), "۲ روز مانده".to_owned()));
}

#[test]
fn values_of_the_domain_have_labels() {
    assert_eq!(EN.permission(Permission::UpdateOtp), "Change codes, free recipients");
    assert_eq!(FA.permission(Permission::DeleteOtp), "حذف کد");
    assert_eq!(FA.purpose(&Purpose::default()), "ورود");
    assert_eq!(FA.purpose(&Purpose::parse("lottery").unwrap()), "lottery");
    assert_eq!(FA.action("session.end"), "پایان نشست");
    assert_eq!(FA.action("otp.print"), "otp.print");
}

#[test]
fn every_action_of_the_audit_trail_has_its_own_label() {
    for (label, en, _) in audit::Actions::ALL {
        assert_eq!(EN.action(&label.replacen('_', ".", 1)), *en);
    }
    let names: BTreeSet<&str> = audit::Actions::ALL.iter().map(|(_, _, fa)| *fa).collect();
    assert_eq!(names.len(), 19);
}
