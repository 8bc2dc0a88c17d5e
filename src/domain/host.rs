//! Host and domain names in their ASCII form.

use std::net::IpAddr;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

/// Returns the ASCII form of a domain: mapped by UTS-46 (non-transitional), lower case, international labels in
/// Punycode. All spellings of a domain have the same ASCII form. `None`: the text is not a domain name (letters, digits
/// and hyphens; labels of 1 to 63 characters; at most 253 characters).
pub fn ascii_domain(text: &str) -> Option<String> {
    Uts46::new()
        .to_ascii(text.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .ok()
        .map(|domain| domain.into_owned())
}

/// Whether a host is this machine: `localhost` or a loopback address.
pub fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_a_domain_have_the_same_ascii_form() {
        for (text, ascii) in [
            ("gmail.com", "gmail.com"),
            ("GMAIL.com", "gmail.com"),
            ("ｇmail.com", "gmail.com"),
            ("ⓖⓜⓐⓘⓛ.com", "gmail.com"),
            ("𝐠𝐦𝐚𝐢𝐥.com", "gmail.com"),
            ("gm\u{ad}ail.com", "gmail.com"),
            ("gm\u{200b}ail.com", "gmail.com"),
            ("gm\u{2060}ail\u{feff}.com", "gmail.com"),
            ("gmail。com", "gmail.com"),
            ("münchen.de", "xn--mnchen-3ya.de"),
            ("MÜNCHEN.de", "xn--mnchen-3ya.de"),
            ("mu\u{308}nchen.de", "xn--mnchen-3ya.de"),
            ("XN--MNCHEN-3YA.de", "xn--mnchen-3ya.de"),
            ("faß.de", "xn--fa-hia.de"),
            ("مثال.ایران", "xn--mgbh0fb.xn--mgba3a4f16a"),
            ("r3---sn.example.com", "r3---sn.example.com"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(ascii_domain(text).as_deref(), Some(ascii), "{text}");
        }
    }

    #[test]
    fn invalid_domains_have_no_ascii_form() {
        let long_label = format!("{}.com", "a".repeat(64));
        for text in [
            "",
            ".",
            "a..b",
            "-a.com",
            "a-.com",
            "a b.com",
            "a_b.com",
            "a/b",
            "a:1",
            "user@host",
            "xn--a.com",
            "xn--.com",
            "gm\u{200d}ail.com",
            "a\u{0}.com",
            "a.com\r\n",
            "[::1]",
            "*.com",
            &long_label,
        ] {
            assert_eq!(ascii_domain(text), None, "{text:?}");
        }
    }
}
