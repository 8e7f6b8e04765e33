//! Requests and answers to test with.

use cos_batch_model::{
    AppId, CreateJobRequest, DescribeJobResult, Job, JobId, JobListMember, JobStatus, ListJobsResult, Manifest,
    ManifestField, ManifestFormat, ManifestLocation, ManifestSpec, Operation, Priority, ProgressSummary, PutObjectCopy,
    Report, Timestamp, UpdateJobStatusResult,
};

use crate::NOW;

pub(crate) const TOKEN: &str = "6f0d2a52-1c84-4f0e-9a5e-2b6f0f4c1d10";

pub(crate) fn appid() -> AppId {
    AppId::new("1250000000").unwrap()
}

pub(crate) fn job_id() -> JobId {
    id(1)
}

pub(crate) fn id(number: usize) -> JobId {
    JobId::new(format!("0b9a6f0e-58f4-4d53-8f7b-{number:012}")).unwrap()
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds).unwrap()
}

fn manifest() -> Manifest {
    let object = "qcs::cos:ap-guangzhou::src-1250000000/lists/week42.csv".parse().unwrap();
    let e_tag = "\"9e107d9d372bb6826bd81d3542a419d6\"".parse().unwrap();
    Manifest {
        location: ManifestLocation { e_tag, object_arn: object, object_version_id: None },
        spec: ManifestSpec {
            fields: vec![ManifestField::Bucket.into(), ManifestField::Key.into()],
            format: ManifestFormat::BatchOperationsCsv.into(),
        },
    }
}

fn copy() -> Operation {
    let target = "qcs::cos:ap-guangzhou::dst-1250000000".parse().unwrap();
    Operation::PutObjectCopy(Box::new(PutObjectCopy::to(target)))
}

pub(crate) fn create() -> CreateJobRequest {
    CreateJobRequest {
        client_request_token: TOKEN.parse().unwrap(),
        confirmation_required: false,
        description: Some("copy & \"quote\" 腾讯云".parse().unwrap()),
        manifest: manifest(),
        operation: copy(),
        priority: Priority::new(20).unwrap(),
        report: Report::disabled(),
        role_arn: "qcs::cam::uin/100000000001:roleName/BatchWorker".parse().unwrap(),
    }
}

pub(crate) fn job(number: usize, status: JobStatus) -> Job {
    Job {
        client_request_token: Some(TOKEN.parse().unwrap()),
        confirmation_required: false,
        creation_time: at(NOW),
        description: None,
        failure_reasons: Vec::new(),
        job_id: id(number),
        manifest: manifest(),
        operation: copy(),
        priority: Priority::new(20).unwrap(),
        progress_summary: ProgressSummary::default(),
        report: Report::disabled(),
        role_arn: "qcs::cam::uin/100000000001:roleName/BatchWorker".parse().unwrap(),
        status: status.into(),
        status_update_reason: None,
        suspended_cause: None,
        suspended_date: None,
        termination_date: None,
    }
}

/// A job's description in which so many of 100 tasks have succeeded.
pub(crate) fn described(status: JobStatus, succeeded: u64) -> DescribeJobResult {
    let mut job = job(1, status);
    job.progress_summary =
        ProgressSummary { number_of_tasks_failed: 0, number_of_tasks_succeeded: succeeded, total_number_of_tasks: 100 };
    DescribeJobResult { job }
}

pub(crate) fn member(number: usize, created: i64) -> JobListMember {
    let job = job(number, JobStatus::Active);
    JobListMember {
        creation_time: at(created),
        description: None,
        job_id: job.job_id,
        operation: job.operation.kind(),
        priority: job.priority,
        progress_summary: job.progress_summary,
        status: job.status,
        termination_date: None,
    }
}

/// A page with these jobs, and the token of the next if there is one.
pub(crate) fn page(numbers: impl IntoIterator<Item = usize>, next: Option<&str>) -> ListJobsResult {
    ListJobsResult {
        jobs: numbers.into_iter().map(|number| member(number, NOW)).collect(),
        next_token: next.map(|token| token.parse().unwrap()),
    }
}

pub(crate) fn changed(status: JobStatus) -> UpdateJobStatusResult {
    UpdateJobStatusResult { job_id: job_id(), status: status.into(), status_update_reason: None }
}
