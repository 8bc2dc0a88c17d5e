use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn known_days_agree_in_both_calendars() {
    for (persian_date, gregorian) in [
        ((1300, 1, 1), "1921-03-21"),
        ((1348, 10, 11), "1970-01-01"),
        ((1357, 11, 22), "1979-02-11"),
        ((1399, 12, 30), "2021-03-20"),
        ((1403, 12, 30), "2025-03-20"),
        ((1404, 1, 1), "2025-03-21"),
        ((1404, 12, 29), "2026-03-20"),
        ((1405, 1, 1), "2026-03-21"),
        ((1405, 6, 31), "2026-09-22"),
        ((1405, 7, 1), "2026-09-23"),
        ((1405, 9, 2), "2026-11-23"),
        ((1408, 12, 30), "2030-03-20"),
        ((1499, 12, 29), "2121-03-20"),
    ] {
        let (year, month, day_of_month) = persian_date;
        assert_eq!(from_persian(year, month, day_of_month), Some(day(gregorian)), "{persian_date:?}");
        assert_eq!(persian(day(gregorian)), persian_date, "{gregorian}");
    }
}

#[test]
fn leap_years_are_those_of_the_official_calendar() {
    let is_leap = |year: &i32| from_persian(*year, 12, 30).is_some();
    let leap: Vec<i32> = (1399..1433).filter(is_leap).collect();
    assert_eq!(leap, [1399, 1403, 1408, 1412, 1416, 1420, 1424, 1428, 1432]);
}

#[test]
fn days_that_do_not_exist_are_refused() {
    for (year, month, day) in
        [(1404, 12, 30), (1403, 12, 31), (1403, 7, 31), (1403, 1, 32), (1403, 13, 1), (1403, 0, 1), (1403, 1, 0)]
    {
        assert_eq!(from_persian(year, month, day), None, "{year}/{month}/{day}");
    }
}

#[test]
fn every_day_of_five_centuries_is_converted_back() {
    let mut date = day("1800-01-01");
    while date < day("2300-01-01") {
        let (year, month, day_of_month) = persian(date);
        assert_eq!(from_persian(year, month, day_of_month), Some(date));
        date = date.succ_opt().unwrap();
    }
}

#[test]
fn all_dates_are_converted_without_a_panic() {
    for date in [NaiveDate::MIN, day("0001-01-01"), day("9999-12-31"), NaiveDate::MAX] {
        persian(date);
    }
    assert_eq!(from_persian(i32::MIN, 1, 1), None);
    assert_eq!(from_persian(i32::MAX, 1, 1), None);
}

#[test]
fn typed_days_are_parsed() {
    for text in [
        "1405/09/02",
        "1405-9-2",
        "1405/9/02",
        "2026-11-23",
        "2026/11/23",
        "۱۴۰۵/۰۹/۰۲",
        "١٤٠٥/٠٩/٠٢",
        "۲۰۲۶-۱۱-۲۳",
        " 1405/09/02\u{a0}",
        "\u{2067}۱۴۰۵/\u{200f}۰۹/۰۲\u{2069} ",
        "\u{200e}2026-11-23\u{200c}\n",
    ] {
        assert_eq!(parse_day(text), Some(day("2026-11-23")), "{text:?}");
    }
    assert_eq!(parse_day("1403/12/30"), Some(day("2025-03-20")));
    assert_eq!(parse_day("1300/01/01"), Some(day("1921-03-21")));
    assert_eq!(parse_day("1499/12/29"), Some(day("2121-03-20")));
    assert_eq!(parse_day("1900-01-01"), Some(day("1900-01-01")));
    assert_eq!(parse_day("9999-12-31"), Some(day("9999-12-31")));
}

#[test]
fn other_texts_are_not_days() {
    for text in [
        "",
        " ",
        "today",
        "1404/12/30",
        "2026-02-29",
        "2026-13-01",
        "2026-11-00",
        "1299/12/29",
        "1500/01/01",
        "1899-12-31",
        "10000-01-01",
        "0001-01-01",
        "05/09/02",
        "02/09/1405",
        "1405/09",
        "1405/09/02/01",
        "1405/009/02",
        "1405/09-02",
        "1405/09/+2",
        "-1405/09/02",
        "1405 09 02",
        "14050902",
        "1405/۰۹/",
        "2026-11-23T00:00",
        "1405/09/02 x",
    ] {
        assert_eq!(parse_day(text), None, "{text:?}");
    }
}

fn moment_in(zone: &str, text: &str) -> Option<String> {
    parse_moment(text, zone.parse().unwrap()).map(|moment| moment.to_string())
}

#[test]
fn typed_moments_are_in_the_time_zone() {
    for (text, moment) in [
        ("1405/09/02", "2026-11-22T20:30:00.000000Z"),
        ("1405/09/02 14:35", "2026-11-23T11:05:00.000000Z"),
        ("1405/09/02T14:35:59", "2026-11-23T11:05:59.000000Z"),
        ("2026-11-23  14:35:59", "2026-11-23T11:05:59.000000Z"),
        ("\u{200f}۱۴۰۵/۰۹/۰۲\u{a0}۱۴:۳۵ ", "2026-11-23T11:05:00.000000Z"),
        // Tehran skipped 00:00 to 01:00 on this day, and showed 23:00 to 24:00 twice half a year later.
        ("1401/01/02 00:30", "2022-03-21T20:30:00.000000Z"),
        ("1401/06/30 23:30", "2022-09-21T19:00:00.000000Z"),
    ] {
        assert_eq!(moment_in("Asia/Tehran", text).as_deref(), Some(moment), "{text:?}");
    }
    assert_eq!(moment_in("UTC", "1405/09/02 14:35").as_deref(), Some("2026-11-23T14:35:00.000000Z"));
}

#[test]
fn one_minute_before_midnight_is_the_day_before() {
    let zone: Tz = "Asia/Tehran".parse().unwrap();
    let day_of = |text: &str| persian(zone.local_time(parse_moment(text, zone).unwrap()).date());
    assert_eq!(day_of("1405/09/01 23:59"), (1405, 9, 1));
    assert_eq!(day_of("1405/09/02 00:00"), (1405, 9, 2));
    let before = moment_in("Asia/Tehran", "1405/09/01 23:59");
    let after = moment_in("Asia/Tehran", "1405/09/02 00:00");
    assert_eq!(before.as_deref(), Some("2026-11-22T20:29:00.000000Z"));
    assert_eq!(after.as_deref(), Some("2026-11-22T20:30:00.000000Z"));
}

#[test]
fn other_texts_are_not_moments() {
    for text in [
        "",
        "14:35",
        "1404/12/30 14:35",
        "1405/09/02 24:00",
        "1405/09/02 14:60",
        "1405/09/02 14:35:60",
        "1405/09/02 14",
        "1405/09/02 2:35",
        "1405/09/02 14:35:",
        "1405/09/02T",
        "1405/09/02 14:35Z",
        "1405/09/0214:35",
    ] {
        assert_eq!(moment_in("Asia/Tehran", text), None, "{text:?}");
    }
}
