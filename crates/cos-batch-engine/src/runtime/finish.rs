//! Ending a job: the report of what was done, and the final status.

use std::sync::Arc;

use cos_batch_model::JobStatus;
use uuid::Uuid;

use super::{
    core::{Core, Kind, Piece, Running},
    fault::may_pass,
    offload::offload,
    patience::patiently,
    results::{self, ResultError},
    stop::{Level, Stop},
    trace, uploads,
    writer::ObjectWriter,
};
use crate::{
    job::{Failure, JobRecord},
    lifecycle::Command,
    report::{self, manifest::Pieces},
    spec::ReportSpec,
    store::{JobChange, JobLease, StoreError},
};

/// Shards or result files looked at in one go.
const PAGE: usize = 1000;

/// Writes what is left of the report and takes the job to its final status.
pub(crate) async fn run(core: Arc<Core>, job: JobRecord, lease: JobLease, stop: Arc<Stop>) {
    let id = job.id;
    let piece = Piece { job: id, kind: Kind::Finish };
    let renew = || core.store.renew_job(&lease, core.config.lease);
    // Somebody took it up before its rest was over.
    let ended = match core.troubles.rest(piece) {
        Some(time) => core.rest(piece, &stop, time, renew).await.map(|()| None),
        None => finish(&core, &job, &lease, &stop).await,
    };
    match ended {
        Ok(Some(ended)) => match core.change(id, ended, under(&lease)).await {
            Ok(job) => {
                core.troubles.forget(id);
                if job.state.status.is_final() {
                    clear(&core, id).await;
                }
            }
            Err(error) => tracing::warn!(job = %id, %error, "the end of the job could not be written"),
        },
        Ok(None) => {}
        Err(error) => tracing::warn!(job = %id, %error, "the job cannot be finished now"),
    }
    if let Err(error) = core.store.release_job(&lease).await {
        tracing::warn!(job = %id, %error, "lease could not be given back");
    }
}

/// A change that whoever lost the lease does not make.
fn under(lease: &JobLease) -> JobChange {
    JobChange { lease: Some(lease.clone()), ..JobChange::default() }
}

/// The command that ends this round; none if somebody should try again.
async fn finish(
    core: &Arc<Core>,
    job: &JobRecord,
    lease: &JobLease,
    stop: &Stop,
) -> Result<Option<Command>, StoreError> {
    let renew = || core.store.renew_job(lease, core.config.lease);
    let span = trace::finish(job);
    let note = match &job.spec.report {
        None => None,
        Some(report) => {
            let published = async {
                tokio::select! {
                    biased;
                    result = publish(core, job, report, lease) => result.map(Some),
                    () = stop.above(Level::Run) => Ok(None),
                }
            };
            let published = core.holding(renew, published).await;
            if let Err(error) = &published {
                span.record("error", tracing::field::display(error));
            }
            match published {
                Ok(Some(())) => None,
                Ok(None) => return Ok(None),
                Err(ResultError::Jobs(error)) => return Err(error),
                // Without these rows a report would claim less than the books.
                Err(ResultError::Lost(reason)) => Some(reason),
                Err(ResultError::Objects(error)) => {
                    let reason = format!("the report could not be written to {}: {error}", report.bucket);
                    let piece = Piece { job: job.id, kind: Kind::Finish };
                    if may_pass(&error)
                        && let Some(time) = core.troubles.met(piece, 0, core.config.trouble_time)
                    {
                        tracing::warn!(job = %job.id, reason, ?time, "trying again later");
                        drop(span);
                        return core.rest(piece, stop, time, renew).await.map(|()| None);
                    }
                    Some(reason)
                }
            }
        }
    };
    if let Some(reason) = &note
        && job.state.status == JobStatus::Completing
    {
        return Ok(Some(Command::Fail(Failure::new(results::NOT_WRITTEN, reason.clone()))));
    }
    Ok(Some(Command::Reported { note }))
}

/// Aborts uploads in parts, and removes what the spool has of a job beside rows of failed tasks. Uploads that are left are
/// found again by the sweep, segments when the job is forgotten.
async fn clear(core: &Core, id: Uuid) {
    if let Err(error) = uploads::abort_all(core, id).await {
        tracing::warn!(job = %id, %error, "uploads in parts are left; trying again later");
    }
    let spool = core.spool.clone();
    let sweep = async move { spool.sweep(id, false).await };
    if let Err(error) = offload(core.spool.store().execution(), sweep).await {
        tracing::warn!(job = %id, %error, "segments of succeeded tasks are left in the spool");
    }
}

async fn publish(core: &Arc<Core>, job: &JobRecord, report: &ReportSpec, lease: &JobLease) -> Result<(), ResultError> {
    // Shards that a cancel or a failure cut off have segments, but no files yet.
    let mut after = None;
    loop {
        let shards = core.store.cut_off_shards(job.id, after, PAGE).await?;
        for &shard in &shards {
            // What an earlier round has written is whole, and its segments may be gone.
            let before = shard.checked_sub(1).map(|before| (before, true));
            if core.store.results(job.id, before, 1).await?.first().is_some_and(|file| file.shard == shard) {
                continue;
            }
            let files = results::write_shard(core, job, report, shard).await?;
            core.store.add_results(lease, files).await?;
        }
        after = shards.last().copied();
        if shards.len() < PAGE {
            break;
        }
    }
    let status = match job.state.status {
        JobStatus::Cancelling => JobStatus::Cancelled,
        JobStatus::Failing => JobStatus::Failed,
        _ => JobStatus::Complete,
    };
    let created = core.store.now();
    let manifest = async || {
        let mut pieces = Pieces::new(job.id, job.spec.dialect, status.as_str(), job.progress, created);
        let content = async |writer: &mut ObjectWriter| {
            writer.push(pieces.begin().as_bytes()).await?;
            let mut last = None;
            loop {
                let page = core.store.results(job.id, last, PAGE).await?;
                for file in &page {
                    writer.push(pieces.entry(report, file).as_bytes()).await?;
                }
                last = page.last().map(|file| (file.shard, file.failed));
                if page.len() < PAGE {
                    return Ok::<_, ResultError>(writer.push(pieces.end().as_bytes()).await?);
                }
            }
        };
        let key = report::manifest_key(report, job.id);
        let operation = results::list_operation(status);
        results::write(core, job.id, operation, &report.bucket, &key, "application/json", content).await
    };
    patiently(manifest).await
}

/// What the driver notes about a job it finishes.
pub(crate) fn running(job: &JobRecord) -> Running {
    Running { tenant: job.tenant.clone(), priority: job.priority, stop: Arc::default(), resting: false }
}
