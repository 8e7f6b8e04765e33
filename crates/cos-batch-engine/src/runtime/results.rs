//! Files of a completion report, made from the segments in the spool.

use std::{sync::Arc, time::Duration};

use cos_batch_objectstore::{ErrorKind, StoreError};
use md5::{Digest as _, Md5};
use uuid::Uuid;

use super::{
    core::Core,
    fault::{Fault, ShardError, may_pass},
    offload::offload,
    patience::{Retried, patiently},
    writer::ObjectWriter,
};
use crate::{
    job::{Failure, JobRecord},
    report::{
        self,
        spool::{Rows, Spool},
    },
    spec::ReportSpec,
    store::{JobStatus, ResultFile, Segment},
    task::retry::{self, Class},
};

/// Code of a job whose report cannot be written.
pub(crate) const NOT_WRITTEN: &str = "ReportNotWritten";

/// Why a report's file could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResultError {
    #[error(transparent)]
    Objects(#[from] StoreError),
    #[error(transparent)]
    Jobs(#[from] crate::store::StoreError),
    /// Rows that were committed are no longer in the spool, which nobody can mend.
    #[error("{0}")]
    Lost(String),
}

impl Retried for ResultError {
    /// Only the store of objects is tried again here: what the job store says is for the caller, and a spool that lost rows
    /// has no others.
    fn class(&self) -> Class {
        match self {
            Self::Objects(error) => retry::classify(error),
            Self::Jobs(_) | Self::Lost(_) => Class::Permanent,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Objects(error) => error.retry_after(),
            Self::Jobs(_) | Self::Lost(_) => None,
        }
    }
}

impl ResultError {
    /// What it means for the shard whose files could not be written: what may pass is tried again, for as long as it
    /// takes where the disk is full; anything else ends the job.
    pub(crate) fn of_shard(self, bucket: &str) -> ShardError {
        match self {
            Self::Objects(error) => {
                let reason = format!("the report could not be written to {bucket}: {error}");
                if may_pass(&error) {
                    ShardError::Fault(Fault::new(NOT_WRITTEN, reason))
                } else {
                    ShardError::Job(Failure::new(NOT_WRITTEN, reason))
                }
            }
            Self::Jobs(error) => error.into(),
            Self::Lost(reason) => ShardError::Job(Failure::new(NOT_WRITTEN, reason)),
        }
    }
}

/// Writes the result files of one shard, from its committed segments; a file without rows is not written.
pub(crate) async fn write_shard(
    core: &Arc<Core>,
    job: &JobRecord,
    report: &ReportSpec,
    shard: u32,
) -> Result<Vec<ResultFile>, ResultError> {
    let segments = core.store.segments(job.id, shard).await?;
    let mut files = Vec::new();
    for kind in [Rows::Succeeded, Rows::Failed] {
        let rows: u64 = segments.iter().map(|segment| kind.count(segment)).sum();
        if rows > 0 {
            let key = report::result_key(report, job.id, shard, kind == Rows::Failed);
            let md5 = patiently(|| write_file(core, job.id, &report.bucket, &key, &segments, kind)).await?;
            files.push(ResultFile { shard, failed: kind == Rows::Failed, key, md5, rows });
        }
    }
    Ok(files)
}

/// Writes one result file, segment by segment, and gives its MD5.
async fn write_file(
    core: &Core,
    job: Uuid,
    bucket: &str,
    key: &str,
    segments: &[Segment],
    kind: Rows,
) -> Result<String, ResultError> {
    let lost = |segment: &Segment, what: &str| {
        let name = Spool::segment_key(job, segment, kind);
        ResultError::Lost(format!("rows of the report are lost: {what} in the spool's {name}"))
    };
    let mut md5 = Md5::new();
    let copy = async |writer: &mut ObjectWriter| {
        for segment in segments.iter().filter(|segment| kind.count(segment) > 0) {
            let (spool, copied) = (core.spool.clone(), segment.clone());
            let read = async move { spool.read(job, &copied, kind).await };
            let body = offload(core.spool.store().execution(), read).await.map_err(|error| match error.kind() {
                ErrorKind::NoSuchKey => lost(segment, "nothing is left"),
                _ => error.into(),
            })?;
            // A row is a line; a file of the spool that was cut would make a report that lacks rows without a word.
            let lines = memchr::memchr_iter(b'\n', &body).count() as u64;
            if lines != kind.count(segment) {
                let what = format!("{lines} rows are left where {} were committed", kind.count(segment));
                return Err(lost(segment, &what));
            }
            md5.update(&body);
            writer.push(&body).await?;
        }
        Ok::<_, ResultError>(())
    };
    write(core, job, ROWS_OPERATION, bucket, key, "text/csv", copy).await?;
    Ok(hex::encode(md5.finalize()))
}

/// Number of the operation that writes a file of rows: what is in one never changes.
const ROWS_OPERATION: u64 = u64::MAX;

/// Number of the operation that publishes the list of a job that ends so: a job that failed to publish one of another end
/// has another list.
pub(crate) fn list_operation(status: JobStatus) -> u64 {
    u64::MAX - 1 - status as u64
}

/// Writes an object of a report, durably; again is the same operation, of this number. What is half written when it fails is
/// dropped.
pub(crate) async fn write<E: From<StoreError>>(
    core: &Core,
    job: Uuid,
    operation: u64,
    bucket: &str,
    key: &str,
    content_type: &'static str,
    content: impl AsyncFnOnce(&mut ObjectWriter) -> Result<(), E>,
) -> Result<(), E> {
    let name = key.rsplit('/').next().unwrap_or(key);
    let mut writer = ObjectWriter::new(&core.buckets, bucket, key, content_type).noted(&core.spool, job, name);
    writer = writer.of_operation(job, operation);
    match content(&mut writer).await {
        Ok(()) => Ok(writer.finish().await.map(|_| ())?),
        Err(error) => {
            writer.abandon().await;
            Err(error)
        }
    }
}
