//! Help, version, and messages about wrong usage.

use crate::cli::output::{CommandResult, out, print_message, unwritable};

/// Prints the help or the version. For wrong usage, prints the error and ends the process with exit status 2.
///
/// # Errors
/// The help could not be written.
pub(super) fn answer(refusal: &clap::Error) -> CommandResult {
    if !refusal.use_stderr() {
        return refusal.print().map_err(|cause| unwritable(&cause)).and_then(|()| out(""));
    }
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let words = refusal.render().to_string();
    let masked = masked(&words, &arguments);
    if masked == words {
        refusal.exit();
    }
    print_message(masked.trim_end());
    std::process::exit(refusal.exit_code())
}

/// Masks arguments in a message that may be tokens, codes, addresses or mobile numbers. Supervisors and CI systems
/// write stderr to their logs.
fn masked(words: &str, arguments: &[String]) -> String {
    let mut secrets: Vec<&str> =
        arguments.iter().flat_map(|argument| argument.split(['=', ','])).filter(|part| may_be_secret(part)).collect();
    // The longest come first, because one may be part of another.
    secrets.sort_unstable_by_key(|part| std::cmp::Reverse(part.len()));
    secrets.into_iter().fold(words.to_owned(), |words, secret| words.replace(secret, "***"))
}

fn may_be_secret(part: &str) -> bool {
    let digits = part.chars().filter(|c| c.is_numeric()).count();
    digits >= 6 || part.len() >= 32 || part.contains('@') || part.starts_with("otpd_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_may_be_secret_are_masked() {
        for secret in ["09123456789", "x-739204", "۷۳۹۲۰۴", "a@b", "otpd_abc", "0123456789abcdefghijklmnopqrstuv"]
        {
            let words = format!("error: invalid value '{secret}' for '<NAME>'");
            let expected = "error: invalid value '***' for '<NAME>'";
            for argument in [secret.to_owned(), format!("--permission={secret}"), format!("view,{secret}")] {
                assert_eq!(masked(&words, &["user".to_owned(), argument]), expected);
            }
        }
        let words = "error: invalid value 'king' for '--role <ROLE>'";
        assert_eq!(masked(words, &["king".to_owned(), "2852".to_owned()]), words);
    }
}
