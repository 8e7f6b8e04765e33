//! Shards of a job: adding, claiming, and the end of leases.

use std::{collections::BTreeMap, time::Duration};

use cos_batch_engine::{
    UnixMillis,
    store::{JobLease, Shard, ShardLease, StoreError, rules},
};
use rusqlite::params;
use uuid::Uuid;

use super::{
    read::{claimable, collect},
    row::{self, int},
    sql,
    writer::Session,
};
use crate::fault::Fault;

pub(super) fn clear(session: &mut Session<'_>, lease: &JobLease) -> Result<(), Fault> {
    let num = session.held_job(lease)?;
    if session.connection.prepare_cached(sql::EVER_LEASED)?.query_row([num], |row| row.get(0))? {
        return Err(StoreError::Misuse("shards that were leased are not forgotten").into());
    }
    session.run(sql::CLEAR_SHARDS, [num])?;
    session.run(sql::NO_SHARDS, [num])?;
    Ok(())
}

pub(super) fn add(session: &mut Session<'_>, lease: &JobLease, shards: &[Shard]) -> Result<(), Fault> {
    let num = session.held_job(lease)?;
    for shard in shards {
        rules::check_shard(shard)?;
        let source = serde_json::to_string(&shard.source)?;
        let values = params![num, shard.index, source, int(shard.first_row), int(shard.rows)];
        if session.run(sql::INSERT_SHARD, values)? == 0 {
            return Err(StoreError::Misuse("there is already a shard of this index").into());
        }
    }
    session.run(sql::MORE_SHARDS, params![num, row::limit(shards.len())])?;
    Ok(())
}

pub(super) fn claim(session: &mut Session<'_>, job: Uuid, ttl: Duration) -> Result<Option<ShardLease>, Fault> {
    // Others may have come in between since the caller looked.
    if !claimable(session.connection, job)? {
        return Ok(None);
    }
    let num: i64 = session.connection.prepare_cached(sql::STATUS)?.query_row([job.as_bytes()], |row| row.get(0))?;
    let mut statement = session.connection.prepare_cached(sql::CLAIM)?;
    let mut rows = statement.query(params![num, rules::deadline(session.now, ttl)])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let lease = row::shard_lease(job, row)?;
    session.run(sql::CLAIMED, [num])?;
    Ok(Some(lease))
}

/// Ends leases that have run out, or all.
pub(super) fn reap(session: &mut Session<'_>, all: bool) -> Result<u64, Fault> {
    let until = if all { UnixMillis::MAX } else { session.now };
    let jobs = session.run(sql::REAP_JOBS, [until])?;
    let files = session.run(sql::REAP_FILES, [until])?;
    let shards: Vec<i64> = collect(session.connection, sql::REAP_SHARDS, [until], |row| Ok(row.get(0)?))?;
    let ended = jobs + files + shards.len();
    let mut by_job = BTreeMap::<i64, i64>::new();
    for num in shards {
        *by_job.entry(num).or_default() += 1;
    }
    for (num, shards) in by_job {
        session.run(sql::RELEASED, [num, shards])?;
    }
    Ok(u64::try_from(ended).unwrap_or(u64::MAX))
}
