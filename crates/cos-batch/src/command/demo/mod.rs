//! `cos-batch demo`: everything at work in a few seconds.

mod check;
mod fill;
mod report;

use std::{
    env, fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use clap::Args;
use cos_batch_client::Client as ApiClient;
use cos_batch_model::{
    BucketArn, ClientRequestToken, CreateJobRequest, Description, ETag, Job, JobId, Manifest, ManifestField,
    ManifestFormat, ManifestLocation, ManifestSpec, ObjectArn, Operation, Priority, PutObjectCopy, Report,
    ReportPrefix, ReportScope, RoleArn, ValidationError,
};
use cos_batch_objectstore::FolderStore;
use cos_batch_server::rate::RateLimit;

use self::{fill::Filled, report::Rows};
use super::{
    serve::{Asked, Signals, quoted},
    wait,
};
use crate::{
    config::{Config, Given, Role, rate_on_this_machine},
    connection::Connection,
    exit::{Error, Exit},
    number::whole,
    output::{Terminal, wire},
    serve::{Addresses, Callers, DataFolder, Home, Server},
    text::{clean, count, wrap},
};

const SOURCE: &str = "demo-src-1250000000";
const TARGET: &str = "demo-dst-1250000000";
/// A bucket of another account: rows that name it must fail.
const FOREIGN: &str = "other-1251111111";
const MANIFEST_KEY: &str = "lists/all.csv";
const REPORT_PREFIX: &str = "reports";
const REGION: &str = "local";
/// Where the commands shown at the end keep their files.
const FOLDER_SHOWN: &str = "try";
const OBJECTS_DEFAULT: u64 = 2000;
/// Before the lines of a reason.
const INDENT: &str = "     ";
/// Failed rows that are shown.
const FAILURES_SHOWN: usize = 4;

/// See everything at work in a few seconds, without any set-up.
///
/// Fills a bucket with files, starts the real server on a free port, makes a job that copies them through the real
/// signed client, shows its progress, its description as it came over the wire and its report, and compares each copy
/// with its source.
#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// How many files to copy
    #[arg(long, value_name = "COUNT", default_value_t = OBJECTS_DEFAULT, allow_negative_numbers = true, value_parser = whole(1..=1_000_000))]
    objects: u64,
    /// Keep everything in this folder, which must be empty or not exist, instead of a temporary one
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

impl Demo {
    pub(super) async fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        let mut signals = Signals::new()?;
        tokio::select! {
            result = self.show(terminal) => result,
            // Ends here rather than by the signal, so that the temporary folder is removed.
            name = async {
                loop {
                    // There is nothing to read again.
                    if let Asked::Stop(name) = signals.next().await {
                        break name;
                    }
                }
            } => Err(Error::other(name)),
        }
    }

    async fn show(&self, terminal: &mut Terminal) -> Result<Exit, Error> {
        let (folder, _temporary) = self.folder()?;
        let data = DataFolder::open(&folder)?;
        let (keys, _) = data.own_key()?;
        let key_file = data.credentials();
        let store = FolderStore::open(data.buckets())?;

        let filled = fill::fill(&store, &data.buckets(), self.objects).await?;
        let (files, rows) = (count(self.objects), count(filled.rows));
        terminal.line(&format!("1. Files: {files} in bucket {SOURCE}, {} KB.", count(filled.bytes / 1000)))?;
        terminal.line(&format!("   The manifest has {rows} rows, {} of which must fail.\n", filled.must_fail))?;

        let jobs = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let free_port = Addresses { jobs, objects: None, metrics: None, console: false };
        let (config, limit) = (Config::default(), RateLimit::new(rate_on_this_machine(&Given::default())));
        let server =
            Server::start(Home::Folder(data), &config, Callers::Keys(keys), free_port, Role::All, limit).await?;
        let endpoint = format!("http://{}", server.address());
        terminal.line(&format!("2. Server: {endpoint}, with a key made just now.\n"))?;

        let client = Connection::to(endpoint, key_file).client()?;
        let request = request(&filled.manifest_etag).map_err(Error::other)?;
        let id = client.create_job(request).await?.job_id;
        terminal.line(&format!("3. Job: {id}\n   copies them to bucket {TARGET}."))?;
        let job = wait::until_ended(&client, &id, wait::Options::default(), terminal.is_live()).await?;

        describe(terminal, &client, &id).await?;
        let report = report::read_report(&store, TARGET, &report_key(&id)).await?;
        show_report(terminal, &report, &id)?;
        let right = self.check(terminal, &store, &job, &filled, &report).await?;
        self.next_steps(terminal, &filled, &id)?;
        // Its connections go with it.
        drop(client);
        server.shutdown().await;
        Ok(if right { Exit::Ok } else { Exit::Error })
    }

    fn folder(&self) -> Result<(PathBuf, Option<tempfile::TempDir>), Error> {
        let Some(folder) = &self.keep else {
            let temporary = tempfile::Builder::new().prefix("cos-batch-demo-").tempdir()?;
            return Ok((temporary.path().to_owned(), Some(temporary)));
        };
        let place = folder.display();
        match fs::read_dir(folder).map(|mut entries| entries.next().is_some()) {
            Ok(true) => return Err(Error::usage(format!("--keep {place}: the folder is not empty"))),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::usage(format!("--keep {place}: {error}")));
            }
            _ => {}
        }
        Ok((folder.clone(), None))
    }

    /// Says whether everything came out as it had to.
    async fn check(
        &self,
        terminal: &mut Terminal,
        store: &FolderStore,
        job: &Job,
        filled: &Filled,
        report: &Rows,
    ) -> Result<bool, Error> {
        let mut wrong = check::copies(store, filled).await?;
        wrong.extend(check::books(job, filled, report));
        if wrong.is_empty() {
            terminal
                .line(&format!("6. Check: all {} copies have the bytes of their source.\n", count(self.objects)))?;
        } else {
            terminal.line("6. Check: NOT AS IT SHOULD BE:")?;
            for line in &wrong {
                terminal.line(&format!("   - {}", clean(line)))?;
            }
            terminal.line("")?;
        }
        Ok(wrong.is_empty())
    }

    fn next_steps(&self, terminal: &mut Terminal, filled: &Filled, id: &JobId) -> Result<(), Error> {
        let program = quoted(&env::args().next().unwrap_or_else(|| "cos-batch".to_owned()));
        let folder = self.keep.as_deref().unwrap_or(Path::new(FOLDER_SHOWN));
        let shown = quoted(&folder.display().to_string());
        terminal.line("Next, try the same step by step:")?;
        if self.keep.is_none() {
            let objects = match self.objects {
                OBJECTS_DEFAULT => String::new(),
                other => format!(" --objects {other}"),
            };
            terminal.line(&format!("  {program} demo{objects} --keep {shown}"))?;
        }
        terminal.line(&format!("  {program} serve --data {shown}"))?;
        terminal.line("and in another shell:")?;
        let key_file = quoted(&folder.join("credentials.toml").display().to_string());
        terminal.line(&format!("  export COS_CREDENTIALS={key_file}"))?;
        terminal.line(&format!("  {program} list"))?;
        if self.keep.is_some() {
            terminal.line(&format!("  {program} describe {id}"))?;
        }
        terminal.line(&format!("  {program} create --wait --operation copy \\"))?;
        terminal.line(&format!("    --manifest {SOURCE}/{MANIFEST_KEY} \\"))?;
        terminal.line(&format!("    --etag {} --target {TARGET} \\", filled.manifest_etag))?;
        terminal.line(&format!("    --report-bucket {TARGET} --report-prefix {REPORT_PREFIX}"))?;
        Ok(())
    }
}

fn request(etag: &str) -> Result<CreateJobRequest, ValidationError> {
    let target = BucketArn::for_bucket(REGION, TARGET)?;
    Ok(CreateJobRequest {
        client_request_token: ClientRequestToken::new(uuid::Uuid::new_v4().to_string())?,
        confirmation_required: false,
        description: Some(Description::new("demo: copy every file & report")?),
        manifest: Manifest {
            location: ManifestLocation {
                e_tag: ETag::new(etag)?,
                object_arn: ObjectArn::for_object(REGION, SOURCE, MANIFEST_KEY)?,
                object_version_id: None,
            },
            spec: ManifestSpec {
                fields: vec![ManifestField::Bucket.into(), ManifestField::Key.into()],
                format: ManifestFormat::BatchOperationsCsv.into(),
            },
        },
        operation: Operation::PutObjectCopy(Box::new(PutObjectCopy::to(target.clone()))),
        priority: Priority::new(10)?,
        report: Report { prefix: Some(ReportPrefix::new(REPORT_PREFIX)?), ..Report::to(target, ReportScope::AllTasks) },
        role_arn: RoleArn::new("qcs::cam::uin/0:roleName/none")?,
    })
}

fn report_key(id: &JobId) -> String {
    format!("{REPORT_PREFIX}/job-{id}/manifest.json")
}

async fn describe(terminal: &mut Terminal, client: &ApiClient, id: &JobId) -> Result<(), Error> {
    let response = client.describe_job_response(id).await?;
    terminal
        .line(&format!("\n4. DescribeJob, as it came over the wire (with line breaks added):\n\n  GET /jobs/{id}"))?;
    terminal.line(&wire::answer(&response, terminal.columns()))?;
    Ok(())
}

fn show_report(terminal: &mut Terminal, report: &Rows, id: &JobId) -> Result<(), Error> {
    terminal.line(&format!("\n5. Report: in bucket {TARGET}\n   {}", report_key(id)))?;
    let (rows, failed) = (count(report.rows), count(report.failed));
    terminal.line(&format!("   It has {rows} rows, of which {failed} failed. The first of these:"))?;
    for failure in report.failures.iter().take(FAILURES_SHOWN) {
        for line in wrap(&format!("- {}/{}", failure.bucket, clean(&failure.key)), terminal.columns() - 3) {
            terminal.line(&format!("   {line}"))?;
        }
        let reason = format!("{} {}: {}", failure.status, clean(&failure.code), clean(&failure.message));
        for line in wrap(&reason, terminal.columns().saturating_sub(INDENT.len())) {
            terminal.line(&format!("{INDENT}{line}"))?;
        }
    }
    terminal.line("")?;
    Ok(())
}
