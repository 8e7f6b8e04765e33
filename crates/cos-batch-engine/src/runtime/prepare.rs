//! Preparing a job: check what can be known before it runs, read the manifest once, and cut it into shards.

use std::{sync::Arc, time::Duration};

use cos_batch_objectstore::{ErrorKind, StoreError as ObjectError};
use tokio::time::Instant;

use super::{
    core::Core,
    feed::{Source, version},
    offload::offload,
    stop::{Level, Stop},
};
use crate::{
    access::Right,
    job::{Failure, JobRecord, PinnedManifest},
    lifecycle::Command,
    manifest::{Columns, Indexer, Step},
    spec::{ManifestFormat, TaskOperation},
    store::{JobLease, Shard, StoreError},
    task::source_right,
};

/// Shards written to the job store at once.
const SHARD_BATCH: usize = 256;

/// Tries of a read that fails in passing.
const READ_ATTEMPTS_MAX: u32 = 5;

/// Pause between two such tries.
const READ_PAUSE: Duration = Duration::from_millis(200);

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

/// Prepares a job under its lease, and takes it to Ready, Suspended or Failing.
pub(crate) async fn run(core: Arc<Core>, job: JobRecord, lease: JobLease, stop: Arc<Stop>) {
    let id = job.id;
    let result = prepare(&core, &job, &lease, &stop).await;
    let after = match result {
        Ok((manifest, total)) => {
            let confirmation_required = job.spec.confirmation_required;
            core.change(id, Command::Prepared { manifest, confirmation_required }, Some(total), false).await.map(|_| ())
        }
        Err(Prepared::Unfit(failure)) => {
            tracing::info!(job = %id, code = failure.code, reason = failure.reason, "job cannot run");
            core.command(id, Command::Fail(failure)).await.map(|_| ())
        }
        Err(Prepared::Later(reason)) => {
            tracing::info!(job = %id, reason, "preparing stopped");
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

async fn prepare(
    core: &Arc<Core>,
    job: &JobRecord,
    lease: &JobLease,
    stop: &Stop,
) -> Result<(PinnedManifest, u64), Prepared> {
    let spec = &job.spec;
    check_buckets(core, job, stop).await?;
    let columns = match &spec.manifest.format {
        ManifestFormat::Csv { columns } => Columns::new(columns).ok_or_else(|| {
            unfit("ManifestMalformed", "Fields must name Bucket once, Key once, VersionId at most once")
        })?,
        ManifestFormat::Inventory => {
            return Err(unfit("NotSupported", "manifests of format COSInventoryReport_CSV_V1 are not supported yet"));
        }
    };
    let store = core.buckets.store(&spec.manifest.bucket);
    let (head_store, head_spec) = (Arc::clone(&store), spec.manifest.clone());
    let head = patiently(stop, || {
        let (store, spec) = (Arc::clone(&head_store), head_spec.clone());
        offload(head_store.execution(), async move { store.head(&spec.bucket, &spec.key, &version(&spec)).await })
    })
    .await?
    .map_err(|error| unreadable(&error))?;
    if !head.etag.eq_ignore_ascii_case(&spec.manifest.etag) {
        let reason = format!("Manifest.Location.ETag is {}, but the object has {}", spec.manifest.etag, head.etag);
        return Err(unfit("ManifestETagMismatch", reason));
    }
    let source = Source::new(store, &spec.manifest, head.pin.clone());
    let (rows, bucket) = index(core, job, lease, stop, &source, head.size, columns).await?;
    check_capabilities(core, job, &bucket, stop).await?;
    Ok((PinnedManifest { size: head.size, pin: head.pin, source_bucket: bucket }, rows))
}

/// Reads the manifest from end to end. Tells its rows and the bucket they name.
async fn index(
    core: &Arc<Core>,
    job: &JobRecord,
    lease: &JobLease,
    stop: &Stop,
    source: &Source,
    size: u64,
    columns: Columns,
) -> Result<(u64, String), Prepared> {
    let spec = &job.spec.manifest;
    let malformed = |text: String| unfit("ManifestMalformed", format!("{}/{}: {text}", spec.bucket, spec.key));
    core.store.clear_shards(lease).await?;
    let mut indexer = Indexer::new(columns, core.config.manifest_rows_max);
    let mut shards: Vec<Shard> = Vec::with_capacity(SHARD_BATCH);
    // The tenant's own bucket, where the first row names another.
    let mut own: Option<String> = None;
    let mut renewed_at = Instant::now();
    let mut at = 0;
    loop {
        if renewed_at.elapsed() > core.config.lease / 3 {
            core.store.renew_job(lease, core.config.lease).await?;
            renewed_at = Instant::now();
        }
        let piece = if at < size {
            patiently(stop, || source.read(at, size)).await?.map_err(|error| unreadable(&error))?
        } else {
            bytes::Bytes::new()
        };
        if piece.is_empty() && at < size {
            return Err(unfit("ManifestChanged", "the manifest became shorter while it was read"));
        }
        at += piece.len() as u64;
        let mut input = &piece[..];
        let end = piece.is_empty();
        loop {
            match indexer.step(&mut input, end).map_err(|error| malformed(error.to_string()))? {
                Step::Shard(shard) => {
                    shards.push(shard);
                    if shards.len() == SHARD_BATCH {
                        core.store.add_shards(lease, std::mem::take(&mut shards)).await?;
                    }
                }
                // A foreign bucket fails its own tasks; two buckets of one's own are a mistake in the manifest.
                Step::OtherBucket(record, bucket) => {
                    let right = source_right(&job.spec.operation);
                    let allowed = |bucket: &str| core.access.allows(&job.tenant, bucket, right);
                    let first = own.as_deref().or_else(|| indexer.source_bucket().filter(|first| allowed(first)));
                    match first {
                        _ if !allowed(&bucket) => {}
                        None => own = Some(bucket),
                        Some(first) if first == bucket => {}
                        Some(first) => {
                            let text = format!("row {record} names bucket {bucket}, the rows before it {first}");
                            return Err(malformed(format!("{text}; a job has one source bucket")));
                        }
                    }
                }
                Step::More => break,
                Step::End => {
                    if !shards.is_empty() {
                        core.store.add_shards(lease, shards).await?;
                    }
                    let bucket = own.or_else(|| indexer.source_bucket().map(str::to_owned));
                    return Ok((indexer.rows(), bucket.unwrap_or_default()));
                }
            }
        }
        // Let others run: reading from memory never waits.
        tokio::task::yield_now().await;
    }
}

/// The buckets that a job writes to must be there before it begins.
async fn check_buckets(core: &Core, job: &JobRecord, stop: &Stop) -> Result<(), Prepared> {
    let target = match &job.spec.operation {
        TaskOperation::Copy(copy) => Some(("TargetBucket", "TargetResource", &copy.target_bucket)),
        TaskOperation::Restore { .. } | TaskOperation::Delete | TaskOperation::Tag { .. } => None,
    };
    let report = job.spec.report.as_ref().map(|report| ("ReportBucket", "Report.Bucket", &report.bucket));
    for (code, field, bucket) in target.into_iter().chain(report) {
        if !bucket_exists(core, stop, code, bucket).await? {
            return Err(unfit(&format!("{code}NotFound"), format!("{field}: there is no bucket {bucket}")));
        }
    }
    Ok(())
}

/// Is there such a bucket? Where nobody can tell, the job fails with a code that begins with `code`.
async fn bucket_exists(core: &Core, stop: &Stop, code: &str, bucket: &str) -> Result<bool, Prepared> {
    let store = core.buckets.store(bucket);
    let ask = || {
        let (store, bucket) = (Arc::clone(&store), bucket.to_owned());
        offload(store.execution(), async move { store.bucket_exists(&bucket).await })
    };
    patiently(stop, ask).await?.map_err(|error| {
        unfit(&format!("{code}NotReadable"), format!("whether there is a bucket {bucket} cannot be told: {error}"))
    })
}

/// What the stores cannot do fails the job as a whole, by name, and not row by row.
async fn check_capabilities(core: &Core, job: &JobRecord, source_bucket: &str, stop: &Stop) -> Result<(), Prepared> {
    if source_bucket.is_empty() {
        return Ok(());
    }
    let store = core.buckets.store(source_bucket);
    // A source that the tenant may not read fails row by row with that reason; its existence is not told.
    if core.access.allows(&job.tenant, source_bucket, Right::Read)
        && !bucket_exists(core, stop, "SourceBucket", source_bucket).await?
    {
        let reason = format!("the manifest names bucket {source_bucket}: no such bucket");
        return Err(unfit("SourceBucketNotFound", reason));
    }
    let can = store.capabilities();
    let missing = match &job.spec.operation {
        TaskOperation::Copy(copy) => {
            if !Arc::ptr_eq(&store, &core.buckets.store(&copy.target_bucket)) {
                let reason = format!("{source_bucket} and {} are in different object stores", copy.target_bucket);
                return Err(unfit("NotSupported", reason));
            }
            let acl = copy.canned_acl.is_some() || copy.grants.values().is_none_or(|grants| !grants.is_empty());
            [(copy.tags.values().is_some() && !can.tagging, "tags"), (acl && !can.acl, "access control lists")]
                .into_iter()
                .find_map(|(missing, name)| missing.then_some(name))
        }
        TaskOperation::Restore { .. } => (!can.restore).then_some("restore"),
        TaskOperation::Tag { .. } => (!can.tagging).then_some("tags"),
        TaskOperation::Delete => None,
    };
    match missing {
        Some(name) => {
            Err(unfit("NotSupported", format!("the object store of {source_bucket} does not support {name}")))
        }
        None => Ok(()),
    }
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

/// Why a manifest that cannot be read fails its job.
fn unreadable(error: &ObjectError) -> Prepared {
    let code = match error.kind() {
        ErrorKind::NoSuchBucket | ErrorKind::NoSuchKey | ErrorKind::NoSuchVersion => "ManifestNotFound",
        ErrorKind::PreconditionFailed => "ManifestChanged",
        ErrorKind::AccessDenied => "ManifestAccessDenied",
        _ => "ManifestNotReadable",
    };
    unfit(code, format!("the manifest cannot be read: {error}"))
}
