//! Forms of the console that take effect once, even if they are sent twice.

use rand::CryptoRng;

/// A form that was sent within a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentForm {
    pub session_id: i64,
    pub key: FormKey,
}

/// The random key of a form. It identifies one display of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormKey([u8; 16]);

impl FormKey {
    pub fn generate(random: &mut impl CryptoRng) -> Self {
        let mut key = [0; 16];
        random.fill_bytes(&mut key);
        Self(key)
    }

    /// Parses the text of a key: 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hexadecimal = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let key = is_hexadecimal.then(|| u128::from_str_radix(text, 16).ok()).flatten()?;
        Some(Self(key.to_be_bytes()))
    }

    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl std::fmt::Display for FormKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written() {
        let key = FormKey::generate(&mut rand::rand_core::UnwrapErr(rand::rngs::SysRng));
        assert_eq!(FormKey::parse(&key.to_string()), Some(key));
        let small = FormKey::parse("0000000000000000000000000000000a").unwrap();
        assert_eq!(small.to_string(), "0000000000000000000000000000000a");
        for text in ["", "0", "+000000000000000000000000000000a", "00000000000000000000000000000000a"] {
            assert_eq!(FormKey::parse(text), None, "{text}");
        }
    }
}
