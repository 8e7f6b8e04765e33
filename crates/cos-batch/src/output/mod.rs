//! What a person or a program gets to see.

pub(crate) mod ask;
pub(crate) mod findings;
pub(crate) mod progress;
pub(crate) mod report;
pub(crate) mod table;
mod terminal;
pub(crate) mod watch;
pub(crate) mod wire;

use clap::ValueEnum;
use serde::Serialize;

pub(crate) use self::terminal::Terminal;
use crate::{exit::Error, text::steers};

/// How a command writes its result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// One JSON document, with the names of the API.
    Json,
    /// The XML of the API.
    Xml,
}

impl Format {
    /// Refuses a format for programs where what is said is for people, if it is.
    pub(crate) fn for_people_if(self, is_for_people: bool, what: &str) -> Result<(), Error> {
        if is_for_people && self != Self::Table {
            return Err(Error::usage(format!("{what} writes for people: it goes with --output table alone")));
        }
        Ok(())
    }
}

/// Writes a value as an indented JSON document.
pub(crate) fn json<T: Serialize>(terminal: &mut Terminal, value: &T) -> Result<(), Error> {
    Ok(terminal.line(&json_text(value)?)?)
}

/// What could steer a terminal is escaped, which says the same to a program.
fn json_text<T: Serialize>(value: &T) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(value).map_err(Error::other)?;
    // Line feeds are between its pieces; those of texts are escaped already.
    Ok(escaped(&text, |character| character == '\n', |code| format!("\\u{code:04x}")))
}

/// Writes an XML document.
pub(crate) fn xml(terminal: &mut Terminal, document: &[u8]) -> Result<(), Error> {
    Ok(terminal.line(&xml_text(document))?)
}

/// What could steer a terminal becomes a character reference, which says the same to a program.
fn xml_text(document: &[u8]) -> String {
    let text = String::from_utf8_lossy(document);
    escaped(&text, |character| matches!(character, '\n' | '\t'), |code| format!("&#x{code:x};"))
}

/// The text with what could steer a terminal written in another way, unless it may stay.
fn escaped(text: &str, stays: impl Fn(char) -> bool, escape: impl Fn(u32) -> String) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if steers(character) && !stays(character) {
            safe.push_str(&escape(u32::from(character)));
        } else {
            safe.push(character);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line, a tab, ESC, the control sequence introducer in one character, DEL, and a turn of the direction of writing.
    const HOSTILE: &str = "a\nb\tc\r\u{1b}[2J\u{9b}2J\u{7f}\u{202e}d é";

    #[test]
    fn documents_for_programs_cannot_steer_a_terminal_and_say_the_same() {
        let text = json_text(&[HOSTILE]).unwrap();
        assert!(!text.chars().any(|character| steers(character) && character != '\n'), "{text:?}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&text).unwrap(), [HOSTILE]);

        let text = xml_text("<D>a\nb\tc\u{9b}2J\u{7f}\u{202e}d é</D>".as_bytes());
        assert_eq!(text, "<D>a\nb\tc&#x9b;2J&#x7f;&#x202e;d é</D>");
    }
}
