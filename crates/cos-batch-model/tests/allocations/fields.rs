//! Decoding allocates what it hands out, and little else.

use cos_batch_model::xml::{FromXml, Mode, from_slice};
use cos_batch_model::{CreateJobRequest, DescribeJobResult, ListJobsResult};

use crate::{alone, cost};

/// What the XML reader needs for itself: the names of the open elements and where each begins, growing as they nest.
const READER_CALLS: usize = 6;

fn body(message: &'static [u8]) -> &'static [u8] {
    let end = message.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    &message[end + 4..]
}

/// A clone makes one allocation for each owned text, list and box: so many may decoding make.
fn check<T: FromXml + Clone>(name: &str, message: &'static [u8]) {
    let document = body(message);
    for mode in [Mode::Strict, Mode::Lenient] {
        let decoded: T = from_slice(document, mode).unwrap();
        let owned = cost(|| decoded.clone()).calls;
        let spent = cost(|| from_slice::<T>(document, mode).unwrap()).calls;
        let most = owned + READER_CALLS;
        assert!(owned > 0 && spent <= most, "{name}, {mode:?}: {spent} allocations for {owned} owned values");
    }
}

#[test]
fn one_for_each_owned_field() {
    let _alone = alone();
    check::<DescribeJobResult>(
        "DescribeJob",
        include_bytes!("../../../../fixtures/golden/DescribeJob/complete-every-field.response.http"),
    );
    check::<DescribeJobResult>(
        "DescribeJob, suspended",
        include_bytes!("../../../../fixtures/golden/DescribeJob/suspended.response.http"),
    );
    check::<CreateJobRequest>(
        "CreateJob",
        include_bytes!("../../../../fixtures/golden/CreateJob/copy-every-field.request.http"),
    );
    check::<ListJobsResult>("ListJobs", include_bytes!("../../../../fixtures/golden/ListJobs/page.response.http"));
}
