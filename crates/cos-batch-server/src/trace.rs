//! Spans for whoever traces: one for each request.

use http::request::Parts;
use tracing::{Span, field::Empty, trace_span};

/// The target of the server's spans for whoever traces: `request`, with the fields `request_id`, `method`, `traceparent` (the
/// header of this name, of W3C Trace Context, as it was sent), `action`, `job`, `appid`, `status` and `code` (each where there is
/// one), and `error` where the fault is the server's.
///
/// It has the level `TRACE` and no parent, and is entered while the request is carried out: a backend may record the field `job` of
/// the current span, for a job that it makes.
///
/// Source: ours.
pub const TRACE_TARGET: &str = "cos_batch_server::trace";

/// What precedes the id of a job in a path, in whichever dialect.
const JOBS: &str = "/jobs/";

/// The span of a request. Where nobody traces, nothing of this is looked at.
pub(crate) fn request(head: &Parts, request_id: &str) -> Span {
    trace_span!(
        target: TRACE_TARGET,
        parent: None,
        "request",
        request_id,
        method = head.method.as_str(),
        traceparent = head.headers.get("traceparent").and_then(|value| value.to_str().ok()),
        action = Empty,
        job = job(head.uri.path()),
        appid = Empty,
        status = Empty,
        code = Empty,
        error = Empty,
    )
}

/// The id of the job that a path is about.
fn job(path: &str) -> Option<&str> {
    let (_, rest) = path.split_once(JOBS)?;
    rest.split('/').next().filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_job_of_a_path() {
        for (path, id) in [
            ("/jobs/a", Some("a")),
            ("/jobs/a/status", Some("a")),
            ("/v20180820/jobs/a/priority", Some("a")),
            ("/jobs", None),
            ("/jobs/", None),
            ("/-/buckets", None),
        ] {
            assert_eq!(job(path), id, "{path}");
        }
    }
}
