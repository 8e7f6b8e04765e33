//! Servers of the API that offer nothing beside it.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::Arc,
    thread,
};

use cos_batch_model::{ApiError, AppId, BatchApi, BoxFuture, ListJobsRequest, ListJobsResult, RequestContext};
use cos_batch_server::{BatchService, listen};

/// Two such servers, for as long as this process lives.
pub(crate) struct PlainServer {
    /// One of our own crate, without an extension.
    pub(crate) without_extension: String,
    /// One that answers every path with a bare 404, as a web server in front of something else does.
    pub(crate) without_path: String,
}

struct Backend;

impl BatchApi for Backend {
    fn list_jobs<'a>(
        &'a self,
        _: &'a RequestContext,
        _: ListJobsRequest,
    ) -> BoxFuture<'a, Result<ListJobsResult, ApiError>> {
        Box::pin(async { Ok(ListJobsResult::default()) })
    }
}

impl PlainServer {
    pub(crate) fn start() -> Self {
        let own = TcpListener::bind("127.0.0.1:0").unwrap();
        own.set_nonblocking(true).unwrap();
        let without_extension = format!("http://{}", own.local_addr().unwrap());
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let appid = AppId::new("1").unwrap();
                let service = BatchService::builder(Arc::new(Backend)).allow_anonymous(appid).build().unwrap();
                let listener = tokio::net::TcpListener::from_std(own).unwrap();
                let forever = std::future::pending();
                listen::serve(listener, service, forever, listen::ListenOptions::default()).await.unwrap();
            });
        });
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let without_path = format!("http://{}", other.local_addr().unwrap());
        thread::spawn(move || {
            for stream in other.incoming() {
                let mut stream = stream.unwrap();
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read > 0) {
                    head.push(byte[0]);
                }
                let _ = stream
                    .write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 10\r\nconnection: close\r\n\r\nnot found\n");
            }
        });
        Self { without_extension, without_path }
    }
}
