//! Who looks at a job through the API from when it is made until it has ended.

use std::time::Duration;

use cos_batch_engine::JobStore as _;
use cos_batch_model::{BatchApi as _, DescribeJobRequest, ErrorCode, Job, JobId, ProgressSummary};
use tokio::time::sleep;
use uuid::Uuid;

use crate::{plan::Fate, user::User};

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks at a job, by whichever process answers, and holds each answer against the one before: what was told once stays.
pub(crate) async fn watch(user: &User, id: &JobId) {
    let mut before = ProgressSummary::default();
    loop {
        sleep(LOOK_EVERY).await;
        let request = || DescribeJobRequest { job_id: id.clone() };
        let job = match user.ask(async |engine, context| engine.describe_job(context, request()).await).await {
            Some(Ok(described)) => described.job,
            Some(Err(error)) if error.code == ErrorCode::NoSuchJob && user.plan.fate == Fate::Deleted => return,
            Some(Err(error)) if error.code == ErrorCode::ServiceUnavailable => continue,
            Some(Err(error)) => return user.world.violated(format!("job {}: DescribeJob: {error}", user.number)),
            None => continue,
        };
        let now = job.progress_summary;
        if let Err(rule) = follows(before, now) {
            user.world.violated(format!("job {}, as it was told: {rule}", user.number));
        }
        before = now;
        if job.status.known().is_some_and(|status| status.is_final()) {
            return is_as_kept(user, &job).await;
        }
    }
}

fn follows(before: ProgressSummary, now: ProgressSummary) -> Result<(), String> {
    let executed = now.number_of_tasks_succeeded + now.number_of_tasks_failed;
    if executed > now.total_number_of_tasks {
        return Err(format!("more is done than there is: {now:?}"));
    }
    if now.number_of_tasks_succeeded < before.number_of_tasks_succeeded
        || now.number_of_tasks_failed < before.number_of_tasks_failed
    {
        return Err(format!("counters went back: {before:?}, {now:?}"));
    }
    Ok(())
}

/// What is told of a job that has ended is what is kept of it: the report is held against that.
async fn is_as_kept(user: &User, job: &Job) {
    let told = job.progress_summary;
    // It is in memory, and never fails; a job that was deleted since is kept as well.
    let Ok(id) = job.job_id.as_str().parse::<Uuid>() else { return };
    let Ok(Some(kept)) = user.world.jobs.get(id).await else { return };
    let kept = (kept.progress.total, kept.progress.succeeded, kept.progress.failed);
    if (told.total_number_of_tasks, told.number_of_tasks_succeeded, told.number_of_tasks_failed) != kept {
        user.world.violated(format!("job {}: it was told as {told:?}, and is kept as {kept:?}", user.number));
    }
}
