//! A parser for the subset of Markdown in the documents.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub struct Document {
    /// Relative to the repository.
    pub path: PathBuf,
    pub text: String,
}

/// A fenced block.
pub struct Block {
    /// The text after the opening fence; may be empty.
    pub language: String,
    /// Where the block begins, for messages.
    pub place: String,
    pub text: String,
}

impl Document {
    pub fn read(root: &Path, path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        Self { path: path.strip_prefix(root).unwrap().to_path_buf(), text }
    }

    pub fn blocks(&self) -> Vec<Block> {
        let (mut blocks, mut open): (Vec<Block>, Option<Block>) = (Vec::new(), None);
        for (number, line) in self.text.lines().enumerate() {
            match (&mut open, line.strip_prefix("```")) {
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (Some(block), None) => block.text += &format!("{line}\n"),
                (None, Some(language)) => {
                    let place = format!("{}:{}", self.path.display(), number + 1);
                    open = Some(Block { language: language.to_owned(), place, text: String::new() });
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a block is not closed", self.path.display());
        blocks
    }

    pub fn blocks_in(&self, language: &str) -> Vec<Block> {
        self.blocks().into_iter().filter(|block| block.language == language).collect()
    }

    /// The lines outside blocks, with their places.
    pub fn prose(&self) -> Vec<(String, &str)> {
        let mut is_inside = false;
        let lines = self.text.lines().enumerate().filter(|(_, line)| {
            let is_fence = line.starts_with("```");
            is_inside ^= is_fence;
            !is_inside && !is_fence
        });
        lines.map(|(number, line)| (format!("{}:{}", self.path.display(), number + 1), line)).collect()
    }

    /// The code spans of the prose, with their places.
    pub fn spans(&self) -> Vec<(String, String)> {
        let spans = |(place, line): (String, &str)| {
            let odd = line.split('`').skip(1).step_by(2).map(str::to_owned);
            odd.map(|span| (place.clone(), span)).collect::<Vec<_>>()
        };
        self.prose().into_iter().flat_map(spans).collect()
    }

    /// The targets of links, with their places.
    pub fn links(&self) -> Vec<(String, String)> {
        let targets = |(place, line): (String, &str)| {
            let rest = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
            rest.map(|(target, _)| (place.clone(), target.to_owned())).collect::<Vec<_>>()
        };
        self.prose().into_iter().flat_map(targets).collect()
    }

    /// The anchors of the headings, as GitHub generates them.
    pub fn anchors(&self) -> Vec<String> {
        let mut seen: HashMap<String, usize> = HashMap::new();
        let headings = self.prose().into_iter().filter_map(|(_, line)| line.trim_start_matches('#').strip_prefix(' '));
        let heading = |line: &&str| self.text.contains(&format!("# {line}"));
        headings
            .filter(heading)
            .map(|line| {
                let anchor = anchor(line);
                let count = seen.entry(anchor.clone()).or_default();
                *count += 1;
                if *count == 1 { anchor } else { format!("{anchor}-{}", *count - 1) }
            })
            .collect()
    }
}

/// In lower case, without punctuation, with hyphens for spaces.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn anchors_match_github() {
    assert_eq!(anchor("What a code by SMS or e-mail proves"), "what-a-code-by-sms-or-e-mail-proves");
    assert_eq!(anchor("Why not something else?"), "why-not-something-else");
    assert_eq!(anchor("`server`"), "server");
}
