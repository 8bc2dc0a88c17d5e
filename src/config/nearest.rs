//! Suggestions for misspelled words.

/// The maximum number of edits between a word and its suggestion.
const MAX_EDITS: usize = 3;

/// The known word that is most similar to `given`; `None` if no word is similar.
///
/// Two words are similar if their edit distance is at most 3 and at most a third of the longer word, or if one contains
/// the other (`user`, `username`). Case, `-` and `_` are ignored.
pub(super) fn nearest<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let given = bare(given);
    let ranked = known.filter_map(|word| Some((rank(&given, &bare(word))?, word)));
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, word)| word)
}

/// The distance of two words: the number of edits, then the difference in length. `None` if the words are not similar.
fn rank(given: &str, known: &str) -> Option<(usize, usize)> {
    let (shorter, longer) = if given.len() < known.len() { (given, known) } else { (known, given) };
    let difference = longer.chars().count() - shorter.chars().count();
    let edits = strsim::osa_distance(given, known);
    if edits <= MAX_EDITS.min(longer.chars().count() / 3) {
        return Some((edits, difference));
    }
    (shorter.len() >= 3 && longer.contains(shorter)).then_some((MAX_EDITS + 1, difference))
}

fn bare(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_word_is_recognised() {
        let known =
            ["api_key", "from", "host", "password", "password_file", "port", "template", "templates", "username"];
        for (given, expected) in [
            ("apikey", Some("api_key")),
            ("API-Key", Some("api_key")),
            ("api_kez", Some("api_key")),
            ("key", Some("api_key")),
            ("form", Some("from")),
            ("prot", Some("port")),
            ("hosts", Some("host")),
            ("smtp_host", Some("host")),
            ("user", Some("username")),
            ("user_name", Some("username")),
            ("pass", Some("password")),
            ("passwd", Some("password")),
            ("passwordfile", Some("password_file")),
            ("tempalte", Some("template")),
            ("ttl", None),
            ("x", None),
            ("", None),
            ("colour", None),
        ] {
            assert_eq!(nearest(given, known.into_iter()), expected, "{given}");
        }
        assert_eq!(nearest("port", ["server.host", "server.port"].into_iter()), Some("server.port"));
    }
}
