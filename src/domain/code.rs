//! The digits of a one-time password.

use std::fmt;

use rand::CryptoRng;
use rand::distr::{Distribution, Uniform};
use subtle::ConstantTimeEq;

use crate::domain::digits::{is_separator, to_ascii_digits};
use crate::error::InvalidValue;

/// The digits as an integer, as in the API. `Debug` hides it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code(i64);

impl Code {
    /// The largest integer that every JSON client reads exactly (2⁵³ − 1).
    pub const MAX: i64 = 9_007_199_254_740_991;

    /// # Errors
    /// The value is below 0 or above [`Code::MAX`]. The text is the contract's.
    pub fn new(value: i64) -> Result<Self, InvalidValue> {
        match value {
            ..0 => Err("Ensure this value is greater than or equal to 0.".into()),
            0..=Self::MAX => Ok(Self(value)),
            _ => Err("Ensure this value is less than or equal to 9007199254740991.".into()),
        }
    }

    /// Parses ASCII, Persian or Arabic digits. Surrounding white space is removed. A fraction of zeros (`12.0`, `12.`)
    /// is ignored, as in DRF's `IntegerField`.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let text = to_ascii_digits(text.trim());
        let whole = text.rsplit_once('.').filter(|(_, fraction)| fraction.bytes().all(|b| b == b'0'));
        let text = whole.map_or(text.as_str(), |(whole, _)| whole.trim_end());
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Self::not_an_integer());
        }
        let size = digits.parse().unwrap_or(i64::MAX);
        Self::new(if negative { -size } else { size })
    }

    /// Parses user input like [`Code::parse`]. Separators (white space, dashes, invisible marks) are ignored.
    pub fn parse_typed(text: &str) -> Result<Self, InvalidValue> {
        Self::parse(&text.chars().filter(|c| !is_separator(*c)).collect::<String>())
    }

    /// Returns a uniformly random code of the given length. The first digit is never 0, because a code is an integer.
    pub fn generate(rng: &mut impl CryptoRng, length: CodeLength) -> Self {
        Self(length.range().sample(rng))
    }

    pub fn not_an_integer() -> InvalidValue {
        "A valid integer is required.".into()
    }

    /// Compares in constant time.
    pub fn is(self, other: Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    pub fn value(self) -> i64 {
        self.0
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(***)")
    }
}

/// The number of digits of a generated code: 6 (NIST SP 800-63B-4, 3.1.3.2) to 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeLength(u32);

impl CodeLength {
    /// Accepts 6 to 10 digits. Shorter codes can be guessed (NIST SP 800-63B-4, 3.1.3.2).
    pub fn new(digits: u32) -> Option<Self> {
        (6..=10).contains(&digits).then_some(Self(digits))
    }

    pub fn digits(self) -> usize {
        self.0 as usize
    }

    #[expect(clippy::expect_used, reason = "10^(n-1) is less than 10^n, so the range is valid")]
    fn range(self) -> Uniform<i64> {
        Uniform::new(10_i64.pow(self.0 - 1), 10_i64.pow(self.0)).expect("a non-empty range")
    }
}

impl Default for CodeLength {
    fn default() -> Self {
        Self(6)
    }
}

#[cfg(test)]
mod tests {
    use rand::rand_core::UnwrapErr;
    use rand::rngs::SysRng;

    use super::*;

    /// Chi-square quantiles at significance level 0.001, by degrees of freedom.
    const CHI_SQUARE_8: f64 = 26.12;
    const CHI_SQUARE_9: f64 = 27.88;

    /// Draws a million codes. Returns the first position whose digits fail the test of uniformity at level 0.001.
    fn rejection_bound() -> Option<(usize, [u32; 10])> {
        const CODES: u32 = 1_000_000;
        let rng = &mut UnwrapErr(SysRng);
        let mut seen = [[0u32; 10]; 6];
        for _ in 0..CODES {
            let code = Code::generate(rng, CodeLength::default()).value();
            assert!((100_000..1_000_000).contains(&code));
            for (place, counts) in seen.iter_mut().enumerate() {
                counts[(code / 10_i64.pow(5 - u32::try_from(place).unwrap()) % 10) as usize] += 1;
            }
        }
        seen.into_iter().enumerate().find(|(place, counts)| {
            let (counts, limit) = if *place == 0 { (&counts[1..], CHI_SQUARE_8) } else { (&counts[..], CHI_SQUARE_9) };
            let expected = f64::from(CODES) / counts.len() as f64;
            counts.iter().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum::<f64>() >= limit
        })
    }

    #[test]
    fn the_digits_of_generated_codes_are_uniform() {
        // With a fair generator a run rejects one of the six positions in 0.6 % of cases. Three rejections in a row
        // have a probability of one in five million.
        let rejected: Vec<_> = (0..3).map_while(|_| rejection_bound()).collect();
        assert!(rejected.len() < 3, "{rejected:?}");
    }

    #[test]
    fn a_code_has_the_requested_length() {
        let rng = &mut UnwrapErr(SysRng);
        for digits in 6..=10 {
            let length = CodeLength::new(digits).unwrap();
            for _ in 0..1000 {
                assert_eq!(Code::generate(rng, length).value().to_string().len(), length.digits());
            }
        }
        assert_eq!([CodeLength::new(5), CodeLength::new(11)], [None, None]);
    }

    #[test]
    fn separators_and_other_digits_are_accepted_in_typed_codes() {
        for typed in
            ["255315", " 255 315 ", "255-315", "۲۵۵۳۱۵", "٢٥٥ ٣١٥", "۲۵۵\u{200c}۳۱۵", "2 5 5 3 1 5", "255\u{2013}315"]
        {
            assert_eq!(Code::parse_typed(typed).map(Code::value), Ok(255_315), "{typed}");
        }
        for typed in ["", " ", "-", "25531x", "255.315"] {
            assert_eq!(Code::parse_typed(typed), Err(Code::not_an_integer()), "{typed}");
        }
    }

    #[test]
    fn codes_are_parsed_and_bounds_are_checked() {
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
            ("12.0", 12),
            ("12.000", 12),
            ("12.", 12),
            (" 12.00 ", 12),
            ("12 .0", 12),
            ("-0.0", 0),
            ("0.0", 0),
            ("۱۲.۰۰", 12),
            ("9007199254740991.000000", Code::MAX),
        ] {
            assert_eq!(code(text), Ok(value), "{text}");
        }
        for text in [
            "", " ", "-", "12a", "1 2", "1_000", "3.1", "3.05", "3.0.0", "3..0", ".0", ".", "-.0", "3,0", "3.0x",
            "3. 0", "+5", "--5", "0x1f", "NaN",
        ] {
            assert_eq!(code(text), Err("A valid integer is required.".into()), "{text}");
        }
        for text in ["-1", "-1.0", "-99999999999999999999999"] {
            assert_eq!(code(text), Err("Ensure this value is greater than or equal to 0.".into()), "{text}");
        }
        for text in ["9007199254740992", "9007199254740992.0", "99999999999999999999999"] {
            let refusal = "Ensure this value is less than or equal to 9007199254740991.";
            assert_eq!(code(text), Err(refusal.into()), "{text}");
        }
    }
}
