//! Preparing a job: check what can be known before it runs, read the manifest once, and cut it into shards.

mod checks;
mod csv;
mod file;
mod inventory;

use std::{sync::Arc, time::Duration};

use cos_batch_objectstore::{ErrorKind, ObjectMeta, StoreError as ObjectError, VersionSelector};

use super::{
    core::Core,
    offload::offload,
    source::{Source, version},
    stop::{Level, Stop},
    survey,
};
use crate::{
    job::{Failure, JobRecord, Outlook, PinnedManifest},
    lifecycle::Command,
    manifest::Columns,
    spec::{Column, ManifestFormat},
    store::{JobLease, Shard, ShardSource, StoreError},
};

/// Shards written to the job store at once.
const SHARD_BATCH: usize = 256;

/// Tries of a read that fails in passing.
const READ_ATTEMPTS_MAX: u32 = 5;

/// Pause between two such tries.
const READ_PAUSE: Duration = Duration::from_millis(200);

/// Pause after preparing could not go on for a reason outside the job, before anybody takes it up again.
const FAULT_PAUSE: Duration = Duration::from_secs(1);

/// Longest name of a file in a failure's reason, which has 256 bytes on the wire: the place and the rule must fit in
/// behind it. A longer one loses its beginning.
const NAME_BYTES_MAX: usize = 110;

/// Why preparing did not come to its end.
#[derive(Debug)]
enum Prepared {
    /// The job cannot run.
    Unfit(Failure),
    /// Stopped, or something outside the job failed: somebody tries again.
    Later(String),
}

impl From<StoreError> for Prepared {
    fn from(error: StoreError) -> Self {
        Self::Later(error.to_string())
    }
}

fn unfit(code: &str, reason: impl Into<String>) -> Prepared {
    Prepared::Unfit(Failure { code: code.to_owned(), reason: reason.into() })
}

/// A file and what is wrong with it.
fn located(source: &Source, rule: impl std::fmt::Display) -> String {
    let name = format!("{}/{}", source.bucket, source.key);
    if name.len() <= NAME_BYTES_MAX {
        return format!("{name}: {rule}");
    }
    let from = name.ceil_char_boundary(name.len() - NAME_BYTES_MAX);
    format!("\u{2026}{}: {rule}", &name[from..])
}

/// Prepares a job under its lease, and takes it to Ready, Suspended or Failing.
pub(crate) async fn run(core: Arc<Core>, job: JobRecord, lease: JobLease, stop: Arc<Stop>) {
    let id = job.id;
    let renew = || core.store.renew_job(&lease, core.config.lease);
    let result = core.holding(renew, prepare(&core, &job, &lease, &stop)).await;
    let after = match result {
        Ok((manifest, total, outlook)) => {
            let confirmation_required = job.spec.confirmation_required;
            let prepared = Command::Prepared { manifest, confirmation_required, outlook };
            core.change(id, prepared, Some(total), false).await.map(|_| ())
        }
        Err(Prepared::Unfit(failure)) => {
            tracing::info!(job = %id, code = failure.code, reason = failure.reason, "job cannot run");
            core.command(id, Command::Fail(failure)).await.map(|_| ())
        }
        Err(Prepared::Later(reason)) => {
            tracing::info!(job = %id, reason, "preparing stopped");
            // Whoever goes on would meet the same at once.
            tokio::select! {
                () = tokio::time::sleep(FAULT_PAUSE) => {}
                () = stop.above(Level::Run) => {}
            }
            Ok(())
        }
    };
    if let Err(error) = after {
        // A job cancelled meanwhile refuses; it has what it needs.
        tracing::debug!(job = %id, %error, "preparing had no effect");
    }
    if let Err(error) = core.store.release_job(&lease).await {
        tracing::warn!(job = %id, %error, "lease could not be given back");
    }
}

/// What the manifest says once it was read.
struct Read {
    rows: u64,
    /// The bucket whose objects the job works on; empty without rows.
    source_bucket: String,
    /// Columns of an inventory.
    columns: Option<Vec<Column>>,
}

/// What all parts of preparing need.
#[derive(Clone)]
struct Context {
    core: Arc<Core>,
    job: Arc<JobRecord>,
    lease: JobLease,
    stop: Arc<Stop>,
}

async fn prepare(
    core: &Arc<Core>,
    job: &JobRecord,
    lease: &JobLease,
    stop: &Arc<Stop>,
) -> Result<(PinnedManifest, u64, Outlook), Prepared> {
    let spec = &job.spec.manifest;
    checks::check_buckets(core, job, stop).await?;
    let columns = match &spec.format {
        ManifestFormat::Csv { columns } => Some(Columns::new(columns).ok_or_else(|| {
            unfit("ManifestMalformed", "Fields must name Bucket once, Key once, VersionId at most once")
        })?),
        ManifestFormat::Inventory => None,
    };
    let mut source = Source::of_manifest(core.buckets.store(&spec.bucket), spec, version(spec), None);
    let head = head(&source, stop).await?.map_err(|error| unreadable("Manifest", &source, &error))?;
    if !head.etag.eq_ignore_ascii_case(&spec.etag) {
        let reason = format!("Manifest.Location.ETag is {}, but the object has {}", spec.etag, head.etag);
        return Err(unfit("ManifestETagMismatch", reason));
    }
    // From here on only this content is read, and where the bucket keeps versions, only this version.
    source.pin = Some(head.pin.clone());
    if let Some(id) = &head.version_id {
        source.version = VersionSelector::Id(id.clone());
    }
    begin_anew(core, lease).await?;
    let context =
        Context { core: Arc::clone(core), job: Arc::new(job.clone()), lease: lease.clone(), stop: Arc::clone(stop) };
    let read = match columns {
        Some(columns) => csv::index(&context, source, head.size, columns).await?,
        None => inventory::index(&context, source, head.size).await?,
    };
    checks::check_capabilities(core, job, &read.source_bucket, stop).await?;
    let manifest = PinnedManifest {
        size: head.size,
        pin: head.pin,
        version: head.version_id,
        columns: read.columns,
        source_bucket: read.source_bucket,
    };
    let outlook = if job.spec.confirmation_required {
        outlook(core, job, &manifest, read.rows, stop).await?
    } else {
        Outlook::default()
    };
    Ok((manifest, read.rows, outlook))
}

/// What confirming the job will do: for whoever is asked to.
async fn outlook(
    core: &Core,
    job: &JobRecord,
    manifest: &PinnedManifest,
    rows: u64,
    stop: &Stop,
) -> Result<Outlook, Prepared> {
    tokio::select! {
        biased;
        () = stop.above(Level::Run) => Err(Prepared::Later("asked to stop".to_owned())),
        outlook = survey::outlook(core, job, manifest, rows) => Ok(outlook),
    }
}

/// Forgets what an earlier try has left, of which nothing was worked on yet. Rows that it put into the spool would be in
/// the way of this one where there is little room.
async fn begin_anew(core: &Core, lease: &JobLease) -> Result<(), Prepared> {
    core.store.clear_shards(lease).await?;
    if lease.epoch > 1 {
        let (spool, job) = (core.spool.clone(), lease.job);
        let sweep = async move { spool.sweep(job, false).await };
        offload(core.spool.store().execution(), sweep)
            .await
            .map_err(|error| Prepared::Later(format!("the spool could not be swept: {error}")))?;
    }
    Ok(())
}

/// Shards on their way into the job store, numbered as they come.
struct Shards<'a> {
    context: &'a Context,
    waiting: Vec<Shard>,
    next: u32,
}

impl<'a> Shards<'a> {
    fn new(context: &'a Context) -> Self {
        Self { context, waiting: Vec::with_capacity(SHARD_BATCH), next: 0 }
    }

    async fn add(&mut self, source: ShardSource, first_row: u64, rows: u64) -> Result<(), Prepared> {
        let index = self.next;
        let Some(next) = index.checked_add(1) else {
            return Err(unfit("ManifestMalformed", format!("the manifest has more than {} pieces", u32::MAX)));
        };
        self.next = next;
        self.waiting.push(Shard { index, source, first_row, rows });
        if self.waiting.len() == SHARD_BATCH {
            self.write().await?;
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), Prepared> {
        if !self.waiting.is_empty() {
            let shards = std::mem::take(&mut self.waiting);
            self.context.core.store.add_shards(&self.context.lease, shards).await?;
        }
        Ok(())
    }
}

/// Attributes of a file.
async fn head(source: &Source, stop: &Stop) -> Result<Result<ObjectMeta, ObjectError>, Prepared> {
    let ask = || {
        let source = source.clone();
        offload(source.store.execution(), async move {
            source.store.head(&source.bucket, &source.key, &source.version).await
        })
    };
    patiently(stop, ask).await
}

/// Something read while preparing, tried again while it fails in passing.
async fn patiently<T, F>(stop: &Stop, read: impl Fn() -> F) -> Result<Result<T, ObjectError>, Prepared>
where
    F: Future<Output = Result<T, ObjectError>>,
{
    let mut attempts = 0;
    loop {
        attempts += 1;
        let result = tokio::select! {
            biased;
            () = stop.above(Level::Run) => return Err(Prepared::Later("asked to stop".to_owned())),
            result = read() => result,
        };
        match result {
            Err(error) if error.kind().is_transient() && attempts < READ_ATTEMPTS_MAX => {
                tokio::time::sleep(READ_PAUSE).await;
            }
            result => return Ok(result),
        }
    }
}

/// Why a file that cannot be read fails its job; `code` begins the code.
fn unreadable(code: &str, source: &Source, error: &ObjectError) -> Prepared {
    let end = match error.kind() {
        ErrorKind::NoSuchBucket | ErrorKind::NoSuchKey | ErrorKind::NoSuchVersion => "NotFound",
        ErrorKind::PreconditionFailed => "Changed",
        ErrorKind::AccessDenied => "AccessDenied",
        _ => "NotReadable",
    };
    // What is missing is named already.
    let why = if end == "NotFound" { String::new() } else { format!(": {}", error.message()) };
    let rule = format!("cannot be read: {}{why}", error.kind().code());
    unfit(&format!("{code}{end}"), located(source, rule))
}
