//! Uploads in parts that are under way, noted where they survive whoever began them.
//!
//! An upload that nobody completes or aborts is paid for until somebody does. So its id is durable in the spool before
//! its first part is copied, as `uploads/<job>/<row>-<epoch>`. Who does the row again goes on with what earlier holders left, or aborts it;
//! what belongs to rows that nobody does again is aborted when the job ends, or soon after where that failed. Only an upload whose holder dies between
//! the store's answer and this note is left to the bucket's own rules.

use cos_batch_objectstore::{ErrorKind, ObjectMeta, StoreError, UploadId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{core::Core, offload::offload};
use crate::{
    report::spool::{Spool, UPLOADS},
    task::parts::Plan,
};

/// An upload as it is noted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Upload {
    /// Bucket of the object that is put together.
    pub(crate) bucket: String,
    /// Its key.
    pub(crate) key: String,
    /// What the store called the upload.
    pub(crate) id: String,
    /// ETag of the object that is copied.
    pub(crate) source: String,
    /// Its bytes.
    pub(crate) size: u64,
    /// Into how many parts it is cut.
    pub(crate) parts: u16,
}

impl Upload {
    /// An upload of an object in such parts.
    pub(crate) fn new(bucket: &str, key: &str, id: String, source: &ObjectMeta, plan: Plan) -> Self {
        Self {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            id,
            source: source.etag.clone(),
            size: source.size,
            parts: plan.parts(),
        }
    }

    /// An upload of a part of a report.
    pub(crate) fn of_report(bucket: &str, key: &str, id: String) -> Self {
        Self { bucket: bucket.to_owned(), key: key.to_owned(), id, source: String::new(), size: 0, parts: 0 }
    }

    /// Whether it is of this object, in such parts.
    pub(crate) fn is_of(&self, source: &ObjectMeta, plan: Plan) -> bool {
        self.source == source.etag && self.size == source.size && self.parts == plan.parts()
    }

    pub(crate) fn named(&self) -> UploadId<'_> {
        UploadId { bucket: &self.bucket, key: &self.key, id: &self.id }
    }
}

/// Name of a note.
pub(crate) fn name(row: u64, epoch: u64) -> String {
    format!("{UPLOADS}{row}-{epoch}")
}

/// Name of the note of an upload of a part of a report, of its own each time. No row has such a one.
pub(crate) fn of_report(name: &str) -> String {
    format!("{UPLOADS}report-{name}-{}", Uuid::new_v4())
}

/// Notes an upload; durable on return.
pub(crate) async fn note(spool: &Spool, job: Uuid, name: &str, upload: &Upload) -> Result<(), StoreError> {
    let body = serde_json::to_vec(upload)
        .map_err(|error| StoreError::new(ErrorKind::InternalError, format!("an upload cannot be noted: {error}")))?;
    spool.write_file(job, name, body.into()).await
}

/// The notes of a row's uploads, or a page of all of a job's, by name.
pub(crate) async fn noted(
    spool: &Spool,
    job: Uuid,
    row: Option<u64>,
    after: Option<&str>,
) -> Result<Vec<(String, Option<Upload>)>, StoreError> {
    let begin = row.map_or_else(|| UPLOADS.to_owned(), |row| format!("{UPLOADS}{row}-"));
    let mut found = Vec::new();
    for name in spool.upload_names(job, &begin, after).await? {
        let body = spool.read_file(job, &name).await?;
        let upload = serde_json::from_slice(&body)
            .map_err(|error| tracing::warn!(%job, name, %error, "a note of an upload cannot be read"));
        found.push((name, upload.ok()));
    }
    Ok(found)
}

/// Aborts every upload that is still noted for a job. What cannot be aborted stays noted, and is an error.
pub(crate) async fn abort_all(core: &Core, job: Uuid) -> Result<(), StoreError> {
    let mut result = Ok(());
    let mut after: Option<String> = None;
    loop {
        let (spool, last) = (core.spool.clone(), after.take());
        let list = async move { noted(&spool, job, None, last.as_deref()).await };
        let page = offload(core.spool.store().execution(), list).await?;
        let Some((last, _)) = page.last() else { return result };
        after = Some(last.clone());
        for (name, upload) in page {
            // What cannot be read names nothing that could be aborted.
            if let Some(upload) = upload
                && let Err(error) = abort(core, upload).await
            {
                result = Err(error);
                continue;
            }
            let spool = core.spool.clone();
            let remove = async move { spool.remove_file(job, &name).await };
            offload(core.spool.store().execution(), remove).await?;
        }
    }
}

async fn abort(core: &Core, upload: Upload) -> Result<(), StoreError> {
    let store = core.buckets.store(&upload.bucket);
    let abort = {
        let store = std::sync::Arc::clone(&store);
        async move { store.abort_multipart(upload.named()).await }
    };
    match offload(store.execution(), abort).await {
        Err(error) if !is_gone(&error) => Err(error),
        _ => Ok(()),
    }
}

/// Completed or aborted already, or the bucket went with it.
pub(crate) fn is_gone(error: &StoreError) -> bool {
    matches!(error.kind(), ErrorKind::NoSuchUpload | ErrorKind::NoSuchBucket | ErrorKind::NoSuchKey)
}
