//! Making a job once, whatever is lost.

use std::io;

use cos_batch_client::{Client, Error, SCAN_JOBS_MAX, SCAN_PAGES_MAX, TransportErrorKind};
use cos_batch_model::{
    CreateJobResult, DescribeJobResult, ErrorCode, JobListMember, JobStatus, ListJobsResult, OperationKind,
};
use http::Response;

use crate::script::Script;
use crate::{NOW, client, samples};

fn created() -> CreateJobResult {
    CreateJobResult { job_id: samples::job_id() }
}

fn listed(jobs: Vec<JobListMember>) -> ListJobsResult {
    ListJobsResult { jobs, next_token: None }
}

/// A described job with another token, or none.
fn other(number: usize, token: Option<&str>) -> DescribeJobResult {
    let mut job = samples::job(number, JobStatus::New);
    job.client_request_token = token.map(|token| token.parse().unwrap());
    DescribeJobResult { job }
}

async fn create(client: &Client<Script>) -> Result<CreateJobResult, Error> {
    client.create_job(samples::create()).await
}

fn assert_ambiguous(error: Error) -> Error {
    let Error::AmbiguousCreate { token, source } = error else { panic!("not ambiguous: {error}") };
    assert_eq!(token.as_str(), samples::TOKEN);
    *source
}

#[tokio::test(start_paused = true)]
async fn every_attempt_has_the_same_body_and_so_the_same_token() {
    let script = Script::new();
    script
        .fail(io::ErrorKind::ConnectionRefused)
        .error(ErrorCode::ServiceUnavailable)
        .fail(io::ErrorKind::ConnectionReset)
        .answer(&created());
    assert_eq!(create(&client(&script)).await.unwrap(), created());
    let seen = script.played();
    assert!(String::from_utf8_lossy(&seen[0].body).contains(samples::TOKEN));
    assert!(seen.iter().all(|request| request.body == seen[0].body));
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_answer_was_lost_is_found_by_its_token() {
    let script = Script::new();
    let restore = JobListMember { operation: OperationKind::InitiateRestoreObject.into(), ..samples::member(5, NOW) };
    script
        .silence()
        .error(ErrorCode::InvalidRequest)
        .answer(&ListJobsResult {
            jobs: vec![samples::member(2, NOW - 900), samples::member(3, NOW - 901), restore],
            next_token: Some("more".parse().unwrap()),
        })
        .answer(&listed(vec![samples::member(1, NOW), samples::member(4, NOW + 1)]))
        .answer(&other(4, Some("another")))
        .answer(&DescribeJobResult { job: samples::job(1, JobStatus::Preparing) });
    assert_eq!(create(&client(&script)).await.unwrap(), created());
    let id = samples::id;
    assert_eq!(
        script.lines()[2..],
        [
            "GET /jobs".to_owned(),
            "GET /jobs?nextToken=more".to_owned(),
            format!("GET /jobs/{}", id(4)),
            format!("GET /jobs/{}", id(1)),
        ],
        "the newest first; not the one of before, not the one of another operation"
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_5xx_a_used_token_is_looked_for_too() {
    for code in [ErrorCode::InternalError, ErrorCode::ServiceUnavailable] {
        let script = Script::new();
        script
            .error(code)
            .error(ErrorCode::InvalidRequest)
            .answer(&listed(vec![samples::member(1, NOW)]))
            .answer(&DescribeJobResult { job: samples::job(1, JobStatus::New) });
        assert_eq!(create(&client(&script)).await.unwrap(), created());
        script.played();
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_read_is_looked_for_and_not_repeated() {
    let script = Script::new();
    script
        .respond(Response::new("<CreateJobResult/>".into()))
        .answer(&listed(vec![samples::member(1, NOW)]))
        .answer(&DescribeJobResult { job: samples::job(1, JobStatus::New) });
    assert_eq!(create(&client(&script)).await.unwrap(), created());
    script.played();
}

#[tokio::test(start_paused = true)]
async fn a_token_that_somebody_used_before_is_an_ordinary_error() {
    let before: [fn(&Script) -> &Script; 3] = [
        |script| script,
        |script| script.error(ErrorCode::SlowDown),
        |script| script.fail(io::ErrorKind::ConnectionRefused),
    ];
    for add in before {
        let script = Script::new();
        add(&script);
        script.error(ErrorCode::InvalidRequest);
        let error = create(&client(&script)).await.unwrap_err();
        assert!(matches!(&error, Error::Api(error) if error.code == ErrorCode::InvalidRequest), "{error}");
        script.played();
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_tell_tokens_leaves_it_open() {
    let script = Script::new();
    script
        .fail(io::ErrorKind::ConnectionReset)
        .error(ErrorCode::InvalidRequest)
        .answer(&listed(vec![samples::member(1, NOW), samples::member(2, NOW)]))
        .answer(&other(1, None))
        .answer(&other(2, None));
    let source = assert_ambiguous(create(&client(&script)).await.unwrap_err());
    assert_eq!(source.api().unwrap().code, ErrorCode::InvalidRequest);
    script.played();
}

#[tokio::test(start_paused = true)]
async fn a_search_that_fails_leaves_it_open() {
    let script = Script::new();
    script.fail(io::ErrorKind::ConnectionReset).error(ErrorCode::InvalidRequest).error(ErrorCode::AccessDenied);
    let source = assert_ambiguous(create(&client(&script)).await.unwrap_err());
    assert_eq!(source.api().unwrap().code, ErrorCode::InvalidRequest, "the error of the call, not of the search");
    script.played();
}

#[tokio::test(start_paused = true)]
async fn one_candidate_that_cannot_be_described_does_not_end_the_search() {
    let script = Script::new();
    script
        .fail(io::ErrorKind::ConnectionReset)
        .error(ErrorCode::InvalidRequest)
        .answer(&listed(vec![samples::member(2, NOW), samples::member(1, NOW)]))
        .error(ErrorCode::NoSuchJob)
        .answer(&DescribeJobResult { job: samples::job(1, JobStatus::New) });
    assert_eq!(create(&client(&script)).await.unwrap(), created());
    script.played();
}

#[tokio::test(start_paused = true)]
async fn the_search_is_bounded_in_pages_and_jobs() {
    let script = Script::new();
    script.fail(io::ErrorKind::ConnectionReset).error(ErrorCode::InvalidRequest);
    for page in 0..SCAN_PAGES_MAX {
        script.answer(&samples::page(page * 10..page * 10 + 10, Some(&format!("page-{page}"))));
    }
    for number in 0..SCAN_JOBS_MAX {
        script.answer(&other(number, None));
    }
    assert_ambiguous(create(&client(&script)).await.unwrap_err());
    assert_eq!(script.played().len(), 2 + SCAN_PAGES_MAX + SCAN_JOBS_MAX);
}

#[tokio::test(start_paused = true)]
async fn answers_that_stay_lost_leave_it_open() {
    let script = Script::new();
    script.silence().silence().silence().fail(io::ErrorKind::ConnectionReset);
    let error = create(&client(&script)).await.unwrap_err();
    assert!(error.is_retryable(), "with the same token");
    let source = assert_ambiguous(error);
    assert!(matches!(source, Error::Transport { kind: TransportErrorKind::Reset, .. }), "{source}");
    script.played();
}

#[tokio::test(start_paused = true)]
async fn another_error_after_a_lost_answer_leaves_it_open() {
    let script = Script::new();
    script.fail(io::ErrorKind::ConnectionReset).error(ErrorCode::AccessDenied);
    let source = assert_ambiguous(create(&client(&script)).await.unwrap_err());
    assert_eq!(source.api().unwrap().code, ErrorCode::AccessDenied);
    script.played();
}

#[tokio::test(start_paused = true)]
async fn where_nothing_was_sent_nothing_is_open() {
    let script = Script::new();
    for _ in 0..4 {
        script.fail(io::ErrorKind::ConnectionRefused);
    }
    let error = create(&client(&script)).await.unwrap_err();
    assert!(matches!(error, Error::Transport { kind: TransportErrorKind::Connect, .. }), "{error}");
    script.played();
}

#[tokio::test]
async fn a_request_with_a_fault_is_not_sent() {
    let script = Script::new();
    let mut request = samples::create();
    request.manifest.spec.fields.pop();
    let error = client(&script).create_job(request).await.unwrap_err();
    assert!(matches!(error, Error::Build(_)), "{error}");
    assert_eq!(script.played().len(), 0);
}
