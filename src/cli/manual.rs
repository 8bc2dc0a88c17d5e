//! `otpd man`: manual pages in roff, generated from the command-line help.

use std::io::{self, Write};
use std::path::Path;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli::output::CommandResult;

/// Options that all commands have. The page describes them once.
const GLOBAL: [&str; 2] = ["config", "help"];

const FILES: [(&str, &str); 3] = [
    ("./otp.toml", "Settings. --config names another file. `otpd config show` prints all settings with their values."),
    ("otp.db", "The database, unless database.path names another file."),
    (
        "otp.db.before-V5",
        "A copy of the database from before a schema migration; the number is the first version that it lacks.",
    ),
];
const ENVIRONMENT: [(&str, &str); 2] = [
    ("OTPD_SECTION__KEY", "Overrides a setting of the file, for example OTPD_SERVER__PORT=9000."),
    ("RUST_LOG", "Overrides log.level, for example RUST_LOG=otpd=debug."),
];
const EXIT_STATUS: [(&str, &str); 3] =
    [("0", "Success."), ("1", "Failure; stderr has the reason."), ("2", "Wrong usage.")];

/// One page that describes all commands.
pub(super) fn page(cli: Command) -> Result<String, Box<dyn std::error::Error>> {
    let mut cli = cli.disable_help_subcommand(true);
    cli.build();
    let man = man(cli.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    section("COMMANDS").to_writer(&mut page)?;
    write_commands(&cli, &mut page)?;
    for (name, entries) in [("FILES", &FILES[..]), ("ENVIRONMENT", &ENVIRONMENT), ("EXIT STATUS", &EXIT_STATUS)] {
        definitions(name, entries).to_writer(&mut page)?;
    }
    Ok(without_repeated_preambles(&String::from_utf8(page)?))
}

/// Writes one page per command into an existing directory.
///
/// # Errors
/// A page can't be written.
pub(super) fn write_pages(cli: Command, dir: &Path) -> CommandResult {
    let mut cli = cli.disable_help_subcommand(true);
    cli.build();
    write_page(cli, dir).map_err(|cause| format!("{}: {cause}", dir.display()).into())
}

fn write_page(command: Command, dir: &Path) -> io::Result<()> {
    for subcommand in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        write_page(subcommand.clone(), dir)?;
    }
    man(command).generate_to(dir).map(drop)
}

/// A page without a date. roff needs the empty argument in quotes.
fn man(command: Command) -> Man {
    Man::new(command).date("\"\"")
}

/// Writes the commands without subcommands, depth first.
fn write_commands(parent: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    for command in parent.get_subcommands().filter(|command| !command.is_hide_set()) {
        if command.has_subcommands() {
            write_commands(command, page)?;
        } else {
            write_command(command, page)?;
        }
    }
    Ok(())
}

fn write_command(command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let hide_global = |arg: clap::Arg| if GLOBAL.contains(&arg.get_id().as_str()) { arg.hide(true) } else { arg };
    let command = command.clone().mut_args(hide_global);
    let has_arguments = command.get_arguments().any(|arg| !arg.is_hide_set());
    let example = command.get_after_help().map(ToString::to_string);
    let man = man(command);
    let mut heading = Roff::default();
    heading.control("SS", [name.as_str()]);
    heading.to_writer(page)?;
    write_body(page, |part| man.render_synopsis_section(part))?;
    paragraph().to_writer(page)?;
    write_body(page, |part| man.render_description_section(part))?;
    if has_arguments {
        write_body(page, |part| man.render_options_section(part))?;
    }
    if let Some(example) = example {
        literal(&example).to_writer(page)?;
    }
    Ok(())
}

/// Writes a section without its heading.
fn write_body(page: &mut Vec<u8>, render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut part = Vec::new();
    render(&mut part)?;
    for line in part.split_inclusive(|byte| *byte == b'\n').filter(|line| !line.starts_with(b".SH")) {
        page.extend_from_slice(line);
    }
    Ok(())
}

fn section(name: &str) -> Roff {
    let mut roff = Roff::default();
    roff.control("SH", [name]);
    roff
}

fn paragraph() -> Roff {
    let mut roff = Roff::default();
    roff.control("PP", []);
    roff
}

/// A text with its line breaks preserved.
fn literal(text: &str) -> Roff {
    let mut roff = paragraph();
    roff.control("nf", []);
    for line in text.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff
}

fn definitions(name: &str, entries: &[(&str, &str)]) -> Roff {
    let mut roff = section(name);
    for (term, meaning) in entries {
        roff.control("TP", []);
        roff.text([bold(*term)]);
        roff.text([roman(*meaning)]);
    }
    roff
}

/// Removes repeated definitions of the apostrophe (`.ie`, `.el`). Each section starts with one; the page needs one.
fn without_repeated_preambles(page: &str) -> String {
    let is_preamble = |line: &str| line.starts_with(".ie ") || line.starts_with(".el ");
    let preamble = page.lines().take_while(|line| is_preamble(line));
    let rest = page.lines().filter(|line| !is_preamble(line));
    preamble.chain(rest).map(|line| format!("{line}\n")).collect()
}
