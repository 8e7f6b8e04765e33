//! What is held against a request before anything is done for it, and how it ends whatever happens.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use cos_batch_s3control::{Callers, Key, Keys};
use cos_batch_server::{BODY_BYTES_MAX, HEADER_COUNT_MAX, URI_BYTES_MAX};
use http::{Request, StatusCode, request::Builder};
use http_body::{Body, Frame};
use http_body_util::Full;

use crate::world::{World, captured, full};

/// A body that counts how much of it was asked for, and breaks off at its end.
struct Pieces {
    left: VecDeque<Bytes>,
    taken: Arc<AtomicUsize>,
    breaks_off: bool,
}

impl Pieces {
    fn new(sizes: &[usize], breaks_off: bool) -> (Self, Arc<AtomicUsize>) {
        let taken = Arc::new(AtomicUsize::new(0));
        let left = sizes.iter().map(|size| Bytes::from(vec![b' '; *size])).collect();
        (Self { left, taken: Arc::clone(&taken), breaks_off }, taken)
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(piece) = self.left.pop_front() else {
            return Poll::Ready(self.breaks_off.then(|| Err(std::io::ErrorKind::ConnectionReset.into())));
        };
        self.taken.fetch_add(piece.len(), Ordering::SeqCst);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}

fn create() -> Builder {
    Request::post("/v20180820/jobs").header("x-amz-account-id", "123456789012")
}

#[track_caller]
fn refused(response: &http::Response<Bytes>, status: u16, code: &str, words: &str) {
    let text = String::from_utf8_lossy(response.body());
    assert_eq!(response.status().as_u16(), status, "{text}");
    assert!(text.contains(&format!("<Code>{code}</Code>")) && text.contains(words), "{text}");
}

#[tokio::test]
async fn a_body_that_is_announced_as_too_long_is_not_read() {
    let world = World::open().await;
    // A client that waits to be told sends nothing before it has the answer.
    let (body, taken) = Pieces::new(&[1], false);
    let request = create().header("content-length", BODY_BYTES_MAX + 1).header("expect", "100-continue");
    let answer = world.send(request.body(body).unwrap()).await;
    refused(&answer, 400, "BadRequestException", "the body must be at most");
    assert_eq!(taken.load(Ordering::SeqCst), 0);
    // One that says nothing is refused once it has sent too much, and what it still sends is read and forgotten.
    let (body, taken) = Pieces::new(&[BODY_BYTES_MAX, 1, 1000], false);
    refused(&world.send(create().body(body).unwrap()).await, 400, "BadRequestException", "the body must be at most");
    assert_eq!(taken.load(Ordering::SeqCst), BODY_BYTES_MAX + 1001);
}

#[tokio::test]
async fn a_body_is_all_that_was_announced_and_only_where_there_is_one() {
    let world = World::open().await;
    let (body, _) = Pieces::new(&[10], true);
    refused(&world.send(create().body(body).unwrap()).await, 400, "BadRequestException", "before its end");
    let request = create().header("content-length", 11).body(full("1234567890")).unwrap();
    refused(&world.send(request).await, 400, "BadRequestException", "Content-Length says 11");
    for (method, path, code) in [
        ("GET", "/v20180820/jobs", "InvalidRequestException"),
        ("POST", "/v20180820/jobs/abcde/status?requestedJobStatus=Ready", "BadRequestException"),
        ("DELETE", "/v20180820/jobs/abcde/tagging", "BadRequestException"),
    ] {
        let request = Request::builder().method(method).uri(path).header("x-amz-account-id", "123456789012");
        let answer = world.send(request.body(full("1")).unwrap()).await;
        refused(&answer, 400, code, "has no request body");
    }
}

#[tokio::test]
async fn heads_have_the_limits_of_the_other_dialect() {
    let world = World::open().await;
    let list = |query: usize| {
        let path = format!("/v20180820/jobs?{}", "a".repeat(query - "/v20180820/jobs?".len()));
        Request::get(path).header("x-amz-account-id", "123456789012").body(Full::<Bytes>::default()).unwrap()
    };
    refused(&world.send(list(URI_BYTES_MAX)).await, 400, "InvalidRequestException", "does not know");
    refused(
        &world.send(list(URI_BYTES_MAX + 1)).await,
        400,
        "BadRequestException",
        "the path and query must be at most",
    );
    let many = |count: usize| {
        let head = Request::get("/v20180820/jobs").header("x-amz-account-id", "123456789012");
        let head = (1..count).fold(head, |head, number| head.header(format!("x-{number}"), "1"));
        head.body(Full::<Bytes>::default()).unwrap()
    };
    assert_eq!(world.send(many(HEADER_COUNT_MAX)).await.status(), StatusCode::OK);
    refused(
        &world.send(many(HEADER_COUNT_MAX + 1)).await,
        400,
        "BadRequestException",
        "there must be at most 64 headers",
    );
}

/// Keys that fail.
struct Broken;

impl Keys for Broken {
    fn key(&self, _: &str) -> Option<Key> {
        panic!("the keys cannot be read")
    }
}

#[tokio::test]
async fn a_panic_is_an_answer() {
    let world = World::new(Callers::Keys(Arc::new(Broken))).await;
    let (head, body) = captured("10-describe");
    let answer = world.send(Request::from_parts(head, full(body))).await;
    refused(&answer, 500, "InternalServiceException", "the server failed");
}

#[tokio::test]
async fn other_paths_are_somebody_elses() {
    let world = World::open().await;
    for path in ["/", "/jobs", "/v20180820", "/V20180820/jobs"] {
        let answer = world.send(Request::get(path).body(Full::<Bytes>::default()).unwrap()).await;
        assert_eq!(answer.status(), StatusCode::IM_A_TEAPOT, "{path}");
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn requests_are_logged_as_those_of_the_other_dialect() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let world = World::open().await;
    let (head, body) = captured("01-create-copy-every-field");
    let answer = world.send(Request::from_parts(head, full(body))).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let id = answer.headers()["x-amz-request-id"].to_str().unwrap();
    drop(guard);

    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let of_request = format!("request{{request_id={id:?}}}: ");
    let made = text.lines().find(|line| line.contains("job made")).expect(&text);
    assert!(made.contains(&of_request) && made.contains("appid=\"1250000000\""), "{made}");
    let line = text.lines().find(|line| line.contains(": request method")).expect(&text);
    for part in
        ["method=\"POST\"", "path=/v20180820/jobs ", "status=200", "code=\"\"", "appid=\"1250000000\"", "micros="]
    {
        assert!(line.contains(part), "{part}: {line}");
    }
}
