//! What is written is read as what it was, and written again to the same bytes.

use std::fmt::Debug;

use cos_batch_model::xml::{self, FromXml, Mode, ToXml};
use cos_batch_model::{
    Action, ActionOutput, ApiError, AppId, CreateJobResult, DeleteJobRequest, DescribeJobRequest, DescribeJobResult,
    UpdateJobPriorityResult,
};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use crate::strategies as s;

/// As XML, strictly: value, bytes, value.
fn xml<T: ToXml + FromXml + PartialEq + Debug>(value: &T) -> TestCaseResult {
    let written = value.to_xml();
    let read: T = match xml::from_slice(written.as_bytes(), Mode::Strict) {
        Ok(read) => read,
        Err(error) => return Err(TestCaseError::fail(format!("{error}\n{written}"))),
    };
    prop_assert_eq!(&read, value);
    prop_assert_eq!(read.to_xml(), written.as_str());
    let lenient: Result<T, _> = xml::from_slice(written.as_bytes(), Mode::Lenient);
    prop_assert_eq!(lenient.as_ref(), Ok(value));
    Ok(())
}

/// As an HTTP request.
fn request<A: Action + PartialEq + Debug>(action: &A) -> TestCaseResult {
    let appid = AppId::new("1250000000").unwrap();
    let (head, body) = action.to_http(&appid).into_parts();
    let read = match A::from_http(&head, &body) {
        Ok(read) => read,
        Err(error) => return Err(TestCaseError::fail(format!("{error}\n{head:?}\n{body:?}"))),
    };
    prop_assert_eq!(&read, action);
    let (again, written) = read.to_http(&appid).into_parts();
    prop_assert_eq!((again.method, again.uri, again.headers), (head.method, head.uri, head.headers));
    prop_assert_eq!(written, body);
    Ok(())
}

/// As an HTTP response.
fn response<O: ActionOutput + PartialEq + Debug>(output: &O) -> TestCaseResult {
    let message = output.to_http();
    let read = O::from_http(&message);
    prop_assert_eq!(read.as_ref(), Ok(output));
    Ok(())
}

proptest! {
    #[test]
    fn create_requests(action in s::create_request()) {
        prop_assert_eq!(action.validate(), Ok(()));
        xml(&action)?;
        request(&action)?;
        xml(&action.manifest)?;
        xml(&action.operation)?;
        xml(&action.report)?;
    }

    #[test]
    fn describe(job in s::job()) {
        request(&DescribeJobRequest { job_id: job.job_id.clone() })?;
        xml(&job)?;
        xml(&job.progress_summary)?;
        let output = DescribeJobResult { job };
        xml(&output)?;
        response(&output)?;
    }

    #[test]
    fn lists(action in s::list_request(), output in s::list_result()) {
        request(&action)?;
        xml(&output)?;
        response(&output)?;
    }

    #[test]
    fn updates(priority in s::priority_request(), status in s::status_request(), result in s::status_result()) {
        request(&priority)?;
        request(&status)?;
        let output = UpdateJobPriorityResult { job_id: priority.job_id, priority: priority.priority };
        xml(&output)?;
        response(&output)?;
        xml(&result)?;
        response(&result)?;
    }

    #[test]
    fn ids(job_id in s::job_id()) {
        request(&DeleteJobRequest { job_id: job_id.clone() })?;
        let output = CreateJobResult { job_id };
        xml(&output)?;
        response(&output)?;
    }

    #[test]
    fn errors(error in s::api_error()) {
        let message = error.to_http();
        prop_assert_eq!(message.status(), error.code.status());
        prop_assert_eq!(ApiError::from_http(&message), error);
    }
}
