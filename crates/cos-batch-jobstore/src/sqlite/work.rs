//! What the holder of a shard commits, and the report files.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use cos_batch_engine::{
    Progress,
    store::{Checkpoint, CheckpointAnswer, JobLease, JobStatus, ResultFile, ShardLease, StoreError, rules},
};
use rusqlite::params;

use super::{
    read::collect,
    row::{self, count, int},
    sql,
    writer::Session,
};
use crate::fault::Fault;

/// A shard that is held, as it is stored, and its job.
struct Held {
    /// What the store knows of the shard; a caller's copy may be older.
    now: ShardLease,
    num: i64,
    status: JobStatus,
    progress: Progress,
    report_bytes: u64,
}

impl Held {
    fn answer(&self) -> CheckpointAnswer {
        CheckpointAnswer {
            status: self.status,
            progress: self.progress,
            cursor: self.now.cursor,
            report_bytes: self.report_bytes,
        }
    }
}

fn held(session: &Session<'_>, lease: &ShardLease) -> Result<Held, Fault> {
    let mut statement = session.connection.prepare_cached(sql::HELD_SHARD)?;
    let mut rows = statement.query(params![lease.job.as_bytes(), lease.shard.index, int(lease.epoch)])?;
    let Some(row) = rows.next()? else { return Err(StoreError::LeaseLost.into()) };
    Ok(Held {
        now: row::shard_lease(lease.job, row)?,
        num: row.get(8)?,
        status: row::status(lease.job, row, 9)?,
        progress: Progress { total: count(row, 10)?, succeeded: count(row, 11)?, failed: count(row, 12)? },
        report_bytes: count(row, 13)?,
    })
}

pub(super) fn checkpoint(
    session: &mut Session<'_>,
    lease: &ShardLease,
    step: &Checkpoint,
    ttl: Duration,
) -> Result<CheckpointAnswer, Fault> {
    let mut held = held(session, lease)?;
    let (shard, num) = (&held.now, held.num);
    rules::check_step(&shard.shard, shard.epoch, shard.cursor, shard.next_segment, step)?;
    let until = rules::deadline(session.now, ttl);
    let segments = i64::from(shard.next_segment) + i64::from(step.segment.is_some());
    session.run(
        sql::STEP,
        params![num, shard.shard.index, int(step.cursor.rows), int(step.cursor.offset), segments, until],
    )?;
    if let Some(segment) = &step.segment {
        session.run(
            sql::INSERT_SEGMENT,
            params![
                num,
                segment.shard,
                segment.number,
                int(segment.epoch),
                int(segment.succeeded_rows),
                int(segment.failed_rows)
            ],
        )?;
    }
    if !step.codes.is_empty() {
        let known = collect(session.connection, sql::JOB_CODES, [num], |row| Ok((row.get(0)?, count(row, 1)?)))?;
        let known: BTreeMap<String, u64> = known.into_iter().collect();
        for (code, tasks) in rules::add_codes(&known, &step.codes) {
            session.run(sql::SET_CODE, params![num, code, int(tasks)])?;
        }
    }
    session.touched.push(lease.job);
    session.run(sql::COUNT, params![num, int(step.succeeded), int(step.failed), int(step.report_bytes)])?;
    held.progress.succeeded += step.succeeded;
    held.progress.failed += step.failed;
    held.now.cursor = step.cursor;
    held.report_bytes += step.report_bytes;
    Ok(held.answer())
}

pub(super) fn renew(session: &mut Session<'_>, lease: &ShardLease, ttl: Duration) -> Result<CheckpointAnswer, Fault> {
    let held = held(session, lease)?;
    session.run(sql::RENEW_SHARD, params![held.num, lease.shard.index, rules::deadline(session.now, ttl)])?;
    Ok(held.answer())
}

pub(super) fn finish(session: &mut Session<'_>, lease: &ShardLease, results: &[ResultFile]) -> Result<u64, Fault> {
    let Held { now, num, .. } = held(session, lease)?;
    let index = now.shard.index;
    if now.cursor.rows != now.shard.rows {
        return Err(StoreError::Misuse("a shard with rows left is not finished").into());
    }
    rules::check_results(results, Some(index))?;
    session.run(sql::FINISH, params![num, index])?;
    replace_results(session, num, &[index].into(), results)?;
    Ok(session.connection.prepare_cached(sql::FINISHED)?.query_row([num], |row| count(row, 0))?)
}

pub(super) fn release(session: &mut Session<'_>, lease: &ShardLease) -> Result<(), Fault> {
    match held(session, lease) {
        Ok(Held { num, .. }) => {
            session.run(sql::RELEASE, params![num, lease.shard.index])?;
            session.run(sql::RELEASED, [num, 1])?;
            Ok(())
        }
        Err(Fault::Store(StoreError::LeaseLost)) => Ok(()),
        Err(fault) => Err(fault),
    }
}

pub(super) fn add_results(session: &mut Session<'_>, lease: &JobLease, results: &[ResultFile]) -> Result<(), Fault> {
    let num = session.held_job(lease)?;
    rules::check_results(results, None)?;
    let shards: BTreeSet<u32> = results.iter().map(|result| result.shard).collect();
    for shard in &shards {
        if !session.connection.prepare_cached(sql::SHARD_OPEN)?.query_row(params![num, shard], |row| row.get(0))? {
            return Err(StoreError::Misuse("report files are added to shards that were cut off only").into());
        }
    }
    replace_results(session, num, &shards, results)
}

fn replace_results(
    session: &Session<'_>,
    num: i64,
    shards: &BTreeSet<u32>,
    results: &[ResultFile],
) -> Result<(), Fault> {
    for shard in shards {
        session.run(sql::DELETE_RESULTS, params![num, shard])?;
    }
    for result in results {
        session.run(
            sql::INSERT_RESULT,
            params![num, result.shard, result.failed, result.key, result.md5, int(result.rows)],
        )?;
    }
    Ok(())
}
