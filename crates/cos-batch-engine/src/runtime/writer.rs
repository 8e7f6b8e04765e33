//! Writing an object whose size is not known beforehand.

use std::sync::Arc;

use bytes::Bytes;
use cos_batch_objectstore::{
    CompleteRequest, CompletedPart, ErrorKind, Metadata, MultipartRequest, ObjectStore, OperationId, PartRequest,
    PutOutcome, PutRequest, StorageClass, StoreError, UploadId,
};

use uuid::Uuid;

use super::{
    offload::offload,
    uploads::{self, Upload},
};
use crate::{
    buckets::{Buckets, Syncs},
    report::spool::Spool,
};

/// Bytes of a part, and most of an object that is written in one request. S3 takes no smaller part than 5 MiB; with
/// 10,000 parts an object may have 80 GB.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// Most bytes of an object in a store that takes no parts: it is held in memory whole.
const WHOLE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Writes an object piece by piece. What is not finished is dropped with [`abandon`](Self::abandon).
pub(crate) struct ObjectWriter {
    store: Arc<dyn ObjectStore>,
    syncs: Syncs,
    bucket: String,
    key: String,
    content_type: &'static str,
    buffer: Vec<u8>,
    upload: Option<String>,
    parts: Vec<CompletedPart>,
    note: Option<Note>,
    operation: Option<OperationId>,
}

/// Where an upload in parts is noted while it is under way, so that it is found where nobody ends it.
struct Note {
    spool: Spool,
    job: Uuid,
    name: String,
}

impl Note {
    async fn write(&self, upload: Upload) -> Result<(), StoreError> {
        let (spool, job, name) = (self.spool.clone(), self.job, self.name.clone());
        offload(self.spool.store().execution(), async move { uploads::note(&spool, job, &name, &upload).await }).await
    }

    /// One that is left names an upload that is gone, and is removed when that is noticed.
    async fn remove(self) {
        let execution = self.spool.store().execution();
        let _ = offload(execution, async move { self.spool.remove_file(self.job, &self.name).await }).await;
    }
}

impl ObjectWriter {
    /// To the store that has the bucket.
    pub(crate) fn new(buckets: &Buckets, bucket: &str, key: &str, content_type: &'static str) -> Self {
        Self {
            store: buckets.store(bucket),
            syncs: buckets.syncs().clone(),
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            content_type,
            buffer: Vec::new(),
            upload: None,
            parts: Vec::new(),
            note: None,
            operation: None,
        }
    }

    /// If it becomes an upload in parts, that is noted for the job under this name; the end of the job aborts what is left
    /// of it.
    pub(crate) fn noted(self, spool: &Spool, job: Uuid, name: &str) -> Self {
        Self { note: Some(Note { spool: spool.clone(), job, name: uploads::of_report(name) }), ..self }
    }

    /// Writing it again is the same operation: a store that names versions so has one of it. No row of a manifest has such a
    /// number.
    pub(crate) fn of_operation(self, job: Uuid, number: u64) -> Self {
        Self { operation: Some(OperationId { job: job.as_u128(), row: number }), ..self }
    }

    /// Adds a piece.
    pub(crate) async fn push(&mut self, mut piece: &[u8]) -> Result<(), StoreError> {
        if !self.store.capabilities().multipart {
            self.buffer.extend_from_slice(piece);
            if self.buffer.len() > WHOLE_BYTES_MAX {
                let text =
                    format!("the object would have more than {WHOLE_BYTES_MAX} bytes, and its store takes no parts");
                return Err(StoreError::new(ErrorKind::EntityTooLarge, text));
            }
            return Ok(());
        }
        // A part goes when there is more than it holds: the last one is not empty, and the buffer never grows beyond a part.
        while self.buffer.len() + piece.len() > PART_BYTES {
            let (fills, rest) = piece.split_at(PART_BYTES - self.buffer.len());
            self.fill(fills);
            let part = std::mem::take(&mut self.buffer).into();
            self.part(part).await?;
            piece = rest;
        }
        self.fill(piece);
        Ok(())
    }

    /// Adds what fits into a part. Room doubles, but not beyond a part.
    fn fill(&mut self, piece: &[u8]) {
        let needed = self.buffer.len() + piece.len();
        if needed > self.buffer.capacity() {
            let room = needed.max((2 * self.buffer.capacity()).min(PART_BYTES));
            self.buffer.reserve_exact(room - self.buffer.len());
        }
        self.buffer.extend_from_slice(piece);
    }

    /// Writes what is left; the object is there on return, durably.
    pub(crate) async fn finish(mut self) -> Result<PutOutcome, StoreError> {
        let rest = Bytes::from(std::mem::take(&mut self.buffer));
        let store = Arc::clone(&self.store);
        let execution = store.execution();
        let Some(upload) = self.upload.clone() else {
            let metadata = self.metadata();
            return offload(execution, async move {
                let request = PutRequest::new(&self.bucket, &self.key, rest);
                let request = PutRequest { metadata, durable: true, operation: self.operation, ..request };
                store.put(request).await
            })
            .await;
        };
        let result = match self.part(rest).await {
            Ok(()) => {
                let (bucket, key, id) = (self.bucket.clone(), self.key.clone(), upload);
                let syncs = self.syncs.clone();
                let parts = std::mem::take(&mut self.parts);
                offload(execution, async move {
                    let upload = UploadId { bucket: &bucket, key: &key, id: &id };
                    let outcome = store.complete_multipart(CompleteRequest { upload, parts: &parts }).await?;
                    syncs.barrier(&*store, &bucket).await?;
                    Ok(outcome)
                })
                .await
            }
            Err(error) => Err(error),
        };
        if result.is_err() {
            self.abandon().await;
        } else if let Some(note) = self.note {
            note.remove().await;
        }
        result
    }

    /// Drops what was written so far. That it cannot be dropped is no further error: the store shows such uploads.
    pub(crate) async fn abandon(self) {
        let Some(id) = self.upload else { return };
        let job = self.note.as_ref().map(|note| note.job);
        let (store, bucket, key) = (self.store, self.bucket, self.key);
        let shown = (bucket.clone(), key.clone());
        let aborted = offload(store.execution(), {
            let store = Arc::clone(&store);
            async move { store.abort_multipart(UploadId { bucket: &bucket, key: &key, id: &id }).await }
        });
        match (aborted.await, self.note) {
            (Err(error), _) => {
                let (bucket, key) = shown;
                tracing::warn!(job = job.map(tracing::field::display), bucket, key, %error, "an upload in parts is left behind");
            }
            (Ok(()), Some(note)) => note.remove().await,
            (Ok(()), None) => {}
        }
    }

    fn metadata(&self) -> Metadata {
        Metadata { content_type: Some(self.content_type.to_owned()), ..Metadata::default() }
    }

    async fn part(&mut self, body: Bytes) -> Result<(), StoreError> {
        let (bucket, key) = (self.bucket.clone(), self.key.clone());
        let execution = self.store.execution();
        let id = match &self.upload {
            Some(id) => id.clone(),
            None => {
                let (store, metadata, operation) = (Arc::clone(&self.store), self.metadata(), self.operation);
                let (bucket, key) = (bucket.clone(), key.clone());
                let id = offload(execution, async move {
                    let request = MultipartRequest {
                        bucket: &bucket,
                        key: &key,
                        metadata,
                        tags: Vec::new(),
                        storage_class: StorageClass::default(),
                        grants: Vec::new(),
                        canned_acl: None,
                        operation,
                    };
                    store.create_multipart(request).await
                })
                .await?;
                let id = self.upload.insert(id).clone();
                if let Some(note) = &self.note {
                    note.write(Upload::of_report(&self.bucket, &self.key, id.clone())).await?;
                }
                id
            }
        };
        let number = u16::try_from(self.parts.len() + 1).unwrap_or(u16::MAX);
        let store = Arc::clone(&self.store);
        let outcome = offload(execution, async move {
            let upload = UploadId { bucket: &bucket, key: &key, id: &id };
            store.upload_part(PartRequest { upload, number, body }).await
        })
        .await?;
        self.parts.push(CompletedPart { number, etag: outcome.etag });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use cos_batch_objectstore::{MemoryStore, VersionSelector};

    use super::*;

    #[tokio::test]
    async fn the_buffer_never_grows_beyond_a_part() {
        let store = Arc::new(MemoryStore::new());
        store.create_bucket("b-1250000000").unwrap();
        for sizes in [vec![PART_BYTES], vec![PART_BYTES - 1, 2], vec![3 * PART_BYTES + 7], vec![100_000; 300]] {
            let mut writer = ObjectWriter::new(&Buckets::new(Arc::clone(&store) as _), "b-1250000000", "k", "text/csv");
            let whole: Vec<u8> = (0..=250u8).cycle().take(sizes.iter().sum()).collect();
            let mut rest = whole.as_slice();
            for size in sizes {
                let (piece, left) = rest.split_at(size);
                writer.push(piece).await.unwrap();
                assert!(writer.buffer.capacity() <= PART_BYTES, "{} bytes", writer.buffer.capacity());
                rest = left;
            }
            writer.finish().await.unwrap();
            let meta = store.head("b-1250000000", "k", &VersionSelector::Latest).await.unwrap();
            let parts = whole.len().div_ceil(PART_BYTES);
            assert_eq!(meta.size, whole.len() as u64);
            assert_eq!(meta.etag.ends_with(&format!("-{parts}")), parts > 1);
        }
    }
}
