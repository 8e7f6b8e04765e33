//! Files of a completion report, made from the segments in the spool.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use cos_batch_objectstore::{Metadata, PutRequest, StoreError};
use md5::{Digest as _, Md5};

use super::{
    core::Core,
    fault::{Fault, ShardError, may_pass},
    offload::offload,
    patience::patiently,
};
use crate::{
    job::{Failure, JobRecord},
    report::{self, spool::Rows},
    spec::ReportSpec,
    store::ResultFile,
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
                    ShardError::Job(Failure { code: NOT_WRITTEN.to_owned(), reason })
                }
            }
            Self::Jobs(error) => error.into(),
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
        if rows == 0 {
            continue;
        }
        let mut body = BytesMut::new();
        for segment in segments.iter().filter(|segment| kind.count(segment) > 0) {
            let read = || {
                let (spool, id, segment) = (core.spool.clone(), job.id, segment.clone());
                offload(core.spool.store().execution(), async move { spool.read(id, &segment, kind).await })
            };
            body.extend_from_slice(&patiently(read).await?);
        }
        let failed = kind == Rows::Failed;
        let key = report::result_key(report, job.id, shard, failed);
        let md5 = hex::encode(Md5::digest(&body));
        put(core, &report.bucket, &key, "text/csv", body.freeze()).await?;
        files.push(ResultFile { shard, failed, key, md5, rows });
    }
    Ok(files)
}

/// Writes an object of a report, durably; tried again while that fails in passing.
pub(crate) async fn put(
    core: &Core,
    bucket: &str,
    key: &str,
    content_type: &str,
    body: Bytes,
) -> Result<(), StoreError> {
    let store = core.buckets.store(bucket);
    let metadata = Metadata { content_type: Some(content_type.to_owned()), ..Metadata::default() };
    patiently(|| {
        let (store, bucket, key) = (Arc::clone(&store), bucket.to_owned(), key.to_owned());
        let (metadata, body) = (metadata.clone(), body.clone());
        offload(store.execution(), async move {
            let request = PutRequest { metadata, durable: true, ..PutRequest::new(&bucket, &key, body) };
            store.put(request).await.map(|_| ())
        })
    })
    .await
}
