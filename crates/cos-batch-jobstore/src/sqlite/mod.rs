//! A job store in one SQLite file.

mod backup;
mod connection;
mod files;
mod jobs;
mod new;
mod private;
mod read;
mod readers;
mod renditions;
mod row;
mod schema;
mod shards;
mod sql;
mod work;
mod writer;

#[cfg(test)]
mod tests;

use std::{
    fmt, fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use cos_batch_engine::{
    Clock, JobEvent, JobRecord, JobStore, UnixMillis,
    store::{
        BoxFuture, BriefFilter, BriefPage, Checkpoint, CheckpointAnswer, FileLease, FileOutcome, FileState, JobChange,
        JobLease, JobStatus, ListFilter, ListedFile, NewJob, Render, Rendition, ResultFile, Segment, Shard, ShardLease,
        StoreError, ids::JobIds,
    },
};
use rusqlite::Connection;
use uuid::Uuid;

pub use self::backup::{copy_store, find_rows, unfinished_jobs};
use self::{
    readers::Readers,
    renditions::{KEPT_BYTES_MAX, Renditions},
    writer::{Lane, Session, Writer},
};
use crate::fault::Fault;

/// A [`JobStore`] in one SQLite file, for one process at a time.
///
/// Dropping it carries out what was asked for before, ends its thread and waits for that.
pub struct SqliteJobStore {
    path: PathBuf,
    /// Device and inode of its file.
    identity: (u64, u64),
    clock: Arc<dyn Clock>,
    writer: Writer,
    readers: Readers,
    renditions: Arc<Renditions>,
}

/// What the writing thread has done since the store was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Transactions that were committed.
    pub commits: u64,
    /// Changes in them, refused ones included.
    pub changes: u64,
}

impl SqliteJobStore {
    /// Opens the store, making or migrating it as needed, and ends every lease: whoever held one is gone. The caller
    /// sees to it (by a lock on the folder, say) that no other process has the store open. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Failed`]: the file cannot be opened or made, is no job store, or was written by a newer release;
    /// it is then left as it is.
    pub fn open(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let opened = Self::start(&path, clock, KEPT_BYTES_MAX);
        opened.map_err(|fault| StoreError::Failed(format!("{}: {fault}", path.display())))
    }

    fn start(path: &Path, clock: Arc<dyn Clock>, kept_bytes: u64) -> Result<Self, Fault> {
        new::make(path);
        let mut connection = connection::writer(path)?;
        schema::migrate(&mut connection)?;
        let last = connection.query_row(sql::LAST_ID, [], |row| row.get::<_, Option<[u8; 16]>>(0))?;
        let mut ids = JobIds::after(last.map(Uuid::from_bytes));
        let transaction = connection.transaction()?;
        let mut session =
            Session { connection: &transaction, ids: &mut ids, now: clock.now(), touched: &mut Vec::new() };
        shards::reap(&mut session, true)?;
        transaction.commit()?;
        let identity = identity(path).map_err(|error| Fault::Corrupt(error.to_string()))?;
        let renditions = Arc::new(Renditions::new(kept_bytes));
        let writer = Writer::start(connection, ids, clock.clone(), Arc::clone(&renditions))
            .map_err(|error| Fault::Corrupt(format!("its thread cannot be started: {error}")))?;
        Ok(Self { path: path.to_owned(), identity, clock, writer, readers: Readers::new(path.to_owned()), renditions })
    }

    /// What the writing thread has done so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.writer.statistics()
    }

    /// Whether it works: its file is still where it was opened, and its writer begins a transaction and ends it, in which nothing
    /// is changed. It waits for its turn among the changes that were asked for before, and as they do for whoever else holds the
    /// database (ten seconds at most); whoever cannot wait bounds it. What is given up keeps its turn.
    ///
    /// # Errors
    /// [`StoreError::Failed`]: the file is gone or another one, so that what is committed is in a file without a name; or no
    /// transaction can be had.
    pub async fn check(&self) -> Result<(), StoreError> {
        let (path, opened) = (self.path.clone(), self.identity);
        let look = move |_: &mut Session<'_>| match identity(&path) {
            Ok(found) if found == opened => Ok(()),
            Ok(_) => Err(Fault::Corrupt("its file is another one than was opened".to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Fault::Corrupt("its file is gone".to_owned())),
            Err(error) => Err(Fault::Corrupt(format!("its file cannot be seen: {error}"))),
        };
        self.writer.write(Lane::Api, look).await
    }

    fn read<'a, T: Send + 'a>(
        &'a self,
        read: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        Box::pin(async move { self.readers.read(read) })
    }

    fn write<'a, T: Send + 'static>(
        &'a self,
        lane: Lane,
        change: impl FnOnce(&mut Session<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        Box::pin(self.writer.write(lane, change))
    }
}

/// Which file this is, whatever it is called.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}

impl fmt::Debug for SqliteJobStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteJobStore")
            .field("path", &self.path)
            .field("clock", &self.clock)
            .field("writer", &self.writer)
            .finish_non_exhaustive()
    }
}

impl JobStore for SqliteJobStore {
    fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    fn create<'a>(&'a self, job: NewJob) -> BoxFuture<'a, Result<JobRecord, StoreError>> {
        self.write(Lane::Api, |session| jobs::create(session, job))
    }

    fn get<'a>(&'a self, id: Uuid) -> BoxFuture<'a, Result<Option<JobRecord>, StoreError>> {
        self.read(move |connection| Ok(read::get(connection, id)?.map(|(record, _)| record)))
    }

    fn rendition<'a>(&'a self, id: Uuid, render: Render) -> BoxFuture<'a, Result<Option<Arc<Rendition>>, StoreError>> {
        Box::pin(async move {
            self.renditions.get(id, || {
                self.readers.read(|connection| {
                    Ok(read::get(connection, id)?.map(|(record, _)| Rendition::new(&record, render)))
                })
            })
        })
    }

    fn find_token<'a>(&'a self, tenant: &'a str, token: &'a str) -> BoxFuture<'a, Result<Option<Uuid>, StoreError>> {
        self.read(move |connection| read::find_token(connection, tenant, token))
    }

    fn retries<'a>(&'a self, job: Uuid, limit: usize) -> BoxFuture<'a, Result<Vec<Uuid>, StoreError>> {
        self.read(move |connection| read::retries(connection, job, limit))
    }

    fn list<'a>(&'a self, filter: ListFilter<'a>) -> BoxFuture<'a, Result<(Vec<JobRecord>, bool), StoreError>> {
        self.read(move |connection| read::list(connection, &filter))
    }

    fn tasks_of_others<'a>(
        &'a self,
        tenant: &'a str,
        statuses: &'a [JobStatus],
        but: Uuid,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        self.read(move |connection| read::tasks_of_others(connection, tenant, statuses, but))
    }

    fn transition<'a>(
        &'a self,
        id: Uuid,
        version: u64,
        change: JobChange,
    ) -> BoxFuture<'a, Result<JobRecord, StoreError>> {
        self.write(Lane::Api, move |session| jobs::transition(session, id, version, change))
    }

    fn briefs<'a>(&'a self, filter: BriefFilter<'a>) -> BoxFuture<'a, Result<BriefPage, StoreError>> {
        self.read(move |connection| read::briefs(connection, &filter))
    }

    fn suspended<'a>(&'a self, before: UnixMillis, limit: usize) -> BoxFuture<'a, Result<Vec<Uuid>, StoreError>> {
        self.read(move |connection| read::suspended(connection, before, limit))
    }

    fn lease_job<'a>(&'a self, id: Uuid, ttl: Duration) -> BoxFuture<'a, Result<Option<JobLease>, StoreError>> {
        self.write(Lane::Work, move |session| jobs::lease(session, id, ttl))
    }

    fn renew_job<'a>(&'a self, lease: &'a JobLease, ttl: Duration) -> BoxFuture<'a, Result<(), StoreError>> {
        let lease = lease.clone();
        self.write(Lane::Work, move |session| jobs::renew(session, &lease, ttl))
    }

    fn release_job<'a>(&'a self, lease: &'a JobLease) -> BoxFuture<'a, Result<(), StoreError>> {
        let lease = lease.clone();
        self.write(Lane::Work, move |session| jobs::release(session, &lease))
    }

    fn clear_shards<'a>(&'a self, lease: &'a JobLease) -> BoxFuture<'a, Result<(), StoreError>> {
        let lease = lease.clone();
        self.write(Lane::Work, move |session| shards::clear(session, &lease))
    }

    fn add_shards<'a>(&'a self, lease: &'a JobLease, shards: Vec<Shard>) -> BoxFuture<'a, Result<(), StoreError>> {
        let lease = lease.clone();
        self.write(Lane::Work, move |session| shards::add(session, &lease, &shards))
    }

    fn add_files<'a>(&'a self, lease: &'a JobLease, files: Vec<ListedFile>) -> BoxFuture<'a, Result<(), StoreError>> {
        let lease = lease.clone();
        self.write(Lane::Work, move |session| files::add(session, &lease, &files))
    }

    fn claim_file<'a>(&'a self, job: Uuid, ttl: Duration) -> BoxFuture<'a, Result<Option<FileLease>, StoreError>> {
        Box::pin(async move {
            // As for shards.
            if !self.readers.read(|connection| files::claimable(connection, job))? {
                return Ok(None);
            }
            self.writer.write(Lane::Work, move |session| files::claim(session, job, ttl)).await
        })
    }

    fn renew_file<'a>(&'a self, lease: &'a FileLease, ttl: Duration) -> BoxFuture<'a, Result<(), StoreError>> {
        let lease = lease.clone();
        self.write(Lane::Work, move |session| files::renew(session, &lease, ttl))
    }

    fn finish_file<'a>(&'a self, lease: &'a FileLease, outcome: FileOutcome) -> BoxFuture<'a, Result<(), StoreError>> {
        let lease = lease.clone();
        self.write(Lane::Work, move |session| files::finish(session, &lease, &outcome))
    }

    fn release_file<'a>(&'a self, lease: &'a FileLease) -> BoxFuture<'a, Result<(), StoreError>> {
        let lease = lease.clone();
        self.write(Lane::Work, move |session| files::release(session, &lease))
    }

    fn files<'a>(&'a self, job: Uuid, from: u32, limit: usize) -> BoxFuture<'a, Result<Vec<FileState>, StoreError>> {
        self.read(move |connection| files::files(connection, job, from, limit))
    }

    fn claim_shard<'a>(&'a self, job: Uuid, ttl: Duration) -> BoxFuture<'a, Result<Option<ShardLease>, StoreError>> {
        Box::pin(async move {
            // Workers ask again and again; where there is nothing to have, the writer is not bothered.
            if !self.readers.read(|connection| read::claimable(connection, job))? {
                return Ok(None);
            }
            self.writer.write(Lane::Work, move |session| shards::claim(session, job, ttl)).await
        })
    }

    fn checkpoint<'a>(
        &'a self,
        lease: &'a ShardLease,
        step: Checkpoint,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<CheckpointAnswer, StoreError>> {
        let lease = lease.clone();
        self.write(Lane::Work, move |session| work::checkpoint(session, &lease, &step, ttl))
    }

    fn renew_shard<'a>(
        &'a self,
        lease: &'a ShardLease,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<CheckpointAnswer, StoreError>> {
        let lease = lease.clone();
        self.write(Lane::Work, move |session| work::renew(session, &lease, ttl))
    }

    fn finish_shard<'a>(
        &'a self,
        lease: &'a ShardLease,
        results: Vec<ResultFile>,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        let lease = lease.clone();
        self.write(Lane::Work, move |session| work::finish(session, &lease, &results))
    }

    fn release_shard<'a>(&'a self, lease: &'a ShardLease) -> BoxFuture<'a, Result<(), StoreError>> {
        let lease = lease.clone();
        self.write(Lane::Work, move |session| work::release(session, &lease))
    }

    fn reap<'a>(&'a self, all: bool) -> BoxFuture<'a, Result<u64, StoreError>> {
        self.write(Lane::Work, move |session| shards::reap(session, all))
    }

    fn segments<'a>(&'a self, job: Uuid, shard: u32) -> BoxFuture<'a, Result<Vec<Segment>, StoreError>> {
        self.read(move |connection| read::segments(connection, job, shard))
    }

    fn job_segments<'a>(
        &'a self,
        job: Uuid,
        failed_only: bool,
        after: Option<(u32, u32)>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Segment>, StoreError>> {
        self.read(move |connection| read::job_segments(connection, job, failed_only, after, limit))
    }

    fn cut_off_shards<'a>(
        &'a self,
        job: Uuid,
        after: Option<u32>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<u32>, StoreError>> {
        self.read(move |connection| read::cut_off_shards(connection, job, after, limit))
    }

    fn add_results<'a>(
        &'a self,
        lease: &'a JobLease,
        results: Vec<ResultFile>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let lease = lease.clone();
        self.write(Lane::Work, move |session| work::add_results(session, &lease, &results))
    }

    fn results<'a>(
        &'a self,
        job: Uuid,
        after: Option<(u32, bool)>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<ResultFile>, StoreError>> {
        self.read(move |connection| read::results(connection, job, after, limit))
    }

    fn codes<'a>(&'a self, job: Uuid) -> BoxFuture<'a, Result<Vec<(String, u64)>, StoreError>> {
        self.read(move |connection| read::codes(connection, job))
    }

    fn events<'a>(&'a self, job: Uuid) -> BoxFuture<'a, Result<Vec<JobEvent>, StoreError>> {
        self.read(move |connection| read::events(connection, job))
    }

    fn purgeable<'a>(&'a self, before: UnixMillis, limit: usize) -> BoxFuture<'a, Result<Vec<Uuid>, StoreError>> {
        self.read(move |connection| read::purgeable(connection, before, limit))
    }

    fn purge<'a>(&'a self, id: Uuid) -> BoxFuture<'a, Result<(), StoreError>> {
        self.write(Lane::Work, move |session| jobs::purge(session, id))
    }
}
