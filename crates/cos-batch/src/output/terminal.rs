//! Where output goes.

use std::io::{self, IsTerminal as _, Write};

use terminal_size::{Height, Width, terminal_size_of};

/// Columns assumed where there is no terminal to ask.
const COLUMNS_DEFAULT: usize = 80;

/// Fewest columns that output is laid out for; a narrower terminal wraps.
const COLUMNS_MIN: usize = 40;

/// Fewest lines that are drawn.
const ROWS_MIN: usize = 4;

/// The standard output, and what is known about who reads it.
pub(crate) struct Terminal {
    out: Box<dyn Write + Send>,
    columns: usize,
    rows: usize,
    live: bool,
    draws: bool,
}

impl Terminal {
    /// That of this process.
    pub(crate) fn system() -> Self {
        let size = terminal_size_of(io::stdout());
        let (columns, rows) = size.map_or((COLUMNS_DEFAULT, usize::MAX), |(Width(columns), Height(rows))| {
            (columns.into(), usize::from(rows).max(ROWS_MIN))
        });
        Self {
            out: Box::new(io::stdout()),
            columns: columns.max(COLUMNS_MIN),
            rows,
            live: io::stderr().is_terminal(),
            draws: io::stdout().is_terminal(),
        }
    }

    /// Columns to lay output out for.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Whether the error output is a terminal, where progress can be drawn over and over.
    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// Lines that can be drawn; where there is no terminal, any number.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Whether the output is a terminal, where lines can be drawn over.
    pub(crate) fn draws(&self) -> bool {
        self.draws
    }

    /// Draws a text over the lines that were drawn before; `drawn` counts them.
    pub(crate) fn redraw(&mut self, drawn: &mut usize, text: &str) -> io::Result<()> {
        if *drawn > 0 {
            // To the first column so many lines up, and everything from there on cleared.
            self.bytes(format!("\u{1b}[{drawn}F\u{1b}[J").as_bytes())?;
        }
        *drawn = text.lines().count();
        self.line(text)
    }

    /// Writes a line, or several, and a line end.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        self.bytes(text.as_bytes())?;
        self.bytes(b"\n")?;
        self.out.flush().map_err(|error| named(&error))
    }

    /// Writes bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes).map_err(|error| named(&error))
    }
}

/// The error with what could not be written.
fn named(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("the standard output: {error}"))
}
