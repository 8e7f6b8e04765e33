//! Rows to values and back.

use std::{fmt::Display, sync::Arc, time::Duration};

use cos_batch_engine::{
    JobRecord, JobSpec, JobState, Progress, ShardTally,
    store::{Cursor, JobBrief, JobStatus, ListedFile, Segment, Shard, ShardLease, rules::COUNT_MAX},
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{fault::Fault, text};

/// Longest time of a lease in milliseconds: some thousand years. The sum with the time now is kept in 64 bits.
const TTL_MILLIS_MAX: i64 = 1 << 47;

/// A count as PostgreSQL keeps it. Counts above [`COUNT_MAX`] never come this far; they would only stay out of every row.
pub(super) fn int(count: u64) -> i64 {
    i64::try_from(count.min(COUNT_MAX)).unwrap_or(i64::MAX)
}

/// A limit of rows.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// How long a lease lasts, in milliseconds.
pub(super) fn millis(ttl: Duration) -> i64 {
    i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX).min(TTL_MILLIS_MAX)
}

/// What is said of something stored that cannot be read.
pub(super) fn corrupt(what: &str, error: impl Display) -> Fault {
    Fault::Corrupt(format!("a stored {what} cannot be read: {error}"))
}

/// A count as it was kept.
pub(super) fn count(row: &Row, column: usize) -> Result<u64, Fault> {
    u64::try_from(row.try_get::<_, i64>(column)?).map_err(|error| corrupt("count", error))
}

/// A number of a shard or a segment.
pub(super) fn number(row: &Row, column: usize) -> Result<u32, Fault> {
    u32::try_from(row.try_get::<_, i64>(column)?).map_err(|error| corrupt("number", error))
}

/// A text as it was given.
pub(super) fn string(row: &Row, column: usize) -> Result<String, Fault> {
    Ok(text::decode(row.try_get(column)?))
}

/// A status.
pub(super) fn status(row: &Row, column: usize) -> Result<JobStatus, Fault> {
    row.try_get::<_, &str>(column)?.parse().map_err(|error| corrupt("status", error))
}

/// A record, and the job's number: the columns of `record!`.
pub(super) fn record(row: &Row) -> Result<(JobRecord, i64), Fault> {
    let id: Uuid = row.try_get(0)?;
    let spec: JobSpec = serde_json::from_str(row.try_get(3)?).map_err(|error| corrupt("spec", error))?;
    let state: JobState = serde_json::from_str(row.try_get(5)?).map_err(|error| corrupt("state", error))?;
    let record = JobRecord {
        id,
        tenant: string(row, 1)?,
        token: string(row, 2)?,
        spec: Arc::new(spec),
        priority: number(row, 4)?,
        state,
        version: count(row, 6)?,
        created_at: row.try_get(7)?,
        progress: Progress { total: count(row, 8)?, succeeded: count(row, 9)?, failed: count(row, 10)? },
        shards: ShardTally { ready: count(row, 11)?, leased: count(row, 12)?, done: count(row, 13)? },
        deleted: row.try_get(14)?,
    };
    Ok((record, row.try_get(15)?))
}

/// A brief, from the second column on: the first is the tenant that was looked at.
pub(super) fn brief(row: &Row) -> Result<JobBrief, Fault> {
    Ok(JobBrief {
        tenant: string(row, 0)?,
        id: row.try_get(1)?,
        status: status(row, 2)?,
        priority: number(row, 3)?,
        shards: ShardTally { ready: count(row, 4)?, leased: count(row, 5)?, done: count(row, 6)? },
        job_leased: row.try_get(7)?,
        deleted: row.try_get(8)?,
    })
}

/// A lease of a shard: the columns of `lease!`.
pub(super) fn shard_lease(job: Uuid, row: &Row) -> Result<ShardLease, Fault> {
    let source = serde_json::from_str(row.try_get(1)?).map_err(|error| corrupt("shard", error))?;
    Ok(ShardLease {
        job,
        shard: Shard { index: number(row, 0)?, source, first_row: count(row, 2)?, rows: count(row, 3)? },
        cursor: Cursor { rows: count(row, 4)?, offset: count(row, 5)? },
        next_segment: number(row, 6)?,
        epoch: count(row, 7)?,
    })
}

/// A listed file.
pub(super) fn listed_file(row: &Row, column: usize) -> Result<ListedFile, Fault> {
    serde_json::from_str(row.try_get(column)?).map_err(|error| corrupt("file", error))
}

/// A segment.
pub(super) fn segment(row: &Row) -> Result<Segment, Fault> {
    Ok(Segment {
        shard: number(row, 0)?,
        number: number(row, 1)?,
        epoch: count(row, 2)?,
        succeeded_rows: count(row, 3)?,
        failed_rows: count(row, 4)?,
    })
}
