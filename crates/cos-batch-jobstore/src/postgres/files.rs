//! Files that manifests list: who reads which, and what came of them.

use std::time::Duration;

use cos_batch_engine::store::{FileLease, FileOutcome, JobLease, ListedFile, StoreError, rules};
use uuid::Uuid;

use super::{
    client::Connections,
    fault::Fault,
    jobs::hold,
    row::{self, int},
    sql,
};

pub(super) async fn add(connections: &Connections, lease: &JobLease, files: &[ListedFile]) -> Result<(), Fault> {
    let numbers: Vec<i64> = files.iter().map(|file| i64::from(file.number)).collect();
    let sources: Vec<String> = files.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    let mut client = connections.lend().await?;
    let transaction = client.transaction().await?;
    let num = hold(&transaction, lease).await?;
    transaction.run(sql::INSERT_FILES, &[&num, &numbers, &sources]).await?;
    transaction.commit().await?;
    Ok(())
}

pub(super) async fn claim(connections: &Connections, job: Uuid, ttl: Duration) -> Result<Option<FileLease>, Fault> {
    let client = connections.lend().await?;
    let claimed = client.row(sql::CLAIM_FILE, &[&connections.time.told(), &job, &row::millis(ttl)]).await?;
    let Some(row) = claimed else { return Ok(None) };
    Ok(Some(FileLease { job, file: row::listed_file(&row, 0)?, epoch: row::count(&row, 1)? }))
}

pub(super) async fn renew(connections: &Connections, lease: &FileLease, ttl: Duration) -> Result<(), Fault> {
    let client = connections.lend().await?;
    let (number, epoch) = (i64::from(lease.file.number), int(lease.epoch));
    let (told, millis) = (connections.time.told(), row::millis(ttl));
    let renewed = client.run(sql::RENEW_FILE, &[&told, &lease.job, &number, &epoch, &millis]).await?;
    if renewed == 0 { Err(StoreError::LeaseLost.into()) } else { Ok(()) }
}

pub(super) async fn finish(connections: &Connections, lease: &FileLease, outcome: &FileOutcome) -> Result<(), Fault> {
    rules::check_outcome(outcome)?;
    let client = connections.lend().await?;
    let (number, epoch) = (i64::from(lease.file.number), int(lease.epoch));
    let text = serde_json::to_string(outcome)?;
    let finished = client.run(sql::FINISH_FILE, &[&None::<i64>, &lease.job, &number, &epoch, &text]).await?;
    if finished == 0 { Err(StoreError::LeaseLost.into()) } else { Ok(()) }
}

pub(super) async fn release(connections: &Connections, lease: &FileLease) -> Result<(), Fault> {
    let client = connections.lend().await?;
    let (number, epoch) = (i64::from(lease.file.number), int(lease.epoch));
    client.run(sql::RELEASE_FILE, &[&None::<i64>, &lease.job, &number, &epoch]).await?;
    Ok(())
}
