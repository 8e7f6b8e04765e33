//! Requests as the official Go SDK writes them.

use std::fmt::Debug;

use cos_batch_model::{
    Action, AppId, CreateJobRequest, DeleteJobRequest, DescribeJobRequest, JobStatus, ListJobsRequest, ManifestFormat,
    Operation, RequestedJobStatus, UpdateJobPriorityRequest, UpdateJobStatusRequest,
};

use crate::support::{files, name, read, request};

const FOLDER: &str = "captures/cos-go-sdk";
const JOB_ID: &str = "53dc6228-c50b-46f7-8ad7-65e7159f1aae";

/// Decodes a capture, writes it our way, decodes that, and expects the same.
fn decode<A: Action + PartialEq + Debug>(file: &str) -> A {
    let (head, body) = request(&read(&format!("{FOLDER}/{file}"))).into_parts();
    let action = A::from_http(&head, &body).unwrap_or_else(|error| panic!("{file}: {error}"));
    let appid = AppId::new(head.headers["x-cos-appid"].to_str().unwrap()).unwrap();
    let (again, body) = action.to_http(&appid).into_parts();
    assert_eq!(again.method, head.method, "{file}");
    assert_eq!(again.uri.path(), head.uri.path(), "{file}");
    assert_eq!(again.headers["x-cos-appid"], head.headers["x-cos-appid"], "{file}");
    assert_eq!(A::from_http(&again, &body).unwrap(), action, "{file}");
    action
}

#[test]
fn create_copy() {
    let job: CreateJobRequest = decode("01-create-copy.http");
    assert_eq!(job.description.as_ref().unwrap().as_str(), "copy & \"quote\" <tag> 腾讯云");
    assert!(!job.confirmation_required);
    assert_eq!(job.manifest.location.e_tag.unquoted(), "9e107d9d372bb6826bd81d3542a419d6");
    assert_eq!(job.manifest.location.object_arn.key(), "lists/week 42.csv");
    insta::assert_debug_snapshot!(job);
}

#[test]
fn create_copy_with_every_field() {
    let job: CreateJobRequest = decode("02-create-copy-every-field.http");
    insta::assert_debug_snapshot!(job);
}

#[test]
fn create_restore_from_an_inventory() {
    let job: CreateJobRequest = decode("03-create-restore-inventory.http");
    assert_eq!(job.manifest.spec.format, ManifestFormat::InventoryReportCsv);
    assert!(job.manifest.spec.fields.is_empty(), "an empty Fields element has no fields");
    assert!(
        matches!(&job.operation, Operation::InitiateRestoreObject(restore) if restore.expiration_in_days.get() == 7)
    );
    assert!(!job.report.enabled);
}

#[test]
fn create_tagging() {
    let job: CreateJobRequest = decode("04-create-tagging.http");
    let Operation::PutObjectTagging(tagging) = &job.operation else { panic!("{:?}", job.operation) };
    assert_eq!(tagging.tag_set.len(), 1);
    assert_eq!(tagging.tag_set[0].key.as_str(), "tier");
    assert_eq!(job.priority.get(), 5);
}

#[test]
fn describe() {
    for file in ["05-describe.http", "12-describe-temporary-key.http"] {
        let request: DescribeJobRequest = decode(file);
        assert_eq!(request.job_id.as_str(), JOB_ID);
    }
}

#[test]
fn list() {
    assert_eq!(decode::<ListJobsRequest>("06-list.http"), ListJobsRequest::default());
    let request: ListJobsRequest = decode("07-list-filtered.http");
    assert_eq!(request.job_statuses, [JobStatus::Active, JobStatus::Ready]);
    assert_eq!(request.max_results.unwrap().get(), 2);
    assert_eq!(request.next_token.unwrap().as_str(), "066d919e-49b9-429e-b844-e17ea7b16421");
}

#[test]
fn priority() {
    let request: UpdateJobPriorityRequest = decode("08-priority.http");
    assert_eq!((request.job_id.as_str(), request.priority.get()), (JOB_ID, 10));
}

#[test]
fn status() {
    let request: UpdateJobStatusRequest = decode("09-status-confirm.http");
    assert_eq!(request.requested_job_status, RequestedJobStatus::Ready);
    assert_eq!(request.status_update_reason.unwrap().as_str(), "to do (now) *~'!+ 好");
    let request: UpdateJobStatusRequest = decode("10-status-cancel.http");
    assert_eq!(request.requested_job_status, RequestedJobStatus::Cancelled);
    assert_eq!(request.status_update_reason, None);
}

#[test]
fn delete() {
    let request: DeleteJobRequest = decode("11-delete.http");
    assert_eq!(request.job_id.as_str(), JOB_ID);
}

#[test]
fn every_capture_has_a_test_above() {
    let here = include_str!("captures.rs");
    for file in files(FOLDER) {
        assert!(here.contains(&format!("\"{}\"", name(&file))), "{} is not tested", name(&file));
    }
}
