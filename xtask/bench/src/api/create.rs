//! CreateJob, durable, beside what SQLite can commit.

use std::{path::Path, sync::Arc, time::Instant};

use cos_batch_engine::{SystemClock, wire};
use cos_batch_figures::{Goal, Row};
use cos_batch_jobstore::SqliteJobStore;
use cos_batch_load::jobs;
use rusqlite::{Connection, params};

use super::{Bed, spread};
use crate::Settings;

/// Clients that make jobs at a time.
const CLIENTS: usize = 64;

pub(super) fn rows(settings: &Settings) -> anyhow::Result<Vec<Row>> {
    let count = settings.pick(4000, 400);
    let (mut ours, mut alone, mut grouped) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..settings.rounds {
        let mut contenders: [&mut dyn FnMut() -> anyhow::Result<()>; 3] = [
            &mut || {
                let bed = Bed::new(settings, 0)?;
                let server = bed.serve()?;
                let signer = bed.signer(&server)?;
                let requests: Vec<_> =
                    (0..count).map(|number| signer.create(&format!("made-{number}"))).collect::<Result<_, _>>()?;
                let requests = bed.requests("create", &requests)?;
                let clients = CLIENTS.to_string();
                ours.push(bed.load(&server, &requests, &["--once", "--connections", &clients])?.0);
                Ok(())
            },
            &mut || {
                alone.push(sqlite(&settings.target, count / 4, 1)?);
                Ok(())
            },
            &mut || {
                grouped.push(sqlite(&settings.target, count, CLIENTS)?);
                Ok(())
            },
        ];
        if round % 2 == 1 {
            contenders.reverse();
        }
        for contender in contenders {
            contender()?;
        }
    }
    let what = format!("CreateJob, durable, {CLIENTS} clients");
    let commits = "SQLite, a commit for each job";
    Ok(vec![
        Row::new(what.clone(), "jobs/s", spread(&ours, |m| m.rate))
            .limit(commits, spread(&alone, |rate| *rate))
            .limit(format!("SQLite, {CLIENTS} jobs in a commit"), spread(&grouped, |rate| *rate))
            .goal(Goal::at_least_times(0.8, commits)),
        Row::new(format!("{what}: 99 of 100 answers within"), "µs", spread(&ours, |m| m.p99)),
        Row::new(format!("{what}: the server's work, what it begins with the jobs included"), "µs CPU", {
            spread(&ours, |m| m.cpu)
        }),
    ])
}

/// Jobs a second that a plain loop writes into the same tables, so many in each transaction, as durably.
fn sqlite(folder: &Path, count: usize, group: usize) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir_in(folder)?;
    let path = folder.path().join("jobs.sqlite");
    // Makes the tables.
    drop(SqliteJobStore::open(&path, Arc::new(SystemClock))?);
    let mut connection = Connection::open(&path)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let spec = serde_json::to_string(&wire::spec(&jobs::create("t")?)?)?;
    let begin = Instant::now();
    for first in (0..count).step_by(group) {
        let transaction = connection.transaction()?;
        for number in first..(first + group).min(count) {
            let id = (number as u128).to_be_bytes();
            transaction
                .prepare_cached(
                    "INSERT INTO job (id, tenant, token, priority, state, status, version, created_at) \
                     VALUES (?1, ?2, ?3, 7, '{\"status\":\"New\"}', 'New', 0, 0)",
                )?
                .execute(params![id, jobs::APPID, format!("made-{number}")])?;
            let num = transaction.last_insert_rowid();
            transaction
                .prepare_cached("INSERT INTO job_spec (job, spec) VALUES (?1, ?2)")?
                .execute(params![num, spec])?;
            transaction
                .prepare_cached("INSERT INTO event (job, number, at, status) VALUES (?1, 0, 0, 'New')")?
                .execute([num])?;
        }
        transaction.commit()?;
    }
    let rate = count as f64 / begin.elapsed().as_secs_f64();
    Ok(rate)
}
