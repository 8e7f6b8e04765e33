//! What must be there, and be possible, before a job begins.

use std::sync::Arc;

use super::{Prepared, patiently, unfit, unfit_or_later};
use crate::{
    access::Right,
    checks,
    job::JobRecord,
    runtime::{core::Core, offload::offload, stop::Stop},
    spec::TaskOperation,
};

/// The buckets that a job writes to must be there before it begins.
pub(super) async fn check_buckets(core: &Core, job: &JobRecord, stop: &Stop) -> Result<(), Prepared> {
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
        let reason = format!("whether there is a bucket {bucket} cannot be told: {error}");
        unfit_or_later(&error, &format!("{code}NotReadable"), reason)
    })
}

/// What the stores cannot do fails the job as a whole, by name, and not row by row.
pub(super) async fn check_capabilities(
    core: &Core,
    job: &JobRecord,
    source_bucket: &str,
    stop: &Stop,
) -> Result<(), Prepared> {
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
    if let TaskOperation::Copy(copy) = &job.spec.operation
        && !Arc::ptr_eq(&store, &core.buckets.store(&copy.target_bucket))
    {
        let reason = format!("{source_bucket} and {} are in different object stores", copy.target_bucket);
        return Err(unfit("NotSupported", reason));
    }
    match checks::missing_ability(&job.spec, store.capabilities()) {
        Some(name) => {
            Err(unfit("NotSupported", format!("the object store of {source_bucket} does not support {name}")))
        }
        None => Ok(()),
    }
}
