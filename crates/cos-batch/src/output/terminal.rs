//! Where output goes.

use std::io::{self, IsTerminal as _, Write};

use terminal_size::{Width, terminal_size_of};

/// Columns assumed where there is no terminal to ask.
const COLUMNS_DEFAULT: usize = 80;

/// Fewest columns that output is laid out for; a narrower terminal wraps.
const COLUMNS_MIN: usize = 40;

/// The standard output, and what is known about who reads it.
pub(crate) struct Terminal {
    out: Box<dyn Write + Send>,
    columns: usize,
    live: bool,
}

impl Terminal {
    /// That of this process.
    pub(crate) fn system() -> Self {
        let columns = terminal_size_of(io::stdout()).map_or(COLUMNS_DEFAULT, |(Width(columns), _)| columns.into());
        Self { out: Box::new(io::stdout()), columns: columns.max(COLUMNS_MIN), live: io::stderr().is_terminal() }
    }

    /// Columns to lay output out for.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Whether the error output is a terminal, where progress can be drawn over and over.
    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// Writes a line, or several, and a line end.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        self.bytes(text.as_bytes())?;
        self.bytes(b"\n")?;
        self.out.flush()
    }

    /// Writes bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)
    }
}
