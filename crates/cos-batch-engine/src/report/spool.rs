//! The spool: outcomes of checkpoints, on their way into a report.
//!
//! A segment's files are named `<job>/<shard>-<epoch>-<number>` and are durable before the checkpoint that counts
//! them commits. The epoch in the name keeps a holder whose lease was lost from overwriting what its successor wrote.

use std::sync::Arc;

use bytes::Bytes;
use cos_batch_objectstore::{
    DeleteRequest, ErrorKind, GetRequest, ListRequest, ObjectStore, PutRequest, StoreError, VersionSelector,
};
use uuid::Uuid;

use crate::store::Segment;

/// Keys of a listing's page while a job's segments are swept.
const SWEEP_PAGE: usize = 1000;

/// Where segments are kept: a bucket of some object store that no user can name.
#[derive(Clone, Debug)]
pub struct Spool {
    store: Arc<dyn ObjectStore>,
    bucket: Arc<str>,
}

/// Which of a segment's two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Report rows of tasks that succeeded.
    Succeeded,
    /// Report rows of tasks that failed.
    Failed,
}

impl Rows {
    fn suffix(self) -> &'static str {
        match self {
            Self::Succeeded => "s",
            Self::Failed => "f",
        }
    }

    /// How many of these rows the segment has.
    #[must_use]
    pub fn count(self, segment: &Segment) -> u64 {
        match self {
            Self::Succeeded => segment.succeeded_rows,
            Self::Failed => segment.failed_rows,
        }
    }
}

impl Spool {
    /// In this bucket of this store.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, bucket: &str) -> Self {
        Self { store, bucket: bucket.into() }
    }

    /// The store the spool is in.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    fn key(job: Uuid, shard: u32, epoch: u64, number: u32, rows: Rows) -> String {
        format!("{job}/{shard}-{epoch}-{number}.{}", rows.suffix())
    }

    /// Writes one file of a segment; durable on return.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn write(&self, job: Uuid, segment: &Segment, rows: Rows, body: Bytes) -> Result<(), StoreError> {
        let key = Self::key(job, segment.shard, segment.epoch, segment.number, rows);
        let request = PutRequest { durable: true, ..PutRequest::new(&self.bucket, &key, body) };
        self.store.put(request).await.map(|_| ())
    }

    /// Reads one file of a segment.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn read(&self, job: Uuid, segment: &Segment, rows: Rows) -> Result<Bytes, StoreError> {
        let key = Self::key(job, segment.shard, segment.epoch, segment.number, rows);
        let (bucket, version) = (&*self.bucket, &VersionSelector::Latest);
        self.store.get_range(GetRequest { bucket, key: &key, version, range: 0..u64::MAX, pin: None }).await
    }

    /// Removes a job's segments: those of succeeded rows (their report is published), or all.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn sweep(&self, job: Uuid, all: bool) -> Result<(), StoreError> {
        let prefix = format!("{job}/");
        let mut after: Option<String> = None;
        loop {
            let request =
                ListRequest { bucket: &self.bucket, prefix: &prefix, after: after.as_deref(), limit: SWEEP_PAGE };
            let page = match self.store.list(request).await {
                Err(error) if error.kind() == ErrorKind::NoSuchBucket => return Ok(()),
                page => page?,
            };
            for (key, _) in &page.objects {
                if all || key.ends_with(".s") {
                    let (bucket, version) = (&*self.bucket, &VersionSelector::Latest);
                    self.store.delete(DeleteRequest { bucket, key, version, operation: None }).await?;
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }
}
