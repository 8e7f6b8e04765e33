//! How the program ends.

use std::{fmt, io, process::ExitCode};

use crate::text::clean;

/// What the program's exit code says. Scripts rely on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; a job that was waited for is complete and no task failed.
    Ok = 0,
    /// Any other error.
    Error = 1,
    /// The command line, a file it names or the configuration is wrong.
    Usage = 2,
    /// The job failed as a whole.
    JobFailed = 3,
    /// The job is complete, and some of its tasks failed.
    TasksFailed = 4,
    /// The job was cancelled.
    Cancelled = 5,
    /// The server did not accept the key or the signature, or the key may not do this.
    NotAuthorized = 6,
    /// The server could not be reached.
    Unreachable = 7,
    /// There is no such job.
    NotFound = 8,
    /// Another server already works on the folder.
    AlreadyRunning = 9,
    /// The wait ended before the job did.
    NotFinished = 10,
}

impl Exit {
    /// Every code.
    pub(crate) const ALL: [Self; 11] = [
        Self::Ok,
        Self::Error,
        Self::Usage,
        Self::JobFailed,
        Self::TasksFailed,
        Self::Cancelled,
        Self::NotAuthorized,
        Self::Unreachable,
        Self::NotFound,
        Self::AlreadyRunning,
        Self::NotFinished,
    ];

    /// What it means, for the help text.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "done; a job waited for is complete and no task failed",
            Self::Error => "any other error",
            Self::Usage => "wrong usage, or a wrong file or setting",
            Self::JobFailed => "the job failed as a whole",
            Self::TasksFailed => "the job is complete, but some of its tasks failed",
            Self::Cancelled => "the job was cancelled",
            Self::NotAuthorized => "not authorized: key, signature or rights",
            Self::Unreachable => "the server could not be reached",
            Self::NotFound => "there is no such job",
            Self::AlreadyRunning => "another server already works on the folder",
            Self::NotFinished => "the wait ended before the job did",
        }
    }

    /// The number.
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }

    /// All codes with their meaning, one in a line.
    pub(crate) fn help() -> String {
        let lines: Vec<String> =
            Self::ALL.iter().map(|exit| format!("  {:>2}  {}", exit.code(), exit.meaning())).collect();
        format!("Exit codes:\n{}", lines.join("\n"))
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command could not do what it was asked to.
#[derive(Debug)]
pub(crate) struct Error {
    exit: Exit,
    message: String,
    broken_pipe: bool,
}

impl Error {
    /// An error that ends the program with this code.
    pub(crate) fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self { exit, message: message.to_string(), broken_pipe: false }
    }

    /// Wrong usage.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Any other error.
    pub(crate) fn other(message: impl fmt::Display) -> Self {
        Self::new(Exit::Error, message)
    }

    /// The same with what was being done in front.
    #[must_use]
    pub(crate) fn while_doing(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// The code to end with.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Whether it only says that nobody reads our output any more.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.broken_pipe
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Messages quote what servers and files say; none of it may steer the terminal.
        let mut lines = self.message.lines();
        f.write_str(&clean(lines.next().unwrap_or_default()))?;
        lines.try_for_each(|line| write!(f, "\n{}", clean(line)))
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self { exit: Exit::Error, broken_pipe: error.kind() == io::ErrorKind::BrokenPipe, message: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_in_order() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes, (0..11).collect::<Vec<u8>>());
    }

    #[test]
    fn the_page_on_the_command_line_lists_every_code() {
        let page = include_str!("../../../docs/cli.md");
        for exit in Exit::ALL {
            let row = format!("| {} | {} |", exit.code(), exit.meaning());
            assert!(page.contains(&row), "docs/cli.md has no row {row:?}");
        }
    }

    #[test]
    fn an_error_cannot_steer_the_terminal() {
        let error = Error::other("first \u{1b}[2J\nsecond \u{7}").while_doing("reading");
        assert_eq!(error.to_string(), "reading: first \\u{1b}[2J\nsecond \\u{7}");
    }
}
