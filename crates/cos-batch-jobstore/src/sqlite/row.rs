//! Rows to values and back.

use std::{fmt::Display, sync::Arc};

use cos_batch_engine::{
    JobRecord, JobSpec, JobState, Progress, ShardTally,
    store::{Cursor, JobBrief, JobStatus, Shard, ShardLease, ShardSource, rules::COUNT_MAX},
};
use rusqlite::Row;
use uuid::Uuid;

use crate::fault::Fault;

/// A count as SQLite keeps it. Counts above [`COUNT_MAX`] never come this far; they would only stay out of every row.
pub(super) fn int(count: u64) -> i64 {
    i64::try_from(count.min(COUNT_MAX)).unwrap_or(i64::MAX)
}

/// A limit of rows.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A count as it was kept.
pub(super) fn count(row: &Row<'_>, column: usize) -> Result<u64, rusqlite::Error> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

/// An id as it was kept.
pub(super) fn id(row: &Row<'_>, column: usize) -> Result<Uuid, rusqlite::Error> {
    row.get::<_, [u8; 16]>(column).map(Uuid::from_bytes)
}

/// What is said of something of a job that cannot be read.
pub(super) fn corrupt(job: Uuid, what: &str, error: impl Display) -> Fault {
    Fault::Corrupt(format!("the stored {what} of job {job} cannot be read: {error}"))
}

/// Reads a record, and the job's row number.
pub(super) fn record(row: &Row<'_>) -> Result<(JobRecord, i64), Fault> {
    let id = id(row, 0)?;
    let spec: JobSpec = serde_json::from_str(row.get_ref(3)?.as_str().map_err(|error| corrupt(id, "spec", error))?)
        .map_err(|error| corrupt(id, "spec", error))?;
    let state: JobState = serde_json::from_str(row.get_ref(5)?.as_str().map_err(|error| corrupt(id, "state", error))?)
        .map_err(|error| corrupt(id, "state", error))?;
    let record = JobRecord {
        id,
        tenant: row.get(1)?,
        token: row.get(2)?,
        spec: Arc::new(spec),
        priority: row.get(4)?,
        state,
        version: count(row, 6)?,
        created_at: row.get(7)?,
        progress: Progress { total: count(row, 8)?, succeeded: count(row, 9)?, failed: count(row, 10)? },
        shards: ShardTally { ready: count(row, 11)?, leased: count(row, 12)?, done: count(row, 13)? },
        deleted: row.get(14)?,
    };
    Ok((record, row.get(15)?))
}

/// Reads a brief.
pub(super) fn brief(row: &Row<'_>) -> Result<JobBrief, Fault> {
    let id = id(row, 1)?;
    Ok(JobBrief {
        id,
        priority: row.get(0)?,
        tenant: row.get(2)?,
        status: status(id, row, 3)?,
        shards: ShardTally { ready: count(row, 4)?, leased: count(row, 5)?, done: count(row, 6)? },
        job_leased: row.get(7)?,
        deleted: row.get(8)?,
    })
}

/// Reads where a shard's rows are.
pub(super) fn source(job: Uuid, row: &Row<'_>, column: usize) -> Result<ShardSource, Fault> {
    let text = row.get_ref(column)?.as_str().map_err(|error| corrupt(job, "shard", error))?;
    serde_json::from_str(text).map_err(|error| corrupt(job, "shard", error))
}

/// Reads a status.
pub(super) fn status(job: Uuid, row: &Row<'_>, column: usize) -> Result<JobStatus, Fault> {
    let text = row.get_ref(column)?.as_str().map_err(|error| corrupt(job, "status", error))?;
    text.parse().map_err(|error| corrupt(job, "status", error))
}

/// Reads a lease of a shard: the first eight columns of `HELD_SHARD` and of what `CLAIM` returns.
pub(super) fn shard_lease(job: Uuid, row: &Row<'_>) -> Result<ShardLease, Fault> {
    let index: u32 = row.get(0)?;
    let source = source(job, row, 1)?;
    Ok(ShardLease {
        job,
        shard: Shard { index, source, first_row: count(row, 2)?, rows: count(row, 3)? },
        cursor: Cursor { rows: count(row, 4)?, offset: count(row, 5)? },
        next_segment: row.get(6)?,
        epoch: count(row, 7)?,
    })
}
