//! What an engine can tell and do that the API has no place for.
//!
//! Everything here is asked on behalf of a tenant, and found as the API finds it: a foreign job and one that never was
//! are the same answer, and no bucket is reached that the tenant has no right in. Results are plain data with a JSON
//! form whose names are in the style of the API's. Each is bounded by a named constant.

mod buckets;
mod details;
mod jobs;
mod objects;
mod preview;
mod retry;
mod rows;
mod sample;
mod validate;

use cos_batch_model::{ApiError, ErrorCode};
use cos_batch_objectstore::{ErrorKind, StoreError};

pub use self::{
    buckets::{BUCKETS_MAX, BucketLine},
    details::{CodeView, EventView, JobDetails, ManifestView, ObjectName, ProgressView},
    jobs::{JOBS_LIMIT_MAX, JobLine, JobPage, Pace, PacePoint, WatchedJob},
    objects::{LIST_LIMIT_MAX, ListedObject, ObjectAttributes, ObjectPage, PartName, READ_BYTES_MAX, Written},
    preview::{Preview, PreviewRow},
    retry::{RETRY_ROWS_MAX, RetryRequest, RetryResult},
    rows::{ROWS_LIMIT_MAX, RowFilter, RowPlace, TaskPage, TaskRow},
    sample::{DIVIDED_ROWS_MAX, SampleResult, SampledJob},
    validate::Validation,
};

/// Code of the answer where a store behind HTTP does not accept the engine's own signature: the caller's is right.
///
/// Source: ours.
pub const STORE_ACCESS_DENIED: &str = "StoreAccessDenied";

/// What is answered where an object store fails: its own code and status, but for failures that pass by themselves,
/// which have the API's own code for that. What an operator has to know is logged: callers are sent to the log.
fn object_error(error: &StoreError) -> ApiError {
    if error.kind().is_transient() && error.kind() != ErrorKind::PathConflict {
        // What is done to have no more than a store takes is no news.
        if !matches!(error.kind(), ErrorKind::NoFreeConnection | ErrorKind::SlowDown) {
            tracing::warn!(%error, "an object store does not answer as it should");
        }
        return ApiError::new(ErrorCode::ServiceUnavailable, error.to_string());
    }
    let code = if error.refuses_signature() {
        tracing::warn!(%error, "an object store refuses the signature of this server");
        STORE_ACCESS_DENIED
    } else {
        error.kind().code()
    };
    let mut answer = ApiError::new(ErrorCode::from_wire(code), error.message());
    if let Ok(status) = error.kind().status().try_into() {
        answer.status = status;
    }
    answer
}
