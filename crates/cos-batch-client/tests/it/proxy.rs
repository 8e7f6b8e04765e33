//! The client as a `BatchApi`.

use std::io;

use cos_batch_model::{
    ApiError, BatchApi, DeleteJobRequest, DescribeJobRequest, DescribeJobResult, ErrorCode, JobStatus, ListJobsRequest,
    ListJobsResult, Priority, RequestContext, RequestedJobStatus, UpdateJobPriorityRequest, UpdateJobPriorityResult,
    UpdateJobStatusRequest,
};
use http::{Response, StatusCode};

use crate::script::Script;
use crate::{client, samples};

fn context() -> RequestContext {
    RequestContext::new("1250000001".parse().unwrap(), "request-1")
}

#[tokio::test]
async fn every_action_goes_on_in_the_callers_name() {
    let script = Script::new();
    script
        .answer(&cos_batch_model::CreateJobResult { job_id: samples::job_id() })
        .answer(&DescribeJobResult { job: samples::job(1, JobStatus::Active) })
        .answer(&ListJobsResult::default())
        .answer(&UpdateJobPriorityResult { job_id: samples::job_id(), priority: Priority::default() })
        .answer(&samples::changed(JobStatus::Ready))
        .answer(&cos_batch_model::DeleteJobResult);
    let client = client(&script);
    let (api, context, job_id): (&dyn BatchApi, _, _) = (&client, context(), samples::job_id);

    api.create_job(&context, samples::create()).await.unwrap();
    let described = api.describe_job(&context, DescribeJobRequest { job_id: job_id() }).await.unwrap();
    assert_eq!(described.job.job_id, job_id());
    api.list_jobs(&context, ListJobsRequest::default()).await.unwrap();
    let priority = Priority::new(3).unwrap();
    api.update_job_priority(&context, UpdateJobPriorityRequest { job_id: job_id(), priority }).await.unwrap();
    let request = UpdateJobStatusRequest {
        job_id: job_id(),
        requested_job_status: RequestedJobStatus::Ready,
        status_update_reason: Some("checked".parse().unwrap()),
    };
    api.update_job_status(&context, request).await.unwrap();
    api.delete_job(&context, DeleteJobRequest { job_id: job_id() }).await.unwrap();

    let seen = script.played();
    assert!(seen.iter().all(|request| request.header("x-cos-appid") == Some("1250000001")));
    let id = job_id();
    assert_eq!(
        script.lines(),
        [
            "POST /jobs".to_owned(),
            format!("GET /jobs/{id}"),
            "GET /jobs".to_owned(),
            format!("POST /jobs/{id}/priority?priority=3"),
            format!("POST /jobs/{id}/status?requestedJobStatus=Ready&statusUpdateReason=checked"),
            format!("DELETE /jobs/{id}"),
        ]
    );
}

async fn described(script: &Script) -> ApiError {
    let request = DescribeJobRequest { job_id: samples::job_id() };
    let error = BatchApi::describe_job(&client(script), &context(), request).await.unwrap_err();
    script.played();
    error
}

#[tokio::test(start_paused = true)]
async fn what_the_service_answers_is_passed_on_and_the_rest_is_translated() {
    let script = Script::new();
    script.respond(ApiError::new(ErrorCode::NoSuchJob, "gone").with_request_id("upstream-7").to_http());
    let error = described(&script).await;
    assert_eq!((error.code, error.message.as_str()), (ErrorCode::NoSuchJob, "gone"));
    assert_eq!(error.request_id.as_deref(), Some("upstream-7"));

    let script = Script::new();
    for _ in 0..4 {
        script.fail(io::ErrorKind::ConnectionRefused);
    }
    let error = described(&script).await;
    assert_eq!(error.code, ErrorCode::ServiceUnavailable);
    assert!(error.message.contains("no connection"), "{error}");

    let script = Script::new();
    script.respond(Response::new("surprise".into()));
    assert_eq!(described(&script).await.code, ErrorCode::InternalError);

    let script = Script::new();
    let mut redirect = Response::new("".into());
    *redirect.status_mut() = StatusCode::FOUND;
    script.respond(redirect);
    assert_eq!(described(&script).await.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_may_exist_is_asked_for_again_by_the_caller() {
    let script = Script::new();
    for _ in 0..4 {
        script.fail(io::ErrorKind::ConnectionReset);
    }
    let error = BatchApi::create_job(&client(&script), &context(), samples::create()).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ServiceUnavailable);
    assert!(error.message.contains(samples::TOKEN), "{error}");
    script.played();
}

#[tokio::test]
async fn a_fault_of_the_request_is_the_callers() {
    let script = Script::new();
    let mut request = samples::create();
    request.manifest.spec.fields.clear();
    let error = BatchApi::create_job(&client(&script), &context(), request).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    script.played();
}
