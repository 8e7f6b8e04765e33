//! What is wrong is refused with the documented code.

use cos_batch_model::{
    ApiError, BucketArn, CreateJobRequest, Description, ErrorCode, JobId, KeyPrefix, ListJobsRequest, ManifestFormat,
    ManifestSpec, Operation, Priority, PutObjectCopy, PutObjectTagging, Report, RequestedJobStatus,
};

use crate::{
    bench::Bench,
    check::{Check, checks},
    setup::Account,
    verdict::{Verdict, ensure, equal, refused, skipped, succeeds},
};

/// What a CreateJob may be refused with whose parts do not fit together: the pages name several codes for it.
const BAD_CREATE: &[ErrorCode] = &[ErrorCode::InvalidArgument, ErrorCode::InvalidRequest, ErrorCode::MalformedXml];

const NO_SUCH_JOB: &[ErrorCode] = &[ErrorCode::NoSuchJob];

pub(crate) const CHECKS: &[Check<Bench>] = checks! {
    "errors/describe-unknown-job", Documented "error table",
    "DescribeJob of an unknown job is 404 NoSuchJob" => describe_unknown;
    "errors/priority-of-unknown-job", Documented "error table",
    "UpdateJobPriority of an unknown job is 404 NoSuchJob" => priority_of_unknown;
    "errors/status-of-unknown-job", Documented "error table",
    "UpdateJobStatus of an unknown job is 404 NoSuchJob" => status_of_unknown;
    "errors/delete-unknown-job", Settled "DeleteJob has no page; the other actions answer so",
    "DeleteJob of an unknown job is 404 NoSuchJob" => delete_unknown;
    "errors/deleted-job-is-unknown", Settled "DeleteJob has no page",
    "no action finds a job that was deleted" => deleted_is_unknown;
    "errors/used-token", Documented "error table",
    "a ClientRequestToken that was used is 400 InvalidRequest, for the same request and for another" => used_token;
    "errors/used-token-of-a-deleted-job", Settled "how long a token is remembered is not documented",
    "the token of a deleted job stays used" => token_of_deleted;
    "errors/used-token-makes-no-job", Documented "CreateJob, ClientRequestToken",
    "a refused CreateJob makes no job" => used_token_makes_no_job;
    "errors/tokens-are-each-accounts-own", Settled "the scope of a token is not documented",
    "two accounts may use the same ClientRequestToken" => tokens_of_accounts;
    "errors/foreign-job-is-unknown", Documented "jobs belong to an account",
    "a job of another account is answered exactly as one that does not exist, by every action" => foreign_is_unknown;
    "errors/foreign-jobs-are-not-listed", Documented "jobs belong to an account",
    "ListJobs has no jobs of another account" => foreign_not_listed;
    "errors/csv-without-columns", Documented "common elements, Spec",
    "a CSV manifest without Fields is refused" => csv_without_columns;
    "errors/report-without-bucket", Documented "common elements, Report",
    "a report that is wanted but has no bucket is refused" => report_without_bucket;
    "errors/tagging-without-tags", Documented "common elements, NewObjectTagging",
    "a directive that replaces tags without giving any is refused" => tagging_without_tags;
    "errors/prefix-without-replacing", Documented "common elements, PrefixReplace",
    "ResourcesPrefix without PrefixReplace is refused" => prefix_without_replacing;
};

async fn describe_unknown(bench: &Bench) -> Verdict {
    let answer = bench.try_describe(&Bench::unknown_job()).await;
    refused("DescribeJob of an unknown job", NO_SUCH_JOB, answer).map(drop)
}

async fn priority_of_unknown(bench: &Bench) -> Verdict {
    let answer = bench.try_set_priority(&Bench::unknown_job(), Priority::default()).await;
    refused("UpdateJobPriority of an unknown job", NO_SUCH_JOB, answer).map(drop)
}

async fn status_of_unknown(bench: &Bench) -> Verdict {
    for status in [RequestedJobStatus::Ready, RequestedJobStatus::Cancelled] {
        let answer = bench.try_set_status(&Bench::unknown_job(), status).await;
        refused(&format!("{status} for an unknown job"), NO_SUCH_JOB, answer)?;
    }
    Ok(())
}

async fn delete_unknown(bench: &Bench) -> Verdict {
    let answer = bench.try_delete_as(&bench.setup.account, &Bench::unknown_job()).await;
    if matches!(&answer, Err(error) if error.code == ErrorCode::NotImplemented) {
        return Err(skipped("the system does not offer DeleteJob, which no documentation asks for"));
    }
    refused("DeleteJob of an unknown job", NO_SUCH_JOB, answer).map(drop)
}

async fn deleted_is_unknown(bench: &Bench) -> Verdict {
    let made = bench.create(|_| {}).await?;
    bench.delete(&made.id).await?;
    for (action, answer) in every_action(bench, &bench.setup.account, &made.id).await {
        refused(&format!("{action} of a deleted job"), NO_SUCH_JOB, answer)?;
    }
    Ok(())
}

async fn used_token(bench: &Bench) -> Verdict {
    let made = bench.create(|_| {}).await?;
    let what = "the same CreateJob once more";
    refused(what, &[ErrorCode::InvalidRequest], bench.try_create(made.request.clone()).await)?;
    let mut other = made.request;
    other.description = Description::new("not the same request").ok();
    let what = "another CreateJob with the same token";
    refused(what, &[ErrorCode::InvalidRequest], bench.try_create(other).await).map(drop)
}

async fn token_of_deleted(bench: &Bench) -> Verdict {
    let made = bench.create(|_| {}).await?;
    bench.delete(&made.id).await?;
    let answer = bench.try_create(made.request).await;
    refused("CreateJob with the token of a deleted job", &[ErrorCode::InvalidRequest], answer).map(drop)
}

async fn used_token_makes_no_job(bench: &Bench) -> Verdict {
    let mut request = bench.request();
    request.description = Description::new(format!("once: {}", request.client_request_token)).ok();
    succeeds("CreateJob", bench.try_create(request.clone()).await)?;
    // Whether this is refused is the business of another check.
    let _ = bench.try_create(request.clone()).await;
    let pages = bench.walk().await?;
    let count = pages.iter().flat_map(|page| &page.jobs).filter(|row| row.description == request.description).count();
    equal("jobs with this token", &1, &count)
}

async fn tokens_of_accounts(bench: &Bench) -> Verdict {
    let other = bench.other()?;
    let made = bench.create(|_| {}).await?;
    let mut request = bench.request_of(other);
    request.client_request_token = made.request.client_request_token;
    let answer = bench.try_create_as(other, request).await;
    succeeds("CreateJob with a token that another account used", answer).map(drop)
}

async fn foreign_is_unknown(bench: &Bench) -> Verdict {
    let other = bench.other()?;
    let made = bench.create(|_| {}).await?;
    let before = bench.describe(&made.id).await?;
    let unknown = Bench::unknown_job();
    let expected = every_action(bench, other, &unknown).await;
    let found = every_action(bench, other, &made.id).await;
    for ((action, expected), (_, found)) in expected.into_iter().zip(found) {
        let (expected, found) = (told(&expected, &unknown), told(&found, &made.id));
        equal(&format!("{action} of another account's job, as of an unknown one"), &expected, &found)?;
    }
    let answer = bench.try_describe_as(other, &made.id).await;
    refused("DescribeJob of another account's job", NO_SUCH_JOB, answer)?;
    let after = bench.describe(&made.id).await?;
    equal("Priority after the other account's calls", &before.priority, &after.priority)?;
    let cancelled = after.status.as_str().starts_with("Cancel");
    ensure(!cancelled, "the job is as it was after the other account's calls", after.status)
}

/// What an answer tells, apart from the job's id and the ids of the request.
fn told(answer: &Result<(), ApiError>, job: &JobId) -> String {
    match answer {
        Ok(()) => "it succeeds".to_owned(),
        Err(error) => error.to_string().replace(job.as_str(), "<JobId>"),
    }
}

/// Each action that is about a job, deleting last.
async fn every_action(bench: &Bench, account: &Account, job: &JobId) -> Vec<(&'static str, Result<(), ApiError>)> {
    let highest = Priority::new(Priority::MAX).expect("the largest number is legal");
    let status = async |status| bench.try_set_status_as(account, job, status, None).await.map(drop);
    vec![
        ("DescribeJob", bench.try_describe_as(account, job).await.map(drop)),
        ("UpdateJobPriority", bench.try_set_priority_as(account, job, highest).await.map(drop)),
        ("UpdateJobStatus", status(RequestedJobStatus::Ready).await),
        ("UpdateJobStatus", status(RequestedJobStatus::Cancelled).await),
        ("DeleteJob", bench.try_delete_as(account, job).await),
    ]
}

async fn foreign_not_listed(bench: &Bench) -> Verdict {
    let other = bench.other()?;
    let made = bench.create(|_| {}).await?;
    let pages = bench.walk_as(other, ListJobsRequest::default(), |_| false).await?;
    let listed = pages.iter().flat_map(|page| &page.jobs).any(|row| row.job_id == made.id);
    ensure(!listed, "the job is not in another account's list", "it is")
}

async fn csv_without_columns(bench: &Bench) -> Verdict {
    let mut request = bench.request();
    request.manifest.spec = ManifestSpec { fields: Vec::new(), format: ManifestFormat::BatchOperationsCsv.into() };
    bad_create(bench, "CreateJob with a CSV manifest without Fields", request).await
}

async fn report_without_bucket(bench: &Bench) -> Verdict {
    let mut request = bench.request();
    request.report = Report { enabled: true, bucket: None, ..request.report };
    bad_create(bench, "CreateJob with a report without Bucket", request).await
}

async fn tagging_without_tags(bench: &Bench) -> Verdict {
    let mut request = bench.request();
    request.operation = Operation::PutObjectTagging(PutObjectTagging { tagging_directive: None, tag_set: Vec::new() });
    bad_create(bench, "CreateJob with a COSPutObjectTagging without tags", request).await
}

async fn prefix_without_replacing(bench: &Bench) -> Verdict {
    let mut request = bench.request();
    let bucket = request.manifest.location.object_arn.bucket().to_owned();
    let region = request.manifest.location.object_arn.region().to_owned();
    let Ok(target) = BucketArn::for_bucket(&region, &bucket) else {
        return Err(skipped("the manifest's bucket has no resource name"));
    };
    let copy = PutObjectCopy {
        prefix_replace: false,
        resources_prefix: KeyPrefix::new("in/").ok(),
        ..PutObjectCopy::to(target)
    };
    request.operation = Operation::PutObjectCopy(Box::new(copy));
    bad_create(bench, "CreateJob with a ResourcesPrefix but without PrefixReplace", request).await
}

async fn bad_create(bench: &Bench, what: &str, request: CreateJobRequest) -> Verdict {
    refused(what, BAD_CREATE, bench.try_create(request).await).map(drop)
}
