//! `cos-batch validate`

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use clap::{Args, ValueEnum};
use cos_batch_engine::{checks::Level, view::Validation};
use cos_batch_model::{CreateJobRequest, xml};

use super::{
    create,
    request::{FLAGS, Request},
};
use crate::{
    connection::Connection,
    exit::{Error, Exit},
    output::{self, Terminal, findings},
    remote::Remote,
};

/// Look at everything that can be known of a job before it is made. Changes nothing.
///
/// Takes what `create` takes. The server looks at rights, buckets, the manifest with all its rows, and up to 100 objects
/// spread over it. The exit code is 1 if there is an error among the findings, 0 otherwise.
///
/// Needs a server that is `cos-batch serve`.
#[derive(Args, Debug)]
pub(crate) struct Validate {
    /// File with a CreateJobRequest in XML, `-` for the standard input; instead of the flags for a job
    #[arg(value_name = "FILE", conflicts_with_all = FLAGS)]
    file: Option<PathBuf>,
    #[command(flatten)]
    request: Request,
    /// How the result is written
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Result")]
    output: Format,
    #[command(flatten)]
    pub(super) connection: Connection,
}

/// How the result is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Table,
    /// One JSON document
    Json,
}

impl Validate {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        let request = create::request(self.file.as_ref(), &self.request, &self.connection)?;
        let client = self.connection.client()?;
        let validation = ask(&Remote::new(&client, &self.connection, "checks of jobs"), &request).await?;
        let written = match self.output {
            Format::Table => terminal.line(&findings::validation(&validation, terminal.columns())).map_err(Error::from),
            Format::Json => output::json(terminal, &validation),
        };
        let (exit, next) = match validation.result {
            Level::Error => (Exit::Error, "the job cannot run like this"),
            Level::Warning => {
                (Exit::Ok, "the job can run; read the warnings, then use `cos-batch create` with the same flags")
            }
            Level::Ok => (Exit::Ok, "the job can run: use `cos-batch create` with the same flags"),
        };
        // With the error output gone there is nobody to be told.
        let _ = writeln!(io::stderr().lock(), "{next}");
        exit.after(written)
    }
}

/// Has a request looked at.
pub(super) async fn ask(remote: &Remote<'_>, request: &CreateJobRequest) -> Result<Validation, Error> {
    remote.validate(xml::to_bytes(request)).await
}
