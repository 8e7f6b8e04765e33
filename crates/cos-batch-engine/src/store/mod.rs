//! Where jobs are kept: the trait [`JobStore`].
//!
//! A store keeps and counts; it decides nothing. Status changes are worked out by [`lifecycle`](crate::lifecycle) and
//! written with [`JobStore::transition`] against the version they were worked out from. Work is handed out as leases;
//! every write of a lease holder names the lease's epoch, and a write of an epoch that is no longer the newest changes
//! nothing and is answered with [`StoreError::LeaseLost`]. Times and ids come from the store's own clock. A lease that
//! has run out is not gone before [`JobStore::reap`] ends it: until then nobody else can hold what it names, and a late
//! write of its holder still counts.

#[cfg(feature = "testing")]
pub mod contract;
mod error;
mod files;
pub mod ids;
mod memory;
mod rendition;
pub mod rules;

use std::{collections::BTreeMap, fmt, future::Future, ops::Range, sync::Arc, time::Duration};

pub use cos_batch_model::JobStatus;
use cos_batch_objectstore::{Pin, Tag};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    clock::UnixMillis,
    job::{JobEvent, JobRecord, JobState, Progress, ShardTally},
    spec::JobSpec,
};

pub use error::StoreError;
pub use files::{FileIndex, FileLease, FileOutcome, FilePiece, FilePlace, FileState, ListedFile};
pub(crate) use files::{ROWS_SUFFIX, rows_name, rows_of_file};
pub use memory::MemoryJobStore;
pub use rendition::{Render, Rendition};

/// A boxed future, so that the trait can be used as `dyn JobStore`.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Entries kept of a job's timeline; a job passes through about ten statuses, pausing adds more. The oldest go first,
/// but for the very first.
pub const EVENTS_MAX: usize = 256;

/// Distinct error codes counted for a job; further ones are counted together under [`OTHER_CODE`]. Codes come from
/// object stores: there are some fifty, a broken proxy could invent more.
pub const CODES_MAX: usize = 64;

/// Where codes beyond [`CODES_MAX`] are counted.
pub const OTHER_CODE: &str = "Other";

/// Jobs asked for at once where all of a tenant are looked at.
const JOBS_PER_PAGE: usize = 1000;

/// A job to be made.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// The APPID that owns it.
    pub tenant: String,
    /// The creator's token.
    pub token: String,
    /// What it is to do.
    pub spec: JobSpec,
    /// Larger runs first.
    pub priority: u32,
    /// Refuse it when the tenant has so many jobs that have not ended.
    pub live_jobs_max: u64,
}

/// A change of a job, worked out from its state at some version.
#[derive(Clone, Debug, Default)]
pub struct JobChange {
    /// The new state. A change of status adds an event to the timeline.
    pub state: Option<JobState>,
    /// The new priority.
    pub priority: Option<u32>,
    /// Sets the number of tasks (when a manifest has been prepared).
    pub total: Option<u64>,
    /// Hides the job from the API.
    pub delete: bool,
    /// Replaces the job's own tags, after `state` if that changes as well. Nothing else of the state is written: that there
    /// is a state means that the job's status was decided on.
    pub tags: Option<Vec<Tag>>,
    /// Only while this lease of the job holds: what was worked out under one is not written under another.
    pub lease: Option<JobLease>,
}

/// Selects jobs of a tenant.
#[derive(Clone, Debug)]
pub struct ListFilter<'a> {
    /// The APPID.
    pub tenant: &'a str,
    /// Only these statuses; empty: all.
    pub statuses: &'a [JobStatus],
    /// Only ids after this one, in the order of the list.
    pub after: Option<Uuid>,
    /// At most so many.
    pub limit: usize,
    /// From the newest to the oldest; else from the oldest on.
    pub newest_first: bool,
}

/// Selects jobs for the scheduler: of each tenant its share, however many jobs another one has.
#[derive(Clone, Copy, Debug)]
pub struct BriefFilter<'a> {
    /// Only these statuses. Jobs that have ended are not found.
    pub statuses: &'a [JobStatus],
    /// Only APPIDs after this one, in the order of their bytes; none: from the first.
    pub after: Option<&'a str>,
    /// Look at so many APPIDs that have jobs which have not ended.
    pub tenants: usize,
    /// At most so many jobs of each APPID in each status: highest priority first, then oldest.
    pub each: usize,
}

/// What a [`BriefFilter`] finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BriefPage {
    /// By APPID; of one APPID highest priority first, then oldest.
    pub jobs: Vec<JobBrief>,
    /// The last APPID that was looked at, if there are more behind it.
    pub next: Option<String>,
}

/// What the scheduler needs to know of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobBrief {
    /// Id.
    pub id: Uuid,
    /// The APPID that owns it.
    pub tenant: String,
    /// Status.
    pub status: JobStatus,
    /// Priority.
    pub priority: u32,
    /// Its shards.
    pub shards: ShardTally,
    /// Someone prepares or finishes it.
    pub job_leased: bool,
    /// Deleted.
    pub deleted: bool,
}

/// A piece of a manifest: the unit of leasing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Number, from 0, without gaps.
    pub index: u32,
    /// Where its rows are.
    pub source: ShardSource,
    /// Row of the manifest that its first row is, from 0.
    pub first_row: u64,
    /// How many rows it has, at least 1.
    pub rows: u64,
}

/// Where the rows of a shard are. Stored as JSON: variants may be added, what is there stays readable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShardSource {
    /// Bytes `start..end` of the manifest, cut at record boundaries.
    Bytes {
        /// First byte.
        start: u64,
        /// End, exclusive.
        end: u64,
    },
    /// A file in the spool, written when the manifest was prepared: rows of a compressed file that is too long to be
    /// decompressed from its start for each shard.
    Spooled {
        /// Its name among the job's files.
        name: String,
        /// Its size in bytes.
        bytes: u64,
    },
    /// A part of one of the files that an inventory lists, in the manifest's bucket.
    File {
        /// Key of the file.
        key: String,
        /// Its version, where its bucket keeps them: whoever replaces the file then changes nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<String>,
        /// Refuses reads of anything but what was prepared.
        pin: Pin,
        /// The file is compressed with gzip.
        gzip: bool,
        /// First byte, of the decompressed file.
        start: u64,
        /// End, exclusive.
        end: u64,
    },
}

impl ShardSource {
    /// The bytes of the (decompressed) source that are the shard's rows.
    #[must_use]
    pub fn bytes(&self) -> Range<u64> {
        match self {
            Self::Bytes { start, end } | Self::File { start, end, .. } => *start..*end,
            Self::Spooled { bytes, .. } => 0..*bytes,
        }
    }
}

/// The right to prepare or to finish a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobLease {
    /// Which job.
    pub job: Uuid,
    /// Goes up with each lease of the job.
    pub epoch: u64,
}

/// The right to work on a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardLease {
    /// Which job.
    pub job: Uuid,
    /// Which piece.
    pub shard: Shard,
    /// 1 for the first lease of the shard; goes up with each further one.
    pub epoch: u64,
    /// How far earlier holders came.
    pub cursor: Cursor,
    /// Number of the next segment.
    pub next_segment: u32,
}

/// How far a shard has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Rows of the shard that are done.
    pub rows: u64,
    /// Byte of the source, counted from the shard's start, at which the next row begins.
    pub offset: u64,
}

/// A step forward of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The shard's cursor after the step; never behind the one before.
    pub cursor: Cursor,
    /// Tasks of the step that succeeded.
    pub succeeded: u64,
    /// Tasks of the step that failed.
    pub failed: u64,
    /// Failed tasks of the step by error code.
    pub codes: BTreeMap<String, u64>,
    /// The outcomes of the step, already durable in the spool.
    pub segment: Option<Segment>,
    /// Bytes of the report rows of these outcomes.
    pub report_bytes: u64,
}

/// Outcomes of one checkpoint, in the spool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The shard.
    pub shard: u32,
    /// Epoch of the lease that wrote it.
    pub epoch: u64,
    /// Number in the shard, from 0, without gaps.
    pub number: u32,
    /// Report rows of succeeded tasks (0: there is no such file).
    pub succeeded_rows: u64,
    /// Report rows of failed tasks (0: there is no such file).
    pub failed_rows: u64,
}

/// Answer to a checkpoint that was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointAnswer {
    /// The job's status at the commit: anything but Active asks the holder to stop.
    pub status: JobStatus,
    /// The job's counts, this checkpoint included.
    pub progress: Progress,
    /// How far the shard has come, this checkpoint included.
    pub cursor: Cursor,
    /// Bytes of the job's report so far, this checkpoint included.
    pub report_bytes: u64,
}

/// A file of a completion report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultFile {
    /// The shard it covers.
    pub shard: u32,
    /// Failed tasks, or succeeded ones.
    pub failed: bool,
    /// Key in the report's bucket.
    pub key: String,
    /// MD5 of its bytes, lower-case hex.
    pub md5: String,
    /// Rows.
    pub rows: u64,
}

/// Where jobs, shards, leases and counts are kept.
///
/// Durability: when a method that changes something has returned `Ok`, the change survives a loss of power (the store
/// in memory: for as long as the process lives). Each method is one transaction.
pub trait JobStore: Send + Sync + fmt::Debug {
    /// The store's time.
    fn now(&self) -> UnixMillis;

    /// Waits until another process may have changed what there is to do. A hint: it may come for nothing or not at all, and
    /// whoever waits looks from time to time in any case. A store that no other process writes to has none to give.
    fn changed<'a>(&'a self) -> BoxFuture<'a, ()> {
        Box::pin(std::future::pending())
    }

    /// Makes a job in status New. Its id is greater than that of every job made before.
    ///
    /// # Errors
    /// `TokenUsed` (tokens of deleted jobs are remembered until [`purge`](Self::purge)), `TooManyJobs`.
    fn create<'a>(&'a self, job: NewJob) -> BoxFuture<'a, Result<JobRecord, StoreError>>;

    /// A job, deleted ones included; `None` when there is none.
    fn get<'a>(&'a self, id: Uuid) -> BoxFuture<'a, Result<Option<JobRecord>, StoreError>>;

    /// A job as `render` writes it, from its record as [`get`](Self::get) would give it now; `None` when there is none.
    ///
    /// A store may keep what was written, but only where it cannot miss a change: an answer is never older than the last
    /// change that was committed before it was asked for. Whoever asks always passes the same `render` to one store. By
    /// default nothing is kept.
    fn rendition<'a>(&'a self, id: Uuid, render: Render) -> BoxFuture<'a, Result<Option<Arc<Rendition>>, StoreError>> {
        Box::pin(async move {
            let job = self.get(id).await?;
            Ok(job.map(|job| Arc::new(Rendition::new(&job, render))))
        })
    }

    /// The job that a token of a tenant made, deleted ones included.
    fn find_token<'a>(&'a self, tenant: &'a str, token: &'a str) -> BoxFuture<'a, Result<Option<Uuid>, StoreError>>;

    /// At most `limit` jobs that try a job's failed tasks again, without deleted ones, by id.
    fn retries<'a>(&'a self, job: Uuid, limit: usize) -> BoxFuture<'a, Result<Vec<Uuid>, StoreError>>;

    /// Jobs of a tenant in ascending order of id, without deleted ones, and whether there are more.
    fn list<'a>(&'a self, filter: ListFilter<'a>) -> BoxFuture<'a, Result<(Vec<JobRecord>, bool), StoreError>>;

    /// Tasks of all jobs of a tenant in one of these statuses, without deleted jobs, and without this one; no more than a
    /// number holds. By default they are added up from the [list](Self::list) of the jobs, which takes much longer than a
    /// store needs that can count.
    fn tasks_of_others<'a>(
        &'a self,
        tenant: &'a str,
        statuses: &'a [JobStatus],
        but: Uuid,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move {
            let (mut tasks, mut after) = (0_u64, None);
            // Without statuses a list has all jobs.
            while !statuses.is_empty() {
                let (jobs, more) = self
                    .list(ListFilter { tenant, statuses, after, limit: JOBS_PER_PAGE, newest_first: false })
                    .await?;
                let others = jobs.iter().filter(|job| job.id != but);
                tasks = others.map(|job| job.progress.total).fold(tasks, u64::saturating_add);
                match jobs.last() {
                    Some(last) if more => after = Some(last.id),
                    _ => break,
                }
            }
            Ok(tasks)
        })
    }

    /// Changes a job if it still has this version; its version goes up by one.
    ///
    /// # Errors
    /// `NoSuchJob`; `LeaseLost` if the change names a lease; `Conflict`; `Misuse` for a number of tasks out of range
    /// ([`rules::COUNT_MAX`]).
    fn transition<'a>(
        &'a self,
        id: Uuid,
        version: u64,
        change: JobChange,
    ) -> BoxFuture<'a, Result<JobRecord, StoreError>>;

    /// The most urgent jobs of each tenant that have not ended, deleted ones included, at one moment.
    fn briefs<'a>(&'a self, filter: BriefFilter<'a>) -> BoxFuture<'a, Result<BriefPage, StoreError>>;

    /// Ids of at most `limit` jobs that are Suspended since `before` or earlier; those that wait longest come first.
    fn suspended<'a>(&'a self, before: UnixMillis, limit: usize) -> BoxFuture<'a, Result<Vec<Uuid>, StoreError>>;

    /// Leases a job for preparing or finishing, unless somebody holds it.
    ///
    /// # Errors
    /// `NoSuchJob`.
    fn lease_job<'a>(&'a self, id: Uuid, ttl: Duration) -> BoxFuture<'a, Result<Option<JobLease>, StoreError>>;

    /// Makes the lease last `ttl` from now.
    ///
    /// # Errors
    /// `LeaseLost`.
    fn renew_job<'a>(&'a self, lease: &'a JobLease, ttl: Duration) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Gives the lease back. A lost lease is no error here.
    fn release_job<'a>(&'a self, lease: &'a JobLease) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Forgets all shards of the job, so that preparing can begin anew. None may ever have been leased.
    ///
    /// # Errors
    /// `LeaseLost`; `Misuse` if a shard of the job was ever leased.
    fn clear_shards<'a>(&'a self, lease: &'a JobLease) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Adds shards, ready to be claimed once the job is Active.
    ///
    /// # Errors
    /// `LeaseLost`; `Misuse` for an index that exists, a shard without rows, or numbers out of range
    /// ([`rules::COUNT_MAX`]).
    fn add_shards<'a>(&'a self, lease: &'a JobLease, shards: Vec<Shard>) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Adds files that the job's manifest lists, to be read by whoever claims them. Those whose numbers are there already
    /// stay as they are, with what came of them: the same manifest lists the same files.
    ///
    /// # Errors
    /// `LeaseLost`.
    fn add_files<'a>(&'a self, lease: &'a JobLease, files: Vec<ListedFile>) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Leases the file with the lowest number of a job that is Preparing for `ttl`, of those that nobody holds or has read;
    /// `None` when there is none or the job is in another status. A lease may begin while the status changes: what comes
    /// of the file is then of no use, and does no harm.
    fn claim_file<'a>(&'a self, job: Uuid, ttl: Duration) -> BoxFuture<'a, Result<Option<FileLease>, StoreError>>;

    /// Makes the lease last `ttl` from now.
    ///
    /// # Errors
    /// `LeaseLost`.
    fn renew_file<'a>(&'a self, lease: &'a FileLease, ttl: Duration) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Says what came of a file, once and for all, and ends the lease.
    ///
    /// # Errors
    /// `LeaseLost`; `Misuse` for a piece without rows or numbers out of range ([`rules::COUNT_MAX`]).
    fn finish_file<'a>(&'a self, lease: &'a FileLease, outcome: FileOutcome) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Gives a file back, ready to be claimed again. A lost lease is no error here.
    fn release_file<'a>(&'a self, lease: &'a FileLease) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Files of a job by number, from this one on, at most `limit`, with what came of them so far.
    fn files<'a>(&'a self, job: Uuid, from: u32, limit: usize) -> BoxFuture<'a, Result<Vec<FileState>, StoreError>>;

    /// Leases the ready shard with the lowest index of an Active job for `ttl`; `None` when there is none or the job is
    /// not Active.
    fn claim_shard<'a>(&'a self, job: Uuid, ttl: Duration) -> BoxFuture<'a, Result<Option<ShardLease>, StoreError>>;

    /// Commits a step: moves the cursor, adds the counts to the job's, records the segment, and makes the lease last
    /// `ttl` from now; all or nothing.
    ///
    /// # Errors
    /// `LeaseLost`; `Misuse` if the cursor goes back or past the shard, if the counts do not equal the cursor's
    /// advance, if the codes do not add up to the failed tasks, or if the segment is not the next one of this lease.
    fn checkpoint<'a>(
        &'a self,
        lease: &'a ShardLease,
        step: Checkpoint,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<CheckpointAnswer, StoreError>>;

    /// Makes the lease last `ttl` from now, and tells the job's status as a checkpoint would.
    ///
    /// # Errors
    /// `LeaseLost`.
    fn renew_shard<'a>(
        &'a self,
        lease: &'a ShardLease,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<CheckpointAnswer, StoreError>>;

    /// Ends a shard whose cursor has reached its end, with its files of the completion report. Tells how many shards of
    /// the job are left.
    ///
    /// # Errors
    /// `LeaseLost`; `Misuse` if rows are left, or for files of another shard or two of one kind.
    fn finish_shard<'a>(
        &'a self,
        lease: &'a ShardLease,
        results: Vec<ResultFile>,
    ) -> BoxFuture<'a, Result<u64, StoreError>>;

    /// Gives a shard back, ready to be claimed again. A lost lease is no error here.
    fn release_shard<'a>(&'a self, lease: &'a ShardLease) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Ends every lease, of jobs, files and shards, that has run out (with `all`: every lease). Tells how many.
    fn reap<'a>(&'a self, all: bool) -> BoxFuture<'a, Result<u64, StoreError>>;

    /// The committed segments of a shard, by number.
    fn segments<'a>(&'a self, job: Uuid, shard: u32) -> BoxFuture<'a, Result<Vec<Segment>, StoreError>>;

    /// The committed segments of a job, by shard and number: at most `limit`, after the named one; with `failed_only`,
    /// those that have failed rows.
    fn job_segments<'a>(
        &'a self,
        job: Uuid,
        failed_only: bool,
        after: Option<(u32, u32)>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Segment>, StoreError>>;

    /// Indexes of at most `limit` shards of a job, above `after`, that are not finished but have segments.
    fn cut_off_shards<'a>(
        &'a self,
        job: Uuid,
        after: Option<u32>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<u32>, StoreError>>;

    /// Records report files of shards that were cut off, in place of any recorded for these shards before.
    ///
    /// # Errors
    /// `LeaseLost`; `Misuse` for a shard that does not exist or is finished, or for two files of one kind.
    fn add_results<'a>(
        &'a self,
        lease: &'a JobLease,
        results: Vec<ResultFile>,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The report files of a job, by shard, succeeded before failed; at most `limit`, after the named one.
    fn results<'a>(
        &'a self,
        job: Uuid,
        after: Option<(u32, bool)>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<ResultFile>, StoreError>>;

    /// Failed tasks of a job by error code, most frequent first.
    fn codes<'a>(&'a self, job: Uuid) -> BoxFuture<'a, Result<Vec<(String, u64)>, StoreError>>;

    /// The job's timeline, oldest first, at most [`EVENTS_MAX`] entries.
    fn events<'a>(&'a self, job: Uuid) -> BoxFuture<'a, Result<Vec<JobEvent>, StoreError>>;

    /// Ids of at most `limit` final jobs that ended before `before`, and so may be forgotten; deleted ones wait as long
    /// as others, because their tokens must be remembered. Those that ended first come first.
    fn purgeable<'a>(&'a self, before: UnixMillis, limit: usize) -> BoxFuture<'a, Result<Vec<Uuid>, StoreError>>;

    /// Forgets a final job and everything of it, its token included.
    ///
    /// # Errors
    /// `NoSuchJob`; `Misuse` if it is not final.
    fn purge<'a>(&'a self, id: Uuid) -> BoxFuture<'a, Result<(), StoreError>>;
}
