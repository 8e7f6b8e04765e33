//! Messages that must be refused, each for one reason.

use std::fmt::Write as _;

use bytes::Bytes;
use cos_batch_model::{
    Action, ActionName, ActionOutput, AppId, CreateJobRequest, DeleteJobRequest, DescribeJobRequest, ListJobsRequest,
    UpdateJobPriorityRequest, UpdateJobStatusRequest,
};
use http::{Request, Response};

use crate::support::{body_text, check_length, messages, request, response};

/// The error of a message, which must be one.
fn refusal(action: ActionName, file: &str, bytes: &[u8]) -> String {
    if file.ends_with(".request.http") {
        let message = request(bytes);
        check_length(file, message.headers(), message.body());
        return match action {
            ActionName::CreateJob => refused_request::<CreateJobRequest>(file, message),
            ActionName::DescribeJob => refused_request::<DescribeJobRequest>(file, message),
            ActionName::ListJobs => refused_request::<ListJobsRequest>(file, message),
            ActionName::UpdateJobPriority => refused_request::<UpdateJobPriorityRequest>(file, message),
            ActionName::UpdateJobStatus => refused_request::<UpdateJobStatusRequest>(file, message),
            ActionName::DeleteJob => refused_request::<DeleteJobRequest>(file, message),
        };
    }
    assert!(file.ends_with(".response.http"), "{file}");
    let message = response(bytes);
    check_length(file, message.headers(), message.body());
    match action {
        ActionName::CreateJob => refused_response::<CreateJobRequest>(file, &message),
        ActionName::DescribeJob => refused_response::<DescribeJobRequest>(file, &message),
        ActionName::ListJobs => refused_response::<ListJobsRequest>(file, &message),
        ActionName::UpdateJobPriority => refused_response::<UpdateJobPriorityRequest>(file, &message),
        ActionName::UpdateJobStatus => refused_response::<UpdateJobStatusRequest>(file, &message),
        ActionName::DeleteJob => refused_response::<DeleteJobRequest>(file, &message),
    }
}

fn refused_request<A: Action>(file: &str, message: Request<Bytes>) -> String {
    let (head, body) = message.into_parts();
    A::from_http(&head, &body).err().unwrap_or_else(|| panic!("{file} is accepted")).to_string()
}

fn refused_response<A: Action>(file: &str, message: &Response<Bytes>) -> String {
    A::Output::from_http(message).err().unwrap_or_else(|| panic!("{file} is accepted")).to_string()
}

#[test]
fn refusals_name_code_path_rule_and_place() {
    let mut lines = String::new();
    let messages = messages("invalid");
    for action in ActionName::ALL {
        for kind in [".request.http", ".response.http"] {
            let found = messages.iter().any(|(of, file, _)| of == action && file.ends_with(kind));
            assert!(found, "{action} has no {kind}");
        }
    }
    for (action, file, bytes) in messages {
        let error = refusal(action, &file, &bytes);
        assert!(error.len() < 450, "{file}: an error message stays short");
        let _ = writeln!(lines, "{action}/{file}\n    {error}");
    }
    insta::assert_snapshot!(lines);
}

#[test]
fn the_document_that_the_invalid_ones_are_made_from_is_valid() {
    let body = body_text("invalid/CreateJob/priority-word.request.http").replacen(">high<", ">5<", 1);
    let (head, ()) = Request::post("/jobs").body(()).unwrap().into_parts();
    let request = CreateJobRequest::from_http(&head, body.as_bytes()).unwrap();
    let appid = AppId::new("1250000000").unwrap();
    assert_eq!(request.to_http(&appid).uri(), "/jobs");
}
