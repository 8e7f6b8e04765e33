//! Servers on real sockets.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use cos_batch_client::{Client, ClientBuilder, Endpoint, Error, RetryPolicy, SecretKey, TransportErrorKind};
use cos_batch_model::{
    ActionOutput as _, CreateJobResult, DeleteJobResult, DescribeJobResult, JobStatus, ListJobsResult, Priority,
    UpdateJobPriorityResult,
};
use cos_signature::{Presented, Strictness, verify};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::{NOW, SECRET_KEY, credentials, samples};

/// A client of this address that repeats twice, at once; not yet built.
pub(crate) fn client_of(scheme: &str, address: SocketAddr) -> ClientBuilder {
    Client::builder()
        .endpoint(Endpoint::url(&format!("{scheme}://{address}")).unwrap())
        .appid(samples::appid())
        .credentials(credentials())
        .clock(|| NOW)
        .retry(RetryPolicy { attempts: 3, base: Duration::from_millis(1), cap: Duration::from_millis(1) })
}

/// A server that does with each connection what it is told.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    connections: Arc<Mutex<usize>>,
}

impl Server {
    pub(crate) async fn start<F, Fut>(serve: F) -> Self
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
    pub(crate) async fn answering(answer: impl Into<Bytes>) -> Self {
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
    pub(crate) async fn stalling_after(answer: &'static str) -> Self {
        Self::start(move |mut stream| async move {
            read_request(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        })
        .await
    }

    pub(crate) fn client(&self) -> Client {
        client_of("http", self.address).build().unwrap()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

/// Reads a request without a body.
pub(crate) async fn read_request(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap() == 0 {
            return;
        }
    }
}

pub(crate) fn kind(error: &Error) -> TransportErrorKind {
    let Error::Transport { kind, .. } = error else { panic!("not of the transport: {error}") };
    *kind
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

/// Serves a connection as an ordinary server does.
pub(crate) async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let service = hyper::service::service_fn(answer);
    // It ends when the client leaves.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
