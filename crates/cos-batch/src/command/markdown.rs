//! The command line as a page of the documentation.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command};

/// Flags below this heading are those of every command that asks a server: the page has them once.
const SHARED: &str = "Connection";

/// What the page begins with.
const HEAD: &str = "# Commands and flags

This page is written from the command line's own definition by `cargo xtask docs`. `cos-batch COMMAND --help` says the same, with
examples. A variable of the environment counts where its flag is not given; an empty one counts as not set. The variables of `serve`
are with [its settings](configuration.md#how-serve-itself-is-set).
";

/// The page: each command with its flags, then those that commands share.
pub(crate) fn page(mut whole: Command) -> String {
    whole.build();
    let mut page = HEAD.to_owned();
    let mut shared = None;
    for command in whole.get_subcommands() {
        section(&mut page, &mut shared, command, whole.get_name());
    }
    if let Some(rows) = shared {
        let _ = write!(page, "\n## {SHARED}\n\nWhich server is asked, and with which key.\n\n{TABLE}{rows}");
    }
    page
}

const TABLE: &str = "| flag | variable | is |\n|---|---|---|\n";

/// One command, or each command below it.
fn section(page: &mut String, shared: &mut Option<String>, command: &Command, before: &str) {
    let name = format!("{before} {}", command.get_name());
    if command.is_hide_set() || command.get_name() == "help" {
        return;
    }
    if command.has_subcommands() {
        for below in command.get_subcommands() {
            section(page, shared, below, &name);
        }
        return;
    }
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    // Writing to a text cannot fail.
    let _ = write!(page, "\n## {name}\n\n{}\n", paragraphs(&about));
    let arguments: Vec<&Arg> = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set() && !matches!(argument.get_id().as_str(), "help" | "version"))
        .collect();
    let (common, own): (Vec<&Arg>, Vec<&Arg>) =
        arguments.into_iter().partition(|argument| argument.get_help_heading() == Some(SHARED));
    if !own.is_empty() {
        let _ = write!(page, "\n{TABLE}{}", own.iter().map(|argument| row(argument)).collect::<String>());
    }
    if !common.is_empty() {
        let _ = write!(page, "\nAlso the flags of [the connection](#{}).\n", SHARED.to_lowercase());
        shared.get_or_insert_with(|| common.iter().map(|argument| row(argument)).collect());
    }
}

fn row(argument: &Arg) -> String {
    let takes = matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
    let values = argument.get_value_names().unwrap_or_default();
    let value = values.iter().map(|name| name.to_string()).collect::<Vec<_>>().join(" ");
    let flag = match argument.get_long() {
        Some(long) if takes => format!("--{long} {value}"),
        Some(long) => format!("--{long}"),
        None => value,
    };
    let short = argument.get_short().map(|short| format!(", `-{short}`")).unwrap_or_default();
    let variable = argument.get_env().and_then(|name| name.to_str()).map(|name| format!("`{name}`"));
    let mut is = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let possible: Vec<String> = match takes {
        true => argument.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect(),
        false => Vec::new(),
    };
    let defaults = argument.get_default_values().iter().filter_map(|value| value.to_str());
    let default: Vec<String> =
        defaults.filter(|value| takes && !value.is_empty()).map(|value| format!("`{value}`")).collect();
    let notes = [
        (!possible.is_empty()).then(|| possible.join(", ")),
        (!default.is_empty()).then(|| format!("{} if not given", default.join(", "))),
    ];
    for note in notes.into_iter().flatten() {
        is.push_str(if is.is_empty() { "" } else { "; " });
        is.push_str(&note);
    }
    format!("| `{flag}`{short} | {} | {} |\n", variable.unwrap_or_default(), in_table(&is))
}

/// Text for people, as Markdown has it.
fn plain(text: &str) -> String {
    text.replace('<', "&lt;").replace('*', "\\*")
}

fn in_table(text: &str) -> String {
    plain(text).replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Paragraphs, each in one line of at most this page's width.
fn paragraphs(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let words = plain(paragraph).split_whitespace().collect::<Vec<_>>().join(" ");
        crate::text::wrap(&words, 120).join("\n")
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}
