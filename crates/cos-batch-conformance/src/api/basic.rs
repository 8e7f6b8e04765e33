//! Each action does what it is for.

use cos_batch_model::{
    ClientRequestToken, Description, ETag, ErrorCode, JobListMember, ListJobsRequest, ListJobsResult, ManifestFormat,
    Priority,
};

use crate::{
    bench::{Bench, Made},
    check::{Check, checks},
    verdict::{Miss, Verdict, ensure, equal, failed, refused, skipped, succeeds},
};

/// How far the system's clock may be from the setup's: what COS tolerates of a client, in seconds.
const CLOCK_SKEW_SECONDS: i64 = 900;

pub(crate) const CHECKS: &[Check<Bench>] = checks! {
    "basic/create-and-describe", Documented "CreateJob, DescribeJob",
    "DescribeJob finds a job by the id that CreateJob answered" => create_and_describe;
    "basic/ids-differ", Documented "CreateJob",
    "each job has an id of its own" => ids_differ;
    "basic/describe-echoes-the-request", Documented "DescribeJob",
    "DescribeJob gives back confirmation, description, manifest, operation, priority, report and role as they were sent"
        => echoes_the_request;
    "basic/etag-with-and-without-quotes", Documented "CreateJob, worked example and clients",
    "the manifest's ETag is taken with and without double quotes, and given back as it was sent" => etag_forms;
    "basic/no-description", Documented "CreateJob",
    "a job without a description is made and described" => no_description;
    "basic/text-comes-back", Documented "DescribeJob",
    "a description with characters that XML escapes, and of other scripts, comes back as it was sent" => text_comes_back;
    "basic/priority-edges", Documented "CreateJob, UpdateJobPriority",
    "priorities 0 and 2147483647 are taken" => priority_edges;
    "basic/token-at-its-longest", Documented "CreateJob",
    "a ClientRequestToken of 64 bytes is taken" => longest_token;
    "basic/token-comes-back", Documented "DescribeJob, table",
    "a ClientRequestToken in DescribeJob is the one that was sent" => token_comes_back;
    "basic/creation-time", Documented "DescribeJob",
    "CreationTime is when the job was made" => creation_time;
    "basic/progress-adds-up", Documented "DescribeJob",
    "no more tasks succeeded and failed than there are" => progress_adds_up;
    "basic/listed", Documented "ListJobs",
    "a new job is listed, and its row says what DescribeJob says" => listed;
    "basic/update-priority", Documented "UpdateJobPriority",
    "UpdateJobPriority answers the job's id and new priority, and DescribeJob shows it" => update_priority;
    "basic/delete", Documented "official Go SDK, DeleteJob",
    "a deleted job is neither described nor listed any more" => delete;
};

async fn create_and_describe(bench: &Bench) -> Verdict {
    let made = bench.create(|_| {}).await?;
    let job = bench.describe(&made.id).await?;
    equal("JobId", &made.id, &job.job_id)
}

async fn ids_differ(bench: &Bench) -> Verdict {
    let ids = bench.create_several(3).await?;
    let different = ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2];
    ensure(different, "three ids for three jobs", format_args!("{ids:?}"))
}

async fn echoes_the_request(bench: &Bench) -> Verdict {
    let described = |request: &mut cos_batch_model::CreateJobRequest| {
        request.description = Description::new("made to be looked at").ok();
        request.priority = priority(7);
    };
    let Made { id, request } = bench.create(described).await?;
    let job = bench.describe(&id).await?;
    equal("ConfirmationRequired", &request.confirmation_required, &job.confirmation_required)?;
    equal("Description", &request.description, &job.description)?;
    equal("Location", &request.manifest.location, &job.manifest.location)?;
    equal("Format", &request.manifest.spec.format, &job.manifest.spec.format)?;
    if request.manifest.spec.format == ManifestFormat::BatchOperationsCsv {
        equal("Fields", &request.manifest.spec.fields, &job.manifest.spec.fields)?;
    }
    equal("Operation", &request.operation, &job.operation)?;
    equal("Priority", &request.priority, &job.priority)?;
    equal("Report", &request.report, &job.report)?;
    equal("RoleArn", &request.role_arn, &job.role_arn)
}

async fn etag_forms(bench: &Bench) -> Verdict {
    let bare = bench.request().manifest.location.e_tag.unquoted().to_owned();
    for text in [format!("\"{bare}\""), bare] {
        let Ok(etag) = ETag::new(text) else {
            return Err(skipped("the manifest's ETag is too long to be written with quotes"));
        };
        let made = bench.create(|request| request.manifest.location.e_tag = etag.clone()).await?;
        equal("ETag", &etag, &bench.describe(&made.id).await?.manifest.location.e_tag)?;
    }
    Ok(())
}

async fn no_description(bench: &Bench) -> Verdict {
    let made = bench.create(|request| request.description = None).await?;
    equal("Description", &None, &bench.describe(&made.id).await?.description)
}

async fn text_comes_back(bench: &Bench) -> Verdict {
    for text in ["<a href=\"x\"> & 'b' ]]>", "每周归档 – ｆｕｌｌ 🗄", "  spaces around  "] {
        let description = Description::new(text).ok();
        let made = bench.create(|request| request.description = description.clone()).await?;
        equal("Description", &description, &bench.describe(&made.id).await?.description)?;
    }
    Ok(())
}

async fn priority_edges(bench: &Bench) -> Verdict {
    for number in [Priority::MIN, Priority::MAX] {
        let edge = priority(number);
        let made = bench.create(|request| request.priority = edge).await?;
        equal("Priority", &edge, &bench.describe(&made.id).await?.priority)?;
        let other = priority(Priority::MAX - number);
        let changed = succeeds("UpdateJobPriority", bench.try_set_priority(&made.id, other).await)?;
        equal("Priority", &other, &changed.priority)?;
    }
    Ok(())
}

async fn longest_token(bench: &Bench) -> Verdict {
    let request = bench.request();
    let text = format!("{:x<width$}", request.client_request_token, width = ClientRequestToken::MAX_BYTES);
    let token =
        ClientRequestToken::new(text).map_err(|error| skipped(format!("the run's name is not ASCII: {error}")))?;
    bench.create(|request| request.client_request_token = token).await?;
    Ok(())
}

async fn token_comes_back(bench: &Bench) -> Verdict {
    let made = bench.create(|_| {}).await?;
    match bench.describe(&made.id).await?.client_request_token {
        Some(found) => equal("ClientRequestToken", &made.request.client_request_token, &found),
        None => Err(skipped("DescribeJob shows no ClientRequestToken, which its samples do not either")),
    }
}

async fn creation_time(bench: &Bench) -> Verdict {
    let made = bench.create(|_| {}).await?;
    let found = bench.describe(&made.id).await?.creation_time;
    let now = bench.setup.now();
    let near = (found.unix_seconds() - now).abs() <= CLOCK_SKEW_SECONDS;
    ensure(near, format_args!("within {CLOCK_SKEW_SECONDS} s of {now} (Unix seconds)"), found)
}

async fn progress_adds_up(bench: &Bench) -> Verdict {
    let made = bench.create(|_| {}).await?;
    let progress = bench.describe(&made.id).await?.progress_summary;
    let done = progress.number_of_tasks_failed.saturating_add(progress.number_of_tasks_succeeded);
    ensure(done <= progress.total_number_of_tasks, "succeeded + failed ≤ total", format_args!("{progress:?}"))
}

async fn listed(bench: &Bench) -> Verdict {
    let described = |request: &mut cos_batch_model::CreateJobRequest| {
        request.description = Description::new("made to be listed").ok();
        request.priority = priority(11);
    };
    let made = bench.create(described).await?;
    let job = bench.describe(&made.id).await?;
    let row = find(bench, &made).await?.ok_or_else(|| failed("the job is listed", "it is not in any page"))?;
    equal("Description", &job.description, &row.description)?;
    equal("Operation", &job.operation.kind(), &row.operation)?;
    equal("Priority", &job.priority, &row.priority)?;
    equal("CreationTime", &job.creation_time, &row.creation_time)
}

async fn update_priority(bench: &Bench) -> Verdict {
    let made = bench.create(|request| request.priority = priority(3)).await?;
    let changed = succeeds("UpdateJobPriority", bench.try_set_priority(&made.id, priority(40)).await)?;
    equal("JobId", &made.id, &changed.job_id)?;
    equal("Priority in the answer", &priority(40), &changed.priority)?;
    equal("Priority in DescribeJob", &priority(40), &bench.describe(&made.id).await?.priority)
}

async fn delete(bench: &Bench) -> Verdict {
    let made = bench.create(|_| {}).await?;
    bench.delete(&made.id).await?;
    refused("DescribeJob of a deleted job", &[ErrorCode::NoSuchJob], bench.try_describe(&made.id).await)?;
    let row = find(bench, &made).await?;
    ensure(row.is_none(), "the deleted job is not listed", "it is")
}

/// The job's row, if there is one.
async fn find(bench: &Bench, made: &Made) -> Result<Option<JobListMember>, Miss> {
    let has = |page: &ListJobsResult| page.jobs.iter().any(|row| row.job_id == made.id);
    let pages = bench.walk_as(&bench.setup.account, ListJobsRequest::default(), has).await?;
    Ok(pages.into_iter().flat_map(|page| page.jobs).find(|row| row.job_id == made.id))
}

fn priority(number: u32) -> Priority {
    Priority::new(number).expect("the checks' own priorities are in 0–2147483647")
}
