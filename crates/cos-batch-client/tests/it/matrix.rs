//! What each action does with each way to fail: one table, to be read as a whole.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use cos_batch_client::{Client, Error};
use cos_batch_model::{ApiError, ErrorCode, ListJobsRequest, Priority};
use http::{Response, StatusCode};

use crate::script::Script;
use crate::{builder, samples};

/// Attempts of the default policy.
const ATTEMPTS: usize = 4;

type Fault = fn(&Script) -> &Script;

const FAULTS: &[(&str, Fault)] = &[
    ("connection refused", |script| script.fail(io::ErrorKind::ConnectionRefused)),
    ("connection reset", |script| script.fail(io::ErrorKind::ConnectionReset)),
    ("no answer", |script| script.silence()),
    ("some other failure", |script| script.fail(io::ErrorKind::PermissionDenied)),
    ("an answer that cannot be read", |script| respond(script, StatusCode::OK, "surprise")),
    ("302 elsewhere", |script| respond(script, StatusCode::FOUND, "")),
    ("400 InvalidRequest", |script| script.error(ErrorCode::InvalidRequest)),
    ("400 RequestTimeout", |script| script.error(ErrorCode::RequestTimeout)),
    ("403 AccessDenied", |script| script.error(ErrorCode::AccessDenied)),
    ("404 NoSuchJob", |script| script.error(ErrorCode::NoSuchJob)),
    ("429 without a body", |script| respond(script, StatusCode::TOO_MANY_REQUESTS, "")),
    ("500 InternalError", |script| script.error(ErrorCode::InternalError)),
    ("500 ServiceUnavailable", |script| script.error(ErrorCode::ServiceUnavailable)),
    ("500 TooManyJobs", |script| script.error(ErrorCode::TooManyJobs)),
    ("501 NotImplemented", |script| script.error(ErrorCode::NotImplemented)),
    ("502 of a proxy", |script| respond(script, StatusCode::BAD_GATEWAY, "<html>Bad Gateway</html>")),
    ("503 ServiceUnavailable", |script| {
        let mut error = ApiError::new(ErrorCode::ServiceUnavailable, "");
        error.status = StatusCode::SERVICE_UNAVAILABLE;
        script.respond(error.to_http())
    }),
    ("503 SlowDown", |script| script.error(ErrorCode::SlowDown)),
];

fn respond<'a>(script: &'a Script, status: StatusCode, body: &'static str) -> &'a Script {
    let mut response = Response::new(Bytes::from_static(body.as_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert("location", "http://elsewhere.example/".parse().unwrap());
    script.respond(response)
}

const ACTIONS: &[&str] = &["CreateJob", "DescribeJob", "ListJobs", "UpdateJobPriority", "UpdateJobStatus", "DeleteJob"];

async fn call(client: &Client<Script>, action: &str) -> Result<(), Error> {
    let id = samples::job_id();
    match action {
        "CreateJob" => client.create_job(samples::create()).await.map(drop),
        "DescribeJob" => client.describe_job(&id).await.map(drop),
        "ListJobs" => client.list_jobs(ListJobsRequest::default()).await.map(drop),
        "UpdateJobPriority" => client.update_job_priority(&id, Priority::default()).await.map(drop),
        "UpdateJobStatus" => client.cancel(&id, None).await.map(drop),
        _ => client.delete_job(&id).await.map(drop),
    }
}

/// The variant's name.
fn variant(error: &Error) -> String {
    match error {
        Error::Transport { kind, .. } => format!("Transport({kind:?})"),
        Error::AmbiguousCreate { source, .. } => format!("AmbiguousCreate({})", variant(source)),
        Error::Api(error) => format!("Api({})", error.code),
        Error::Decode(_) => "Decode".to_owned(),
        other => panic!("not an error of this test: {other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn every_action_with_every_fault() {
    let mut table = String::new();
    for (fault, add) in FAULTS {
        let _ = writeln!(table, "{fault}");
        for action in ACTIONS {
            let script = Script::new();
            for _ in 0..ATTEMPTS {
                add(&script);
            }
            let client = builder(&script).timeout(Duration::from_secs(5)).build().unwrap();
            let outcome = call(&client, action).await;
            let asked = script.asked();
            // An answer to CreateJob that cannot be read is followed by a look through the list.
            let attempts = if *action == "CreateJob" && fault.contains("cannot be read") { 1 } else { asked };
            assert!((1..=ATTEMPTS).contains(&attempts), "{fault}, {action}: {attempts} attempts");
            let retryable = if outcome.as_ref().is_err_and(Error::is_retryable) { ", retryable" } else { "" };
            let outcome = outcome.map_or_else(|error| variant(&error), |()| "Ok".to_owned());
            let _ = writeln!(table, "  {action:<18} x {attempts}  {outcome}{retryable}");
        }
    }
    insta::assert_snapshot!(table);
}
