//! Who looks at a job through the API from when it is made until it has ended.

use std::time::Duration;

use cos_batch_engine::{Engine, JobStore as _};
use cos_batch_model::{BatchApi as _, DescribeJobRequest, ErrorCode, Job, JobId, ProgressSummary, RequestContext};
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    keeper::{Keeper, TENANTS},
    plan::{Fate, JobPlan},
    world::World,
};

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks at a job, by whichever process answers, and holds each answer against the one before: what was told once stays.
pub(crate) async fn watch(world: &World, keeper: &Keeper, (number, plan): (usize, &JobPlan), id: &JobId) {
    let mut before = ProgressSummary::default();
    loop {
        sleep(LOOK_EVERY).await;
        let request = || DescribeJobRequest { job_id: id.clone() };
        let look = async |engine: &Engine, context: &RequestContext| engine.describe_job(context, request()).await;
        let job = match keeper.ask(TENANTS[plan.tenant], look).await {
            Some(Ok(described)) => described.job,
            Some(Err(error)) if error.code == ErrorCode::NoSuchJob && plan.fate == Fate::Deleted => return,
            Some(Err(error)) if error.code == ErrorCode::ServiceUnavailable => continue,
            Some(Err(error)) => return world.violated(format!("job {number}: DescribeJob: {error}")),
            None => continue,
        };
        let now = job.progress_summary;
        if let Err(rule) = follows(before, now) {
            world.violated(format!("job {number}, as it was told: {rule}"));
        }
        before = now;
        if job.status.known().is_some_and(|status| status.is_final()) {
            return is_as_kept(world, number, &job).await;
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
async fn is_as_kept(world: &World, number: usize, job: &Job) {
    let told = job.progress_summary;
    // It is in memory, and never fails; a job that was deleted since is kept as well.
    let Ok(id) = job.job_id.as_str().parse::<Uuid>() else { return };
    let Ok(Some(kept)) = world.jobs.get(id).await else { return };
    let kept = (kept.progress.total, kept.progress.succeeded, kept.progress.failed);
    if (told.total_number_of_tasks, told.number_of_tasks_succeeded, told.number_of_tasks_failed) != kept {
        world.violated(format!("job {number}: it was told as {told:?}, and is kept as {kept:?}"));
    }
}
