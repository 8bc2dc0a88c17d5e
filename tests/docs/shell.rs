//! A parser for the subset of shell syntax in the documents. It returns the commands of a block with their words.

/// The commands of a script. Redirections, comments and here-documents are left out.
pub fn commands(script: &str) -> Vec<Vec<String>> {
    let script = without_here_documents(&script.replace("\\\n", " "));
    let mut lexer = Lexer::default();
    let mut chars = script.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        match (lexer.quote, c) {
            (Some(quote), c) if c == quote => lexer.quote = None,
            (Some(_), c) => lexer.push(c),
            (None, '\'' | '"') => lexer.open(c),
            (None, '$') if next == Some('(') => {}
            (None, '>' | '<') => {
                lexer.redirect();
                // `>&1` and `>>`.
                chars.next_if(|next| matches!(next, '&' | '>'));
            }
            (None, '#') if lexer.word.is_none() => while chars.next_if(|next| *next != '\n').is_some() {},
            (None, '\n' | ';' | '&' | '|' | '(' | ')') => lexer.end_command(),
            (None, c) if c.is_whitespace() => lexer.end_word(),
            (None, c) => lexer.push(c),
        }
    }
    lexer.end_command();
    lexer.commands
}

#[derive(Default)]
struct Lexer {
    commands: Vec<Vec<String>>,
    command: Vec<String>,
    word: Option<String>,
    quote: Option<char>,
    /// The next word is the target of a redirection.
    is_target: bool,
}

impl Lexer {
    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn open(&mut self, quote: char) {
        self.quote = Some(quote);
        self.word.get_or_insert_default();
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        if !std::mem::take(&mut self.is_target) {
            self.command.push(word);
        }
    }

    fn redirect(&mut self) {
        // In `2>` the number belongs to the redirection.
        if self.word.as_ref().is_some_and(|word| word.bytes().all(|b| b.is_ascii_digit())) {
            self.word = None;
        }
        self.end_word();
        self.is_target = true;
    }

    fn end_command(&mut self) {
        self.end_word();
        self.is_target = false;
        let command = std::mem::take(&mut self.command);
        self.commands.extend(Some(command).filter(|command| !command.is_empty()));
    }
}

fn without_here_documents(script: &str) -> String {
    let (mut kept, mut end) = (String::new(), None);
    for line in script.lines() {
        match &end {
            Some(word) if line == *word => end = None,
            Some(_) => {}
            None => {
                kept += &format!("{line}\n");
                end = line.split_once("<<").map(|(_, word)| word.trim_matches(['\'', '"', ' ']).to_owned());
            }
        }
    }
    kept
}

/// The arguments of `otpd` if the command runs it, also through `sudo`, `runuser`, `docker exec` and `kubectl exec`.
pub fn otpd_arguments(command: &[String]) -> Option<&[String]> {
    let (first, rest) = command.split_first()?;
    match first.as_str() {
        "otpd" => Some(rest),
        path if path.ends_with("/otpd") => Some(rest),
        "until" | "if" | "while" | "exec" => otpd_arguments(rest),
        "sudo" | "runuser" => {
            let rest = if rest.first()? == "-u" { rest.get(2..)? } else { rest };
            otpd_arguments(if rest.first()? == "--" { rest.get(1..)? } else { rest })
        }
        "docker" if rest.first()? == "exec" => otpd_arguments(rest.get(2..)?),
        "kubectl" if rest.first()? == "exec" => {
            let at = rest.iter().position(|word| word == "--")?;
            otpd_arguments(rest.get(at + 1..)?)
        }
        word if is_assignment(word) => otpd_arguments(rest),
        _ => None,
    }
}

fn is_assignment(word: &str) -> bool {
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b"_".contains(&b));
    word.split_once('=').is_some_and(|(name, _)| is_name(name))
}

#[test]
fn a_script_is_split_into_its_commands() {
    let split = |script: &str| commands(script).iter().map(|words| words.join("·")).collect::<Vec<_>>();
    assert_eq!(split("a b 'c d' \"e f\" # g\nh"), ["a·b·c d·e f", "h"]);
    assert_eq!(split("T=$(./otpd token add x) && cd y"), ["T=", "./otpd·token·add·x", "cd·y"]);
    assert_eq!(split("a > log 2>&1 &\nb | c; d < e"), ["a", "b", "c", "d"]);
    assert_eq!(split("a \\\n  b \"x-$(date +%F).db\""), ["a·b·x-$(date +%F).db"]);
    assert_eq!(split("cat > f <<'END'\nx y\nEND\nb"), ["cat", "b"]);
    assert_eq!(
        split("until C=$(otpd inbox | grep x); do sleep 1; done"),
        ["until·C=", "otpd·inbox", "grep·x", "do·sleep·1", "done"]
    );
}

#[test]
fn otpd_is_found_behind_other_programs() {
    let arguments = |script: &str| {
        let commands = commands(script);
        commands.iter().find_map(|command| otpd_arguments(command)).map(|words| words.join(" "))
    };
    for script in [
        "otpd a b",
        "../target/release/otpd a b",
        "OTPD_SERVER__PORT=1 otpd a b",
        "sudo -u otpd otpd a b",
        "runuser -u otpd -- otpd a b",
        "docker exec otpd otpd a b",
        "kubectl exec deploy/otpd -- otpd a b",
        "cd x && otpd a b > c",
    ] {
        assert_eq!(arguments(script).as_deref(), Some("a b"), "{script}");
    }
    for script in
        ["docker build -t otpd .", "sudo systemctl restart otpd", "journalctl -u otpd", "docker exec otpd cat x"]
    {
        assert_eq!(arguments(script), None, "{script}");
    }
}
