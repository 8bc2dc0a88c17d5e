//! Counts in messages.

use std::fmt::Display;

/// Returns a number and a noun in the singular or the plural: `1 code`, `2 codes`.
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    let ending = if number == N::from(1_u8) { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        let counts = [0_i64, 1, 2, -1].map(|number| counted(number, "code"));
        assert_eq!(counts, ["0 codes", "1 code", "2 codes", "-1 codes"]);
        assert_eq!(counted(1_usize, "user"), "1 user");
    }
}
