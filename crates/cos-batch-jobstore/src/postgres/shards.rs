//! Shards of a job: adding, claiming, and the end of leases.

use std::{collections::BTreeSet, time::Duration};

use cos_batch_engine::store::{JobLease, Shard, ShardLease, StoreError, rules};
use uuid::Uuid;

use super::{
    client::Connections,
    fault::Fault,
    jobs::{PURGE_ROWS, hold},
    row::{self, int},
    sql,
};

/// In pieces, since a large job has millions: where that breaks off, the next try goes on with the rest.
pub(super) async fn clear(connections: &Connections, lease: &JobLease) -> Result<(), Fault> {
    let mut client = connections.lend().await?;
    loop {
        let transaction = client.transaction().await?;
        let num = hold(&transaction, lease).await?;
        let (gone, ever_leased) = match transaction.row(sql::CLEAR_SHARDS, &[&num, &row::limit(PURGE_ROWS)]).await? {
            Some(row) => (row::count(&row, 0)?, row.try_get(1)?),
            None => (0, false),
        };
        if ever_leased {
            return Err(StoreError::Misuse("shards that were leased are not forgotten").into());
        }
        let is_last = gone < PURGE_ROWS as u64;
        if is_last {
            transaction.run(sql::NO_SHARDS, &[&num]).await?;
        } else {
            transaction.run(sql::FEWER_SHARDS, &[&num, &int(gone)]).await?;
        }
        transaction.commit().await?;
        if is_last {
            return Ok(());
        }
    }
}

pub(super) async fn add(connections: &Connections, lease: &JobLease, shards: &[Shard]) -> Result<(), Fault> {
    let mut checked = Ok(());
    let mut numbers = BTreeSet::new();
    let (mut indexes, mut sources, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    let (mut first_rows, mut rows) = (Vec::new(), Vec::new());
    for shard in shards {
        if !numbers.insert(shard.index) {
            checked = Err(StoreError::Misuse("there is already a shard of this index"));
        }
        if let Err(error) = rules::check_shard(shard) {
            checked = Err(error);
            break;
        }
        let range = shard.source.bytes();
        indexes.push(i64::from(shard.index));
        sources.push(serde_json::to_string(&shard.source)?);
        bytes.push(int(range.end - range.start));
        first_rows.push(int(shard.first_row));
        rows.push(int(shard.rows));
    }
    let mut client = connections.lend().await?;
    let transaction = client.transaction().await?;
    let num = hold(&transaction, lease).await?;
    // Whoever lost the lease learns that first.
    checked?;
    let inserted = transaction.run(sql::INSERT_SHARDS, &[&num, &indexes, &sources, &bytes, &first_rows, &rows]).await?;
    if inserted != shards.len() as u64 {
        return Err(StoreError::Misuse("there is already a shard of this index").into());
    }
    transaction.run(sql::MORE_SHARDS, &[&num, &row::limit(shards.len())]).await?;
    transaction.commit().await?;
    Ok(())
}

/// A lease is of use only if the job is still Active once it is there for all to see: whoever changes the status afterwards
/// and then looks sees it as well. One that came too late is given back before anybody learns of it. A lock on the job's
/// row would say the same, but then all who claim queue up for it, and PostgreSQL keeps lists of them.
pub(super) async fn claim(connections: &Connections, job: Uuid, ttl: Duration) -> Result<Option<ShardLease>, Fault> {
    let client = connections.lend().await?;
    let claimed = client.row(sql::CLAIM, &[&connections.time.told(), &job, &row::millis(ttl)]).await?;
    let Some(lease) = claimed.map(|row| row::shard_lease(job, &row)).transpose()? else { return Ok(None) };
    if client.row(sql::IS_ACTIVE, &[&job]).await?.is_some() {
        return Ok(Some(lease));
    }
    let (shard, epoch) = (i64::from(lease.shard.index), int(lease.epoch));
    client.run(sql::RELEASE_SHARD, &[&None::<i64>, &job, &shard, &epoch]).await?;
    Ok(None)
}

/// Ends leases that have run out, or all.
pub(super) async fn reap(connections: &Connections, all: bool) -> Result<u64, Fault> {
    let client = connections.lend().await?;
    let told = connections.time.told();
    let mut ended = 0;
    if let Some(row) = client.row(sql::REAP_JOBS, &[&told, &all]).await? {
        ended += row::count(&row, 0)?;
    }
    let asked = connections.time.local();
    if let Some(row) = client.row(sql::REAP_SHARDS, &[&told, &all]).await? {
        ended += row::count(&row, 0)?;
        connections.time.measured(asked, row.try_get(1)?);
    }
    Ok(ended)
}
