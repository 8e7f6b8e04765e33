//! How connections end, and who gets none.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use cos_batch_model::ErrorCode;
use cos_batch_server::listen::{self, ListenOptions, OwnMachine};
use http::Response;
use http_body_util::Full;
use hyper::service::service_fn;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket},
    sync::oneshot,
};

use crate::support::{socket::patiently, *};

/// Far more than is read of a refused body before the answer.
const LARGE: usize = 48 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_all_of_a_very_large_body_first_sees_why_it_is_refused() {
    let server = Server::start(anonymous(Recorder::default()).build().unwrap()).await;
    for _ in 0..3 {
        let mut connection = Connection::open(&server).await;
        connection.write(format!("POST /jobs HTTP/1.1\r\nHost: h\r\nContent-Length: {LARGE}\r\n\r\n")).await;
        connection.write(vec![b'x'; LARGE]).await;
        assert_eq!(error(&connection.answer().await).code, ErrorCode::XmlSizeLimit);
        assert!(connection.rest().await.is_empty(), "that was the last answer");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_a_very_large_head_first_sees_why_it_is_refused() {
    let server = Server::start(anonymous(Recorder::default()).build().unwrap()).await;
    let mut connection = Connection::open(&server).await;
    connection.write(format!("GET /jobs HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "x".repeat(LARGE))).await;
    let answer = connection.rest().await;
    assert!(answer.starts_with(b"HTTP/1.1 431 "), "{:?}", String::from_utf8_lossy(&answer));
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_stays_does_not_hold_up_the_end_of_the_server() {
    let server = Server::start(anonymous(Recorder::default()).build().unwrap()).await;
    let mut connection = Connection::open(&server).await;
    let close = "GET /jobs HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    assert_eq!(connection.ask(close).await.status(), 200);
    // It has its answer, and neither ends the connection nor sends more.
    let started = std::time::Instant::now();
    server.stop().await;
    assert!(started.elapsed() < listen::LINGER_IDLE, "{:?}", started.elapsed());
    assert!(connection.rest().await.is_empty());
}

/// A client that takes a large answer steadily is not one that takes nothing, however much the system would hold for it.
#[tokio::test]
async fn a_slow_client_gets_all_of_a_large_answer() {
    const ANSWER: usize = 12 * 1024 * 1024;
    let answer = Bytes::from(vec![b'x'; ANSWER]);
    let service =
        service_fn(move |_| std::future::ready(Ok::<_, Infallible>(Response::new(Full::new(answer.clone())))));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let until = async {
        let _ = stopped.await;
    };
    // At 400 KB in a second: a tenth of what the system holds for a connection within the time.
    let (at_once, pause, slow) = (40 * 1024, Duration::from_millis(100), 1024 * 1024);
    let options = ListenOptions { write_timeout: Duration::from_secs(1), ..ListenOptions::default() };
    let task = tokio::spawn(listen::serve(listener, service, until, options));
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(128 * 1024).unwrap();
    let mut client = socket.connect(address).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut taken = 0;
    let mut pace = tokio::time::interval(pause);
    let mut buffer = vec![0; at_once];
    while taken < slow {
        pace.tick().await;
        taken += patiently(client.read(&mut buffer)).await.unwrap();
    }
    let mut rest = Vec::new();
    patiently(client.read_to_end(&mut rest)).await.unwrap();
    assert!(taken + rest.len() > ANSWER, "{taken} bytes, then {}", rest.len());
    stop.send(()).unwrap();
    patiently(task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_server_for_its_own_machine_answers_no_web_page() {
    let recorder = Recorder::default();
    let service = OwnMachine::new(anonymous(recorder).build().unwrap()).allow_host("cos-batch");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let until = async {
        let _ = stopped.await;
    };
    let task = tokio::spawn(listen::serve(listener, service, until, ListenOptions::default()));
    let host = format!("Host: {address}");
    for (headers, status) in [
        (host.clone(), 200),
        ("Host: localhost".to_owned(), 200),
        ("Host: cos-batch:9450".to_owned(), 200),
        ("Host: cos-batch\r\nOrigin: http://cos-batch".to_owned(), 403),
        (format!("{host}\r\nSec-Fetch-Site: none"), 200),
        (format!("{host}\r\nSec-Fetch-Site: cross-site"), 403),
        (format!("{host}\r\nOrigin: https://evil.example"), 403),
        ("Host: evil.example:80".to_owned(), 403),
    ] {
        let mut connection = Connection::to(address).await;
        let answer = connection.ask(format!("GET /jobs HTTP/1.1\r\n{headers}\r\n\r\n")).await;
        assert_eq!(answer.status(), status, "{headers}");
        if status == 403 {
            assert_eq!(error(&answer).code, ErrorCode::AccessDenied, "{headers}");
        }
    }
    stop.send(()).unwrap();
    patiently(task).await.unwrap().unwrap();
}
