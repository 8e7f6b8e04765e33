//! Connections: their number, their pace, their end.

use std::{sync::Arc, time::Duration};

use cos_batch_model::*;
use cos_batch_server::listen::ListenOptions;
use tokio::{net::TcpStream, sync::Semaphore};

use crate::support::{socket::patiently, *};

/// Short enough to wait for in a test, and long enough for a busy machine to answer a request in.
const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection() {
    let service = anonymous(Recorder::default()).build().unwrap();
    let server = Server::start_with(service, ListenOptions { head_timeout: SHORT, ..ListenOptions::default() }).await;
    for begin in ["", "GET /jobs HTTP/1.1\r\nHos"] {
        let mut connection = Connection::open(&server).await;
        connection.write(begin).await;
        let rest = connection.rest().await;
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "{begin:?}");
    }
    let mut idle = Connection::open(&server).await;
    assert_eq!(idle.ask("GET /jobs HTTP/1.1\r\nHost: h\r\n\r\n").await.status(), 200);
    assert!(idle.rest().await.is_empty(), "an idle connection ends without a word");
    server.stop().await;
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let service = anonymous(Recorder::default()).build().unwrap();
    let server = Server::start_with(service, ListenOptions { connections: 1, ..ListenOptions::default() }).await;
    let mut first = Connection::open(&server).await;
    assert_eq!(first.ask("GET /jobs HTTP/1.1\r\nHost: h\r\n\r\n").await.status(), 200);
    let mut second = Connection::open(&server).await;
    second.write("GET /jobs HTTP/1.1\r\nHost: h\r\n\r\n").await;
    // The first goes on being served while the second waits.
    for _ in 0..3 {
        let answer = tokio::select! {
            biased;
            _ = second.answer() => panic!("the second must wait"),
            answer = first.ask("GET /jobs HTTP/1.1\r\nHost: h\r\n\r\n") => answer,
        };
        assert_eq!(answer.status(), 200);
    }
    drop(first);
    assert_eq!(second.answer().await.status(), 200);
    drop(second);
    server.stop().await;
}

/// Answers a list when it is let: tells that it was asked, then waits.
#[derive(Clone)]
struct Gated {
    asked: Arc<Semaphore>,
    go: Arc<Semaphore>,
}

impl Gated {
    fn new() -> Self {
        Self { asked: Arc::new(Semaphore::new(0)), go: Arc::new(Semaphore::new(0)) }
    }
}

impl BatchApi for Gated {
    fn list_jobs<'a>(
        &'a self,
        _: &'a RequestContext,
        _: ListJobsRequest,
    ) -> BoxFuture<'a, Result<ListJobsResult, ApiError>> {
        Box::pin(async {
            self.asked.add_permits(1);
            self.go.acquire().await.unwrap().forget();
            Ok(ListJobsResult { jobs: Vec::new(), next_token: None })
        })
    }
}

#[tokio::test]
async fn a_request_that_was_begun_is_answered_at_shutdown() {
    let gated = Gated::new();
    let server = Server::start(anonymous(gated.clone()).build().unwrap()).await;
    let address = server.address;
    let idle = Connection::open(&server).await;
    let mut busy = Connection::open(&server).await;
    busy.write("GET /jobs HTTP/1.1\r\nHost: h\r\n\r\n").await;
    patiently(gated.asked.acquire()).await.unwrap().forget();

    let stopped = server.begin_stop();
    assert!(idle.rest().await.is_empty(), "an idle connection ends at once");
    assert!(TcpStream::connect(address).await.is_err(), "no more connections");
    assert!(!stopped.is_finished());
    gated.go.add_permits(1);
    assert_eq!(busy.answer().await.status(), 200);
    assert!(busy.rest().await.is_empty());
    patiently(stopped).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_does_not_end_in_time_is_cut_off() {
    let gated = Gated::new();
    let options = ListenOptions { drain: SHORT, ..ListenOptions::default() };
    let server = Server::start_with(anonymous(gated.clone()).build().unwrap(), options).await;
    let mut busy = Connection::open(&server).await;
    busy.write("GET /jobs HTTP/1.1\r\nHost: h\r\n\r\n").await;
    patiently(gated.asked.acquire()).await.unwrap().forget();
    patiently(server.begin_stop()).await.unwrap().unwrap();
    assert!(busy.rest().await.is_empty(), "no answer");
}

#[tokio::test]
async fn many_requests_go_over_one_connection() {
    let server = Server::start(strict(Recorder::default())).await;
    let mut connection = Connection::open(&server).await;
    let request = "GET /jobs HTTP/1.1\r\nHost: h\r\n\r\n";
    connection.write(request.repeat(3)).await;
    for _ in 0..3 {
        assert_eq!(error(&connection.answer().await).code, ErrorCode::InvalidArgument, "no x-cos-appid");
    }
    connection.write("nonsense\r\n\r\n").await;
    assert!(connection.rest().await.starts_with(b"HTTP/1.1 400 "));
    server.stop().await;
}
