//! What is read. One statement or one transaction each, so that each sees one moment.

use std::cmp::Reverse;

use cos_batch_engine::{
    JobEvent, JobRecord, UnixMillis,
    store::{BriefFilter, BriefPage, JobBrief, JobStatus, ListFilter, ResultFile, Segment},
};
use rusqlite::{Connection, OptionalExtension as _, Params, Row, ToSql, params};
use uuid::Uuid;

use super::{
    row::{self, count},
    sql,
};
use crate::fault::Fault;

/// A job and its row number.
pub(super) fn get(connection: &Connection, id: Uuid) -> Result<Option<(JobRecord, i64)>, Fault> {
    let mut statement = connection.prepare_cached(sql::GET)?;
    let mut rows = statement.query([id.as_bytes()])?;
    rows.next()?.map(row::record).transpose()
}

pub(super) fn list(connection: &Connection, filter: &ListFilter<'_>) -> Result<(Vec<JobRecord>, bool), Fault> {
    // Every id is greater than the empty one, and less than one that is longer than any.
    let back = filter.newest_first;
    let beyond: &[u8] = if back { &[u8::MAX; 17] } else { &[] };
    let after = filter.after.as_ref().map_or(beyond, |id| id.as_bytes());
    let limit = row::limit(filter.limit.saturating_add(1));
    let record = |row: &Row<'_>| row::record(row).map(|(record, _)| record);
    let mut jobs = if filter.statuses.is_empty() {
        collect(
            connection,
            if back { sql::LIST_BACK } else { sql::LIST },
            params![filter.tenant, after, limit],
            record,
        )?
    } else {
        let statuses = names(filter.statuses);
        let mut values: Vec<&dyn ToSql> = vec![&filter.tenant, &after, &limit];
        values.extend(statuses.iter().map(|status| status as &dyn ToSql));
        collect(connection, &sql::list_by_status(statuses.len(), back), &*values, record)?
    };
    let more = jobs.len() > filter.limit;
    jobs.truncate(filter.limit);
    Ok((jobs, more))
}

pub(super) fn tasks_of_others(
    connection: &Connection,
    tenant: &str,
    statuses: &[JobStatus],
    but: Uuid,
) -> Result<u64, Fault> {
    // Several statements, one moment: as for briefs.
    let moment = connection.unchecked_transaction()?;
    let mut tasks = 0_u64;
    for status in names(statuses) {
        let mut statement = moment.prepare_cached(sql::TASKS)?;
        let mut rows = statement.query(params![tenant, status, but.as_bytes()])?;
        while let Some(row) = rows.next()? {
            // Not summed by SQLite, where too many are an error.
            tasks = tasks.saturating_add(count(row, 0)?);
        }
    }
    Ok(tasks)
}

pub(super) fn briefs(connection: &Connection, filter: &BriefFilter<'_>) -> Result<BriefPage, Fault> {
    // Several statements, one moment: a job that changes meanwhile is found in one status, and once.
    let moment = connection.unchecked_transaction()?;
    // The text that comes right after this one.
    let from = filter.after.map(|after| format!("{after}\0")).unwrap_or_default();
    let mut tenants: Vec<String> =
        collect(&moment, sql::TENANTS, params![from, row::limit(filter.tenants.saturating_add(1))], |row| {
            Ok(row.get(0)?)
        })?;
    let more = tenants.len() > filter.tenants;
    tenants.truncate(filter.tenants);
    let statuses: Vec<JobStatus> = filter.statuses.iter().copied().filter(|status| !status.is_final()).collect();
    let mut jobs = Vec::new();
    for tenant in &tenants {
        let first = jobs.len();
        for status in names(&statuses) {
            jobs.extend(collect(&moment, sql::BRIEFS, params![tenant, status, row::limit(filter.each)], row::brief)?);
        }
        jobs[first..].sort_by_key(|job: &JobBrief| (Reverse(job.priority), job.id));
    }
    Ok(BriefPage { jobs, next: tenants.pop().filter(|_| more) })
}

pub(super) fn suspended(connection: &Connection, before: UnixMillis, limit: usize) -> Result<Vec<Uuid>, Fault> {
    collect(connection, sql::SUSPENDED, params![before, row::limit(limit)], |row| Ok(row::id(row, 1)?))
}

/// Each status once.
fn names(statuses: &[JobStatus]) -> Vec<&'static str> {
    let mut names: Vec<_> = statuses.iter().map(|status| status.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

pub(super) fn purgeable(connection: &Connection, before: UnixMillis, limit: usize) -> Result<Vec<Uuid>, Fault> {
    collect(connection, sql::PURGEABLE, params![before, row::limit(limit)], |row| Ok(row::id(row, 1)?))
}

pub(super) fn claimable(connection: &Connection, job: Uuid) -> Result<bool, Fault> {
    Ok(connection.prepare_cached(sql::CLAIMABLE)?.query_row([job.as_bytes()], |row| row.get(0))?)
}

pub(super) fn segments(connection: &Connection, job: Uuid, shard: u32) -> Result<Vec<Segment>, Fault> {
    collect(connection, sql::SEGMENTS, params![job.as_bytes(), shard], |row| {
        Ok(Segment {
            shard,
            number: row.get(0)?,
            epoch: count(row, 1)?,
            succeeded_rows: count(row, 2)?,
            failed_rows: count(row, 3)?,
        })
    })
}

pub(super) fn job_segments(
    connection: &Connection,
    job: Uuid,
    failed_only: bool,
    after: Option<(u32, u32)>,
    limit: usize,
) -> Result<Vec<Segment>, Fault> {
    let sql = if failed_only { sql::FAILED_SEGMENTS } else { sql::JOB_SEGMENTS };
    let (shard, number) = after.map_or((-1, -1), |(shard, number)| (i64::from(shard), i64::from(number)));
    collect(connection, sql, params![job.as_bytes(), shard, number, row::limit(limit)], |row| {
        Ok(Segment {
            shard: row.get(0)?,
            number: row.get(1)?,
            epoch: count(row, 2)?,
            succeeded_rows: count(row, 3)?,
            failed_rows: count(row, 4)?,
        })
    })
}

pub(super) fn find_token(connection: &Connection, tenant: &str, token: &str) -> Result<Option<Uuid>, Fault> {
    first(connection, sql::TOKEN, [tenant, token], |row| row::id(row, 0))
}

pub(super) fn retries(connection: &Connection, job: Uuid, limit: usize) -> Result<Vec<Uuid>, Fault> {
    collect(connection, sql::RETRIES, params![job.as_bytes(), row::limit(limit)], |row| Ok(row::id(row, 0)?))
}

pub(super) fn cut_off_shards(
    connection: &Connection,
    job: Uuid,
    after: Option<u32>,
    limit: usize,
) -> Result<Vec<u32>, Fault> {
    let after = after.map_or(-1, i64::from);
    collect(connection, sql::CUT_OFF, params![job.as_bytes(), after, row::limit(limit)], |row| Ok(row.get(0)?))
}

pub(super) fn results(
    connection: &Connection,
    job: Uuid,
    after: Option<(u32, bool)>,
    limit: usize,
) -> Result<Vec<ResultFile>, Fault> {
    let (shard, failed) = after.map_or((-1, false), |(shard, failed)| (i64::from(shard), failed));
    let values = params![job.as_bytes(), shard, failed, row::limit(limit)];
    collect(connection, sql::RESULTS, values, |row| {
        Ok(ResultFile {
            shard: row.get(0)?,
            failed: row.get(1)?,
            key: row.get(2)?,
            md5: row.get(3)?,
            rows: count(row, 4)?,
        })
    })
}

pub(super) fn codes(connection: &Connection, job: Uuid) -> Result<Vec<(String, u64)>, Fault> {
    let mut codes = collect(connection, sql::CODES, [job.as_bytes()], |row| Ok((row.get(0)?, count(row, 1)?)))?;
    codes.sort_by(|(a, tasks_a), (b, tasks_b)| (Reverse(tasks_a), a).cmp(&(Reverse(tasks_b), b)));
    Ok(codes)
}

pub(super) fn events(connection: &Connection, job: Uuid) -> Result<Vec<JobEvent>, Fault> {
    collect(connection, sql::EVENTS, [job.as_bytes()], |row| {
        Ok(JobEvent { at: row.get(0)?, status: row::status(job, row, 1)?, reason: row.get(2)? })
    })
}

/// The first row of a statement that has at most one of interest.
pub(super) fn first<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, rusqlite::Error>,
) -> Result<Option<T>, Fault> {
    Ok(connection.prepare_cached(sql)?.query_row(values, read).optional()?)
}

pub(super) fn collect<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}
