//! What the holder of a shard commits, and the report files.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use cos_batch_engine::{
    Progress,
    store::{Checkpoint, CheckpointAnswer, Cursor, JobLease, ResultFile, ShardLease, StoreError, rules},
};
use tokio_postgres::Row;

use super::{
    client::{Connections, Lent, Transaction},
    fault::Fault,
    jobs,
    row::{self, corrupt, count, int},
    sql, text,
};

/// Codes as they stand with a shard.
pub(super) fn codes_of(kept: Option<&str>) -> Result<BTreeMap<String, u64>, Fault> {
    kept.map_or(Ok(BTreeMap::new()), |text| serde_json::from_str(text).map_err(|error| corrupt("code", error)))
}

/// Adds to the codes of a job whose row is locked.
pub(super) async fn add_codes(
    transaction: &Transaction<'_>,
    num: i64,
    codes: &BTreeMap<String, u64>,
) -> Result<(), Fault> {
    if codes.is_empty() {
        return Ok(());
    }
    let mut known = BTreeMap::new();
    for row in transaction.rows(sql::JOB_CODES, &[&num]).await? {
        known.insert(row::string(&row, 0)?, count(&row, 1)?);
    }
    let (names, tasks): (Vec<_>, Vec<_>) = rules::add_codes(&known, codes)
        .into_iter()
        .map(|(code, tasks)| (text::encode(&code).into_owned(), int(tasks)))
        .unzip();
    transaction.run(sql::SET_CODES, &[&num, &names, &tasks]).await.map(drop)
}

fn answer(row: &Row) -> Result<CheckpointAnswer, Fault> {
    Ok(CheckpointAnswer {
        status: row::status(row, 0)?,
        progress: Progress { total: count(row, 1)?, succeeded: count(row, 2)?, failed: count(row, 3)? },
        report_bytes: count(row, 4)?,
        cursor: Cursor { rows: count(row, 5)?, offset: count(row, 6)? },
    })
}

/// What of a step can be told without a look at the shard.
fn check_by_itself(lease: &ShardLease, step: &Checkpoint) -> Result<(), StoreError> {
    let advance = step.succeeded.checked_add(step.failed).and_then(|rows| step.cursor.rows.checked_sub(rows));
    let before = Cursor { rows: advance.unwrap_or(u64::MAX), offset: 0 };
    let next = step.segment.as_ref().map_or(0, |segment| segment.number);
    rules::check_step(&lease.shard, lease.epoch, before, next, step)
}

/// The codes of a shard are read and written back; once they may be moved to the job in between, when it becomes final.
const CHECKPOINT_TRIES: u32 = 2;

pub(super) async fn checkpoint(
    connections: &Connections,
    lease: &ShardLease,
    step: &Checkpoint,
    ttl: Duration,
) -> Result<CheckpointAnswer, Fault> {
    let client = connections.lend().await?;
    if check_by_itself(lease, step).is_err() {
        return Err(why_not(connections, &client, lease, step).await?);
    }
    for _ in 0..CHECKPOINT_TRIES {
        if let Some(answer) = try_checkpoint(connections, &client, lease, step, ttl).await? {
            return Ok(answer);
        }
        if step.codes.is_empty() {
            break;
        }
    }
    Err(why_not(connections, &client, lease, step).await?)
}

/// A checkpoint, if the shard is as expected.
async fn try_checkpoint(
    connections: &Connections,
    client: &Lent,
    lease: &ShardLease,
    step: &Checkpoint,
    ttl: Duration,
) -> Result<Option<CheckpointAnswer>, Fault> {
    let (shard, epoch, told) = (i64::from(lease.shard.index), int(lease.epoch), connections.time.told());
    let (mut before, mut codes) = (None::<String>, None);
    if !step.codes.is_empty() {
        let row = client.row(sql::SHARD_CODES, &[&told, &lease.job, &shard, &epoch]).await?;
        let row = row.ok_or(StoreError::LeaseLost)?;
        before = row.try_get(0)?;
        let mut known = codes_of(before.as_deref())?;
        let changed = rules::add_codes(&known, &step.codes);
        known.extend(changed);
        codes = Some(serde_json::to_string(&known)?);
    }
    let segment = step.segment.as_ref();
    let row = client
        .row(
            sql::CHECKPOINT,
            &[
                &told,
                &lease.job,
                &shard,
                &epoch,
                &row::millis(ttl),
                &int(step.cursor.rows),
                &int(step.cursor.offset),
                &segment.map(|segment| i64::from(segment.number)),
                &int(step.succeeded),
                &int(step.failed),
                &int(step.report_bytes),
                &codes,
                &segment.map_or(0, |segment| int(segment.succeeded_rows)),
                &segment.map_or(0, |segment| int(segment.failed_rows)),
                &before,
            ],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut answer = answer(&row)?;
    // The counts are those of the moment before.
    answer.progress.succeeded = answer.progress.succeeded.saturating_add(step.succeeded);
    answer.progress.failed = answer.progress.failed.saturating_add(step.failed);
    answer.report_bytes = answer.report_bytes.saturating_add(step.report_bytes);
    Ok(Some(answer))
}

/// Why a step is not taken. On the same connection: whoever waits for a second one while holding one may wait for ever.
async fn why_not(
    connections: &Connections,
    client: &Lent,
    lease: &ShardLease,
    step: &Checkpoint,
) -> Result<Fault, Fault> {
    let (shard, epoch) = (i64::from(lease.shard.index), int(lease.epoch));
    let row = client.row(sql::HOLD_SHARD, &[&connections.time.told(), &lease.job, &shard, &epoch]).await?;
    let Some(row) = row else { return Ok(StoreError::LeaseLost.into()) };
    let now = row::shard_lease(lease.job, &row)?;
    Ok(match rules::check_step(&now.shard, now.epoch, now.cursor, now.next_segment, step) {
        Err(error) => error.into(),
        Ok(()) => StoreError::Misuse("two steps of one lease at a time").into(),
    })
}

pub(super) async fn renew(
    connections: &Connections,
    lease: &ShardLease,
    ttl: Duration,
) -> Result<CheckpointAnswer, Fault> {
    let client = connections.lend().await?;
    let (shard, epoch) = (i64::from(lease.shard.index), int(lease.epoch));
    let (told, millis) = (connections.time.told(), row::millis(ttl));
    let row = client.row(sql::RENEW_SHARD, &[&told, &lease.job, &shard, &epoch, &millis]).await?;
    answer(&row.ok_or(StoreError::LeaseLost)?)
}

pub(super) async fn finish(
    connections: &Connections,
    lease: &ShardLease,
    results: &[ResultFile],
) -> Result<u64, Fault> {
    let (shard, epoch) = (i64::from(lease.shard.index), int(lease.epoch));
    let mut client = connections.lend().await?;
    let transaction = client.transaction().await?;
    let held = transaction.row(sql::HOLD_SHARD, &[&connections.time.told(), &lease.job, &shard, &epoch]).await?;
    let held = held.ok_or(StoreError::LeaseLost)?;
    let now = row::shard_lease(lease.job, &held)?;
    if now.cursor.rows != now.shard.rows {
        return Err(StoreError::Misuse("a shard with rows left is not finished").into());
    }
    rules::check_results(results, Some(lease.shard.index))?;
    let num: i64 = held.try_get(8)?;
    transaction.run(sql::FINISH, &[&num, &shard]).await?;
    replace_results(&transaction, num, &[shard], results).await?;
    // The job's row comes last, because all that finish a shard of it wait for each other there.
    let counts: [i64; 3] = [held.try_get(9)?, held.try_get(10)?, held.try_get(11)?];
    let left = transaction.row(sql::FINISHED, &[&num, &counts[0], &counts[1], &counts[2]]).await?;
    let left = count(&left.ok_or(StoreError::LeaseLost)?, 0)?;
    add_codes(&transaction, num, &codes_of(held.try_get(12)?)?).await?;
    transaction.commit().await?;
    Ok(left)
}

pub(super) async fn release(connections: &Connections, lease: &ShardLease) -> Result<(), Fault> {
    let client = connections.lend().await?;
    let (shard, epoch) = (i64::from(lease.shard.index), int(lease.epoch));
    client.run(sql::RELEASE_SHARD, &[&None::<i64>, &lease.job, &shard, &epoch]).await?;
    Ok(())
}

pub(super) async fn add_results(
    connections: &Connections,
    lease: &JobLease,
    results: &[ResultFile],
) -> Result<(), Fault> {
    let shards: BTreeSet<i64> = results.iter().map(|result| i64::from(result.shard)).collect();
    let shards: Vec<i64> = shards.into_iter().collect();
    let mut client = connections.lend().await?;
    let transaction = client.transaction().await?;
    let num = jobs::hold(&transaction, lease).await?;
    rules::check_results(results, None)?;
    let open = match transaction.row(sql::SHARDS_OPEN, &[&num, &shards]).await? {
        Some(row) => count(&row, 0)?,
        None => 0,
    };
    if open != shards.len() as u64 {
        return Err(StoreError::Misuse("report files are added to shards that were cut off only").into());
    }
    replace_results(&transaction, num, &shards, results).await?;
    transaction.commit().await?;
    Ok(())
}

async fn replace_results(
    transaction: &Transaction<'_>,
    num: i64,
    shards: &[i64],
    results: &[ResultFile],
) -> Result<(), Fault> {
    transaction.run(sql::DELETE_RESULTS, &[&num, &shards]).await?;
    if results.is_empty() {
        return Ok(());
    }
    let of: Vec<i64> = results.iter().map(|result| i64::from(result.shard)).collect();
    let failed: Vec<bool> = results.iter().map(|result| result.failed).collect();
    let keys: Vec<String> = results.iter().map(|result| text::encode(&result.key).into_owned()).collect();
    let md5s: Vec<&str> = results.iter().map(|result| result.md5.as_str()).collect();
    let rows: Vec<i64> = results.iter().map(|result| int(result.rows)).collect();
    transaction.run(sql::INSERT_RESULTS, &[&num, &of, &failed, &keys, &md5s, &rows]).await.map(drop)
}
