//! Changes of jobs as wholes. Locks are taken in this order: the store, jobs, shards, tenants. The end of a shard is the
//! exception: it holds the shard and then counts in the job's row. That is safe as long as whoever holds a job's row passes over
//! shards that are held (`SKIP LOCKED`), or meets none (a job is cleared and forgotten when no shard of it is leased).

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use cos_batch_engine::{
    JobRecord, JobState, Progress, ShardTally, UnixMillis,
    store::{EVENTS_MAX, JobChange, JobLease, JobStatus, NewJob, StoreError, ids::JobIds, rules},
};
use uuid::Uuid;

use super::{
    client::{Connections, Transaction, channel},
    fault::Fault,
    row::{self, int},
    sql, text, work,
};

async fn add_event(transaction: &Transaction<'_>, num: i64, at: UnixMillis, state: &JobState) -> Result<(), Fault> {
    let number = match transaction.row(sql::NEXT_EVENT, &[&num]).await? {
        Some(row) => row.try_get(0)?,
        None => 0i64,
    };
    let reason = state.reason.as_deref().map(text::encode);
    transaction.run(sql::INSERT_EVENT, &[&num, &number, &at, &state.status.as_str(), &reason.as_deref()]).await?;
    // The first, and the newest so many that all are EVENTS_MAX.
    let last_to_go = number + 1 - row::limit(EVENTS_MAX);
    if last_to_go >= 1 {
        transaction.run(sql::TRIM_EVENTS, &[&num, &last_to_go]).await?;
    }
    Ok(())
}

async fn notify(transaction: &Transaction<'_>, connections: &Connections) -> Result<(), Fault> {
    transaction.rows(sql::NOTIFY, &[&channel(&connections.options.schema)]).await.map(drop)
}

pub(super) async fn create(connections: &Connections, job: &NewJob) -> Result<JobRecord, Fault> {
    let (tenant, token) = (text::encode(&job.tenant), text::encode(&job.token));
    let spec = serde_json::to_string(&job.spec)?;
    let mut client = connections.lend().await?;
    let transaction = client.transaction().await?;
    let last = transaction.row(sql::LAST_ID, &[&connections.time.told()]).await?;
    let last = last.ok_or_else(|| Fault::Corrupt("the table store is empty".to_owned()))?;
    let (last, now): (Option<Uuid>, UnixMillis) = (last.try_get(0)?, last.try_get(1)?);
    if let Some(row) = transaction.row(sql::TOKEN, &[&tenant, &token]).await? {
        return Err(StoreError::TokenUsed { job: row.try_get(0)? }.into());
    }
    let live = transaction.row(sql::LIVE, &[&tenant]).await?;
    let live = live.map_or(Ok(0), |row| row::count(&row, 0))?;
    if live >= job.live_jobs_max {
        return Err(StoreError::TooManyJobs { limit: job.live_jobs_max }.into());
    }
    let record = JobRecord {
        id: JobIds::after(last).next(now),
        tenant: job.tenant.clone(),
        token: job.token.clone(),
        spec: Arc::new(job.spec.clone()),
        priority: job.priority,
        state: JobState::new(),
        version: 0,
        created_at: now,
        progress: Progress::default(),
        shards: ShardTally::default(),
        deleted: false,
    };
    transaction.run(sql::SET_LAST_ID, &[&record.id]).await?;
    let state = serde_json::to_string(&record.state)?;
    let (priority, status) = (i64::from(record.priority), record.state.status.as_str());
    let inserted = transaction
        .row(sql::INSERT_JOB, &[&record.id, &tenant, &token, &priority, &state, &status, &now, &record.spec.retry_of])
        .await?;
    let num: i64 = inserted.ok_or_else(|| Fault::Corrupt("the job got no number".to_owned()))?.try_get(0)?;
    transaction.run(sql::INSERT_SPEC, &[&num, &spec]).await?;
    transaction.run(sql::LIVE_MORE, &[&tenant]).await?;
    add_event(&transaction, num, now, &record.state).await?;
    notify(&transaction, connections).await?;
    transaction.commit().await?;
    Ok(record)
}

pub(super) async fn transition(
    connections: &Connections,
    id: Uuid,
    version: u64,
    change: &JobChange,
) -> Result<JobRecord, Fault> {
    let mut client = connections.lend().await?;
    let transaction = client.transaction().await?;
    let locked = transaction.row(sql::LOCK_JOB, &[&connections.time.told(), &id]).await?;
    let now: UnixMillis = locked.ok_or(StoreError::NoSuchJob)?.try_get(2)?;
    let row = transaction.row(sql::GET, &[&id]).await?.ok_or(StoreError::NoSuchJob)?;
    let (mut record, num) = row::record(&row)?;
    if let Some(lease) = &change.lease
        && (lease.job != id || hold(&transaction, lease).await? != num)
    {
        return Err(StoreError::LeaseLost.into());
    }
    if record.version != version {
        return Err(StoreError::Conflict.into());
    }
    rules::check_change(change)?;
    let before = record.state.status;
    record.version += 1;
    if let Some(priority) = change.priority {
        record.priority = priority;
    }
    if let Some(total) = change.total {
        record.progress.total = total;
    }
    record.deleted |= change.delete;
    if let Some(state) = &change.state {
        record.state = state.clone();
    }
    if change.tags.is_some() {
        record.state.tags.clone_from(&change.tags);
    }
    let state = &record.state;
    transaction
        .run(
            sql::UPDATE_JOB,
            &[
                &num,
                &i64::from(record.priority),
                &serde_json::to_string(state)?,
                &state.status.as_str(),
                &state.suspended_at,
                &state.terminated_at,
                &int(record.version),
                &int(record.progress.total),
                &record.deleted,
            ],
        )
        .await?;
    let tenant = text::encode(&record.tenant).into_owned();
    if state.status != before {
        add_event(&transaction, num, now, state).await?;
        notify(&transaction, connections).await?;
    }
    match (before.is_final(), state.status.is_final()) {
        (false, true) => {
            fold(&transaction, num).await?;
            transaction.run(sql::LIVE_LESS, &[&tenant]).await?;
            transaction.run(sql::LIVE_NONE, &[&tenant]).await?;
        }
        (true, false) => drop(transaction.run(sql::LIVE_MORE, &[&tenant]).await?),
        _ => {}
    }
    transaction.commit().await?;
    Ok(record)
}

/// Takes the counts of shards that were cut off into those of the job, so that a list of jobs that have ended sums nothing.
async fn fold(transaction: &Transaction<'_>, num: i64) -> Result<(), Fault> {
    let (mut counts, mut codes) = ([0u64; 3], BTreeMap::new());
    for row in transaction.rows(sql::FOLD, &[&num]).await? {
        for (column, count) in counts.iter_mut().enumerate() {
            *count = count.saturating_add(row::count(&row, column)?);
        }
        for (code, tasks) in work::codes_of(row.try_get(3)?)? {
            let sum: &mut u64 = codes.entry(code).or_default();
            *sum = sum.saturating_add(tasks);
        }
    }
    if counts == [0; 3] {
        return Ok(());
    }
    transaction.run(sql::ADD_COUNTS, &[&num, &int(counts[0]), &int(counts[1]), &int(counts[2])]).await?;
    work::add_codes(transaction, num, &codes).await
}

/// Rows that are removed at once. A large job has millions of them, which would keep locks and the log busy for long.
pub(super) const PURGE_ROWS: usize = 10_000;

/// After so long the next call goes on: less than a caller waits for an answer.
const PURGE_TIME: Duration = Duration::from_secs(10);

/// What hangs on the job goes in pieces; where that breaks off, the rest goes the next time. What is left goes with the job.
pub(super) async fn purge(connections: &Connections, id: Uuid) -> Result<(), Fault> {
    let began = Instant::now();
    let mut client = connections.lend().await?;
    let found = client.row(sql::LOCK_JOB, &[&connections.time.told(), &id]).await?;
    if let Some(row) = &found
        && row::status(row, 1)?.is_final()
    {
        let num: i64 = row.try_get(0)?;
        for statement in [sql::SOME_SEGMENTS, sql::SOME_RESULTS, sql::SOME_FILES, sql::SOME_SHARDS] {
            while client.run(statement, &[&num, &row::limit(PURGE_ROWS)]).await? >= PURGE_ROWS as u64 {
                if began.elapsed() > PURGE_TIME {
                    let rest = "the job is so large that it is forgotten piece by piece; the rest goes the next time";
                    return Err(StoreError::Failed(rest.to_owned()).into());
                }
            }
        }
    }
    let transaction = client.transaction().await?;
    let locked = transaction.row(sql::LOCK_JOB, &[&connections.time.told(), &id]).await?;
    let locked = locked.ok_or(StoreError::NoSuchJob)?;
    let (num, status): (i64, JobStatus) = (locked.try_get(0)?, row::status(&locked, 1)?);
    if !status.is_final() {
        return Err(StoreError::Misuse("only a job that has ended can be forgotten").into());
    }
    // What is worked on goes first: nobody can add to what was removed.
    for statement in [
        sql::PURGE_SHARDS,
        sql::PURGE_FILES,
        sql::PURGE_SEGMENTS,
        sql::PURGE_RESULTS,
        sql::PURGE_CODES,
        sql::PURGE_EVENTS,
        sql::PURGE_SPEC,
        sql::PURGE_JOB,
    ] {
        transaction.run(statement, &[&num]).await?;
    }
    transaction.commit().await?;
    Ok(())
}

pub(super) async fn lease(connections: &Connections, id: Uuid, ttl: Duration) -> Result<Option<JobLease>, Fault> {
    let client = connections.lend().await?;
    let leased = client.row(sql::LEASE_JOB, &[&connections.time.told(), &id, &row::millis(ttl)]).await?;
    let lease = match leased {
        Some(row) => Some(JobLease { job: id, epoch: row::count(&row, 0)? }),
        None if client.row(sql::EXISTS, &[&id]).await?.is_some() => None,
        None => return Err(StoreError::NoSuchJob.into()),
    };
    Ok(lease)
}

pub(super) async fn renew(connections: &Connections, lease: &JobLease, ttl: Duration) -> Result<(), Fault> {
    let client = connections.lend().await?;
    let (told, millis) = (connections.time.told(), row::millis(ttl));
    let renewed = client.run(sql::RENEW_JOB, &[&told, &lease.job, &int(lease.epoch), &millis]).await?;
    if renewed == 0 { Err(StoreError::LeaseLost.into()) } else { Ok(()) }
}

pub(super) async fn release(connections: &Connections, lease: &JobLease) -> Result<(), Fault> {
    let client = connections.lend().await?;
    client.run(sql::RELEASE_JOB, &[&lease.job, &int(lease.epoch)]).await?;
    Ok(())
}

/// Locks the job of a lease that still holds, and tells its number.
pub(super) async fn hold(transaction: &Transaction<'_>, lease: &JobLease) -> Result<i64, Fault> {
    let row = transaction.row(sql::HOLD_JOB, &[&lease.job, &int(lease.epoch)]).await?;
    Ok(row.ok_or(StoreError::LeaseLost)?.try_get(0)?)
}
