//! The JSON form, which is for output alone.

use cos_batch_model::{Action, ActionOutput, CreateJobRequest, DescribeJobResult, ListJobsResult};

use crate::support::{read, request, response};

#[test]
fn names_are_those_of_the_wire() {
    let create = request(&read("golden/CreateJob/copy-every-field.request.http")).into_parts();
    let create = CreateJobRequest::from_http(&create.0, &create.1).unwrap();
    insta::assert_snapshot!("create", serde_json::to_string_pretty(&create).unwrap());
    let failed = response(&read("golden/DescribeJob/failed.response.http"));
    let failed = DescribeJobResult::from_http(&failed).unwrap();
    insta::assert_snapshot!("describe", serde_json::to_string_pretty(&failed).unwrap());
    let page = ListJobsResult::from_http(&response(&read("golden/ListJobs/page.response.http"))).unwrap();
    insta::assert_snapshot!("list", serde_json::to_string_pretty(&page).unwrap());
    let error = response(&read("golden/CreateJob/argument.response.http"));
    let error = cos_batch_model::ApiError::from_http(&error);
    insta::assert_snapshot!("error", serde_json::to_string_pretty(&error).unwrap());
}
