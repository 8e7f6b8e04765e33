//! Each row of the API's table of errors, provoked over a real socket in strict mode.

use std::collections::BTreeSet;

use bytes::Bytes;
use cos_batch_model::*;
use http::Request;
use http_body_util::Full;

use crate::support::*;

/// A backend in which the id of a job, or a CreateJob's token, says what happens.
#[derive(Clone, Copy)]
struct Documented;

fn fail<'a, T: Send + 'a>(code: ErrorCode, message: &str) -> BoxFuture<'a, Result<T, ApiError>> {
    Box::pin(std::future::ready(Err(ApiError::new(code, message))))
}

impl BatchApi for Documented {
    fn create_job<'a>(
        &'a self,
        _: &'a RequestContext,
        request: CreateJobRequest,
    ) -> BoxFuture<'a, Result<CreateJobResult, ApiError>> {
        match request.client_request_token.as_str() {
            "used" => fail(ErrorCode::InvalidRequest, "ClientRequestToken is already used"),
            "unwritable" => fail(ErrorCode::ServiceUnavailable, "the job cannot be written"),
            "not-created" => fail(ErrorCode::ServiceUnavailable, "the job cannot be created"),
            "one-too-many" => fail(ErrorCode::TooManyJobs, "there are as many jobs as may be"),
            other => panic!("{other}"),
        }
    }

    fn describe_job<'a>(
        &'a self,
        _: &'a RequestContext,
        request: DescribeJobRequest,
    ) -> BoxFuture<'a, Result<DescribeJobResult, ApiError>> {
        match request.job_id.as_str() {
            "absent" => fail(ErrorCode::NoSuchJob, "there is no such job"),
            "unreadable" => fail(ErrorCode::ServiceUnavailable, "the job cannot be read"),
            other => panic!("an answer that cannot be built: {other}"),
        }
    }

    fn update_job_priority<'a>(
        &'a self,
        _: &'a RequestContext,
        _: UpdateJobPriorityRequest,
    ) -> BoxFuture<'a, Result<UpdateJobPriorityResult, ApiError>> {
        fail(ErrorCode::NoSuchJob, "the job does not exist or is over")
    }

    fn update_job_status<'a>(
        &'a self,
        _: &'a RequestContext,
        request: UpdateJobStatusRequest,
    ) -> BoxFuture<'a, Result<UpdateJobStatusResult, ApiError>> {
        match request.job_id.as_str() {
            "finished" => fail(ErrorCode::InvalidRequest, "the job is over"),
            "running" => fail(ErrorCode::InvalidRequest, "a job that runs cannot be confirmed"),
            _ => fail(ErrorCode::NoSuchJob, "there is no such job"),
        }
    }
}

/// A row of the table: what goes wrong, method, address, body, code, status.
type Row = (&'static str, &'static str, &'static str, String, &'static str, u16);

/// The good CreateJob with a piece of it replaced.
fn create_but(from: &str, to: &str) -> String {
    assert!(CREATE.contains(from), "{from}");
    CREATE.replace(from, to)
}

fn rows() -> Vec<Row> {
    let token = |token: &str| create_but("<ClientRequestToken>t<", &format!("<ClientRequestToken>{token}<"));
    let manifest = &CREATE[CREATE.find("<Manifest>").unwrap()..CREATE.find("<Operation>").unwrap()];
    let priority = |text: &str| create_but("<Priority>1<", &format!("<Priority>{text}<"));
    let none = String::new;
    vec![
        ("a parameter is empty", "POST", "/jobs", token(""), "InvalidArgument", 400),
        ("a parameter is invalid", "POST", "/jobs", token(&"t".repeat(65)), "InvalidArgument", 400),
        ("x-cos-appid is missing", "GET", "/jobs#no-appid", none(), "InvalidArgument", 400),
        ("x-cos-appid is empty", "GET", "/jobs#empty-appid", none(), "InvalidArgument", 400),
        ("priority below its range", "POST", "/jobs", priority("-1"), "InvalidArgument", 400),
        ("priority above its range", "POST", "/jobs", priority("2147483648"), "InvalidArgument", 400),
        ("priority is no integer", "POST", "/jobs", priority("1.5"), "InvalidArgument", 400),
        ("bad status asked", "POST", "/jobs/j/status?requestedJobStatus=Paused", none(), "InvalidArgument", 400),
        ("jobStatuses invalid", "GET", "/jobs?jobStatuses=Active,Idle", none(), "InvalidArgument", 400),
        ("maxResults is not positive", "GET", "/jobs?maxResults=0", none(), "InvalidArgument", 400),
        ("maxResults is no integer", "GET", "/jobs?maxResults=ten", none(), "InvalidArgument", 400),
        ("nextToken invalid", "GET", "/jobs?nextToken=%20", none(), "InvalidArgument", 400),
        ("request not valid", "GET", "/jobs?maxResults=1&maxResults=1", none(), "InvalidRequest", 400),
        ("body empty", "POST", "/jobs", none(), "InvalidRequest", 400),
        ("no job id", "GET", "/jobs/", none(), "InvalidRequest", 400),
        ("no priority", "POST", "/jobs/j/priority", none(), "InvalidRequest", 400),
        ("token already used", "POST", "/jobs", token("used"), "InvalidRequest", 400),
        (
            "job already over",
            "POST",
            "/jobs/finished/status?requestedJobStatus=Cancelled",
            none(),
            "InvalidRequest",
            400,
        ),
        ("change not allowed", "POST", "/jobs/running/status?requestedJobStatus=Ready", none(), "InvalidRequest", 400),
        ("format not legal", "POST", "/jobs", CREATE.replace("</Manifest>", "</manifest>"), "MalformedXML", 400),
        ("Manifest badly formed", "POST", "/jobs", CREATE.replace(manifest, "<Manifest/>"), "MalformedXML", 400),
        (
            "Operation badly formed",
            "POST",
            "/jobs",
            create_but("<COSDeleteObject/>", "<COSNothing/>"),
            "MalformedXML",
            400,
        ),
        ("Report badly formed", "POST", "/jobs", create_but("<Enabled>false</Enabled>", "<On/>"), "MalformedXML", 400),
        ("unknown job described", "GET", "/jobs/absent", none(), "NoSuchJob", 404),
        ("unknown job's status", "POST", "/jobs/absent/status?requestedJobStatus=Cancelled", none(), "NoSuchJob", 404),
        ("unknown job's priority", "POST", "/jobs/absent/priority?priority=1", none(), "NoSuchJob", 404),
        ("finished job's priority", "POST", "/jobs/finished/priority?priority=1", none(), "NoSuchJob", 404),
        ("answer not built", "GET", "/jobs/unbuildable", none(), "InternalError", 500),
        ("not written", "POST", "/jobs", token("unwritable"), "ServiceUnavailable", 500),
        ("not read", "GET", "/jobs/unreadable", none(), "ServiceUnavailable", 500),
        ("not created", "POST", "/jobs", token("not-created"), "ServiceUnavailable", 500),
        ("limit reached", "POST", "/jobs", token("one-too-many"), "TooManyJobs", 500),
    ]
}

/// The request of a row, signed; what follows `#` says what is done to the account.
fn request(method: &str, address: &str, body: &str) -> Request<Full<Bytes>> {
    let (uri, account) = address.split_once('#').unwrap_or((address, ""));
    let mut request = create_with(body.to_owned());
    *request.method_mut() = method.parse().unwrap();
    *request.uri_mut() = uri.parse().unwrap();
    match account {
        "no-appid" => drop(request.headers_mut().remove("x-cos-appid")),
        "empty-appid" => drop(request.headers_mut().insert("x-cos-appid", http::HeaderValue::from_static(""))),
        _ => {}
    }
    request.headers_mut().insert("content-length", body.len().into());
    signed(request)
}

#[tokio::test]
async fn each_row_over_a_socket() {
    let server = Server::start(strict(Documented)).await;
    let mut connection = Connection::open(&server).await;
    let mut ids = BTreeSet::new();
    for (what, method, address, body, code, status) in rows() {
        let request = request(method, address, &body);
        let path = request.uri().path().to_owned();
        let answer = connection.ask(on_the_wire(request).await).await;
        // `error` compares RequestId with the header and the status with that of the code.
        let found = error(&answer);
        assert_eq!((found.code.as_str(), answer.status().as_u16()), (code, status), "{what}: {found}");
        assert_eq!(found.resource.as_deref(), Some(path.as_str()), "{what}");
        assert!(ids.insert(found.request_id.unwrap()), "{what}: each request has its own id");
        let root = &answer.body()[answer.body().windows(7).position(|seven| seven == b"<Error>").unwrap()..];
        assert!(root.ends_with(b"</Error>"), "{what}");
    }
    drop(connection);
    server.stop().await;
}
