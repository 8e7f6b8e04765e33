//! Messages as the published descriptions have them.

use std::fmt::Debug;

use bytes::Bytes;
use cos_batch_model::xml::{self, FromXml, Mode, ToXml};
use cos_batch_model::{
    Action, ActionOutput, ApiError, CreateJobRequest, CreateJobResult, DescribeJobRequest, DescribeJobResult,
    ErrorCode, ListJobsResult, Operation, UpdateJobPriorityResult, UpdateJobStatusResult,
};
use http::Response;

use crate::support::{files, name, read, request};

/// Reads a document both ways, which must agree, and again from what it is written as.
fn document<T: FromXml + ToXml + PartialEq + Debug>(file: &str) -> T {
    let bytes = read(&format!("spec/{file}"));
    let strict: T = xml::from_slice(&bytes, Mode::Strict).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert_eq!(xml::from_slice::<T>(&bytes, Mode::Lenient).unwrap(), strict, "{file}");
    assert_eq!(xml::from_slice::<T>(strict.to_xml().as_bytes(), Mode::Strict).unwrap(), strict, "{file}");
    strict
}

#[test]
fn create_requests() {
    let copy: CreateJobRequest = document("create-copy.request.xml");
    copy.validate().unwrap();
    insta::assert_debug_snapshot!("create_copy", copy);
    let restore: CreateJobRequest = document("create-restore.request.xml");
    restore.validate().unwrap();
    insta::assert_debug_snapshot!("create_restore", restore);
}

#[test]
fn create_answer() {
    let result: CreateJobResult = document("create.response.xml");
    assert_eq!(result.job_id.as_str(), "0b9a6f0e-58f4-4d53-8f7b-0a2f6f1f9c01");
}

#[test]
fn describe_answers() {
    insta::assert_debug_snapshot!(
        "describe_suspended",
        document::<DescribeJobResult>("describe-suspended.response.xml")
    );
    // The oldest published description: ClientRequestToken, but no ConfirmationRequired.
    insta::assert_debug_snapshot!("describe_2020", document::<DescribeJobResult>("describe-2020.response.xml"));
}

#[test]
fn describe_request_of_2020() {
    let (head, body) = request(&read("spec/describe-2020.request.http")).into_parts();
    let request = DescribeJobRequest::from_http(&head, &body).unwrap();
    assert_eq!(request.job_id.as_str(), "53dc6228-c50b-46f7-8ad7-65e7159f1aae");
}

#[test]
fn failure_reasons() {
    let fragment = String::from_utf8(read("spec/failure-reasons.fragment.xml")).unwrap();
    let around = String::from_utf8(read("spec/describe-suspended.response.xml")).unwrap();
    let whole = around.replacen("<JobId>", &format!("{fragment}<JobId>"), 1);
    let result: DescribeJobResult = xml::from_slice(whole.as_bytes(), Mode::Strict).unwrap();
    assert_eq!(result.job.failure_reasons.len(), 1);
    assert_eq!(result.job.failure_reasons[0].failure_code.as_str(), "ManifestNotFound");
}

#[test]
fn list_answers() {
    insta::assert_debug_snapshot!("list_page", document::<ListJobsResult>("list-page.response.xml"));
    assert_eq!(document::<ListJobsResult>("list-nothing.response.xml"), ListJobsResult::default());
}

#[test]
fn update_answers() {
    insta::assert_debug_snapshot!(
        "update_priority",
        document::<UpdateJobPriorityResult>("update-priority.response.xml")
    );
    insta::assert_debug_snapshot!("update_status", document::<UpdateJobStatusResult>("update-status.response.xml"));
}

#[test]
fn error_answer() {
    let mut response = Response::new(Bytes::from(read("spec/error.response.xml")));
    *response.status_mut() = http::StatusCode::NOT_FOUND;
    let error = DescribeJobResult::from_http(&response).unwrap_err();
    let expected = ApiError {
        trace_id: Some("dHJhY2UtZXhhbXBsZQ==".to_owned()),
        ..ApiError::new(ErrorCode::NoSuchJob, "no job with this id")
            .with_resource("/jobs/0b9a6f0e-58f4-4d53-8f7b-0a2f6f1f9c02")
            .with_request_id("NjkyM2FhYmJfMTFfMjJfMzM=")
    };
    assert_eq!(error, expected.into());
}

#[test]
fn the_documented_sample_gives_a_directive_twice() {
    let directive = "<MetadataDirective>Add</MetadataDirective>";
    let text = String::from_utf8(read("spec/create-copy.request.xml")).unwrap();
    let twice = text.replacen(directive, &directive.repeat(2), 1);
    assert_ne!(twice, text);
    let once: CreateJobRequest = document("create-copy.request.xml");
    assert_eq!(xml::from_slice::<CreateJobRequest>(twice.as_bytes(), Mode::Strict).unwrap(), once);
}

#[test]
fn the_documented_outline_pads_values() {
    let text = String::from_utf8(read("spec/create-restore.request.xml")).unwrap();
    let padded = text
        .replacen(">7<", "> 7 <", 1)
        .replacen(">Bulk<", ">\n Bulk\t<", 1)
        .replacen(">false<", "> false <", 1)
        .replacen(">0<", "> 0 <", 1);
    let request: CreateJobRequest = xml::from_slice(padded.as_bytes(), Mode::Strict).unwrap();
    assert_eq!(request, document("create-restore.request.xml"));
    assert!(matches!(request.operation, Operation::InitiateRestoreObject(_)));
}

#[test]
fn declarations_and_namespaces_that_clients_send() {
    let text = String::from_utf8(read("spec/create.response.xml")).unwrap();
    let plain: CreateJobResult = document("create.response.xml");
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
    for file in files("spec") {
        assert!(here.contains(name(&file)), "{} is not tested", name(&file));
    }
}
