//! Where log lines go, and how they look.

use std::io::IsTerminal as _;

use tracing_subscriber::{
    EnvFilter, Layer, Registry, fmt, layer::SubscriberExt as _, reload, util::SubscriberInitExt as _,
};

use crate::exit::Error;

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
    fn a_wrong_filter_is_refused_with_an_example() {
        let error = filter("cos_batch=loud").unwrap_err().to_string();
        assert!(
            error.starts_with("log filter \"cos_batch=loud\": ") && error.contains("for example `info`"),
            "{error}"
        );
        assert!(filter("warn,cos_batch_engine=debug").is_ok());
    }
}
