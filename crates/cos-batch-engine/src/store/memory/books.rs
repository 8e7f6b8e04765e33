//! What the store in memory holds.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use cos_batch_model::JobStatus;
use uuid::Uuid;

use crate::{
    clock::UnixMillis,
    job::{JobEvent, JobRecord},
    store::{
        Cursor, FileOutcome, JobLease, ListedFile, ResultFile, Segment, Shard, ShardLease, StoreError, ids::JobIds,
    },
};

/// Everything the store knows. Each method is one transaction: it checks all first, then changes.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) ids: JobIds,
    pub(super) jobs: BTreeMap<Uuid, Entry>,
    pub(super) tenants: BTreeMap<String, Tenant>,
    /// Jobs that are Suspended, by when they became so.
    pub(super) suspended: BTreeSet<(UnixMillis, Uuid)>,
}

impl Default for Books {
    fn default() -> Self {
        Self { ids: JobIds::after(None), jobs: BTreeMap::new(), tenants: BTreeMap::new(), suspended: BTreeSet::new() }
    }
}

/// The jobs of a tenant.
#[derive(Debug, Default)]
pub(super) struct Tenant {
    pub(super) jobs: BTreeSet<Uuid>,
    pub(super) tokens: BTreeMap<String, Uuid>,
    /// Its jobs by status, the most urgent first, then the oldest.
    pub(super) queue: BTreeSet<(JobStatus, Reverse<u32>, Uuid)>,
    /// Jobs that have not ended, deleted ones included.
    pub(super) live: u64,
}

/// A job and everything of it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) record: JobRecord,
    pub(super) epoch: u64,
    /// When the lease runs out; none: nobody holds the job.
    pub(super) leased_until: Option<UnixMillis>,
    pub(super) shards: BTreeMap<u32, Piece>,
    pub(super) ready: BTreeSet<u32>,
    pub(super) files: BTreeMap<u32, OfFile>,
    /// Files that nobody holds or has read.
    pub(super) files_ready: BTreeSet<u32>,
    /// When the leases of files that are held run out.
    pub(super) files_held: BTreeMap<u32, UnixMillis>,
    pub(super) codes: BTreeMap<String, u64>,
    pub(super) events: Vec<JobEvent>,
    pub(super) results: BTreeMap<(u32, bool), ResultFile>,
    pub(super) report_bytes: u64,
}

/// A listed file and where it stands.
#[derive(Debug)]
pub(super) struct OfFile {
    pub(super) file: ListedFile,
    pub(super) epoch: u64,
    pub(super) outcome: Option<FileOutcome>,
}

/// A shard and where it stands.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) shard: Shard,
    pub(super) state: PieceState,
    pub(super) epoch: u64,
    pub(super) cursor: Cursor,
    pub(super) segments: Vec<Segment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PieceState {
    Ready,
    Leased { until: UnixMillis },
    Done,
}

impl Piece {
    pub(super) fn next_segment(&self) -> u32 {
        u32::try_from(self.segments.len()).unwrap_or(u32::MAX)
    }
}

impl Books {
    pub(super) fn entry(&mut self, id: Uuid) -> Result<&mut Entry, StoreError> {
        self.jobs.get_mut(&id).ok_or(StoreError::NoSuchJob)
    }

    /// The job, if this lease of it still holds.
    pub(super) fn held_job(&mut self, lease: &JobLease) -> Result<&mut Entry, StoreError> {
        self.jobs
            .get_mut(&lease.job)
            .filter(|entry| entry.leased_until.is_some() && entry.epoch == lease.epoch)
            .ok_or(StoreError::LeaseLost)
    }

    /// The shard's job, if this lease of the shard still holds.
    pub(super) fn held_shard(&mut self, lease: &ShardLease) -> Result<(&mut Entry, u32), StoreError> {
        let index = lease.shard.index;
        let entry = self.jobs.get_mut(&lease.job).ok_or(StoreError::LeaseLost)?;
        let held = entry
            .shards
            .get(&index)
            .is_some_and(|piece| matches!(piece.state, PieceState::Leased { .. }) && piece.epoch == lease.epoch);
        if held { Ok((entry, index)) } else { Err(StoreError::LeaseLost) }
    }
}
