//! XML documents, read strictly and leniently.

use std::fmt::Debug;

use bytes::Bytes;
use cos_batch_model::xml::{FromXml, Mode, ToXml, from_slice};
use cos_batch_model::{
    ApiError, CreateJobRequest, CreateJobResult, DescribeJobResult, ListJobsResult, UpdateJobPriorityResult,
    UpdateJobStatusResult,
};
use http::Response;

pub(crate) const PROPERTY: &str = "what is read is written so that it is read as the same and written to the same bytes; \
                                   what strict reading takes, lenient reading takes for the same; errors are short and \
                                   lie inside the document";

/// Longest message of an error, in bytes.
const MESSAGE_BYTES_MAX: usize = 600;

pub(crate) fn target(input: &[u8]) {
    element::<CreateJobRequest>(input);
    element::<CreateJobResult>(input);
    element::<DescribeJobResult>(input);
    element::<ListJobsResult>(input);
    element::<UpdateJobPriorityResult>(input);
    element::<UpdateJobStatusResult>(input);
    if let Ok(request) = from_slice::<CreateJobRequest>(input, Mode::Lenient) {
        // Must not panic; what it says is for the request's own tests.
        drop(request.validate());
    }
    let mut answer = Response::new(Bytes::copy_from_slice(input));
    *answer.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
    // Written once, an error has no characters any more that XML cannot carry; from then on it stays what it is.
    let once = ApiError::from_http(&ApiError::from_http(&answer).to_http());
    let twice = ApiError::from_http(&once.to_http());
    assert_eq!((&twice.code, &twice.message, &twice.resource), (&once.code, &once.message, &once.resource));
}

fn element<T: FromXml + ToXml + PartialEq + Debug>(input: &[u8]) {
    for mode in [Mode::Strict, Mode::Lenient] {
        let value: T = match from_slice(input, mode) {
            Ok(value) => value,
            Err(error) => {
                assert!(error.offset <= input.len() as u64, "the error is behind the end: {error}");
                assert!(error.to_string().len() <= MESSAGE_BYTES_MAX, "the error is long: {error}");
                continue;
            }
        };
        let written = value.to_xml();
        let again: Result<T, _> = from_slice(written.as_bytes(), mode);
        assert_eq!(again.as_ref(), Ok(&value), "{mode:?}: {written}");
        assert_eq!(again.map(|again| again.to_xml()), Ok(written), "{mode:?}");
        if mode == Mode::Strict {
            assert_eq!(from_slice::<T>(input, Mode::Lenient), Ok(value), "lenient reading differs");
        }
    }
}
