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
use crate::exit::Error;

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
    let text = serde_json::to_string_pretty(value).map_err(Error::other)?;
    Ok(terminal.line(&text)?)
}

/// Writes an XML document as it is.
pub(crate) fn xml(terminal: &mut Terminal, document: &[u8]) -> Result<(), Error> {
    terminal.bytes(document)?;
    Ok(terminal.line("")?)
}
