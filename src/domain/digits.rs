//! Persian and Arabic digits. All input with digits accepts them.

/// Returns the ASCII form of an ASCII, Persian (۰–۹) or Arabic-Indic (٠–٩) digit.
fn ascii_digit(c: char) -> Option<char> {
    let value = match c {
        '0'..='9' => return Some(c),
        '۰'..='۹' => u32::from(c) - u32::from('۰'),
        '٠'..='٩' => u32::from(c) - u32::from('٠'),
        _ => return None,
    };
    char::from_digit(value, 10)
}

/// Replaces Persian and Arabic digits by ASCII digits. All other characters stay unchanged.
pub fn to_ascii_digits(text: &str) -> String {
    text.chars().map(|c| ascii_digit(c).unwrap_or(c)).collect()
}

/// Whether `c` may separate groups of digits: white space, a dash or an invisible mark.
pub fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}') || is_invisible(c)
}

/// Whether `c` is an invisible mark: a soft hyphen, a zero-width character (such as ZWNJ), a direction mark or a
/// variation selector. Text copied from right-to-left or formatted documents contains such marks.
pub fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn persian_and_arabic_digits_become_ascii() {
        assert_eq!(to_ascii_digits("۰۱۲۳۴۵۶۷۸۹ ٠١٢٣٤٥٦٧٨٩ a٪９"), "0123456789 0123456789 a٪９");
    }
}
