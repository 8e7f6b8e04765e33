//! A server on loopback, and a client that sees and sends bytes.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use cos_batch_server::{
    BatchService,
    listen::{self, ListenOptions},
};
use http::Response;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

/// How long a test waits for what must happen; only a failing one ever waits so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that runs until it is told to stop.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub(crate) async fn start(service: BatchService) -> Self {
        Self::start_with(service, ListenOptions::default()).await
    }

    pub(crate) async fn start_with(service: BatchService, options: ListenOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await;
        };
        let task = tokio::spawn(listen::serve(listener, service, shutdown, options));
        Self { address, stop, task }
    }

    /// Begins the shutdown; the task ends when it is done.
    pub(crate) fn begin_stop(self) -> JoinHandle<std::io::Result<()>> {
        self.stop.send(()).unwrap();
        self.task
    }

    pub(crate) async fn stop(self) {
        patiently(self.begin_stop()).await.unwrap().unwrap();
    }
}

/// Waits for what must happen soon.
pub(crate) async fn patiently<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, event).await.expect("this must happen in time")
}

/// A connection to a server.
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(server: &Server) -> Self {
        Self::to(server.address).await
    }

    pub(crate) async fn to(address: SocketAddr) -> Self {
        Self { stream: patiently(TcpStream::connect(address)).await.unwrap(), read: Vec::new() }
    }

    /// Writes as long as the server takes it; whether it took everything.
    pub(crate) async fn try_write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        patiently(self.stream.write_all(bytes.as_ref())).await.is_ok()
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        patiently(self.stream.write_all(bytes.as_ref())).await.unwrap();
    }

    /// Says that nothing more will be sent.
    pub(crate) async fn finish(&mut self) {
        // It fails if the server has ended the connection already, which is as good.
        let _ = patiently(self.stream.shutdown()).await;
    }

    /// Whether something has come that was not read yet.
    pub(crate) fn has_answer(&mut self) -> bool {
        matches!(self.stream.try_read_buf(&mut self.read), Ok(1..)) || !self.read.is_empty()
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn ask(&mut self, bytes: impl AsRef<[u8]>) -> Response<Bytes> {
        self.write(bytes).await;
        self.answer().await
    }

    /// Reads an answer, the length of which must be told by its head.
    pub(crate) async fn answer(&mut self) -> Response<Bytes> {
        patiently(async {
            let end = loop {
                if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                    break end;
                }
                assert_ne!(self.stream.read_buf(&mut self.read).await.unwrap(), 0, "the connection ended early");
            };
            let head = String::from_utf8(self.read[..end].to_vec()).unwrap();
            let mut lines = head.split("\r\n");
            let status: u16 = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
            let mut response = Response::builder().status(status);
            for line in lines {
                let (name, value) = line.split_once(": ").unwrap();
                response = response.header(name, value);
            }
            let length = response.headers_ref().unwrap().get("content-length");
            let length: usize = length.map_or(0, |value| value.to_str().unwrap().parse().unwrap());
            let whole = end + 4 + length;
            while self.read.len() < whole {
                assert_ne!(self.stream.read_buf(&mut self.read).await.unwrap(), 0, "the body ended early");
            }
            let rest = self.read.split_off(whole);
            let body = std::mem::replace(&mut self.read, rest).split_off(end + 4);
            response.body(Bytes::from(body)).unwrap()
        })
        .await
    }

    /// Whatever still comes before the server ends the connection.
    pub(crate) async fn rest(mut self) -> Vec<u8> {
        patiently(async {
            // A reset is an end as well.
            while self.stream.read_buf(&mut self.read).await.is_ok_and(|read| read > 0) {}
            self.read
        })
        .await
    }
}
