//! The golden messages: what we write we read, and write again to the same bytes.

use bytes::Bytes;
use cos_batch_model::{
    Action, ActionName, ActionOutput, ApiError, AppId, CreateJobRequest, DeleteJobRequest, DescribeJobRequest,
    ListJobsRequest, ResponseError, UpdateJobPriorityRequest, UpdateJobStatusRequest,
};
use http::{HeaderMap, Request, Response};

use crate::support::{files, name, read, request, response};

#[test]
fn every_golden_message_is_read_and_written_again_to_the_same_bytes() {
    for action in ActionName::ALL {
        let (mut requests, mut responses) = (0, 0);
        for path in files(&format!("golden/{action}")) {
            let file = name(&path);
            let bytes = read(&format!("golden/{action}/{file}"));
            let at = format!("{action}/{file}");
            if file.ends_with(".request.http") {
                requests += 1;
                check_request(*action, &at, request(&bytes));
            } else {
                assert!(file.ends_with(".response.http"), "{at}");
                responses += 1;
                check_response(*action, &at, &response(&bytes));
            }
        }
        assert!(requests > 0 && responses > 0, "{action} lacks a request or a response");
    }
}

fn check_request(action: ActionName, at: &str, message: Request<Bytes>) {
    match action {
        ActionName::CreateJob => same_request::<CreateJobRequest>(at, message),
        ActionName::DescribeJob => same_request::<DescribeJobRequest>(at, message),
        ActionName::ListJobs => same_request::<ListJobsRequest>(at, message),
        ActionName::UpdateJobPriority => same_request::<UpdateJobPriorityRequest>(at, message),
        ActionName::UpdateJobStatus => same_request::<UpdateJobStatusRequest>(at, message),
        ActionName::DeleteJob => same_request::<DeleteJobRequest>(at, message),
    }
}

fn check_response(action: ActionName, at: &str, message: &Response<Bytes>) {
    match action {
        ActionName::CreateJob => same_response::<CreateJobRequest>(at, message),
        ActionName::DescribeJob => same_response::<DescribeJobRequest>(at, message),
        ActionName::ListJobs => same_response::<ListJobsRequest>(at, message),
        ActionName::UpdateJobPriority => same_response::<UpdateJobPriorityRequest>(at, message),
        ActionName::UpdateJobStatus => same_response::<UpdateJobStatusRequest>(at, message),
        ActionName::DeleteJob => same_response::<DeleteJobRequest>(at, message),
    }
}

/// The headers that are the model's, without what a transport adds.
fn own(mut headers: HeaderMap) -> HeaderMap {
    for name in ["host", "content-length"] {
        headers.remove(name);
    }
    headers
}

fn same_request<A: Action>(at: &str, message: Request<Bytes>) {
    let (head, body) = message.into_parts();
    let action = A::from_http(&head, &body).unwrap_or_else(|error| panic!("{at}: {error}"));
    let appid = AppId::new(head.headers["x-cos-appid"].to_str().unwrap()).unwrap();
    let (again, written) = action.to_http(&appid).into_parts();
    assert_eq!((again.method, again.uri), (head.method, head.uri), "{at}");
    assert_eq!(again.headers, own(head.headers), "{at}");
    assert_eq!(written, body, "{at}");
}

fn same_response<A: Action>(at: &str, message: &Response<Bytes>) {
    let again = match A::Output::from_http(message) {
        Ok(output) => output.to_http(),
        Err(ResponseError::Api(error)) => {
            assert_eq!(error.status, error.code.status(), "{at}: the status of our own table");
            assert_eq!(error, ApiError::from_http(message), "{at}");
            error.to_http()
        }
        Err(ResponseError::Decode(error)) => panic!("{at}: {error}"),
    };
    assert_eq!(again.status(), message.status(), "{at}");
    assert_eq!(*again.headers(), own(message.headers().clone()), "{at}");
    assert_eq!(again.body(), message.body(), "{at}");
}
