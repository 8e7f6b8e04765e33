//! Ending a job: the report of what was done, and the final status.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cos_batch_model::JobStatus;

use super::{
    core::{Core, Running},
    offload::offload,
    results::{self, ResultError},
    stop::{Level, Stop},
    uploads,
};
use crate::{
    job::{Failure, JobRecord},
    lifecycle::Command,
    report,
    spec::ReportSpec,
    store::JobLease,
};

/// Shards or result files looked at in one go.
const PAGE: usize = 1000;

/// Tries to publish a report before the job ends without one.
const REPORT_ATTEMPTS_MAX: u32 = 5;

/// Pause between two such tries; it doubles.
const REPORT_PAUSE: Duration = Duration::from_millis(200);

/// Writes what is left of the report and takes the job to its final status.
pub(crate) async fn run(core: Arc<Core>, job: JobRecord, lease: JobLease, stop: Arc<Stop>) {
    let id = job.id;
    if let Some(ended) = finish(&core, &job, &lease, &stop).await {
        if let Err(error) = core.command(id, ended).await {
            tracing::warn!(job = %id, %error, "the end of the job could not be written");
        } else {
            if let Err(error) = uploads::abort_all(&core, id).await {
                tracing::warn!(job = %id, %error, "uploads in parts are left; trying again when the job is forgotten");
            }
            let spool = core.spool.clone();
            let sweep = async move { spool.sweep(id, false).await };
            if let Err(error) = offload(core.spool.store().execution(), sweep).await {
                tracing::warn!(job = %id, %error, "segments of succeeded tasks are left in the spool");
            }
        }
    }
    if let Err(error) = core.store.release_job(&lease).await {
        tracing::warn!(job = %id, %error, "lease could not be given back");
    }
}

/// The command that ends this round; none if somebody should try again.
async fn finish(core: &Arc<Core>, job: &JobRecord, lease: &JobLease, stop: &Stop) -> Option<Command> {
    let Some(report) = &job.spec.report else { return Some(Command::Reported { note: None }) };
    let mut pause = REPORT_PAUSE;
    let mut attempts = 0;
    loop {
        attempts += 1;
        let error = match publish(core, job, report, lease).await {
            Ok(()) => return Some(Command::Reported { note: None }),
            Err(ResultError::Jobs(error)) => {
                tracing::warn!(job = %job.id, %error, "the report cannot be finished now");
                return None;
            }
            Err(ResultError::Objects(error)) => error,
        };
        if attempts == REPORT_ATTEMPTS_MAX {
            let reason = format!("the report could not be written to {}: {error}", report.bucket);
            return Some(if job.state.status == JobStatus::Completing {
                Command::Fail(Failure { code: "ReportNotWritten".to_owned(), reason })
            } else {
                Command::Reported { note: Some(reason) }
            });
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.above(Level::Run) => return None,
        }
        pause *= 2;
    }
}

async fn publish(core: &Arc<Core>, job: &JobRecord, report: &ReportSpec, lease: &JobLease) -> Result<(), ResultError> {
    // Shards that a cancel or a failure cut off have segments, but no files yet.
    let mut after = None;
    loop {
        let shards = core.store.cut_off_shards(job.id, after, PAGE).await?;
        for &shard in &shards {
            core.store.renew_job(lease, core.config.lease).await?;
            let write = results::write_shard(core, job, report, shard);
            let files = core.holding(|| core.store.renew_job(lease, core.config.lease), write).await?;
            core.store.add_results(lease, files).await?;
        }
        after = shards.last().copied();
        if shards.len() < PAGE {
            break;
        }
    }
    let mut files = Vec::new();
    loop {
        let last = files.last().map(|file: &crate::store::ResultFile| (file.shard, file.failed));
        let page = core.store.results(job.id, last, PAGE).await?;
        let full = page.len() == PAGE;
        files.extend(page);
        if !full {
            break;
        }
    }
    let status = match job.state.status {
        JobStatus::Cancelling => JobStatus::Cancelled,
        JobStatus::Failing => JobStatus::Failed,
        _ => JobStatus::Complete,
    };
    let body = report::manifest::render(report, job.id, status.as_str(), job.progress, &files, core.store.now());
    let key = report::manifest_key(report, job.id);
    let put = async {
        results::put(core, &report.bucket, &key, "application/json", Bytes::from(body)).await.map_err(ResultError::from)
    };
    core.holding(|| core.store.renew_job(lease, core.config.lease), put).await
}

/// What the driver notes about a job it finishes.
pub(crate) fn running(job: &JobRecord) -> Running {
    Running { tenant: job.tenant.clone(), priority: job.priority, stop: Arc::new(Stop::default()) }
}
