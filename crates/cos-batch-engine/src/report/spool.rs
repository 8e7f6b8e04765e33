//! The spool: what a job needs on its way and nobody may name. Outcomes of checkpoints that become a report; rows of
//! manifests that had to be decompressed; notes of uploads in parts.
//!
//! Notes of uploads are named `uploads/<job>/…`, so that all there are can be told without a look at anything else.
//!
//! A segment's files are named `<job>/<shard>-<epoch>-<number>` and are durable before the checkpoint that counts
//! them commits. The epoch in the name keeps a holder whose lease was lost from overwriting what its successor wrote.

use std::sync::Arc;

use bytes::Bytes;
use cos_batch_objectstore::{
    DeleteRequest, ErrorKind, GetRequest, ListRequest, ObjectStore, PutRequest, StoreError, VersionSelector,
};
use uuid::Uuid;

use crate::store::{self, ROWS_SUFFIX, Segment};

/// Names of files told at once: a page of a listing.
pub const NAMES_MAX: usize = 1000;

/// Keys of a listing's page while a job's segments are swept.
const SWEEP_PAGE: usize = 1000;

/// What begins the names of notes of uploads in parts, and their keys.
pub const UPLOADS: &str = "uploads/";

/// What ends the name of a segment's file of failed tasks.
const FAILED_SUFFIX: &str = ".f";

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
            Self::Failed => &FAILED_SUFFIX[1..],
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

    /// Its bucket.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The store the spool is in.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// Key of one file of a segment.
    pub(crate) fn segment_key(job: Uuid, segment: &Segment, rows: Rows) -> String {
        let Segment { shard, epoch, number, .. } = segment;
        format!("{job}/{shard}-{epoch}-{number}.{}", rows.suffix())
    }

    /// Writes one file of a segment; durable on return.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn write(&self, job: Uuid, segment: &Segment, rows: Rows, body: Bytes) -> Result<(), StoreError> {
        let key = Self::segment_key(job, segment, rows);
        let request = PutRequest { durable: true, ..PutRequest::new(&self.bucket, &key, body) };
        self.store.put(request).await.map(|_| ())
    }

    /// Reads one file of a segment.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn read(&self, job: Uuid, segment: &Segment, rows: Rows) -> Result<Bytes, StoreError> {
        self.read_start(job, segment, rows, u64::MAX).await
    }

    /// Reads at most so many bytes from the start of one file of a segment.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn read_start(&self, job: Uuid, segment: &Segment, rows: Rows, bytes: u64) -> Result<Bytes, StoreError> {
        let key = Self::segment_key(job, segment, rows);
        let (bucket, version) = (&*self.bucket, &VersionSelector::Latest);
        self.store.get_range(GetRequest { bucket, key: &key, version, range: 0..bytes, pin: None }).await
    }

    /// What begins the names of files of rows that whoever holds a job's lease of this epoch writes.
    #[must_use]
    pub fn rows_of_job(epoch: u64) -> String {
        format!("{epoch}-0-")
    }

    /// What begins the names of files of rows that whoever holds the lease of a listed file writes. Unlike any of
    /// [`rows_of_job`](Self::rows_of_job): who holds the job by then may be somebody else.
    #[must_use]
    pub fn rows_of_file(file: u32, epoch: u64) -> String {
        store::rows_of_file(file, epoch)
    }

    /// Name of the `number`th file of rows whose names begin so.
    #[must_use]
    pub fn rows_name(begin: &str, number: u64) -> String {
        store::rows_name(begin, number)
    }

    /// Key of a job's file.
    #[must_use]
    pub fn file_key(job: Uuid, name: &str) -> String {
        match name.strip_prefix(UPLOADS) {
            Some(rest) => format!("{UPLOADS}{job}/{rest}"),
            None => format!("{job}/{name}"),
        }
    }

    /// Writes a file of a job; durable on return.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn write_file(&self, job: Uuid, name: &str, body: Bytes) -> Result<(), StoreError> {
        let key = Self::file_key(job, name);
        let request = PutRequest { durable: true, ..PutRequest::new(&self.bucket, &key, body) };
        self.store.put(request).await.map(|_| ())
    }

    /// Reads a small file of a job.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn read_file(&self, job: Uuid, name: &str) -> Result<Bytes, StoreError> {
        let (key, version) = (Self::file_key(job, name), &VersionSelector::Latest);
        let request = GetRequest { bucket: &self.bucket, key: &key, version, range: 0..u64::MAX, pin: None };
        self.store.get_range(request).await
    }

    /// Removes a file of a job.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn remove_file(&self, job: Uuid, name: &str) -> Result<(), StoreError> {
        let (key, version) = (Self::file_key(job, name), &VersionSelector::Latest);
        let request = DeleteRequest { bucket: &self.bucket, key: &key, version, operation: None };
        self.store.delete(request).await.map(|_| ())
    }

    /// Names of notes of a job's uploads that begin so, in their order: [`NAMES_MAX`] at most, after this one.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn upload_names(&self, job: Uuid, begin: &str, after: Option<&str>) -> Result<Vec<String>, StoreError> {
        let prefix = Self::file_key(job, begin);
        let folder = Self::file_key(job, UPLOADS);
        let after = after.map(|after| Self::file_key(job, after));
        let keys = self.keys(&prefix, after.as_deref()).await?;
        let name = |key: String| key.strip_prefix(&folder).map(|rest| format!("{UPLOADS}{rest}"));
        Ok(keys.into_iter().filter_map(name).collect())
    }

    /// Jobs that have notes of uploads: `most` at most.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn jobs_with_uploads(&self, most: usize) -> Result<Vec<Uuid>, StoreError> {
        let mut jobs: Vec<Uuid> = Vec::new();
        let mut after: Option<String> = None;
        while jobs.len() < most {
            let keys = self.keys(UPLOADS, after.as_deref()).await?;
            let Some(last) = keys.last() else { break };
            let of = |key: &String| key.strip_prefix(UPLOADS)?.split_once('/')?.0.parse::<Uuid>().ok();
            jobs.extend(keys.iter().filter_map(of));
            jobs.dedup();
            after = Some(last.clone());
        }
        jobs.truncate(most);
        Ok(jobs)
    }

    async fn keys(&self, prefix: &str, after: Option<&str>) -> Result<Vec<String>, StoreError> {
        match self.store.list(ListRequest { bucket: &self.bucket, prefix, after, limit: NAMES_MAX }).await {
            Err(error) if error.kind() == ErrorKind::NoSuchBucket => Ok(Vec::new()),
            page => Ok(page?.objects.into_iter().map(|(key, _)| key).collect()),
        }
    }

    /// Removes a job's files beside notes of uploads: all but the outcomes of failed tasks (when its report is published),
    /// or all.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn sweep(&self, job: Uuid, all: bool) -> Result<(), StoreError> {
        self.remove(job, "", |name| all || !name.ends_with(FAILED_SUFFIX)).await
    }

    /// Removes files of rows that were written under leases of the job before this one.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn sweep_rows(&self, job: Uuid, epoch: u64) -> Result<(), StoreError> {
        self.remove(job, "", |name| is_earlier(name, epoch)).await
    }

    /// Removes files of rows that were written under leases of a listed file before this one.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn sweep_file(&self, job: Uuid, file: u32, epoch: u64) -> Result<(), StoreError> {
        self.remove(job, &format!("f{file}-"), |name| is_earlier(name, epoch)).await
    }

    /// Removes a job's files, beside notes of uploads, whose names begin so; of these, where what is left of the name is
    /// wanted gone.
    async fn remove(&self, job: Uuid, begin: &str, unwanted: impl Fn(&str) -> bool) -> Result<(), StoreError> {
        let prefix = format!("{job}/{begin}");
        let mut after: Option<String> = None;
        loop {
            let request =
                ListRequest { bucket: &self.bucket, prefix: &prefix, after: after.as_deref(), limit: SWEEP_PAGE };
            let page = match self.store.list(request).await {
                Err(error) if error.kind() == ErrorKind::NoSuchBucket => return Ok(()),
                page => page?,
            };
            for (key, _) in &page.objects {
                if key.strip_prefix(&prefix).is_some_and(&unwanted) {
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

/// Whether it names a file of rows, and begins with an epoch before this one.
fn is_earlier(name: &str, epoch: u64) -> bool {
    let written = name.split('-').next().and_then(|epoch| epoch.parse::<u64>().ok());
    name.ends_with(ROWS_SUFFIX) && written.is_some_and(|written| written < epoch)
}

#[cfg(test)]
mod tests {
    use cos_batch_objectstore::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn a_sweep_takes_what_earlier_leases_left_and_nothing_else() {
        let store = MemoryStore::new();
        store.create_bucket("spool").unwrap();
        let spool = Spool::new(Arc::new(store), "spool");
        let job = Uuid::from_u128(1);
        let of_job = |epoch| Spool::rows_name(&Spool::rows_of_job(epoch), 0);
        let of_file = |file, epoch| Spool::rows_name(&Spool::rows_of_file(file, epoch), 0);
        let mut left = vec![of_job(1), of_job(2), of_job(3), "1-2-0.f".to_owned()];
        left.extend([of_file(1, 1), of_file(1, 2), of_file(2, 1), of_file(11, 1)]);
        for name in &left {
            spool.write_file(job, name, Bytes::from_static(b"x")).await.unwrap();
        }
        let is_there = async |name: &String| spool.read_file(job, name).await.is_ok();
        let mut gone = Vec::new();
        let hold = async |gone: &[String]| {
            for name in &left {
                assert_eq!(is_there(name).await, !gone.contains(name), "{name}");
            }
        };
        spool.sweep_rows(job, 3).await.unwrap();
        gone.extend([of_job(1), of_job(2)]);
        hold(&gone).await;
        spool.sweep_file(job, 1, 2).await.unwrap();
        gone.push(of_file(1, 1));
        hold(&gone).await;
    }
}
