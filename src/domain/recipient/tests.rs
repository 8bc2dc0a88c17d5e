use super::*;

#[test]
fn all_usual_forms_of_a_number_have_one_canonical_form() {
    for text in [
        "09123456789",
        "9123456789",
        "+989123456789",
        "+98 912 345 6789",
        "00989123456789",
        "0098 912 345 67 89",
        "989123456789",
        "0912-345-6789",
        " 0912 345 6789 ",
        "۰۹۱۲۳۴۵۶۷۸۹",
        "٠٩١٢٣٤٥٦٧٨٩",
        "+۹۸۹۱۲۳۴۵۶۷۸۹",
        "0912\u{200c}345\u{200c}6789",
        "\u{202a}+98 912 345 6789\u{202c}",
        "0912–345–6789",
        "0912.345.6789",
        "(0912) 345 6789",
        "+98 (912) 345-6789",
        "+9809123456789",
        "+98 0912 345 6789",
        "0912\u{ad}345\u{61c}6789\u{fe0f}",
    ] {
        assert_eq!(MobileNumber::parse(text).unwrap().as_str(), "09123456789", "{text}");
    }
    assert_eq!(MobileNumber::parse("9891234567").unwrap().as_str(), "09891234567", "an operator prefix 098");
    assert_eq!(MobileNumber::parse("09001234567").unwrap().as_str(), "09001234567");
    assert_eq!(MobileNumber::parse("09991234567").unwrap().as_str(), "09991234567");
}

#[test]
fn numbers_other_than_iranian_mobile_numbers_are_refused() {
    for text in [
        "",
        "-",
        "0912345678",
        "091234567890",
        "08123456789",
        "02188776655",
        "+19123456789",
        "0912345678a",
        "0912+3456789",
        "++989123456789",
        "00989123456",
        "9809123456789",
        "09123456789,09123456788",
        "+980912345678",
        "+98009123456789",
        "۰۹۱۲,۳۴۵,۶۷۸۹",
        "０９１２３４５６７８９",
        "912345678",
    ] {
        assert_eq!(MobileNumber::parse(text), Err("Enter a valid mobile number.".into()), "{text}");
    }
}

#[test]
fn an_address_keeps_its_local_part_and_its_domain_is_converted_to_ascii() {
    for (text, stored) in [
        ("some@email.com", "some@email.com"),
        ("  Some.One+tag@EMAIL.Com ", "Some.One+tag@email.com"),
        ("a@localhost", "a@localhost"),
        ("a@[127.0.0.1]", "a@[127.0.0.1]"),
        ("info@مثال.ایران", "info@xn--mgbh0fb.xn--mgba3a4f16a"),
        ("\u{200f}a@b.com\u{200b}", "a@b.com"),
        ("a@[::1]", "a@[::1]"),
        ("a@[0:0:0:0:0:0:0:1]", "a@[::1]"),
        ("a@[::ffff:7f00:1]", "a@[127.0.0.1]"),
        ("o'neil@sub.domain.example", "o'neil@sub.domain.example"),
    ] {
        assert_eq!(EmailAddress::parse(text).map(|e| e.0), Ok(stored.into()), "{text}");
    }
}

#[test]
fn all_spellings_of_a_domain_are_one_recipient() {
    let key = |text: &str| Recipient::Email(EmailAddress::parse(text).unwrap()).key();
    for text in [
        "Victim@GMAIL.com",
        "victim@ｇmail.com",
        "victim@ⓖmail.com",
        "victim@𝗴mail.com",
        "victim@g\u{ad}mail.com",
        "victim@g\u{200b}mail.com",
        "victim@gmail。com",
        " victim@gmail.com\u{200e}",
    ] {
        assert_eq!(key(text), "victim@gmail.com", "{text}");
    }
    for text in ["a@münchen.de", "a@MÜNCHEN.de", "a@xn--mnchen-3ya.de", "a@XN--MNCHEN-3YA.DE", "a@mu\u{308}nchen.de"]
    {
        assert_eq!(key(text), "a@xn--mnchen-3ya.de", "{text}");
    }
}

#[test]
fn addresses_that_django_refuses_are_refused() {
    for text in [
        "x",
        "x@",
        "@x.com",
        "x@y",
        "x@y.z",
        "a b@x.com",
        "a@x com.org",
        "a@@x.com",
        "a@-x.com",
        "a@x..com",
        ".a@x.com",
        "a.@x.com",
        "a..b@x.com",
        "a@x.com\r\nBcc: b@x.com",
        "a\u{0}@x.com",
        "نام@x.com",
        "a@evil\r\n[127.0.0.1]",
        "a@[999.0.0.1]",
        "a@x.com.",
        "<a@x.com>",
        "a@b@c.com",
        "a\u{200b}b@c.com",
        "a\u{ad}@c.com",
        "ａ@c.com",
        "a@c\u{200d}d.com",
        "a@xn--a.com",
        "a@b_c.com",
        "a＠c.com",
    ] {
        assert_eq!(EmailAddress::parse(text), Err("Enter a valid email address.".into()), "{text}");
    }
}

#[test]
fn an_address_has_at_most_254_characters() {
    let domain = format!("{}.{}.{}.com", "d".repeat(62), "e".repeat(62), "f".repeat(59));
    let fits = format!("{}@{domain}", "a".repeat(64));
    assert_eq!(fits.chars().count(), 254);
    assert_eq!(EmailAddress::parse(&fits).map(|e| e.0), Ok(fits.clone()));
    let too_long = fits.replace(".com", ".info");
    let refusal = Err("Ensure this field has no more than 254 characters.".into());
    assert_eq!(EmailAddress::parse(&too_long), refusal);
    assert_eq!(EmailAddress::parse(&format!("{}@example.com", "a".repeat(250))), refusal);
    assert_eq!(EmailAddress::parse(&"x".repeat(255)), refusal);
    assert_eq!(EmailAddress::parse(&"x".repeat(254)), Err("Enter a valid email address.".into()));
    // The lower case of U+0130 has two characters.
    let grows = format!(
        "{}@{}.{}.com",
        "a".repeat(64),
        ["\u{130}bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"; 5].join("."),
        "c".repeat(15)
    );
    assert_eq!(grows.chars().count(), 254);
    assert_eq!(EmailAddress::parse(&grows), refusal);
}

#[test]
fn displayed_numbers_and_addresses_are_masked() {
    let number = MobileNumber::parse("09123456545").unwrap();
    let address = EmailAddress::parse("info@moeinmail.ir").unwrap();
    assert_eq!(format!("{number} {number:?}"), "0912***6545 0912***6545");
    assert_eq!(format!("{address} {address:?}"), "i***@moeinmail.ir i***@moeinmail.ir");
    assert_eq!(format!("{:?}", Recipient::Mobile(number)), "Mobile(0912***6545)");
}
