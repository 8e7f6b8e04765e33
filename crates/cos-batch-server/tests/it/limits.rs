//! Requests that are too large or too slow.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use cos_batch_server::{DRAINED_BYTES_MAX, Limits};
use http::Request;
use http_body::{Body, Frame, SizeHint};

use crate::support::*;

fn small() -> Limits {
    let sizes = Limits { body_bytes: 1000, drained_bytes: 0, ..Limits::default() };
    Limits { uri_bytes: 100, header_count: 5, header_bytes: 500, ..sizes }
}

#[tokio::test]
async fn addresses_and_headers() {
    let service = anonymous(Recorder::default()).limits(small()).build().unwrap();
    let address = |bytes: usize| plain("GET", &format!("/{}", "a".repeat(bytes - 1)), "");
    let (code, message) = refused(&service, address(100)).await;
    assert!(code == "InvalidURI" && message.contains("does not exist"), "{message}");
    let (code, message) = refused(&service, address(101)).await;
    assert!(code == "InvalidURI" && message.contains("101 bytes"), "{message}");

    let with_headers = |count: usize, bytes: usize| {
        let mut request = plain("GET", "/jobs", "");
        for index in 0..count {
            let name: http::HeaderName = format!("h-{index}").parse().unwrap();
            request.headers_mut().insert(name, "v".repeat(bytes / count - 3).parse().unwrap());
        }
        request
    };
    assert_eq!(send(&service, with_headers(5, 500)).await.status(), 200);
    let (code, message) = refused(&service, with_headers(6, 60)).await;
    assert!(code == "InvalidRequest" && message.contains("at most 5 headers, not 6"), "{message}");
    let (code, message) = refused(&service, with_headers(5, 505)).await;
    assert!(code == "InvalidRequest" && message.contains("505 bytes"), "{message}");
}

/// A body of pieces of 100 bytes, which counts how many were taken.
struct Pieces {
    left: usize,
    taken: Arc<AtomicUsize>,
    announced: Option<u64>,
    fails_at_end: bool,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        if self.left == 0 {
            return Poll::Ready(self.fails_at_end.then_some(Err("cut")));
        }
        self.left -= 1;
        self.taken.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b' '; 100])))))
    }

    fn size_hint(&self) -> SizeHint {
        self.announced.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn pieces(count: usize, announced: Option<u64>, fails_at_end: bool) -> (Request<Pieces>, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let body = Pieces { left: count, taken: Arc::clone(&taken), announced, fails_at_end };
    (Request::post("/jobs").body(body).unwrap(), taken)
}

#[tokio::test]
async fn a_large_body_is_not_read_to_its_end() {
    let service = anonymous(Recorder::default()).limits(small()).build().unwrap();
    let (request, taken) = pieces(1_000_000, None, false);
    assert_eq!(refused(&service, request).await.0, "XMLSizeLimit");
    assert_eq!(taken.load(Ordering::Relaxed), 11);

    let (request, taken) = pieces(1_000_000, Some(100_000_000), false);
    assert_eq!(refused(&service, request).await.0, "XMLSizeLimit");
    assert_eq!(taken.load(Ordering::Relaxed), 0, "its announced size is enough");

    let (mut request, taken) = pieces(1_000_000, None, false);
    request.headers_mut().insert("content-length", "1001".parse().unwrap());
    assert_eq!(refused(&service, request).await.0, "XMLSizeLimit");
    assert_eq!(taken.load(Ordering::Relaxed), 0, "its announced size is enough");

    let (request, taken) = pieces(10, None, false);
    let (code, message) = refused(&service, request).await;
    assert_eq!(code, "InvalidRequest", "white space is an empty body: {message}");
    assert_eq!(taken.load(Ordering::Relaxed), 10);
}

#[tokio::test]
async fn a_body_in_pieces_is_put_together() {
    let service = anonymous(Recorder::default()).build().unwrap();
    let frames: Vec<Result<Frame<Bytes>, Infallible>> =
        CREATE.as_bytes().chunks(7).map(|chunk| Ok(Frame::data(Bytes::copy_from_slice(chunk)))).collect();
    let mut request = create().map(|_| ());
    request.headers_mut().insert("content-length", CREATE.len().into());
    let request = request.map(|()| http_body_util::StreamBody::new(futures_util::stream::iter(frames)));
    assert_eq!(send(&service, request).await.status(), 200);
}

#[tokio::test]
async fn bodies_that_end_early_or_differ_from_their_length() {
    let service = anonymous(Recorder::default()).build().unwrap();
    let (request, _) = pieces(3, None, true);
    assert_eq!(refused(&service, request).await.0, "IncompleteBody");
    for (length, code) in [("299", "EntitySizeNotMatch"), ("301", "EntitySizeNotMatch"), ("x", "InvalidRequest")] {
        let (mut request, _) = pieces(3, None, false);
        request.headers_mut().insert("content-length", length.parse().unwrap());
        assert_eq!(refused(&service, request).await.0, code, "{length}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_is_given_up() {
    let service = anonymous(Recorder::default()).build().unwrap();
    let never = http_body_util::StreamBody::new(futures_util::stream::pending::<Result<Frame<Bytes>, Infallible>>());
    let started = tokio::time::Instant::now();
    let (code, message) = refused(&service, Request::post("/jobs").body(never).unwrap()).await;
    assert!(code == "RequestTimeout" && message.contains("30 seconds"), "{code}: {message}");
    assert_eq!(started.elapsed(), Duration::from_secs(30));
}

#[tokio::test]
async fn over_a_socket_a_large_body_is_refused_before_it_is_sent() {
    let server = Server::start(anonymous(Recorder::default()).build().unwrap()).await;
    let mut connection = Connection::open(&server).await;
    let head = "POST /jobs HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000000\r\n\r\n";
    let answer = connection.ask(head).await;
    assert_eq!(error(&answer).code.as_str(), "XMLSizeLimit");
    assert!(connection.rest().await.is_empty(), "the connection ends, since its body was not read");
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_sends_all_of_a_large_body_first_sees_why_it_is_refused() {
    let server = Server::start(anonymous(Recorder::default()).build().unwrap()).await;
    let mut connection = Connection::open(&server).await;
    let size = usize::try_from(DRAINED_BYTES_MAX).unwrap();
    connection.write(format!("POST /jobs HTTP/1.1\r\nHost: h\r\nContent-Length: {size}\r\n\r\n")).await;
    connection.write(vec![b'x'; size]).await;
    assert_eq!(error(&connection.answer().await).code.as_str(), "XMLSizeLimit");
    // All of it was read, so that the connection is good for more.
    assert_eq!(connection.ask("GET /jobs HTTP/1.1\r\nHost: h\r\n\r\n").await.status(), 200);
    server.stop().await;
}

#[tokio::test]
async fn over_a_socket_a_client_is_told_not_to_send_a_body_that_is_refused() {
    let server = Server::start(anonymous(Recorder::default()).build().unwrap()).await;
    let mut connection = Connection::open(&server).await;
    let head = "POST /job HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    let answer = connection.ask(head).await;
    assert_eq!(answer.status(), 400, "not 100: the path is wrong, so that the body is not wanted");
    server.stop().await;
}
