//! Over real sockets: what the transport makes of connections that go well or badly.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use cos_batch_client::{Client, Endpoint, Error, RESPONSE_BYTES_MAX, RetryPolicy, SecretKey, TransportErrorKind};
use cos_batch_model::{
    ActionOutput as _, CreateJobResult, DeleteJobResult, DescribeJobResult, ErrorCode, JobStatus, ListJobsRequest,
    ListJobsResult, Priority, UpdateJobPriorityResult,
};
use cos_signature::{Presented, Strictness, verify};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::{NOW, SECRET_KEY, credentials, samples};

/// A client of this address that repeats twice, at once.
fn client_of(scheme: &str, address: SocketAddr) -> Client {
    Client::builder()
        .endpoint(Endpoint::url(&format!("{scheme}://{address}")).unwrap())
        .appid(samples::appid())
        .credentials(credentials())
        .clock(|| NOW)
        .retry(RetryPolicy { attempts: 3, base: Duration::from_millis(1), cap: Duration::from_millis(1) })
        .build()
        .unwrap()
}

/// A server that does with each connection what it is told.
struct Server {
    address: SocketAddr,
    connections: Arc<Mutex<usize>>,
}

impl Server {
    async fn start<F, Fut>(serve: F) -> Self
    where
        F: Fn(TcpStream) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(Mutex::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *count.lock().unwrap() += 1;
                tokio::spawn(serve(stream));
            }
        });
        Self { address, connections }
    }

    /// Reads a request on each connection, answers with these bytes, and closes it.
    async fn answering(answer: impl Into<Bytes>) -> Self {
        let answer = answer.into();
        Self::start(move |mut stream| {
            let answer = answer.clone();
            async move {
                read_request(&mut stream).await;
                // The client may have heard enough and left.
                let _ = stream.write_all(&answer).await;
            }
        })
        .await
    }

    /// Reads a request on each connection, sends these bytes, and then nothing more.
    async fn stalling_after(answer: &'static str) -> Self {
        Self::start(move |mut stream| async move {
            read_request(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
            std::future::pending().await
        })
        .await
    }

    fn client(&self) -> Client {
        client_of("http", self.address)
    }

    fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

/// Reads a request without a body.
async fn read_request(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap() == 0 {
            return;
        }
    }
}

fn kind(error: &Error) -> TransportErrorKind {
    let Error::Transport { kind, .. } = error else { panic!("not of the transport: {error}") };
    *kind
}

async fn list_error(client: &Client) -> Error {
    client.list_jobs(ListJobsRequest::default()).await.unwrap_err()
}

/// What an ordinary server answers to each action, once the request has passed strict verifying.
async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let presented = Presented::from_parts(&parts).unwrap();
    verify(&parts, &presented, Some(&SecretKey::new(SECRET_KEY)), NOW, Strictness::Strict).unwrap();
    let length = parts.headers.get("content-length").map(|length| length.to_str().unwrap().to_owned());
    let job_id = samples::job_id();
    let response = match (&parts.method, parts.uri.path().rsplit('/').next().unwrap()) {
        (&Method::POST, "jobs") => {
            assert_eq!(length.unwrap(), body.len().to_string());
            CreateJobResult { job_id }.to_http()
        }
        (&Method::GET, "jobs") => ListJobsResult::default().to_http(),
        (&Method::GET, _) => DescribeJobResult { job: samples::job(1, JobStatus::Complete) }.to_http(),
        (&Method::DELETE, _) => DeleteJobResult.to_http(),
        (_, part) => {
            assert_eq!(length.as_deref(), Some("0"), "a POST tells its length");
            match part {
                "priority" => UpdateJobPriorityResult { job_id, priority: Priority::default() }.to_http(),
                _ => samples::changed(JobStatus::Ready).to_http(),
            }
        }
    };
    Ok(response.map(Full::new))
}

async fn ordinary() -> Server {
    Server::start(|stream| async move {
        let service = hyper::service::service_fn(answer);
        // It ends with the test.
        let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    })
    .await
}

#[tokio::test]
async fn all_actions_go_over_one_kept_connection() {
    let server = ordinary().await;
    let (client, id) = (server.client(), samples::job_id());
    client.create_job(samples::create()).await.unwrap();
    client.describe_job(&id).await.unwrap();
    client.clone().list_jobs(ListJobsRequest::default()).await.unwrap();
    client.update_job_priority(&id, Priority::default()).await.unwrap();
    client.confirm(&id, Some("seen & checked".parse().unwrap())).await.unwrap();
    client.delete_job(&id).await.unwrap();
    client.wait(&id).await.unwrap();
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_kept_connection_that_the_server_has_closed_does_no_harm() {
    // The answer does not say that the connection ends, and then it does.
    let body = String::from_utf8(cos_batch_model::xml::to_bytes(&ListJobsResult::default()).to_vec()).unwrap();
    let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let server = Server::answering(text).await;
    let client = server.client();
    for _ in 0..5 {
        client.list_jobs(ListJobsRequest::default()).await.unwrap();
    }
    assert!(server.connections() >= 5);
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = client_of("http", address);
    let error = client.confirm(&samples::job_id(), None).await.unwrap_err();
    assert_eq!(kind(&error), TransportErrorKind::Connect);
    assert!(error.to_string().contains("refused"), "{error}");
    assert_eq!(kind(&client.create_job(samples::create()).await.unwrap_err()), TransportErrorKind::Connect);
}

#[tokio::test]
async fn a_connection_that_ends_inside_the_answer() {
    for text in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n<ListJobs",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n<List\r\n",
    ] {
        let server = Server::answering(text).await;
        assert_eq!(kind(&list_error(&server.client()).await), TransportErrorKind::Reset, "{text:?}");
        assert_eq!(server.connections(), 3, "{text:?}: asking again is safe");

        let server = Server::answering(text).await;
        let error = server.client().cancel(&samples::job_id(), None).await.unwrap_err();
        assert_eq!(kind(&error), TransportErrorKind::Reset, "{text:?}");
        assert_eq!(server.connections(), 1, "{text:?}: it may have been carried out");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_or_does_not_end() {
    for text in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n<ListJobs"] {
        let server = Server::stalling_after(text).await;
        let client = Client::builder()
            .endpoint(Endpoint::url(&format!("http://{}", server.address)).unwrap())
            .appid(samples::appid())
            .anonymous()
            .timeout(Duration::from_millis(50))
            .retry(RetryPolicy { attempts: 2, base: Duration::ZERO, cap: Duration::ZERO })
            .build()
            .unwrap();
        assert_eq!(kind(&list_error(&client).await), TransportErrorKind::Timeout, "{text:?}");
        assert_eq!(server.connections(), 2, "{text:?}: a connection in use is not used again");
    }
}

#[tokio::test]
async fn the_longest_answer_is_taken_and_no_longer_one() {
    for (length, is_taken) in [(RESPONSE_BYTES_MAX, true), (RESPONSE_BYTES_MAX + 1, false)] {
        let head = [
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n"),
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n"),
        ];
        for head in head {
            let mut answer = head.into_bytes();
            answer.resize(answer.len() + length, b' ');
            answer.extend_from_slice(b"\r\n0\r\n\r\n");
            let server = Server::answering(answer).await;
            match server.client().describe_job_response(&samples::job_id()).await {
                Ok(response) => assert!(is_taken && response.body().len() == length, "{length}"),
                Err(error) => {
                    assert!(!is_taken, "{length}");
                    assert_eq!(kind(&error), TransportErrorKind::TooLarge);
                }
            }
            assert_eq!(server.connections(), 1, "it would be as long the next time");
        }
    }
}

#[tokio::test]
async fn an_answer_without_end_is_left() {
    let ended = Arc::new(tokio::sync::Notify::new());
    let told = Arc::clone(&ended);
    let server = Server::start(move |mut stream| {
        let told = Arc::clone(&told);
        async move {
            read_request(&mut stream).await;
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            let chunk = [&b"10000\r\n"[..], &[b' '; 0x10000], b"\r\n"].concat();
            while stream.write_all(&chunk).await.is_ok() {}
            told.notify_one();
        }
    })
    .await;
    assert_eq!(kind(&list_error(&server.client()).await), TransportErrorKind::TooLarge);
    ended.notified().await;
}

#[tokio::test]
async fn a_head_without_end_is_left() {
    let answer = format!("HTTP/1.1 200 OK\r\nx-long: {}\r\n\r\n", "a".repeat(200_000));
    let server = Server::answering(answer).await;
    assert_eq!(kind(&list_error(&server.client()).await), TransportErrorKind::TooLarge);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn something_else_than_http_answers() {
    for text in ["SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"] {
        let server = Server::answering(text).await;
        assert_eq!(kind(&list_error(&server.client()).await), TransportErrorKind::Protocol, "{text:?}");
        assert_eq!(server.connections(), 1, "{text:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_error_and_is_not_followed() {
    for status in ["301 Moved Permanently", "307 Temporary Redirect"] {
        let text =
            format!("HTTP/1.1 {status}\r\nlocation: /elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        let server = Server::answering(text).await;
        let error = list_error(&server.client()).await;
        let answered = error.api().unwrap();
        assert!(answered.status.is_redirection() && matches!(answered.code, ErrorCode::Unknown(_)), "{error}");
        assert_eq!(server.connections(), 1);
    }
}
