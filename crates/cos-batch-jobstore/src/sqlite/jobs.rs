//! Changes of jobs as wholes.

use std::{sync::Arc, time::Duration};

use cos_batch_engine::{
    JobRecord, JobState, Progress, ShardTally,
    store::{EVENTS_MAX, JobChange, JobLease, NewJob, StoreError, rules},
};
use rusqlite::{Params, params};
use uuid::Uuid;

use super::{
    read::{self, first},
    row::{self, int},
    sql,
    writer::Session,
};
use crate::fault::Fault;

impl Session<'_> {
    /// Carries out a statement that answers nothing, and tells how many rows it changed.
    pub(super) fn run(&self, sql: &str, values: impl Params) -> Result<usize, Fault> {
        Ok(self.connection.prepare_cached(sql)?.execute(values)?)
    }

    /// The row number of a job whose lease still holds.
    pub(super) fn held_job(&self, lease: &JobLease) -> Result<i64, Fault> {
        let held =
            first(self.connection, sql::HELD_JOB, params![lease.job.as_bytes(), int(lease.epoch)], |row| row.get(0))?;
        Ok(held.ok_or(StoreError::LeaseLost)?)
    }

    fn add_event(&self, num: i64, state: &JobState) -> Result<(), Fault> {
        let number: i64 = self.connection.prepare_cached(sql::NEXT_EVENT)?.query_row([num], |row| row.get(0))?;
        self.run(sql::INSERT_EVENT, params![num, number, self.now, state.status.as_str(), state.reason])?;
        // The first, and the newest so many that all are EVENTS_MAX.
        let last_to_go = number + 1 - row::limit(EVENTS_MAX);
        if last_to_go >= 1 {
            self.run(sql::TRIM_EVENTS, params![num, last_to_go])?;
        }
        Ok(())
    }

    fn one_live_less(&self, tenant: &str) -> Result<(), Fault> {
        self.run(sql::LIVE_LESS, [tenant])?;
        self.run(sql::LIVE_NONE, [tenant])?;
        Ok(())
    }
}

pub(super) fn create(session: &mut Session<'_>, job: NewJob) -> Result<JobRecord, Fault> {
    if let Some(job) = first(session.connection, sql::TOKEN, [&job.tenant, &job.token], |row| row::id(row, 0))? {
        return Err(StoreError::TokenUsed { job }.into());
    }
    let live = first(session.connection, sql::LIVE, [&job.tenant], |row| row::count(row, 0))?.unwrap_or(0);
    if live >= job.live_jobs_max {
        return Err(StoreError::TooManyJobs { limit: job.live_jobs_max }.into());
    }
    let record = JobRecord {
        id: session.ids.next(session.now),
        tenant: job.tenant,
        token: job.token,
        spec: Arc::new(job.spec),
        priority: job.priority,
        state: JobState::new(),
        version: 0,
        created_at: session.now,
        progress: Progress::default(),
        shards: ShardTally::default(),
        deleted: false,
    };
    session.touched.push(record.id);
    let spec = serde_json::to_string(&*record.spec)?;
    let state = serde_json::to_string(&record.state)?;
    session.run(sql::SET_LAST_ID, [record.id.as_bytes()])?;
    session.run(
        sql::INSERT_JOB,
        params![
            record.id.as_bytes(),
            record.tenant,
            record.token,
            record.priority,
            state,
            record.state.status.as_str(),
            int(record.version),
            record.created_at,
            record.spec.retry_of.as_ref().map(Uuid::as_bytes),
        ],
    )?;
    let num = session.connection.last_insert_rowid();
    session.run(sql::INSERT_SPEC, params![num, spec])?;
    session.run(sql::LIVE_MORE, [&record.tenant])?;
    session.add_event(num, &record.state)?;
    Ok(record)
}

pub(super) fn transition(
    session: &mut Session<'_>,
    id: Uuid,
    version: u64,
    change: JobChange,
) -> Result<JobRecord, Fault> {
    let Some((mut record, num)) = read::get(session.connection, id)? else {
        return Err(StoreError::NoSuchJob.into());
    };
    if let Some(lease) = &change.lease
        && session.held_job(lease)? != num
    {
        return Err(StoreError::LeaseLost.into());
    }
    if record.version != version {
        return Err(StoreError::Conflict.into());
    }
    rules::check_change(&change)?;
    session.touched.push(id);
    let before = record.state.status;
    record.version += 1;
    if let Some(priority) = change.priority {
        record.priority = priority;
    }
    if let Some(total) = change.total {
        record.progress.total = total;
    }
    record.deleted |= change.delete;
    if let Some(state) = change.state {
        record.state = state;
    }
    if change.tags.is_some() {
        record.state.tags = change.tags;
    }
    let state = &record.state;
    session.run(
        sql::UPDATE_JOB,
        params![
            num,
            record.priority,
            serde_json::to_string(state)?,
            state.status.as_str(),
            state.suspended_at,
            state.terminated_at,
            int(record.version),
            int(record.progress.total),
            record.deleted,
        ],
    )?;
    if state.status != before {
        session.add_event(num, state)?;
    }
    match (before.is_final(), state.status.is_final()) {
        (false, true) => session.one_live_less(&record.tenant)?,
        (true, false) => drop(session.run(sql::LIVE_MORE, [&record.tenant])?),
        _ => {}
    }
    Ok(record)
}

pub(super) fn purge(session: &mut Session<'_>, id: Uuid) -> Result<(), Fault> {
    let mut statement = session.connection.prepare_cached(sql::STATUS)?;
    let mut rows = statement.query([id.as_bytes()])?;
    let Some(row) = rows.next()? else { return Err(StoreError::NoSuchJob.into()) };
    let (num, status): (i64, _) = (row.get(0)?, row::status(id, row, 1)?);
    if !status.is_final() {
        return Err(StoreError::Misuse("only a job that has ended can be forgotten").into());
    }
    session.touched.push(id);
    session.run(sql::DELETE_JOB, [num])?;
    Ok(())
}

pub(super) fn lease(session: &mut Session<'_>, id: Uuid, ttl: Duration) -> Result<Option<JobLease>, Fault> {
    let found = first(session.connection, sql::JOB_LEASE, [id.as_bytes()], |row| {
        Ok((row.get(0)?, row::count(row, 1)?, row.get(2)?))
    })?;
    let (num, epoch, held): (i64, u64, bool) = found.ok_or(StoreError::NoSuchJob)?;
    if held {
        return Ok(None);
    }
    let epoch = epoch + 1;
    session.run(sql::LEASE_JOB, params![num, int(epoch), rules::deadline(session.now, ttl)])?;
    Ok(Some(JobLease { job: id, epoch }))
}

pub(super) fn renew(session: &mut Session<'_>, lease: &JobLease, ttl: Duration) -> Result<(), Fault> {
    let num = session.held_job(lease)?;
    session.run(sql::RENEW_JOB, params![num, rules::deadline(session.now, ttl)])?;
    Ok(())
}

pub(super) fn release(session: &mut Session<'_>, lease: &JobLease) -> Result<(), Fault> {
    match session.held_job(lease) {
        Ok(num) => session.run(sql::RENEW_JOB, params![num, None::<i64>]).map(drop),
        Err(Fault::Store(StoreError::LeaseLost)) => Ok(()),
        Err(fault) => Err(fault),
    }
}
