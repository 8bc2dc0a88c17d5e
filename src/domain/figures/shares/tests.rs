use super::*;

const HOUR: i64 = 490_837;

fn codes(sent: u64, verified: u64) -> Codes {
    Codes { sent, verified }
}

/// Adds codes of one hour for a subject of [`Figure::CodesSent`].
fn add(shares: &mut Shares, hour: i64, subject: &str, codes: Codes) {
    shares.add(Figure::CodesSent, hour, subject, codes.sent);
    shares.add(Figure::CodesVerified, hour, subject, codes.verified);
}

fn prefix(text: &str) -> Part {
    Part::Prefix(text.to_owned())
}

#[test]
fn counts_are_added_by_prefix_and_by_provider() {
    let mut shares = Shares::new(HOUR);
    assert_eq!((shares.span().from, shares.span().until), (HOUR - 168, HOUR + 1));
    add(&mut shares, HOUR, "sms 0912", codes(5, 3));
    add(&mut shares, HOUR - 1, "sms 0912", codes(7, 6));
    add(&mut shares, HOUR - 168, "sms 0912", codes(1, 1));
    add(&mut shares, HOUR, "email", codes(2, 1));
    // Counts of an older version.
    add(&mut shares, HOUR, "sms", codes(100, 0));
    shares.add(Figure::CodesSentByProvider, HOUR, "my gateway", 4);
    shares.add(Figure::CodesVerifiedByProvider, HOUR - 1, "my gateway", 2);
    shares.add(Figure::Refusals, HOUR, "limits.sms_per_day", 9);
    let parts: Vec<(Part, Recent)> = shares.parts().map(|(part, recent)| (part.clone(), recent)).collect();
    let expected = [
        (prefix("0912"), Recent { hour: codes(5, 3), week: codes(8, 7) }),
        (prefix("email"), Recent { hour: codes(2, 1), week: codes(0, 0) }),
        (Part::Provider("my gateway".to_owned()), Recent { hour: codes(4, 0), week: codes(0, 2) }),
    ];
    assert_eq!(parts, expected);
}

#[test]
fn a_share_collapses_to_half_of_the_week_with_at_least_fifty_codes() {
    for (hour, week, has_collapsed) in [
        (codes(100, 35), codes(1000, 700), true),
        (codes(100, 36), codes(1000, 700), false),
        (codes(50, 0), codes(50, 25), true),
        (codes(49, 0), codes(1000, 700), false),
        (codes(500, 0), codes(49, 49), false),
        (codes(500, 0), codes(1000, 0), false),
        (codes(0, 0), codes(1000, 700), false),
    ] {
        let mut shares = Shares::new(HOUR);
        add(&mut shares, HOUR, "sms 0912", hour);
        add(&mut shares, HOUR - 24, "sms 0912", week);
        let collapse = Collapse { part: prefix("0912"), hour: HOUR, codes: hour, usual: Usual::OfPart(week) };
        let expected: Vec<Collapse> = has_collapsed.then_some(collapse).into_iter().collect();
        assert_eq!(shares.collapses(), expected, "{hour:?} {week:?}");
    }
}

#[test]
fn a_prefix_without_a_usual_share_is_compared_with_all_prefixes() {
    let mut shares = Shares::new(HOUR);
    add(&mut shares, HOUR - 24, "sms 0912", codes(900, 600));
    add(&mut shares, HOUR - 24, "email", codes(70, 70));
    add(&mut shares, HOUR - 1, "sms 0994", codes(30, 3));
    add(&mut shares, HOUR, "sms 0994", codes(200, 1));
    // A provider does not count as a prefix.
    shares.add(Figure::CodesSentByProvider, HOUR, "new", 200);
    let usual = Usual::OfAll(codes(1000, 673));
    assert_eq!(shares.collapses(), [Collapse { part: prefix("0994"), hour: HOUR, codes: codes(200, 1), usual }]);
}

#[test]
fn a_collapse_is_one_line_with_the_figures_and_the_remedy() {
    let line = |part, usual| Collapse { part, hour: HOUR, codes: codes(120, 6), usual }.to_string();
    let week = codes(8400, 5964);
    assert_eq!(
        line(prefix("0912"), Usual::OfPart(week)),
        "few codes for numbers with the prefix 0912 are verified: 6 of 120 (5.0 %) in the hour from \
         2025-12-29T13:00:00.000000Z, 5964 of 8400 (71.0 %) in the week before; this is typical of SMS pumping; check \
         that the applications pass client_ip, lower limits.sends_per_client_hour, and restrict \
         delivery.allowed_prefixes"
    );
    assert_eq!(
        line(prefix("email"), Usual::OfAll(week)),
        "few codes for e-mail addresses are verified: 6 of 120 (5.0 %) in the hour from 2025-12-29T13:00:00.000000Z, \
         5964 of 8400 (71.0 %) for all of them in the week before; check that the applications pass client_ip, and \
         lower limits.sends_per_client_hour"
    );
    assert_eq!(
        line(Part::Provider("one".to_owned()), Usual::OfPart(week)),
        "few codes for the provider one are verified: 6 of 120 (5.0 %) in the hour from 2025-12-29T13:00:00.000000Z, \
         5964 of 8400 (71.0 %) in the week before; its messages may not arrive, or this is SMS pumping; check the \
         provider, and the warnings about prefixes"
    );
}
