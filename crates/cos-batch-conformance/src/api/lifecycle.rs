//! Jobs go through their statuses.

use cos_batch_model::{
    ETag, ErrorCode, Job, JobId, JobStatus, Priority, RequestedJobStatus, StatusUpdateReason, TRANSITIONS,
};

use crate::{
    bench::{Bench, Made, is_final},
    check::{Check, checks},
    verdict::{Miss, Verdict, ensure, equal, failed, refused, succeeds},
};

/// How many further looks tell that a status stays.
const STAYS_LOOKS: usize = 5;

/// What a request about a finished job may be answered with: one page names both.
const FINISHED: &[ErrorCode] = &[ErrorCode::InvalidRequest, ErrorCode::NoSuchJob];

pub(crate) const CHECKS: &[Check<Bench>] = checks! {
    "lifecycle/waits-for-confirmation", Documented "guide, managing jobs",
    "a job with ConfirmationRequired becomes Suspended, with SuspendedDate, and stays so" => waits_for_confirmation;
    "lifecycle/confirmed-job-completes", Documented "guide, managing jobs",
    "a confirmed job runs to its end: Complete, with TerminationDate, and every task is counted" => confirmed_completes;
    "lifecycle/without-confirmation-completes", Documented "guide, managing jobs",
    "a job without ConfirmationRequired is never Suspended and runs to its end" => unconfirmed_completes;
    "lifecycle/confirmed-at-once", Settled "the status in which Ready may be asked for is not documented",
    "Ready is accepted right after CreateJob, as a confirmation in advance" => confirmed_at_once;
    "lifecycle/confirmed-once", Documented "error table",
    "Ready asked of a job that was confirmed and went on is 400 InvalidRequest" => confirmed_once;
    "lifecycle/cancel-at-once", Documented "what clients do right after CreateJob",
    "a job can be cancelled right after CreateJob" => cancel_at_once;
    "lifecycle/cancel-suspended", Documented "UpdateJobStatus",
    "a suspended job that is cancelled becomes Cancelled, with TerminationDate" => cancel_suspended;
    "lifecycle/update-status-answer", Documented "UpdateJobStatus",
    "UpdateJobStatus answers the job's id, a status on the way to the one asked for, and the reason" => update_answer;
    "lifecycle/reason-comes-back", Documented "DescribeJob, StatusUpdateReason",
    "DescribeJob shows the reason that a job was cancelled with" => reason_comes_back;
    "lifecycle/finished-job-stays", Documented "guide and error table",
    "what is asked of a finished job is refused, and its status stays" => finished_stays;
    "lifecycle/priority-of-a-finished-job", Documented "error table",
    "UpdateJobPriority of a finished job is 404 NoSuchJob" => priority_of_finished;
    "lifecycle/failed-job-says-why", Settled "the documentation says only that the job fails",
    "a job with a wrong manifest ETag is refused, or becomes Failed with FailureReasons" => failed_says_why;
};

async fn waits_for_confirmation(bench: &Bench) -> Verdict {
    let made = suspended(bench).await?;
    for _ in 0..STAYS_LOOKS {
        let job = bench.describe(&made.id).await?;
        equal("Status", &"Suspended", &job.status.as_str())?;
        ensure(job.suspended_date.is_some(), "a SuspendedDate", "none")?;
        ensure(job.termination_date.is_none(), "no TerminationDate", format_args!("{:?}", job.termination_date))?;
        bench.setup.pause().await;
    }
    Ok(())
}

async fn confirmed_completes(bench: &Bench) -> Verdict {
    let made = suspended(bench).await?;
    succeeds("Ready for a suspended job", bench.try_set_status(&made.id, RequestedJobStatus::Ready).await)?;
    let job = to_its_end(bench, &made.id, |status| status != JobStatus::Suspended).await?;
    complete(&job)
}

async fn unconfirmed_completes(bench: &Bench) -> Verdict {
    bench.needs_running_jobs()?;
    let made = bench.create(|request| request.confirmation_required = false).await?;
    let job = to_its_end(bench, &made.id, |status| status != JobStatus::Suspended).await?;
    complete(&job)
}

async fn confirmed_at_once(bench: &Bench) -> Verdict {
    bench.needs_running_jobs()?;
    let made = bench.create(|_| {}).await?;
    succeeds("Ready right after CreateJob", bench.try_set_status(&made.id, RequestedJobStatus::Ready).await)?;
    complete(&to_its_end(bench, &made.id, |_| true).await?)
}

async fn confirmed_once(bench: &Bench) -> Verdict {
    let made = suspended(bench).await?;
    succeeds("Ready for a suspended job", bench.try_set_status(&made.id, RequestedJobStatus::Ready).await)?;
    let what = "Ready for a job that was confirmed";
    // By now it may even have finished.
    refused(what, FINISHED, bench.try_set_status(&made.id, RequestedJobStatus::Ready).await).map(drop)
}

async fn cancel_at_once(bench: &Bench) -> Verdict {
    bench.needs_running_jobs()?;
    let made = bench.create(|_| {}).await?;
    succeeds("Cancelled right after CreateJob", bench.try_set_status(&made.id, RequestedJobStatus::Cancelled).await)?;
    cancelled(bench, &made.id).await.map(drop)
}

async fn cancel_suspended(bench: &Bench) -> Verdict {
    let made = suspended(bench).await?;
    succeeds("Cancelled for a suspended job", bench.try_set_status(&made.id, RequestedJobStatus::Cancelled).await)?;
    let job = cancelled(bench, &made.id).await?;
    ensure(job.termination_date.is_some(), "a TerminationDate", "none")
}

async fn update_answer(bench: &Bench) -> Verdict {
    let made = suspended(bench).await?;
    let reason = StatusUpdateReason::new("checked: a+b & c").ok();
    let account = &bench.setup.account;
    let answer = bench.try_set_status_as(account, &made.id, RequestedJobStatus::Cancelled, reason.clone()).await;
    let answer = succeeds("Cancelled for a suspended job", answer)?;
    equal("JobId", &made.id, &answer.job_id)?;
    let on_the_way = matches!(answer.status.known(), Some(JobStatus::Cancelling | JobStatus::Cancelled));
    ensure(on_the_way, "Status Cancelling or Cancelled", &answer.status)?;
    equal("StatusUpdateReason", &reason, &answer.status_update_reason)
}

async fn reason_comes_back(bench: &Bench) -> Verdict {
    let made = suspended(bench).await?;
    let reason = StatusUpdateReason::new("no longer needed").ok();
    let account = &bench.setup.account;
    let answer = bench.try_set_status_as(account, &made.id, RequestedJobStatus::Cancelled, reason.clone()).await;
    succeeds("Cancelled for a suspended job", answer)?;
    equal("StatusUpdateReason", &reason, &bench.describe(&made.id).await?.status_update_reason)
}

async fn finished_stays(bench: &Bench) -> Verdict {
    let made = finished(bench).await?;
    for status in [RequestedJobStatus::Ready, RequestedJobStatus::Cancelled] {
        let answer = bench.try_set_status(&made.id, status).await;
        refused(&format!("{status} for a finished job"), FINISHED, answer)?;
        equal("Status", &"Cancelled", &bench.describe(&made.id).await?.status.as_str())?;
    }
    for _ in 0..STAYS_LOOKS {
        bench.setup.pause().await;
        equal("Status", &"Cancelled", &bench.describe(&made.id).await?.status.as_str())?;
    }
    Ok(())
}

async fn priority_of_finished(bench: &Bench) -> Verdict {
    let made = finished(bench).await?;
    let answer = bench.try_set_priority(&made.id, Priority::default()).await;
    refused("UpdateJobPriority of a finished job", &[ErrorCode::NoSuchJob], answer).map(drop)
}

async fn failed_says_why(bench: &Bench) -> Verdict {
    bench.needs_running_jobs()?;
    let mut request = bench.request();
    request.manifest.location.e_tag = ETag::new("00000000000000000000000000000000").expect("32 digits are legal");
    let id = match bench.try_create(request).await {
        Ok(id) => id,
        // It may well look at the manifest at once.
        Err(error) if [400, 412].contains(&error.status.as_u16()) => return Ok(()),
        Err(error) => return Err(failed("a refusal of the caller's request, or a job that fails", error)),
    };
    let job = bench.until(&id, "the job becomes Failed", is_final).await?;
    equal("Status", &"Failed", &job.status.as_str())?;
    let says = job.failure_reasons.iter().any(|failure| !failure.failure_code.as_str().is_empty());
    ensure(says, "FailureReasons with a FailureCode", format_args!("{:?}", job.failure_reasons))
}

/// A job that waits for its confirmation.
async fn suspended(bench: &Bench) -> Result<Made, Miss> {
    bench.needs_running_jobs()?;
    let made = bench.create(|_| {}).await?;
    bench.until_suspended(&made.id).await?;
    Ok(made)
}

/// A job that was cancelled.
async fn finished(bench: &Bench) -> Result<Made, Miss> {
    let made = suspended(bench).await?;
    succeeds("Cancelled for a suspended job", bench.try_set_status(&made.id, RequestedJobStatus::Cancelled).await)?;
    cancelled(bench, &made.id).await?;
    Ok(made)
}

async fn cancelled(bench: &Bench, job: &JobId) -> Result<Job, Miss> {
    let job = bench.until(job, "a cancelled job becomes Cancelled", is_final).await?;
    equal("Status", &"Cancelled", &job.status.as_str())?;
    Ok(job)
}

/// Watches the job until it has ended: what is seen of its statuses and counts must fit together.
async fn to_its_end(bench: &Bench, job: &JobId, allowed: impl Fn(JobStatus) -> bool) -> Result<Job, Miss> {
    let mut before: Option<Job> = None;
    let watch = |job: &Job| {
        let end = is_final(job)?;
        if let (Some(old), Some(new)) = (before.as_ref().and_then(|job| job.status.known()), job.status.known()) {
            ensure(reaches(*old, *new), format_args!("a status that can follow {old}"), new)?;
        }
        if let Some(status) = job.status.known() {
            ensure(allowed(*status), "a job that needs no confirmation goes on", status)?;
        }
        let done = |job: &Job| {
            let progress = job.progress_summary;
            progress.number_of_tasks_failed.saturating_add(progress.number_of_tasks_succeeded)
        };
        if let Some(old) = &before {
            ensure(done(old) <= done(job), "counts that never go back", format_args!("{:?}", job.progress_summary))?;
        }
        before = Some(job.clone());
        Ok(end)
    };
    bench.until(job, "the job ends", watch).await
}

/// Whether a job in one status can be seen in another later.
fn reaches(from: JobStatus, to: JobStatus) -> bool {
    let mut reached = vec![from];
    let mut next = 0;
    while let Some(status) = reached.get(next).copied() {
        let further = TRANSITIONS.iter().filter(|(before, _)| *before == status).map(|(_, after)| *after);
        for after in further.collect::<Vec<_>>() {
            if !reached.contains(&after) {
                reached.push(after);
            }
        }
        next += 1;
    }
    reached.contains(&to)
}

fn complete(job: &Job) -> Verdict {
    equal("Status", &"Complete", &job.status.as_str())?;
    ensure(job.termination_date.is_some(), "a TerminationDate", "none")?;
    let progress = job.progress_summary;
    let done = progress.number_of_tasks_failed.saturating_add(progress.number_of_tasks_succeeded);
    ensure(done == progress.total_number_of_tasks, "succeeded + failed = total", format_args!("{progress:?}"))
}
