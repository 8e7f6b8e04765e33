//! Preparing a job: check what can be known before it runs, read the manifest once, and cut it into shards.

mod checks;
mod csv;
mod file;
mod inventory;
mod listed;
mod share;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use cos_batch_objectstore::{ErrorKind, ObjectMeta, Pin, StoreError as ObjectError, VersionSelector};

use super::{
    core::{CommandError, Core, Kind, Piece},
    fault::{self, Fault},
    offload::offload,
    patience,
    source::{Source, version},
    stop::{Level, Stop},
    survey, trace,
};
use crate::{
    job::{Failure, JobRecord, Outlook, PinnedManifest},
    lifecycle::Command,
    manifest::Columns,
    spec::{Column, ManifestFormat},
    store::{JobChange, JobLease, Shard, ShardSource, StoreError},
};

pub(crate) use self::share::help;

/// Shards written to the job store at once.
const SHARD_BATCH: usize = 256;

/// Longest name of a file in a failure's reason, which has 256 bytes on the wire: the place and the rule must fit in
/// behind it. A longer one loses its beginning.
const NAME_BYTES_MAX: usize = 110;

/// Why preparing did not come to its end.
#[derive(Debug)]
pub(super) enum Prepared {
    /// The job cannot run.
    Unfit(Failure),
    /// Something outside the job failed: somebody tries again.
    Later(Fault),
    /// It was stopped: somebody tries again, if anybody does.
    Stopped,
}

impl From<StoreError> for Prepared {
    fn from(error: StoreError) -> Self {
        later("InternalError", error.to_string())
    }
}

/// What fails the job with this code, if it never gets better.
fn later(code: &str, reason: impl Into<String>) -> Prepared {
    Prepared::Later(Fault::new(code, reason))
}

fn unfit(code: &str, reason: impl Into<String>) -> Prepared {
    Prepared::Unfit(Failure::new(code, reason))
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
    let piece = Piece { job: id, kind: Kind::Prepare };
    let renew = || core.store.renew_job(&lease, core.config.lease);
    // Somebody took it up before its rest was over.
    let result = match core.troubles.rest(piece) {
        Some(time) => core.rest(piece, &stop, time, renew).await.map(|()| None),
        None => try_once(&core, &job, &lease, &stop).await,
    };
    let after = match result {
        Ok(Some(command)) => {
            core.troubles.over(piece);
            command.write(&core, &lease).await
        }
        Ok(None) => Ok(()),
        Err(error) => Err(error.into()),
    };
    if let Err(error) = after {
        // A job cancelled meanwhile refuses; it has what it needs.
        tracing::debug!(job = %id, %error, "preparing had no effect");
    }
    if let Err(error) = core.store.release_job(&lease).await {
        tracing::warn!(job = %id, %error, "lease could not be given back");
    }
}

/// What becomes of a job.
struct Change {
    command: Command,
    total: Option<u64>,
}

impl Change {
    /// Under the lease: whoever prepares the job by now has begun anew, and other shards than these are there.
    async fn write(self, core: &Core, lease: &JobLease) -> Result<(), CommandError> {
        let also = JobChange { total: self.total, lease: Some(lease.clone()), ..JobChange::default() };
        core.change(lease.job, self.command, also).await.map(|_| ())
    }
}

/// One try, and a rest after it where it could not go on.
async fn try_once(
    core: &Arc<Core>,
    job: &JobRecord,
    lease: &JobLease,
    stop: &Arc<Stop>,
) -> Result<Option<Change>, StoreError> {
    let id = job.id;
    let piece = Piece { job: id, kind: Kind::Prepare };
    let renew = || core.store.renew_job(lease, core.config.lease);
    let span = trace::prepare(job);
    let context = Context::new(core, job, stop);
    let prepared = core.holding(renew, prepare(&context, lease)).await;
    trace::prepared(&span, prepared.as_ref().map(|(_, rows, _)| *rows));
    drop(span);
    let failure = match prepared {
        Ok((manifest, total, outlook)) => {
            let confirmation_required = job.spec.confirmation_required;
            let command = Command::Prepared { manifest, confirmation_required, outlook };
            return Ok(Some(Change { command, total: Some(total) }));
        }
        Err(Prepared::Stopped) => return Ok(None),
        Err(Prepared::Unfit(failure)) => failure,
        // Beside files that were read to their end, it begins anew.
        Err(Prepared::Later(fault)) => match core.troubles.met(piece, context.come(), core.config.trouble_time) {
            None => fault.given_up(core.config.trouble_time),
            Some(time) => {
                tracing::warn!(job = %id, %fault, ?time, "preparing could not go on; trying again later");
                return core.rest(piece, stop, time, renew).await.map(|()| None);
            }
        },
    };
    tracing::info!(job = %id, code = failure.code, reason = failure.reason, "job cannot run");
    Ok(Some(Change { command: Command::Fail(failure), total: None }))
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
    stop: Arc<Stop>,
    /// How far it has come that need not be gone again: listed files whose shards are known.
    come: Arc<AtomicU64>,
}

impl Context {
    fn new(core: &Arc<Core>, job: &JobRecord, stop: &Arc<Stop>) -> Self {
        let (core, job, stop) = (Arc::clone(core), Arc::new(job.clone()), Arc::clone(stop));
        Self { core, job, stop, come: Arc::default() }
    }

    fn come(&self) -> u64 {
        // One task counts, and it is the one that asks.
        self.come.load(Ordering::Relaxed)
    }
}

async fn prepare(context: &Context, lease: &JobLease) -> Result<(PinnedManifest, u64, Outlook), Prepared> {
    let Context { core, job, stop, .. } = context;
    let spec = &job.spec.manifest;
    checks::check_buckets(core, job, stop).await?;
    let (read, pinned) = match &spec.format {
        ManifestFormat::Listed(filter) => {
            begin_anew(core, lease).await?;
            (listed::index(context, lease, &spec.bucket, filter).await?, Head::default())
        }
        ManifestFormat::Csv { columns } => {
            let columns = Columns::new(columns).ok_or_else(|| {
                unfit("ManifestMalformed", "Fields must name Bucket once, Key once, VersionId at most once")
            })?;
            let (source, head) = open(context, lease).await?;
            (csv::index(context, lease, source, head.size, columns).await?, head)
        }
        ManifestFormat::Inventory => {
            let (source, head) = open(context, lease).await?;
            (inventory::index(context, lease, source, head.size).await?, head)
        }
    };
    checks::check_rows(core, job, read.rows).await?;
    checks::check_capabilities(core, job, &read.source_bucket, read.columns.as_deref(), stop).await?;
    let manifest = PinnedManifest {
        size: pinned.size,
        pin: pinned.pin,
        version: pinned.version,
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

/// What a manifest is pinned to.
struct Head {
    size: u64,
    pin: Pin,
    version: Option<String>,
}

impl Default for Head {
    /// Of no object.
    fn default() -> Self {
        Self { size: 0, pin: Pin(String::new()), version: None }
    }
}

/// The manifest, which must be the one that the request means; and a clean slate for what is cut from it.
async fn open(context: &Context, lease: &JobLease) -> Result<(Source, Head), Prepared> {
    let Context { core, job, stop, .. } = context;
    let spec = &job.spec.manifest;
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
    Ok((source, Head { size: head.size, pin: head.pin, version: head.version_id }))
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
        () = stop.above(Level::Run) => Err(Prepared::Stopped),
        outlook = survey::outlook(core, job, manifest, rows) => Ok(outlook),
    }
}

/// Forgets what earlier tries have left, of which nothing was worked on yet, but for what came of listed files. Rows that
/// they put into the spool would be in the way of this one where there is little room. What a later try puts there stays,
/// should this one have lost its lease.
async fn begin_anew(core: &Core, lease: &JobLease) -> Result<(), Prepared> {
    core.store.clear_shards(lease).await?;
    if lease.epoch > 1 {
        let (spool, job) = (core.spool.clone(), lease.job);
        let epoch = lease.epoch;
        let sweep = async move { spool.sweep_rows(job, epoch).await };
        offload(core.spool.store().execution(), sweep)
            .await
            .map_err(|error| later("InternalError", format!("the spool could not be swept: {error}")))?;
    }
    Ok(())
}

/// Shards on their way into the job store, numbered as they come.
struct Shards<'a> {
    context: &'a Context,
    lease: &'a JobLease,
    waiting: Vec<Shard>,
    next: u32,
}

impl<'a> Shards<'a> {
    fn new(context: &'a Context, lease: &'a JobLease) -> Self {
        Self { context, lease, waiting: Vec::with_capacity(SHARD_BATCH), next: 0 }
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
            self.context.core.store.add_shards(self.lease, shards).await?;
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

/// Something read while preparing, tried again while it fails in passing, until somebody asks to stop.
async fn patiently<T, F>(stop: &Stop, read: impl Fn() -> F) -> Result<Result<T, ObjectError>, Prepared>
where
    F: Future<Output = Result<T, ObjectError>>,
{
    tokio::select! {
        biased;
        () = stop.above(Level::Run) => Err(Prepared::Stopped),
        result = patience::patiently(read) => Ok(result),
    }
}

/// What it means that a file cannot be read; `code` begins the code of the job's failure.
fn unreadable(code: &str, source: &Source, error: &ObjectError) -> Prepared {
    let end = fault::unreadable(error);
    // A missing object is named already; a bucket can be missing, or in no store that this server has.
    let named = matches!(error.kind(), ErrorKind::NoSuchKey | ErrorKind::NoSuchVersion);
    let why = if named { String::new() } else { format!(": {}", error.message()) };
    let rule = format!("cannot be read: {}{why}", error.code());
    unfit_or_later(error, &format!("{code}{end}"), located(source, rule))
}

/// What ends the job, unless it may pass.
fn unfit_or_later(error: &ObjectError, code: &str, reason: String) -> Prepared {
    if fault::may_pass(error) { later(code, reason) } else { unfit(code, reason) }
}
