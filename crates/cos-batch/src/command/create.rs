//! `cos-batch create`

use std::{
    fs::File,
    io::{self, Read, Write as _},
    path::PathBuf,
};

use clap::Args;
use cos_batch_client::Client as ApiClient;
use cos_batch_engine::checks::{Finding, Level};
use cos_batch_model::{CreateJobRequest, CreateJobResult, JobId, xml};

use super::{
    Client,
    request::{FLAGS, Request},
    retry::{Place, place},
    validate, wait,
};
use crate::{
    connection::Connection,
    exit::{Error, Exit},
    failure::of_making,
    number::whole,
    output::{self, Format, Terminal, findings},
    remote::Remote,
    text::{clean, things},
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
    /// Have the job looked at first, as by `cos-batch validate`: warnings are shown, an error keeps it from being made
    #[arg(long, conflicts_with = "dry_run")]
    check: bool,
    /// Make two jobs: one over so many rows of the manifest, spread evenly over it, and one over all others, which
    /// waits for `cos-batch confirm`
    #[arg(long, value_name = "ROWS", conflicts_with = "dry_run", allow_negative_numbers = true, value_parser = whole(1..=u64::MAX))]
    sample: Option<u64>,
    /// Beginning of the names of the two manifests of --sample [default: that of the old manifest]
    #[arg(long, value_name = "BUCKET/KEY", value_parser = place, requires = "sample")]
    sample_to: Option<Place>,
    /// Wait until the job has ended; with --sample, the first of the two
    #[arg(long, conflicts_with = "dry_run")]
    wait: bool,
    #[command(flatten)]
    options: wait::Options,
    #[command(flatten)]
    request: Request,
    #[command(flatten)]
    pub(super) client: Client,
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

/// What helps where a file is no request.
const FORM: &str = "cos-batch create --dry-run with flags writes such a request";

impl Create {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        let request = request(self.file.as_ref(), &self.request, &self.client.connection)?;
        if self.dry_run {
            output::xml(terminal, &xml::to_bytes(&request))?;
            return Ok(Exit::Ok);
        }
        let client = self.client.connection.client()?;
        if self.sample.is_some() && self.client.output == Format::Xml && !self.wait {
            return Err(Error::usage("--output xml shows one job; with --sample use table or json"));
        }
        if self.check {
            check(&Remote::new(&client, &self.client.connection, "checks of jobs"), &request, terminal.columns())
                .await?;
        }
        let created = match self.sample {
            None => {
                let again = match self.file {
                    Some(_) => "the same file again: with the token in it no second job is made".to_owned(),
                    None => {
                        format!("the same again with --token {}: no second job is made", request.client_request_token)
                    }
                };
                client.create_job(request).await.map_err(|error| of_making(error, "the job was made", again))?
            }
            Some(rows) => match self.sampled(&client, &request, rows, terminal).await? {
                // All was said.
                None => return Ok(Exit::Ok),
                Some(first) => first,
            },
        };
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

impl Create {
    /// Makes two jobs; gives the first of them if it is to be waited for.
    async fn sampled(
        &self,
        client: &ApiClient,
        request: &CreateJobRequest,
        rows: u64,
        terminal: &mut Terminal,
    ) -> Result<Option<CreateJobResult>, Error> {
        let to = self.sample_to.as_ref().map(|place| (place.bucket.as_str(), place.key.as_str()));
        let remote = Remote::new(client, &self.client.connection, "samples of jobs");
        let made = remote.sample(xml::to_bytes(request), rows, to).await?;
        let first = JobId::new(made.sample.job_id.as_str()).map_err(Error::other)?;
        let second = clean(&made.rest.job_id).into_owned();
        let mut notes = io::stderr().lock();
        for (job, what) in [(&made.sample, "sample"), (&made.rest, "rest")] {
            let rows = things(job.rows, "row", "rows");
            let place = clean(&format!("{}/{}", job.manifest.bucket, job.manifest.key)).into_owned();
            // With the error output gone there is nobody to be told.
            let _ = writeln!(notes, "{what}: {rows}, listed in\n  {place}");
        }
        if request.confirmation_required {
            let _ = writeln!(notes, "begin with the sample: cos-batch confirm {first}");
        }
        let _ = writeln!(notes, "look at the sample:    cos-batch report {first}");
        let _ = writeln!(notes, "then the rest:         cos-batch confirm {second}");
        let _ = writeln!(notes, "or not:                cos-batch cancel {second}");
        drop(notes);
        if self.wait {
            return Ok(Some(CreateJobResult { job_id: first }));
        }
        match self.client.output {
            Format::Table => terminal.line(&format!("{first}\n{second}"))?,
            Format::Json => output::json(terminal, &made)?,
            // Refused before anything was made.
            Format::Xml => {}
        }
        Ok(None)
    }
}

/// Has a request looked at before the job is made.
async fn check(remote: &Remote<'_>, request: &CreateJobRequest, columns: usize) -> Result<(), Error> {
    let validation = validate::ask(remote, request).await?;
    let told: Vec<Finding> = validation.findings.iter().filter(|finding| finding.level > Level::Ok).cloned().collect();
    if !told.is_empty() {
        // With the error output gone there is nobody to be told.
        let _ = writeln!(io::stderr().lock(), "{}", findings::list(&told, columns));
    }
    if validation.result == Level::Error {
        return Err(Error::other("the job cannot run like this, and was not made"));
    }
    Ok(())
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
        .map_err(|error| Error::usage(format!("{place}: {error}")).with_next(FORM))?;
    request.validate().map_err(|error| Error::usage(format!("{place}: {error}")))?;
    Ok(request)
}
