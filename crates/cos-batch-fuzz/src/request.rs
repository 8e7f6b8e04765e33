//! Requests of each action: path, query and body.

use std::fmt::Debug;

use cos_batch_model::{
    Action, AppId, CreateJobRequest, DeleteJobRequest, DescribeJobRequest, ListJobsRequest, UpdateJobPriorityRequest,
    UpdateJobStatusRequest,
};
use http::request::Parts;

use crate::head;

pub(crate) const PROPERTY: &str = "at most one action takes a request; what it takes it writes so that it takes the same \
                                   again; a refusal has a status of 4xx and a short message";

/// Longest message of a refusal, in bytes.
const MESSAGE_BYTES_MAX: usize = 600;

pub(crate) fn target(input: &[u8]) {
    let Some((parts, body)) = head::parse(input) else { return };
    let takers = [
        takes::<CreateJobRequest>(&parts, body),
        takes::<DescribeJobRequest>(&parts, body),
        takes::<ListJobsRequest>(&parts, body),
        takes::<UpdateJobPriorityRequest>(&parts, body),
        takes::<UpdateJobStatusRequest>(&parts, body),
        takes::<DeleteJobRequest>(&parts, body),
    ];
    assert!(takers.iter().filter(|takes| **takes).count() <= 1, "{} {} is ambiguous", parts.method, parts.uri);
}

fn takes<A: Action + PartialEq + Debug>(parts: &Parts, body: &[u8]) -> bool {
    let action = match A::from_http(parts, body) {
        Ok(action) => action,
        Err(error) => {
            assert!(error.code.status().is_client_error(), "{error}");
            assert!(error.message.len() <= MESSAGE_BYTES_MAX, "{error}");
            return false;
        }
    };
    let Ok(appid) = AppId::new("1250000000") else { return true };
    let (head, written) = action.to_http(&appid).into_parts();
    assert_eq!(A::from_http(&head, &written).as_ref(), Ok(&action), "{} {}", head.method, head.uri);
    true
}
