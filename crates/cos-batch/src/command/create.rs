//! `cos-batch create`

use std::{
    fs::File,
    io::{self, Read, Write as _},
    path::PathBuf,
};

use clap::Args;
use cos_batch_model::{CreateJobRequest, xml};

use super::{
    Client,
    request::{FLAGS, Request},
    wait,
};
use crate::{
    connection::Connection,
    exit::{Error, Exit},
    output::{self, Format, Terminal},
};

/// Make a job, from an XML file or from flags.
///
/// Writes the new job's id. With --wait, waits until the job has ended, like `cos-batch wait`.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Create {
    /// File with a CreateJobRequest in XML, `-` for the standard input; instead of the flags for a job
    #[arg(value_name = "FILE", conflicts_with_all = FLAGS)]
    file: Option<PathBuf>,
    /// Write the request as XML and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Wait until the job has ended
    #[arg(long, conflicts_with = "dry_run")]
    wait: bool,
    #[command(flatten)]
    options: wait::Options,
    #[command(flatten)]
    request: Request,
    #[command(flatten)]
    client: Client,
}

const EXAMPLES: &str = "Examples:
  Copy what a manifest names to another bucket, and write a report there:
    cos-batch create --operation copy --manifest photos-1250000000/lists/all.csv \\
      --etag \"$(md5sum < all.csv | cut -c1-32)\" --target archive-1250000000 \\
      --report-bucket archive-1250000000 --report-prefix reports

  Delete it:
    cos-batch create --operation delete --manifest photos-1250000000/lists/old.csv --etag ETAG

  See the XML of a request:
    cos-batch create --dry-run --operation tag --tag team=art --manifest ... --etag ...";

impl Create {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        let request = request(self.file.as_ref(), &self.request, &self.client.connection)?;
        if self.dry_run {
            output::xml(terminal, &xml::to_bytes(&request))?;
            return Ok(Exit::Ok);
        }
        let client = self.client.connection.client()?;
        let created = client.create_job(request).await?;
        if self.wait {
            let _ = writeln!(io::stderr().lock(), "{}", created.job_id);
            let job = wait::until_ended(&client, &created.job_id, self.options, terminal.is_live()).await?;
            return wait::show(job, self.client.output, terminal);
        }
        match self.client.output {
            Format::Table => terminal.line(created.job_id.as_str())?,
            Format::Json => output::json(terminal, &created)?,
            Format::Xml => output::xml(terminal, &xml::to_bytes_declared(&created))?,
        }
        Ok(Exit::Ok)
    }
}

/// The request in a file, or the one that flags stand for.
pub(super) fn request(
    file: Option<&PathBuf>,
    flags: &Request,
    connection: &Connection,
) -> Result<CreateJobRequest, Error> {
    match file {
        Some(path) if path.as_os_str() == "-" => read("the standard input", io::stdin()),
        Some(path) => {
            let place = path.display().to_string();
            let file = File::open(path).map_err(|error| Error::usage(format!("{place}: {error}")))?;
            read(&place, file)
        }
        None => flags.build(connection),
    }
}

/// Reads and checks a request here, where the message can name the file; the server does so again.
fn read(place: &str, input: impl Read) -> Result<CreateJobRequest, Error> {
    let mut text = Vec::new();
    let most = xml::MAX_REQUEST_BYTES;
    let read = input.take(most as u64 + 1).read_to_end(&mut text);
    read.map_err(|error| Error::usage(format!("{place}: {error}")))?;
    if text.len() > most {
        return Err(Error::usage(format!("{place}: larger than {most} bytes, which is the most for a request")));
    }
    let request: CreateJobRequest = xml::from_slice(text.trim_ascii(), xml::Mode::Strict)
        .map_err(|error| Error::usage(format!("{place}: {error}")))?;
    request.validate().map_err(|error| Error::usage(format!("{place}: {error}")))?;
    Ok(request)
}
