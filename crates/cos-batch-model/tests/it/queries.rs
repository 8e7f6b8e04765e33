//! Addresses: what is taken, what is refused.

use std::fmt::Debug;

use cos_batch_model::{
    Action, CreateJobRequest, DeleteJobRequest, DescribeJobRequest, JobStatus, ListJobsRequest,
    UpdateJobPriorityRequest, UpdateJobStatusRequest,
};
use http::Request;

fn read<A: Action + Debug>(method: &str, address: &str) -> Result<A, String> {
    let (head, ()) = Request::builder().method(method).uri(address).body(()).unwrap().into_parts();
    A::from_http(&head, b"").map_err(|error| error.to_string())
}

fn refusal<A: Action + Debug>(lines: &mut String, method: &str, address: &str) {
    let error = read::<A>(method, address).expect_err(address);
    lines.push_str(&format!("{} {method} {address}\n    {error}\n", A::NAME));
}

#[test]
fn refusals_have_the_documented_codes() {
    let mut lines = String::new();
    let out = &mut lines;
    refusal::<CreateJobRequest>(out, "POST", "/jobs");
    refusal::<CreateJobRequest>(out, "GET", "/jobs");
    refusal::<CreateJobRequest>(out, "POST", "/job");
    refusal::<DescribeJobRequest>(out, "GET", "/jobs");
    refusal::<DescribeJobRequest>(out, "GET", "/jobs/");
    refusal::<DescribeJobRequest>(out, "GET", "/jobs/a/b");
    refusal::<DescribeJobRequest>(out, "GET", "/jobs/a%2Fb");
    refusal::<DescribeJobRequest>(out, "GET", "/jobs/%2E%2E");
    refusal::<DescribeJobRequest>(out, "GET", "/jobs/%FF");
    refusal::<DescribeJobRequest>(out, "GET", &format!("/jobs/{}", "j".repeat(65)));
    refusal::<DescribeJobRequest>(out, "PUT", "/jobs/a");
    refusal::<DeleteJobRequest>(out, "DELETE", "/jobs/");
    refusal::<ListJobsRequest>(out, "GET", "/jobs?jobStatuses=Active,Done");
    refusal::<ListJobsRequest>(out, "GET", "/jobs?jobStatuses=active");
    refusal::<ListJobsRequest>(out, "GET", "/jobs?maxResults=0");
    refusal::<ListJobsRequest>(out, "GET", "/jobs?maxResults=1001");
    refusal::<ListJobsRequest>(out, "GET", "/jobs?maxResults=two");
    refusal::<ListJobsRequest>(out, "GET", "/jobs?maxResults=1&maxResults=1");
    refusal::<ListJobsRequest>(out, "GET", "/jobs?nextToken=a%20b");
    refusal::<ListJobsRequest>(out, "GET", &format!("/jobs?nextToken={}", "t".repeat(65)));
    refusal::<ListJobsRequest>(out, "GET", "/jobs?nextToken=%zz");
    refusal::<UpdateJobPriorityRequest>(out, "POST", "/jobs/a/priority");
    refusal::<UpdateJobPriorityRequest>(out, "POST", "/jobs/a/priority?Priority=1");
    refusal::<UpdateJobPriorityRequest>(out, "POST", "/jobs/a/priority?priority=");
    refusal::<UpdateJobPriorityRequest>(out, "POST", "/jobs/a/priority?priority=-1");
    refusal::<UpdateJobPriorityRequest>(out, "POST", "/jobs/a/priority?priority=2147483648");
    refusal::<UpdateJobPriorityRequest>(out, "POST", "/jobs/a/priority?priority=1&priority=2");
    refusal::<UpdateJobPriorityRequest>(out, "POST", "/jobs//priority?priority=1");
    refusal::<UpdateJobStatusRequest>(out, "POST", "/jobs/a/status");
    refusal::<UpdateJobStatusRequest>(out, "POST", "/jobs/a/status?requestedJobStatus=Paused");
    let reason = "r".repeat(257);
    let address = format!("/jobs/a/status?requestedJobStatus=Ready&statusUpdateReason={reason}");
    refusal::<UpdateJobStatusRequest>(out, "POST", &address);
    let address = "/jobs/a/status?requestedJobStatus=Ready&statusUpdateReason=a%00b";
    refusal::<UpdateJobStatusRequest>(out, "POST", address);
    insta::assert_snapshot!(lines);
}

#[test]
fn statuses_come_as_a_list_and_repeated() {
    let expected = vec![JobStatus::Active, JobStatus::Ready, JobStatus::New];
    for query in [
        "jobStatuses=Active,Ready,New",
        "jobStatuses=Active%2CReady%2C+New",
        "jobStatuses=Active&jobStatuses=Ready&jobStatuses=New",
        "jobStatuses=Active,Ready&jobStatuses=Ready,New,Active",
        "jobStatuses=,Active,,Ready&jobStatuses=&jobStatuses=New",
    ] {
        let request: ListJobsRequest = read("GET", &format!("/jobs?{query}")).unwrap();
        assert_eq!(request.job_statuses, expected, "{query}");
    }
}

#[test]
fn empty_and_foreign_parameters_do_not_count() {
    for query in ["", "?", "?&&", "?jobStatuses=&maxResults=&nextToken=", "?q-sign-algorithm=sha1&MaxResults=x"] {
        let request: ListJobsRequest = read("GET", &format!("/jobs{query}")).unwrap();
        assert_eq!(request, ListJobsRequest::default(), "{query}");
    }
    let address = "/jobs/a/status?requestedJobStatus=+Ready&statusUpdateReason=";
    let request: UpdateJobStatusRequest = read("POST", address).unwrap();
    assert_eq!(request.status_update_reason, None);
}

#[test]
fn job_ids_are_escaped_in_paths() {
    let request: DescribeJobRequest = read("GET", "/jobs/a%3Cb%3E%22%5C").unwrap();
    assert_eq!(request.job_id.as_str(), "a<b>\"\\");
}
