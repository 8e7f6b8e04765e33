//! Backends that misbehave.

use std::time::Duration;

use cos_batch_model::*;

use crate::support::*;

/// Panics, never answers or answers badly, by action.
struct Misbehaving;

impl BatchApi for Misbehaving {
    fn list_jobs<'a>(
        &'a self,
        _: &'a RequestContext,
        request: ListJobsRequest,
    ) -> BoxFuture<'a, Result<ListJobsResult, ApiError>> {
        assert!(request.max_results.is_none(), "before there is a future");
        Box::pin(async { panic!("in the future") })
    }

    fn describe_job<'a>(
        &'a self,
        _: &'a RequestContext,
        _: DescribeJobRequest,
    ) -> BoxFuture<'a, Result<DescribeJobResult, ApiError>> {
        Box::pin(std::future::pending())
    }

    fn delete_job<'a>(
        &'a self,
        _: &'a RequestContext,
        _: DeleteJobRequest,
    ) -> BoxFuture<'a, Result<DeleteJobResult, ApiError>> {
        let mut error = ApiError::new(ErrorCode::SlowDown, "from elsewhere").with_request_id("theirs");
        error.trace_id = Some("trace".into());
        error.status = http::StatusCode::OK;
        Box::pin(std::future::ready(Err(error.with_resource("bucket/key"))))
    }
}

#[tokio::test]
async fn a_panic_is_an_answer_and_the_server_stays_up() {
    let service = anonymous(Misbehaving).build().unwrap();
    for uri in ["/jobs", "/jobs?maxResults=1"] {
        let (code, message) = refused(&service, plain("GET", uri, "")).await;
        assert_eq!(code, "InternalError");
        assert!(!message.contains("future"), "what panicked is not for the caller: {message}");
    }

    let server = Server::start(service).await;
    let mut connection = Connection::open(&server).await;
    for _ in 0..2 {
        let answer = connection.ask("GET /jobs HTTP/1.1\r\nHost: h\r\n\r\n").await;
        assert_eq!(error(&answer).code, ErrorCode::InternalError);
    }
    let answer = connection.ask("POST /jobs/j/priority?priority=1 HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert_eq!(error(&answer).code, ErrorCode::NotImplemented);
    drop(connection);
    server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_given_up() {
    let service = anonymous(Misbehaving).build().unwrap();
    let started = tokio::time::Instant::now();
    let (code, message) = refused(&service, plain("GET", "/jobs/j", "")).await;
    assert!(code == "ServiceUnavailable" && message.contains("60 seconds"), "{code}: {message}");
    assert_eq!(started.elapsed(), Duration::from_secs(60));
}

#[tokio::test]
async fn errors_from_elsewhere_get_this_requests_id_and_an_error_status() {
    let service = anonymous(Misbehaving).build().unwrap();
    let response = send(&service, plain("DELETE", "/jobs/j", "")).await;
    assert_eq!(response.status(), 500);
    let found = ApiError::from_http(&response);
    assert_eq!(found.code, ErrorCode::SlowDown);
    assert_eq!(found.request_id.as_deref(), response.headers()["x-cos-request-id"].to_str().ok());
    assert_eq!(found.trace_id.as_deref(), Some("trace"));
    assert_eq!(response.headers()["x-cos-trace-id"], "trace");
    assert_eq!(found.resource.as_deref(), Some("bucket/key"));
}
