//! Answers as they stand on the wire: the golden messages over a socket, byte for byte; and what a request need not have.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use cos_batch_model::*;
use cos_batch_server::{BatchService, Limits, StaticKeys, Strictness, listen::ListenOptions};
use futures_util::stream;
use http::Response;
use http_body::Frame;
use http_body_util::StreamBody;

use crate::support::*;

/// Answers with what a golden message says.
#[derive(Clone)]
struct Canned(Arc<Mutex<Response<Bytes>>>);

impl Canned {
    fn answer<'a, O: ActionOutput + Send + 'a>(&self) -> BoxFuture<'a, Result<O, ApiError>> {
        let outcome = match O::from_http(&self.0.lock().unwrap()) {
            Ok(output) => Ok(output),
            Err(ResponseError::Api(error)) => Err(error),
            Err(error) => panic!("{error}"),
        };
        Box::pin(std::future::ready(outcome))
    }
}

impl BatchApi for Canned {
    fn create_job<'a>(
        &'a self,
        _: &'a RequestContext,
        _: CreateJobRequest,
    ) -> BoxFuture<'a, Result<CreateJobResult, ApiError>> {
        self.answer()
    }

    fn describe_job<'a>(
        &'a self,
        _: &'a RequestContext,
        _: DescribeJobRequest,
    ) -> BoxFuture<'a, Result<DescribeJobResult, ApiError>> {
        self.answer()
    }

    fn list_jobs<'a>(
        &'a self,
        _: &'a RequestContext,
        _: ListJobsRequest,
    ) -> BoxFuture<'a, Result<ListJobsResult, ApiError>> {
        self.answer()
    }

    fn update_job_priority<'a>(
        &'a self,
        _: &'a RequestContext,
        _: UpdateJobPriorityRequest,
    ) -> BoxFuture<'a, Result<UpdateJobPriorityResult, ApiError>> {
        self.answer()
    }

    fn update_job_status<'a>(
        &'a self,
        _: &'a RequestContext,
        _: UpdateJobStatusRequest,
    ) -> BoxFuture<'a, Result<UpdateJobStatusResult, ApiError>> {
        self.answer()
    }

    fn delete_job<'a>(
        &'a self,
        _: &'a RequestContext,
        _: DeleteJobRequest,
    ) -> BoxFuture<'a, Result<DeleteJobResult, ApiError>> {
        self.answer()
    }
}

/// The golden messages of an action whose names end so.
fn golden(action: ActionName, end: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden").join(action.as_str());
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.to_str().unwrap().ends_with(end)).collect();
    files.sort();
    assert!(!files.is_empty(), "{action} has no {end}");
    files
}

fn parsed(message: &[u8]) -> Response<Bytes> {
    let end = message.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&message[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let mut response = Response::builder().status(lines.next().unwrap().split(' ').nth(1).unwrap());
    for (name, value) in lines.map(|line| line.split_once(": ").unwrap()) {
        response = response.header(name, value);
    }
    response.body(Bytes::copy_from_slice(&message[end + 4..])).unwrap()
}

#[tokio::test]
async fn golden_answers_are_what_goes_over_the_socket() {
    const ID: &str = "NjkyM2FhYmJfMTFfMjJfMzM=";
    let canned = Canned(Arc::new(Mutex::new(Response::new(Bytes::new()))));
    let service = anonymous(canned.clone()).request_ids(|| ID.to_owned()).build().unwrap();
    let server = Server::start(service).await;
    let mut connection = Connection::open(&server).await;
    for action in ActionName::ALL {
        let request = fs::read(&golden(*action, ".request.http")[0]).unwrap();
        for path in golden(*action, ".response.http") {
            let expected = parsed(&fs::read(&path).unwrap());
            *canned.0.lock().unwrap() = expected.clone();
            let found = connection.ask(&request).await;
            let at = path.display();
            assert_eq!(found.status(), expected.status(), "{at}");
            assert_eq!(found.body(), expected.body(), "{at}");
            for (name, value) in expected.headers() {
                assert_eq!(found.headers().get(name), Some(value), "{at}: {name}");
            }
            // Nothing beside what the page on the protocol lists.
            let mut names: Vec<&str> = found.headers().keys().map(|name| name.as_str()).collect();
            names.sort_unstable();
            let mut documented = vec!["date", "server", "x-cos-request-id"];
            if !found.body().is_empty() {
                documented.extend(["content-length", "content-type"]);
                assert_eq!(found.headers()["content-type"], "application/xml", "{at}");
                assert_eq!(found.headers()["content-length"], found.body().len().to_string().as_str(), "{at}");
            }
            documented.extend(expected.headers().contains_key("x-cos-trace-id").then_some("x-cos-trace-id"));
            documented.sort_unstable();
            assert_eq!(names, documented, "{at}");
            assert_eq!(found.headers()["x-cos-request-id"], ID, "{at}");
            // A date of RFC 1123 is read, and written again it is the same.
            let date = found.headers()["date"].to_str().unwrap();
            let moment = httpdate::parse_http_date(date).unwrap();
            assert_eq!(httpdate::fmt_http_date(moment), date, "{at}");
        }
    }
    drop(connection);
    server.stop().await;
}

#[tokio::test]
async fn the_content_type_of_a_request_does_not_matter() {
    for kind in [None, Some("text/plain"), Some("application/xml; charset=gbk"), Some("")] {
        let recorder = Recorder::default();
        let mut request = create();
        request.headers_mut().remove("content-type");
        if let Some(kind) = kind {
            request.headers_mut().insert("content-type", kind.parse().unwrap());
        }
        let answer = send(&strict(recorder.clone()), signed(request)).await;
        assert_eq!(answer.status(), 200, "{kind:?}");
        assert_eq!(recorder.take().len(), 1, "{kind:?}");
    }
}

#[tokio::test]
async fn a_signed_length_that_a_proxy_took_away_is_missed() {
    let keys = StaticKeys::new().with(SECRET_ID, key());
    let compatible = BatchService::builder(Arc::new(Recorder::default())).authenticate(keys).clock(|| NOW);
    let compatible = compatible.strictness(Strictness::CosCompatible).build().unwrap();
    for (service, expected) in [(strict(Recorder::default()), "AccessDenied"), (compatible, "SignatureDoesNotMatch")] {
        let mut request = create();
        let length = http::HeaderValue::from(CREATE.len());
        request.headers_mut().insert("content-length", length.clone());
        let mut request = signed(request);
        assert_eq!(send(&service, request.clone()).await.status(), 200);
        request.headers_mut().remove("content-length");
        let (code, message) = refused(&service, request.clone()).await;
        assert_eq!(code, expected, "{message}");
        assert_eq!(message.contains("content-length"), code == "AccessDenied", "{message}");
        // Set again, from the body, it is the request that was signed.
        request.headers_mut().insert("content-length", length);
        assert_eq!(send(&service, request).await.status(), 200);
    }
}

/// A body that panics when it is asked for more after its end.
#[tokio::test]
async fn a_body_that_has_ended_is_not_asked_again() {
    let service = anonymous(Recorder::default()).build().unwrap();
    for body in [&b"no XML"[..], b""] {
        let pieces = stream::unfold(Some(body), |body| async move {
            let body = body.filter(|body| !body.is_empty())?;
            Some((Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from_static(body))), None))
        });
        let request = create_with(body).map(|_| StreamBody::new(pieces));
        let answer = send(&service, request).await;
        assert!(answer.status().is_client_error(), "{answer:?}");
    }
}

#[test]
fn settings_are_the_published_ones_unless_said_otherwise() {
    let limits = Limits::default();
    assert_eq!((limits.body_bytes, limits.extension_body_bytes), (1_048_576, 8_388_608));
    assert_eq!((limits.uri_bytes, limits.header_count, limits.header_bytes), (8192, 64, 32_768));
    assert_eq!((limits.body_timeout.as_secs(), limits.request_timeout.as_secs()), (30, 60));
    assert_eq!(limits.extension_timeout.as_secs(), 600);
    assert_eq!(limits.drained_bytes, 4_194_304);
    let options = ListenOptions::default();
    assert_eq!((options.head_timeout.as_secs(), options.write_timeout.as_secs()), (60, 30));
    assert_eq!((options.connections, options.drain.as_secs()), (900, 10));
    assert_eq!(cos_batch_server::listen::BUFFER_BYTES_MAX, 65_536);
}
