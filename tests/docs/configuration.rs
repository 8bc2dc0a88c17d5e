//! `docs/configuration.md`, generated from the comments of `config/default.toml`.

use std::fmt::Write;
use std::fs;

use crate::root;

const INTRODUCTION: &str = r#"<!-- Generated from config/default.toml. To regenerate: UPDATE_SNAPSHOT=1 cargo test --test docs -->

# Configuration

Settings come from three places. A later place overrides an earlier one:

1. the defaults below, which are compiled into the binary;
2. `otp.toml` in the working directory, or the file that `--config FILE` names;
3. environment variables: `server.port` is `OTPD_SERVER__PORT`. Lists are separated by commas.

```toml
[server]
port = 9000

[otp]
expiration = "10m"
timezone = "Asia/Tehran"
```

```sh
OTPD_SERVER__PORT=9000 OTPD_OTP__EXPIRATION=10m otpd config show
```

| command | does |
|---|---|
| `otpd config show` | shows all settings and where each value comes from; secrets are masked |
| `otpd config check` | checks all settings, and warns about risky ones |

Durations are written as `90s`, `5m`, `24h` or `30d`. A secret can be read from a file: append `_file` to the name of its setting.
Restart otpd after a change.

An invalid value or an unknown setting in the file prevents the start. The error is one line that names the setting, its source and
the accepted values. An environment variable that starts with `OTPD_` but is not a setting only causes a warning, because Kubernetes
and Docker set such variables themselves.
"#;

/// One setting of `config/default.toml`.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// Such as `server.port`.
    pub key: String,
    /// As TOML; empty if there is no default.
    pub default: String,
    meaning: String,
}

struct Section {
    name: String,
    meaning: String,
    settings: Vec<Setting>,
}

/// All settings.
pub fn settings() -> Vec<Setting> {
    sections().into_iter().flat_map(|section| section.settings).collect()
}

fn sections() -> Vec<Section> {
    let text = fs::read_to_string(root().join("config/default.toml")).unwrap();
    let (mut sections, mut comment): (Vec<Section>, Vec<&str>) = (Vec::new(), Vec::new());
    // TOML requires that they come first. The page shows them last.
    let mut lists = Vec::new();
    for line in text.lines() {
        if line.is_empty() {
            comment.clear();
        } else if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            sections.push(Section { name: name.to_owned(), meaning: comment.join(" "), settings: Vec::new() });
            comment.clear();
        } else if let Some((name, default)) = key(line.trim_start_matches("# ")) {
            let default = if line.starts_with('#') { String::new() } else { default.to_owned() };
            let setting = |key| Setting { key, default, meaning: comment.join(" ") };
            match sections.last_mut() {
                Some(section) => section.settings.push(setting(format!("{}.{name}", section.name))),
                None => lists.push(Section {
                    name: name.to_owned(),
                    meaning: String::new(),
                    settings: vec![setting(name.to_owned())],
                }),
            }
            comment.clear();
        } else {
            comment.push(line.strip_prefix("# ").unwrap_or_else(|| panic!("neither a comment nor a setting: {line}")));
        }
    }
    sections.extend(lists);
    sections
}

/// Parses `name = value`. A setting without a default is commented out; its line is passed without the `#`.
fn key(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(" = ")?;
    let is_name = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let is_value = value.starts_with(['"', '[', 't', 'f']) || value.bytes().all(|b| b.is_ascii_digit());
    (is_name && is_value && !value.contains(' ')).then_some((name, value))
}

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let cell = |text: &str| {
        let text = text.replace('|', "\\|").replace("docs/providers.md", "[Providers](providers.md)");
        let text = text.replace("docs/events.md", "[Events](events.md)");
        text.replace("docs/integrations.md", "[Integrations](integrations.md#test-recipients)")
    };
    for Section { name, meaning, settings } in sections() {
        write!(page, "\n## {name}\n\n").unwrap();
        if !meaning.is_empty() {
            write!(page, "{meaning}\n\n").unwrap();
        }
        page += "| setting | default | meaning |\n|---|---|---|\n";
        for Setting { key, default, meaning } in settings {
            let default = if default.is_empty() { "none".to_owned() } else { format!("`{default}`") };
            writeln!(page, "| `{key}` | {default} | {} |", cell(&meaning)).unwrap();
        }
    }
    page
}

#[test]
fn the_page_of_the_configuration_is_current() {
    let (path, page) = (root().join("docs/configuration.md"), page());
    if std::env::var_os("UPDATE_SNAPSHOT").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let is_current = fs::read_to_string(path).unwrap_or_default() == page;
    assert!(is_current, "docs/configuration.md is outdated; run UPDATE_SNAPSHOT=1 cargo test --test docs");
}

#[test]
fn every_setting_has_a_comment() {
    let bare: Vec<String> = settings().into_iter().filter(|it| it.meaning.is_empty()).map(|it| it.key).collect();
    assert_eq!(bare, Vec::<String>::new());
}

#[test]
fn comments_in_the_defaults_are_not_read_as_settings() {
    assert_eq!(key("port = 8080"), Some(("port", "8080")));
    assert_eq!(key("bootstrap_token = \"\""), Some(("bootstrap_token", "\"\"")));
    assert_eq!(key("checkpoints = true"), Some(("checkpoints", "true")));
    assert_eq!(key("Set valid_to = x"), None);
    assert_eq!(key("bootstrap_token_file = \"path\" reads it from a file."), None);
}
