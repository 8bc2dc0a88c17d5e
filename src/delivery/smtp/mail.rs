//! The sender and the content of mails.

use std::str::FromStr;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message as Mail};
use rand::TryRng;
use rand::rngs::SysRng;

use crate::domain::attempt::{Outcome, Report};
use crate::domain::host::ascii_domain;
use crate::domain::message::Message;

/// Suppresses auto-replies (RFC 3834).
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

/// The sender of mails: an address, or `Name <address>`. The domain is in ASCII form, which all servers support.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender(Mailbox);

impl Sender {
    pub fn domain(&self) -> &str {
        self.0.email.domain()
    }
}

impl FromStr for Sender {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = "an address, or \"Name <address>\"";
        let Mailbox { name, email } = text.parse().map_err(|_| refused)?;
        if !email.user().is_ascii() {
            return Err("an address with an ASCII local part");
        }
        if name.as_ref().is_some_and(|name| name.contains(char::is_control)) {
            return Err("a name without control characters");
        }
        let domain = ascii_domain(email.domain()).ok_or(refused)?;
        Ok(Self(Mailbox::new(name, Address::new(email.user(), domain).map_err(|_| refused)?)))
    }
}

/// Builds the mail for a message.
///
/// # Errors
/// The report for a mail that can't be built.
pub(super) fn mail(from: &Sender, message: &Message) -> Result<Mail, Report> {
    let bad_recipient = |why| Report::not_sent(Outcome::BadRecipient, why);
    let to: Address =
        message.recipient.as_str().parse().map_err(|_| bad_recipient("the address is not valid in a message"))?;
    let text = &message.text;
    let mail = Mail::builder()
        .from(from.0.clone())
        .to(Mailbox::new(None, to))
        .subject(text.subject.clone().unwrap_or_default())
        .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()))
        .message_id(Some(message_id(from.domain())?));
    let built = match &text.html {
        Some(html) => mail.multipart(MultiPart::alternative_plain_html(text.plain.clone(), html.clone())),
        None => mail.singlepart(SinglePart::plain(text.plain.clone())),
    };
    built.map_err(|_| bad_recipient("the message could not be built"))
}

/// Returns a new `Message-ID` (RFC 5322, 3.6.4) in the domain of the sender. Spam filters distrust host names that are
/// not in the DNS.
fn message_id(domain: &str) -> Result<String, Report> {
    let mut random = [0; 16];
    let failed = |_| Report::not_sent(Outcome::Retry, "the random number generator of the system failed");
    SysRng.try_fill_bytes(&mut random).map_err(failed)?;
    Ok(format!("<{:032x}@{domain}>", u128::from_ne_bytes(random)))
}

#[cfg(test)]
mod tests {
    use crate::domain::code::Code;
    use crate::domain::message::{Channel, Language, Text};
    use crate::domain::purpose::Purpose;
    use crate::domain::recipient::{EmailAddress, Recipient};

    use super::*;

    #[test]
    fn the_domain_of_a_sender_is_converted_to_ascii() {
        for (text, sender) in [
            ("noreply@example.com", "noreply@example.com"),
            ("noreply@münchen.example", "noreply@xn--mnchen-3ya.example"),
            ("noreply@MÜNCHEN.example", "noreply@xn--mnchen-3ya.example"),
            ("فروشگاه <noreply@فروشگاه.ایران>", "فروشگاه <noreply@xn--mgbtj4c7ad63e.xn--mgba3a4f16a>"),
            ("Shop <no.reply+otp@ｅxample.com>", "Shop <no.reply+otp@example.com>"),
        ] {
            assert_eq!(text.parse::<Sender>().map(|sender| sender.0.to_string()), Ok(sender.to_owned()), "{text}");
        }
        let usual = "an address, or \"Name <address>\"";
        for (text, refusal) in [
            ("no-address", usual),
            ("a@b@example.com", usual),
            ("a@example.com, b@example.com", usual),
            ("user:secret@example.com", usual),
            ("a@-example-.com", usual),
            ("A\r\nBcc: b <a@example.com>", usual),
            ("\"A\u{1}\" <a@example.com>", "a name without control characters"),
            ("müller@example.com", "an address with an ASCII local part"),
        ] {
            assert_eq!(text.parse::<Sender>(), Err(refusal), "{text}");
        }
    }

    #[test]
    fn a_subject_cannot_add_a_header() {
        let subject = "Code\r\nBcc: b@example.com\nX-Other: \u{7}".to_owned();
        let message = Message {
            reference: 7,
            channel: Channel::Email,
            recipient: Recipient::Email(EmailAddress::parse("a@example.com").unwrap()),
            code: Code::new(255_315).unwrap(),
            purpose: Purpose::default(),
            language: Language::En,
            minutes: 5,
            text: Text { subject: Some(subject), plain: "255315".to_owned(), html: None },
        };
        let mail = mail(&"noreply@example.com".parse().unwrap(), &message).unwrap();
        let mail = String::from_utf8(mail.formatted()).unwrap();
        let (head, _) = mail.split_once("\r\n\r\n").unwrap();
        let names: Vec<&str> = head.lines().filter_map(|line| Some(line.split_once(": ")?.0)).collect();
        let expected = [
            "From",
            "To",
            "Subject",
            "Auto-Submitted",
            "Message-ID",
            "MIME-Version",
            "Date",
            "Content-Type",
            "Content-Transfer-Encoding",
        ];
        assert_eq!(names, expected, "{head}");
    }

    #[test]
    fn each_mail_has_a_unique_id_in_the_domain_of_the_sender() {
        let [one, other] = [message_id("example.com"), message_id("example.com")].map(Result::unwrap);
        assert_ne!(one, other);
        for id in [one, other] {
            let random = id.strip_prefix('<').and_then(|id| id.strip_suffix("@example.com>")).unwrap();
            assert!(random.len() == 32 && random.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
        }
    }
}
