//! Where log lines go.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::exit::Error;

/// Writes log lines to the error output: those that `directives` select, else those of the environment variable
/// `RUST_LOG`, else `default`.
pub(crate) fn start(directives: Option<&str>, default: &str) -> Result<(), Error> {
    let named =
        directives.map(str::to_owned).or_else(|| std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty()));
    let text = named.as_deref().unwrap_or(default);
    let filter = EnvFilter::try_new(text).map_err(|error| {
        Error::usage(format!("log filter {text:?}: {error}; write for example `info` or `cos_batch_engine=debug`"))
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init()
        .map_err(|error| Error::other(format!("logging could not be started: {error}")))
}
