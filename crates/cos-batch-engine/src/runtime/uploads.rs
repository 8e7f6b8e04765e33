//! Uploads in parts that are under way, noted where they survive whoever began them.
//!
//! An upload that nobody completes or aborts is paid for until somebody does. So its id is durable in the spool before
//! its first part is copied, as `uploads/<job>/<row>-<epoch>`. Who does the row again goes on with what earlier holders left, or aborts it;
//! what belongs to rows that nobody does again is aborted when the job ends, or soon after where that failed. Only an upload whose holder dies between
//! the store's answer and this note is left to the bucket's own rules.

use std::sync::Arc;

use cos_batch_objectstore::{ErrorKind, ObjectMeta, ObjectStore, StoreError, UploadId};
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
    /// What was in its place before.
    #[serde(default)]
    pub(crate) before: Before,
}

/// What was in the place of an object before an upload of it began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Before {
    /// Nobody knows.
    #[default]
    Unknown,
    /// No object.
    Nothing,
    /// This one.
    Object {
        etag: String,
        /// When it was written, in Unix seconds.
        last_modified: i64,
        version: Option<String>,
    },
}

impl From<&ObjectMeta> for Before {
    fn from(meta: &ObjectMeta) -> Self {
        Self::Object { etag: meta.etag.clone(), last_modified: meta.last_modified, version: meta.version_id.clone() }
    }
}

impl Upload {
    /// An upload of an object in such parts.
    pub(crate) fn new(bucket: &str, key: &str, id: String, source: &ObjectMeta, plan: Plan, before: Before) -> Self {
        Self {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            id,
            source: source.etag.clone(),
            size: source.size,
            parts: plan.parts(),
            before,
        }
    }

    /// An upload of a part of a report.
    pub(crate) fn of_report(bucket: &str, key: &str, id: String) -> Self {
        let (bucket, key, source) = (bucket.to_owned(), key.to_owned(), String::new());
        Self { bucket, key, id, source, size: 0, parts: 0, before: Before::Unknown }
    }

    /// Whether this object is what completing it has made: one like that, which was not there before. If it is not known what was,
    /// nobody can say so.
    pub(crate) fn has_made(&self, found: &ObjectMeta) -> bool {
        let is_new = self.before != Before::Unknown && self.before != Before::from(found);
        is_new && found.size == self.size && found.etag.ends_with(&format!("-{}", self.parts))
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
        let body = match spool.read_file(job, &name).await {
            // Its holder has ended it since.
            Err(error) if error.kind() == ErrorKind::NoSuchKey => continue,
            body => body?,
        };
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
                && let Err(error) = abort_offloaded(core, upload).await
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

async fn abort_offloaded(core: &Core, upload: Upload) -> Result<(), StoreError> {
    let store = core.buckets.store(&upload.bucket);
    let execution = store.execution();
    offload(execution, async move { abort(&store, &upload).await }).await
}

/// Aborts an upload. One that is completed or aborted already, or whose bucket is gone, is none.
pub(crate) async fn abort(store: &Arc<dyn ObjectStore>, upload: &Upload) -> Result<(), StoreError> {
    match store.abort_multipart(upload.named()).await {
        Err(error)
            if !matches!(error.kind(), ErrorKind::NoSuchUpload | ErrorKind::NoSuchBucket | ErrorKind::NoSuchKey) =>
        {
            Err(error)
        }
        _ => Ok(()),
    }
}
