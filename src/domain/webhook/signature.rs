//! The signature of a webhook: HMAC-SHA256, with the identifier `v1` (Standard Webhooks, "Signature scheme").

use std::fmt;
use std::ops::RangeInclusive;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const PREFIX: &str = "whsec_";
/// The number of bytes that the specification allows.
const BYTES: RangeInclusive<usize> = 24..=64;

/// The secret that an endpoint shares with otpd. `Debug` hides it.
#[derive(Clone)]
pub struct WebhookSecret(Vec<u8>);

impl WebhookSecret {
    /// Parses `whsec_` and the base64 form of 24 to 64 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let key = STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
        BYTES.contains(&key.len()).then_some(Self(key))
    }

    /// Returns the value of the header `webhook-signature`. `seconds` is the time of the attempt, in seconds since 1970.
    pub fn sign(&self, webhook_id: &str, seconds: i64, body: &str) -> String {
        // HMAC accepts keys of every length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(format!("{webhook_id}.{seconds}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vector of the Standard Webhooks libraries.
    #[test]
    fn a_signature_equals_the_published_one() {
        let secret = WebhookSecret::parse("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        let body = r#"{"email":"test@example.com","username":"test_user"}"#;
        let signature = secret.sign("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body);
        assert_eq!(signature, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
    }

    #[test]
    fn a_signature_depends_on_each_of_its_parts() {
        let of = |secret: &str, id, seconds, body| WebhookSecret::parse(secret).unwrap().sign(id, seconds, body);
        let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        let signature = of(secret, "msg_1", 5, "{}");
        assert_ne!(of("whsec_D2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_1", 5, "{}"), signature);
        assert_ne!(of(secret, "msg_2", 5, "{}"), signature);
        assert_ne!(of(secret, "msg_1", 6, "{}"), signature);
        assert_ne!(of(secret, "msg_1", 5, "{ }"), signature);
    }

    #[test]
    fn a_secret_has_the_prefix_and_24_to_64_bytes() {
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        for (text, is_secret) in [
            (of(23), false),
            (of(24), true),
            (of(64), true),
            (of(65), false),
            (of(24).replace("whsec_", ""), false),
            (of(24).replace("whsec_", "whsk_"), false),
            (of(25).trim_end_matches('=').to_owned(), false),
            (of(24) + " ", false),
            ("whsec_".to_owned(), false),
            ("whsec_*".to_owned(), false),
        ] {
            assert_eq!(WebhookSecret::parse(&text).is_some(), is_secret, "{text}");
        }
        assert_eq!(format!("{:?}", WebhookSecret::parse(&of(24)).unwrap()), "WebhookSecret(***)");
    }
}
