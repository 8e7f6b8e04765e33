//! Uploads in parts that are under way, noted where they survive whoever began them.
//!
//! An upload that nobody completes or aborts is paid for until somebody does. So its id is durable in the spool before
//! its first part is copied, as `<job>/uploads/<row>-<epoch>`. Who does the row again aborts what earlier holders left;
//! what belongs to rows that nobody does again is aborted when the job ends. Only an upload whose holder dies between
//! the store's answer and this note is left to the bucket's own rules.

use cos_batch_objectstore::{ErrorKind, StoreError, UploadId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{core::Core, offload::offload};
use crate::report::spool::{Spool, UPLOADS};

/// An upload as it is noted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Upload {
    /// Bucket of the object that is put together.
    pub(crate) bucket: String,
    /// Its key.
    pub(crate) key: String,
    /// What the store called the upload.
    pub(crate) id: String,
}

impl Upload {
    pub(crate) fn named(&self) -> UploadId<'_> {
        UploadId { bucket: &self.bucket, key: &self.key, id: &self.id }
    }
}

/// Name of a note.
pub(crate) fn name(row: u64, epoch: u64) -> String {
    format!("{UPLOADS}{row}-{epoch}")
}

/// Notes an upload; durable on return.
pub(crate) async fn note(spool: &Spool, job: Uuid, name: &str, upload: &Upload) -> Result<(), StoreError> {
    let body = serde_json::to_vec(upload)
        .map_err(|error| StoreError::new(ErrorKind::InternalError, format!("an upload cannot be noted: {error}")))?;
    spool.write_file(job, name, body.into()).await
}

/// The notes of a row's uploads, or of all of a job's, by name.
pub(crate) async fn noted(spool: &Spool, job: Uuid, row: Option<u64>) -> Result<Vec<(String, Upload)>, StoreError> {
    let begin = row.map_or_else(|| UPLOADS.to_owned(), |row| format!("{UPLOADS}{row}-"));
    let mut found = Vec::new();
    for name in spool.file_names(job, &begin).await? {
        let body = spool.read_file(job, &name).await?;
        // What cannot be read names nothing that could be aborted.
        match serde_json::from_slice(&body) {
            Ok(upload) => found.push((name, upload)),
            Err(error) => tracing::warn!(%job, name, %error, "a note of an upload cannot be read"),
        }
    }
    Ok(found)
}

/// Aborts every upload that is still noted for a job. What cannot be aborted stays noted.
pub(crate) async fn abort_all(core: &Core, job: Uuid) -> Result<(), StoreError> {
    let spool = core.spool.clone();
    let list = async move { noted(&spool, job, None).await };
    let mut result = Ok(());
    for (name, upload) in offload(core.spool.store().execution(), list).await? {
        let store = core.buckets.store(&upload.bucket);
        let abort = {
            let store = std::sync::Arc::clone(&store);
            async move { store.abort_multipart(upload.named()).await }
        };
        match offload(store.execution(), abort).await {
            Err(error) if !is_gone(&error) => result = Err(error),
            _ => {
                let spool = core.spool.clone();
                let remove = async move { spool.remove_file(job, &name).await };
                offload(core.spool.store().execution(), remove).await?;
            }
        }
    }
    result
}

/// Completed or aborted already, or the bucket went with it.
pub(crate) fn is_gone(error: &StoreError) -> bool {
    matches!(error.kind(), ErrorKind::NoSuchUpload | ErrorKind::NoSuchBucket | ErrorKind::NoSuchKey)
}
