//! Where log lines go, and how they look.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    ffi::OsString,
    io::{IsTerminal as _, Write as _},
    panic, thread,
};

use clap::ValueEnum as _;
use serde_json::Value;
use tracing_subscriber::{
    EnvFilter, Layer, Registry, fmt, layer::SubscriberExt as _, reload, util::SubscriberInitExt as _,
};

use crate::{exit::Error, line::json_line};

/// How log lines look. One line is one event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line, for programs
    Json,
}

impl LogFormat {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// The variable that says how log lines look.
pub(crate) const FORMAT_VARIABLE: &str = "COS_BATCH_LOG_FORMAT";

/// The flag that says it.
const FORMAT_FLAG: &str = "--log-format";

/// How lines look as far as the environment says it.
pub(crate) fn format_of_environment() -> Option<LogFormat> {
    LogFormat::from_str(&std::env::var(FORMAT_VARIABLE).ok()?, false).ok()
}

/// How lines are to look by a command line that cannot be understood as a whole: `serve` has the flag, else the variable holds.
pub(crate) fn format_of(words: impl IntoIterator<Item = OsString>) -> LogFormat {
    let mut words = words.into_iter().filter_map(|word| word.into_string().ok()).skip(1);
    if words.next().as_deref() != Some("serve") {
        return LogFormat::Text;
    }
    let mut said = None;
    while let Some(word) = words.next() {
        let value = match word.strip_prefix(FORMAT_FLAG) {
            Some("") => words.next(),
            Some(rest) => rest.strip_prefix('=').map(str::to_owned),
            None => None,
        };
        said = value.and_then(|value| LogFormat::from_str(&value, false).ok()).or(said);
    }
    said.or_else(format_of_environment).unwrap_or_default()
}

/// From now on a panic is one line of the log in JSON, with a backtrace where `RUST_BACKTRACE` asks for one.
pub(crate) fn panics_as_json() {
    panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("a panic without a text");
        let mut more: Vec<(&'static str, Value)> = vec![("panic", true.into())];
        more.extend(panic.location().map(|place| ("location", place.to_string().into())));
        more.extend(thread::current().name().map(|name| ("thread", name.into())));
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            more.push(("backtrace", backtrace.to_string().into()));
        }
        // With the error output gone as well there is nobody left to tell.
        let _ = writeln!(std::io::stderr().lock(), "{}", json_line(message, more));
    }));
}

/// What selects lines, and can be exchanged while the program runs.
#[derive(Clone, Debug)]
pub(crate) struct Selection(reload::Handle<EnvFilter, Registry>);

impl Selection {
    /// Selects by these directives from now on.
    pub(crate) fn set(&self, directives: &str) -> Result<(), Error> {
        let filter = filter(directives)?;
        self.0.reload(filter).map_err(|error| Error::other(format!("log filter: {error}")))
    }
}

/// Writes log lines of a command to the error output: those that the environment variable `RUST_LOG` selects, else
/// `default`.
pub(crate) fn start(default: &str) -> Result<(), Error> {
    let named = std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
    begin(named.as_deref().unwrap_or(default), LogFormat::Text, None).map(drop)
}

/// What takes note of spans, beside the lines.
pub(crate) type Spans = Box<dyn Layer<Registry> + Send + Sync>;

/// Writes log lines to the error output: those that `directives` select. That selection is of lines alone: `spans` has its own.
pub(crate) fn begin(directives: &str, format: LogFormat, spans: Option<Spans>) -> Result<Selection, Error> {
    let (filter, handle) = reload::Layer::new(filter(directives)?);
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(is_colored());
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.with_ansi(false).json().flatten_event(true).with_span_list(false).boxed(),
    };
    let started = match spans {
        // One filter for all is the cheaper one.
        None => tracing_subscriber::registry().with(filter.and_then(lines)).try_init(),
        Some(spans) => tracing_subscriber::registry().with(vec![lines.with_filter(filter).boxed(), spans]).try_init(),
    };
    started.map_err(|error| Error::other(format!("logging could not be started: {error}")))?;
    Ok(Selection(handle))
}

/// Whether lines have colors: on a terminal, unless somebody wants none (no-color.org).
fn is_colored() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && std::io::stderr().is_terminal()
}

fn filter(directives: &str) -> Result<EnvFilter, Error> {
    EnvFilter::try_new(directives).map_err(|error| {
        Error::usage(format!(
            "log filter {directives:?}: {error}; write for example `info` or `cos_batch_engine=debug`"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_command_line_says_how_its_error_is_to_look() {
        let format = |line: &str| format_of(line.split(' ').map(OsString::from));
        for line in ["cos-batch serve --lisen 1 --log-format json", "cos-batch serve --log-format=json x"] {
            assert_eq!(format(line), LogFormat::Json, "{line}");
        }
        for line in [
            "cos-batch serve --log-format=json --log-format text --lisen",
            "cos-batch list --log-format json",
            "cos-batch serve --log-format",
            "cos-batch serve --log-formatjson",
        ] {
            assert_eq!(format(line), LogFormat::Text, "{line}");
        }
    }

    #[test]
    fn a_wrong_filter_is_refused_with_an_example() {
        let error = filter("cos_batch=loud").unwrap_err().to_string();
        assert!(
            error.starts_with("log filter \"cos_batch=loud\": ") && error.contains("for example `info`"),
            "{error}"
        );
        assert!(filter("warn,cos_batch_engine=debug").is_ok());
    }
}
