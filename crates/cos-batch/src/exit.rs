//! How the program ends.

use std::{fmt, io, process::ExitCode};

use crate::{line::json_line, text::clean};

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

    /// This code once the result was written, also where nobody reads it any more: how a job ended does not depend on who
    /// reads about it.
    pub(crate) fn after(self, written: Result<(), Error>) -> Result<Self, Error> {
        match written {
            Err(error) if !error.is_broken_pipe() => Err(error),
            _ => Ok(self),
        }
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

/// Whom an error is about, and so what is told with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// What was typed, or a file here.
    Here,
    /// The server, or whatever answers in its place: its address is told.
    Server,
    /// Who may do what there: the key is told as well.
    Key,
}

/// Why a command could not do what it was asked to.
#[derive(Debug)]
pub(crate) struct Error {
    exit: Exit,
    message: String,
    about: About,
    /// What the person may do now.
    next: Option<String>,
    broken_pipe: bool,
}

/// Who is asked, and by whom; for errors.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) server: String,
    pub(crate) key: String,
}

impl Error {
    /// An error that ends the program with this code.
    pub(crate) fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self { exit, message: message.to_string(), about: About::Here, next: None, broken_pipe: false }
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

    /// The same about somebody else than us.
    #[must_use]
    pub(crate) fn about(self, about: About) -> Self {
        Self { about, ..self }
    }

    /// The same with what can be done now, instead of what was said of that before.
    #[must_use]
    pub(crate) fn with_next(self, next: impl fmt::Display) -> Self {
        Self { next: Some(next.to_string()), ..self }
    }

    /// The same with who was asked and by whom, as far as that matters.
    #[must_use]
    pub(crate) fn asked(mut self, asked: impl FnOnce() -> Asked) -> Self {
        if self.about != About::Here {
            let Asked { server, key } = asked();
            self.message.push_str(&format!("\nserver: {server}"));
            if self.about == About::Key {
                self.message.push_str(&format!("\nkey: {key}"));
            }
        }
        self
    }

    /// The code to end with.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// The same as one line of a log in JSON.
    pub(crate) fn json(&self) -> String {
        let code = ("exit_code", self.exit.code().into());
        let next = self.next.as_ref().map(|next| ("try", next.as_str().into()));
        json_line(&self.message, [code].into_iter().chain(next))
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
        lines.try_for_each(|line| write!(f, "\n{}", clean(line)))?;
        self.next.as_ref().map_or(Ok(()), |next| write!(f, "\ntry: {}", clean(next)))
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self { broken_pipe: error.kind() == io::ErrorKind::BrokenPipe, ..Self::other(error) }
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
        let error = Error::other("first \u{1b}[2J\nsecond \u{7}").while_doing("reading").with_next("third\u{9b}");
        assert_eq!(error.to_string(), "reading: first \\u{1b}[2J\nsecond \\u{7}\ntry: third\\u{9b}");
    }

    #[test]
    fn who_was_asked_is_told_where_it_matters() {
        let asked = || Asked { server: "http://h".to_owned(), key: "AKID1".to_owned() };
        let told = |about| Error::other("no").about(about).with_next("again").asked(asked).to_string();
        assert_eq!(told(About::Here), "no\ntry: again");
        assert_eq!(told(About::Server), "no\nserver: http://h\ntry: again");
        assert_eq!(told(About::Key), "no\nserver: http://h\nkey: AKID1\ntry: again");
    }

    #[test]
    fn a_result_that_nobody_reads_changes_no_exit_code() {
        let failed = |kind: io::ErrorKind| Exit::TasksFailed.after(Err(io::Error::from(kind).into()));
        assert_eq!(failed(io::ErrorKind::BrokenPipe).unwrap(), Exit::TasksFailed);
        assert_eq!(failed(io::ErrorKind::StorageFull).unwrap_err().exit(), Exit::Error);
    }
}
