//! Files that manifests list: who reads which, and what came of them.

use std::time::Duration;

use cos_batch_engine::store::{FileLease, FileOutcome, FileState, JobLease, ListedFile, StoreError, rules};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::{
    read::{collect, first},
    row::{self, corrupt, count, int},
    sql,
    writer::Session,
};
use crate::fault::Fault;

pub(super) fn add(session: &mut Session<'_>, lease: &JobLease, files: &[ListedFile]) -> Result<(), Fault> {
    let num = session.held_job(lease)?;
    for file in files {
        session.run(sql::INSERT_FILE, params![num, file.number, serde_json::to_string(file)?])?;
    }
    Ok(())
}

pub(super) fn claimable(connection: &Connection, job: Uuid) -> Result<bool, Fault> {
    Ok(connection.prepare_cached(sql::CLAIMABLE_FILE)?.query_row([job.as_bytes()], |row| row.get(0))?)
}

pub(super) fn claim(session: &mut Session<'_>, job: Uuid, ttl: Duration) -> Result<Option<FileLease>, Fault> {
    // Others may have come in between since the caller looked.
    if !claimable(session.connection, job)? {
        return Ok(None);
    }
    let num: i64 = session.connection.prepare_cached(sql::STATUS)?.query_row([job.as_bytes()], |row| row.get(0))?;
    let mut statement = session.connection.prepare_cached(sql::CLAIM_FILE)?;
    let mut rows = statement.query(params![num, rules::deadline(session.now, ttl)])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let source: String = row.get(0)?;
    let file = serde_json::from_str(&source).map_err(|error| corrupt(job, "file", error))?;
    Ok(Some(FileLease { job, file, epoch: count(row, 1)? }))
}

/// The job's row number, if this lease of its file still holds.
fn held(session: &Session<'_>, lease: &FileLease) -> Result<i64, Fault> {
    let values = params![lease.job.as_bytes(), lease.file.number, int(lease.epoch)];
    first(session.connection, sql::HELD_FILE, values, |row| row.get(0))?.ok_or(StoreError::LeaseLost.into())
}

pub(super) fn renew(session: &mut Session<'_>, lease: &FileLease, ttl: Duration) -> Result<(), Fault> {
    let num = held(session, lease)?;
    session.run(sql::RENEW_FILE, params![num, lease.file.number, rules::deadline(session.now, ttl)])?;
    Ok(())
}

pub(super) fn finish(session: &mut Session<'_>, lease: &FileLease, outcome: &FileOutcome) -> Result<(), Fault> {
    let num = held(session, lease)?;
    rules::check_outcome(outcome)?;
    session.run(sql::FINISH_FILE, params![num, lease.file.number, serde_json::to_string(outcome)?])?;
    Ok(())
}

pub(super) fn release(session: &mut Session<'_>, lease: &FileLease) -> Result<(), Fault> {
    match held(session, lease) {
        Ok(num) => session.run(sql::RELEASE_FILE, params![num, lease.file.number]).map(drop),
        Err(Fault::Store(StoreError::LeaseLost)) => Ok(()),
        Err(fault) => Err(fault),
    }
}

pub(super) fn files(connection: &Connection, job: Uuid, from: u32, limit: usize) -> Result<Vec<FileState>, Fault> {
    collect(connection, sql::FILES, params![job.as_bytes(), from, row::limit(limit)], |row| read(job, row, 0))
}

/// Reads a file and what came of it, from this column on.
pub(super) fn read(job: Uuid, row: &Row<'_>, column: usize) -> Result<FileState, Fault> {
    let (source, outcome): (String, Option<String>) = (row.get(column)?, row.get(column + 1)?);
    let file = serde_json::from_str(&source).map_err(|error| corrupt(job, "file", error))?;
    let outcome = outcome.map(|text| serde_json::from_str(&text)).transpose();
    Ok((file, outcome.map_err(|error| corrupt(job, "outcome of a file", error))?))
}
