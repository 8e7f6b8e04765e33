//! Messages as the published descriptions have them.

use std::fmt::Debug;

use cos_batch_model::xml::{self, FromXml, Mode, ToXml};
use cos_batch_model::{
    Action, ActionName, ActionOutput, ApiError, CreateJobRequest, CreateJobResult, DeleteJobRequest, DeleteJobResult,
    DescribeJobRequest, DescribeJobResult, ErrorCode, JobStatus, ListJobsRequest, ListJobsResult, Operation,
    RequestedJobStatus, UpdateJobPriorityRequest, UpdateJobPriorityResult, UpdateJobStatusRequest,
    UpdateJobStatusResult,
};

use crate::support::{body_text, check_length, messages, read, request, response};

const JOB_ID: &str = "0b9a6f0e-58f4-4d53-8f7b-0a2f6f1f9c01";

/// Reads a body both ways, which must agree, and again from what it is written as.
fn document<T: FromXml + ToXml + PartialEq + Debug>(file: &str) -> T {
    let text = body_text(&format!("spec/{file}"));
    let strict: T = xml::from_slice(text.as_bytes(), Mode::Strict).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert_eq!(xml::from_slice::<T>(text.as_bytes(), Mode::Lenient).unwrap(), strict, "{file}");
    assert_eq!(xml::from_slice::<T>(strict.to_xml().as_bytes(), Mode::Strict).unwrap(), strict, "{file}");
    strict
}

/// Reads a whole request.
fn action<A: Action>(file: &str) -> A {
    let (head, body) = request(&read(&format!("spec/{file}"))).into_parts();
    check_length(file, &head.headers, &body);
    A::from_http(&head, &body).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Reads a whole answer.
fn output<O: ActionOutput>(file: &str) -> Result<O, ApiError> {
    let message = response(&read(&format!("spec/{file}")));
    check_length(file, message.headers(), message.body());
    O::from_http(&message).map_err(|error| match error {
        cos_batch_model::ResponseError::Api(error) => error,
        cos_batch_model::ResponseError::Decode(error) => panic!("{file}: {error}"),
    })
}

#[test]
fn create_requests() {
    let copy: CreateJobRequest = action("CreateJob/copy.request.http");
    assert_eq!(copy, document("CreateJob/copy.request.http"));
    insta::assert_debug_snapshot!("create_copy", copy);
    let restore: CreateJobRequest = action("CreateJob/restore.request.http");
    assert_eq!(restore, document("CreateJob/restore.request.http"));
    insta::assert_debug_snapshot!("create_restore", restore);
}

#[test]
fn create_answer() {
    let result: CreateJobResult = output("CreateJob/created.response.http").unwrap();
    assert_eq!(result, document("CreateJob/created.response.http"));
    assert_eq!(result.job_id.as_str(), JOB_ID);
}

#[test]
fn describe_answers() {
    let suspended: DescribeJobResult = output("DescribeJob/suspended.response.http").unwrap();
    assert_eq!(suspended, document("DescribeJob/suspended.response.http"));
    insta::assert_debug_snapshot!("describe_suspended", suspended);
    // The oldest published description: ClientRequestToken, but no ConfirmationRequired.
    let oldest: DescribeJobResult = output("DescribeJob/of-2020.response.http").unwrap();
    assert_eq!(oldest, document("DescribeJob/of-2020.response.http"));
    insta::assert_debug_snapshot!("describe_2020", oldest);
}

#[test]
fn describe_requests() {
    let request: DescribeJobRequest = action("DescribeJob/of-2020.request.http");
    assert_eq!(request.job_id.as_str(), "53dc6228-c50b-46f7-8ad7-65e7159f1aae");
    let request: DescribeJobRequest = action("DescribeJob/job.request.http");
    assert_eq!(request.job_id.as_str(), JOB_ID);
}

#[test]
fn list_request() {
    let request: ListJobsRequest = action("ListJobs/filtered.request.http");
    assert_eq!(request.job_statuses, [JobStatus::Complete]);
    assert_eq!(request.max_results.unwrap().get(), 1);
    assert_eq!(request.next_token.unwrap().as_str(), JOB_ID);
}

#[test]
fn update_requests() {
    let request: UpdateJobPriorityRequest = action("UpdateJobPriority/change.request.http");
    assert_eq!((request.job_id.as_str(), request.priority.get()), (JOB_ID, 99));
    let request: UpdateJobStatusRequest = action("UpdateJobStatus/confirm.request.http");
    assert_eq!(request.requested_job_status, RequestedJobStatus::Ready);
    assert_eq!(request.status_update_reason.unwrap().as_str(), "checked by ops");
}

#[test]
fn delete() {
    let request: DeleteJobRequest = action("DeleteJob/job.request.http");
    assert_eq!(request.job_id.as_str(), JOB_ID);
    assert_eq!(output("DeleteJob/deleted.response.http"), Ok(DeleteJobResult));
}

#[test]
fn failure_reasons() {
    let failed: DescribeJobResult = output("DescribeJob/failed.response.http").unwrap();
    assert_eq!(failed, document("DescribeJob/failed.response.http"));
    let [failure] = &failed.job.failure_reasons[..] else { panic!("{:?}", failed.job.failure_reasons) };
    assert_eq!(failure.failure_code.as_str(), "ManifestNotFound");
    assert_eq!(failure.failure_reason.as_str(), "the manifest object could not be read");
    assert_eq!(failed.job.status, JobStatus::Failed);
}

#[test]
fn list_answers() {
    let page: ListJobsResult = output("ListJobs/page.response.http").unwrap();
    assert_eq!(page, document("ListJobs/page.response.http"));
    insta::assert_debug_snapshot!("list_page", page);
    assert_eq!(output("ListJobs/nothing.response.http"), Ok(ListJobsResult::default()));
    assert_eq!(document::<ListJobsResult>("ListJobs/nothing.response.http"), ListJobsResult::default());
}

#[test]
fn update_answers() {
    let priority: UpdateJobPriorityResult = output("UpdateJobPriority/changed.response.http").unwrap();
    assert_eq!(priority, document("UpdateJobPriority/changed.response.http"));
    insta::assert_debug_snapshot!("update_priority", priority);
    let status: UpdateJobStatusResult = output("UpdateJobStatus/confirmed.response.http").unwrap();
    assert_eq!(status, document("UpdateJobStatus/confirmed.response.http"));
    insta::assert_debug_snapshot!("update_status", status);
}

#[test]
fn error_answer() {
    let error = output::<DescribeJobResult>("DescribeJob/no-such-job.response.http").unwrap_err();
    let expected = ApiError {
        trace_id: Some("dHJhY2UtZXhhbXBsZQ==".to_owned()),
        ..ApiError::new(ErrorCode::NoSuchJob, "no job with this id")
            .with_resource("/jobs/0b9a6f0e-58f4-4d53-8f7b-0a2f6f1f9c02")
            .with_request_id("NjkyM2FhYmJfMTFfMjJfMzM=")
    };
    assert_eq!(error, expected);
}

#[test]
fn the_documented_sample_gives_a_directive_twice() {
    let directive = "<MetadataDirective>Add</MetadataDirective>";
    let text = body_text("spec/CreateJob/copy.request.http");
    let twice = text.replacen(directive, &directive.repeat(2), 1);
    assert_ne!(twice, text);
    let once: CreateJobRequest = document("CreateJob/copy.request.http");
    assert_eq!(xml::from_slice::<CreateJobRequest>(twice.as_bytes(), Mode::Strict).unwrap(), once);
}

#[test]
fn the_documented_outline_pads_values() {
    let text = body_text("spec/CreateJob/restore.request.http");
    let padded = text
        .replacen(">7<", "> 7 <", 1)
        .replacen(">Bulk<", ">\n Bulk\t<", 1)
        .replacen(">false<", "> false <", 1)
        .replacen(">0<", "> 0 <", 1);
    let request: CreateJobRequest = xml::from_slice(padded.as_bytes(), Mode::Strict).unwrap();
    assert_eq!(request, document("CreateJob/restore.request.http"));
    assert!(matches!(request.operation, Operation::InitiateRestoreObject(_)));
}

#[test]
fn declarations_and_namespaces_that_clients_send() {
    let text = body_text("spec/CreateJob/created.response.http");
    let plain: CreateJobResult = document("CreateJob/created.response.http");
    for variant in [
        format!("<?xml version='1.0' encoding='utf-8' ?>\n{text}"),
        format!("\u{feff}<?xml version=\"1.0\"?>{text}"),
        format!("<!-- first --><?target data?>\n{text}<!-- last -->\n"),
        text.replace("<CreateJobResult>", "<CreateJobResult xmlns=\"http://example.com/\" xmlns:a='b' >"),
        text.replace("</JobId>", "</JobId\n>"),
        text.replace("<JobId>", "<JobId><!-- here --><![CDATA[").replace("</JobId>", "]]></JobId>"),
        text.replace("0b9a6f0e-", "&#48;b9a6<!-- x -->f0e&#x2d;"),
    ] {
        for mode in [Mode::Strict, Mode::Lenient] {
            let read: Result<CreateJobResult, _> = xml::from_slice(variant.as_bytes(), mode);
            assert_eq!(read.as_ref(), Ok(&plain), "{mode:?} {variant}");
        }
    }
}

#[test]
fn every_spec_fixture_has_a_test_above() {
    let here = include_str!("spec.rs");
    let messages = messages("spec");
    for (action, file, _) in &messages {
        assert!(
            here.contains(&format!("\"{action}/{file}\"")) || here.contains(&format!("spec/{action}/{file}")),
            "{file}"
        );
    }
    for action in ActionName::ALL {
        for kind in [".request.http", ".response.http"] {
            let found = messages.iter().any(|(of, file, _)| of == action && file.ends_with(kind));
            assert!(found, "{action} has no {kind}");
        }
    }
}
