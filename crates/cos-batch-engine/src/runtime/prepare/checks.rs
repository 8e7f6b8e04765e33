//! What must be there, and be possible, before a job begins.

use std::sync::Arc;

use cos_batch_objectstore::ErrorKind;

use super::{Prepared, patiently, unfit, unfit_or_later};
use crate::{
    access::Right,
    checks,
    job::JobRecord,
    runtime::{core::Core, offload::offload, stop::Stop},
    spec::{Column, TaskOperation},
    store::JobStatus,
    task::kinds,
};

/// The buckets that a job writes to must be there before it begins.
pub(super) async fn check_buckets(core: &Core, job: &JobRecord, stop: &Stop) -> Result<(), Prepared> {
    let target = job.spec.operation.copy().map(|copy| ("TargetBucket", "TargetResource", &copy.target_bucket));
    let report = job.spec.report.as_ref().map(|report| ("ReportBucket", "Report.Bucket", &report.bucket));
    for (code, field, bucket) in target.into_iter().chain(report) {
        require_bucket(core, stop, code, field, bucket).await?;
    }
    Ok(())
}

/// Fails the job, with a code that begins with `code`, unless there is a bucket that can be asked for; `place` is what
/// names it.
async fn require_bucket(core: &Core, stop: &Stop, code: &str, place: &str, bucket: &str) -> Result<(), Prepared> {
    let store = core.buckets.store(bucket);
    let ask = || {
        let (store, bucket) = (Arc::clone(&store), bucket.to_owned());
        offload(store.execution(), async move { store.bucket_exists(&bucket).await })
    };
    let missing = |reason: String| Err(unfit(&format!("{code}NotFound"), reason));
    match patiently(stop, ask).await? {
        Ok(true) => Ok(()),
        Ok(false) => missing(format!("{place}: there is no bucket {bucket}")),
        // No store is configured for it: who could be asked is nobody.
        Err(error) if error.kind() == ErrorKind::NoSuchBucket => missing(format!("{place}: {}", error.message())),
        Err(error) => {
            let reason = format!("{place}: whether there is a bucket {bucket} cannot be told: {error}");
            Err(unfit_or_later(&error, &format!("{code}NotReadable"), reason))
        }
    }
}

/// What the stores cannot do fails the job as a whole, by name, and not row by row.
pub(super) async fn check_capabilities(
    core: &Core,
    job: &JobRecord,
    source_bucket: &str,
    listed: Option<&[Column]>,
    stop: &Stop,
) -> Result<(), Prepared> {
    if source_bucket.is_empty() {
        return Ok(());
    }
    let store = core.buckets.store(source_bucket);
    // A source that the tenant may not read fails row by row with that reason; its existence is not told.
    if core.access.allows(&job.tenant, source_bucket, Right::Read) {
        require_bucket(core, stop, "SourceBucket", "the manifest", source_bucket).await?;
    }
    if let Some(copy) = job.spec.operation.copy()
        && !Arc::ptr_eq(&store, &core.buckets.store(&copy.target_bucket))
    {
        let reason = format!("{source_bucket} and {} are in different object stores", copy.target_bucket);
        return Err(unfit("NotSupported", reason));
    }
    if let TaskOperation::Custom(custom) = &job.spec.operation
        && core.config.kinds.get(&custom.kind).is_none()
    {
        return Err(unfit("NotSupported", kinds::unknown(&custom.kind)));
    }
    match checks::missing_ability(&job.spec, listed, store.capabilities()) {
        Some(name) => {
            Err(unfit("NotSupported", format!("the object store of {source_bucket} does not support {name}")))
        }
        None => Ok(()),
    }
}

/// Statuses of jobs whose rows count.
const LIVE: [JobStatus; 9] = [
    JobStatus::Preparing,
    JobStatus::Suspended,
    JobStatus::Ready,
    JobStatus::Active,
    JobStatus::Pausing,
    JobStatus::Paused,
    JobStatus::Completing,
    JobStatus::Cancelling,
    JobStatus::Failing,
];

/// All rows of an APPID's jobs that have not ended are bounded. Two manifests that are read at the same time do not see
/// each other, so that it may have as many more as one of them has.
pub(super) async fn check_rows(core: &Core, job: &JobRecord, rows: u64) -> Result<(), Prepared> {
    let most = core.config.tenant_rows_max(&job.tenant);
    let others = core.store.tasks_of_others(&job.tenant, &LIVE, job.id).await?;
    if others.saturating_add(rows) <= most {
        return Ok(());
    }
    let reason = format!(
        "the manifest has {rows} rows, other jobs of APPID {} that have not ended {others}: together at most {most}",
        job.tenant
    );
    Err(unfit("TooManyRows", reason))
}
