//! Objects go through in pieces, whatever their size.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use bytes::Bytes;
use cos_batch_objectgateway::{BODY_GRACE, BODY_IDLE, ObjectGateway, PIECE_BYTES};
use cos_batch_objectstore::{
    BoxFuture, Capabilities, CopyOutcome, CopyRequest, DeleteOutcome, DeleteRequest, ErrorKind, Execution, FolderStore,
    GetRequest, ListPage, ListRequest, MemoryStore, Metadata, ObjectMeta, ObjectStore, ObjectWriter, Pin, PutOutcome,
    PutRequest, RestoreOutcome, RestoreRequest, StorageClass, StoreError, Tag, TagRequest, VersionSelector,
};
use futures_util::{Stream, StreamExt, stream};
use http_body_util::{BodyExt, StreamBody};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

use crate::support::*;

const LARGE: u64 = 96 * 1024 * 1024;

/// A store of one endless object, which keeps nothing and notes how it is used.
#[derive(Debug, Default)]
struct Endless(Arc<Seen>);

#[derive(Debug, Default)]
struct Seen {
    largest: AtomicUsize,
    written: AtomicU64,
    finished: AtomicU64,
    /// Seconds that each write takes.
    slow: AtomicU64,
}

struct Sink(Arc<Seen>);

impl ObjectWriter for Sink {
    fn write(&mut self, piece: Bytes) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.largest.fetch_max(piece.len(), Ordering::SeqCst);
        self.0.written.fetch_add(piece.len() as u64, Ordering::SeqCst);
        let slow = std::time::Duration::from_secs(self.0.slow.load(Ordering::SeqCst));
        Box::pin(async move {
            tokio::time::sleep(slow).await;
            Ok(())
        })
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<PutOutcome, StoreError>> {
        self.0.finished.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(PutOutcome { etag: "e".into(), version_id: None }) })
    }
}

fn not_here<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T, StoreError>> {
    Box::pin(async { Err(StoreError::new(ErrorKind::NotImplemented, "not in this test")) })
}

impl ObjectStore for Endless {
    fn execution(&self) -> Execution {
        Execution::Async
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }

    fn bucket_exists<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async { Ok(true) })
    }

    fn head<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<ObjectMeta, StoreError>> {
        Box::pin(async {
            Ok(ObjectMeta {
                size: LARGE,
                etag: "e".into(),
                last_modified: NOW,
                version_id: None,
                storage_class: StorageClass::default(),
                metadata: Metadata::default(),
                grants: Vec::new(),
                canned_acl: None,
                restore: None,
                pin: Pin("p".into()),
            })
        })
    }

    fn get_range<'a>(&'a self, request: GetRequest<'a>) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        let size = usize::try_from(request.range.end - request.range.start).unwrap();
        self.0.largest.fetch_max(size, Ordering::SeqCst);
        Box::pin(async move { Ok(vec![b'x'; size].into()) })
    }

    fn begin_put<'a>(&'a self, _: PutRequest<'a>) -> BoxFuture<'a, Result<Box<dyn ObjectWriter>, StoreError>> {
        let sink: Box<dyn ObjectWriter> = Box::new(Sink(Arc::clone(&self.0)));
        Box::pin(async move { Ok(sink) })
    }

    fn put<'a>(&'a self, _: PutRequest<'a>) -> BoxFuture<'a, Result<PutOutcome, StoreError>> {
        not_here()
    }

    fn copy<'a>(&'a self, _: CopyRequest<'a>) -> BoxFuture<'a, Result<CopyOutcome, StoreError>> {
        not_here()
    }

    fn delete<'a>(&'a self, _: DeleteRequest<'a>) -> BoxFuture<'a, Result<DeleteOutcome, StoreError>> {
        not_here()
    }

    fn put_tags<'a>(&'a self, _: TagRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        not_here()
    }

    fn get_tags<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<Vec<Tag>, StoreError>> {
        not_here()
    }

    fn restore<'a>(&'a self, _: RestoreRequest<'a>) -> BoxFuture<'a, Result<RestoreOutcome, StoreError>> {
        not_here()
    }

    fn list<'a>(&'a self, _: ListRequest<'a>) -> BoxFuture<'a, Result<ListPage, StoreError>> {
        not_here()
    }

    fn barrier<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        not_here()
    }
}

async fn endless() -> (Arc<Seen>, Listening) {
    let store = Endless::default();
    let seen = Arc::clone(&store.0);
    let gateway = ObjectGateway::builder(Arc::new(store)).authenticate(keys()).clock(|| NOW).build().unwrap();
    (seen, serve(gateway).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_put_comes_in_pieces() {
    let (seen, g) = endless().await;
    let put = Ask::new("PUT", "/k").header("content-length", &LARGE.to_string()).signed();
    let mut stream = TcpStream::connect(g.address).await.unwrap();
    stream.write_all(&put.head()).await.unwrap();
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..LARGE >> 20 {
        stream.write_all(&piece).await.unwrap();
    }
    assert_eq!(read_answer(&mut stream, false).await.status, 200);
    assert_eq!(seen.written.load(Ordering::SeqCst), LARGE);
    // A frame of the connection may come on top of what was waiting.
    assert!(seen.largest.load(Ordering::SeqCst) <= PIECE_BYTES + (1 << 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_get_goes_in_pieces() {
    let (seen, g) = endless().await;
    let answer = ask(g.address, Ask::new("GET", "/k")).await;
    assert_eq!(answer.body.len() as u64, LARGE);
    assert!(seen.largest.load(Ordering::SeqCst) <= PIECE_BYTES);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FolderStore::open(folder.path()).unwrap());
    store.create_bucket(BUCKET).unwrap();
    let gateway = ObjectGateway::builder(Arc::clone(&store) as Arc<dyn ObjectStore>)
        .authenticate(keys())
        .clock(|| NOW)
        .build()
        .unwrap();
    let g = serve(gateway).await;
    let put = Ask::new("PUT", "/k").header("content-length", "3000000").signed();
    let mut stream = TcpStream::connect(g.address).await.unwrap();
    stream.write_all(&put.head()).await.unwrap();
    stream.write_all(&vec![b'x'; 2_000_000]).await.unwrap();
    stream.shutdown().await.unwrap();
    // Whatever the server says to that, then it closes.
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    let told = String::from_utf8_lossy(&rest);
    assert!(rest.is_empty() || told.starts_with("HTTP/1.1 400"), "{told}");
    ask(g.address, Ask::new("GET", "/k")).await.is(404, "NoSuchKey");
    let left: Vec<_> = std::fs::read_dir(folder.path().join(BUCKET)).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == ".cos-batch"), "{left:?}");
    let hidden = folder.path().join(BUCKET).join(".cos-batch/tmp");
    assert!(!hidden.exists() || std::fs::read_dir(hidden).unwrap().count() == 0);
}

/// What a reader sees is one object, or the connection breaks off.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_replaced_while_it_is_read_is_not_mixed() {
    let (store, g) = gateway().await;
    let body = |byte: u8| Bytes::from(vec![byte; 64 * PIECE_BYTES]);
    store.put(PutRequest::new(BUCKET, "k", body(b'1'))).await.unwrap();
    let get = Ask::new("GET", "/k").signed();
    let mut stream = TcpStream::connect(g.address).await.unwrap();
    stream.write_all(&get.head()).await.unwrap();
    let mut bytes = vec![0; 100_000];
    stream.read_exact(&mut bytes).await.unwrap();
    store.put(PutRequest::new(BUCKET, "k", body(b'2'))).await.unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    let all = [bytes, rest].concat();
    let start = all.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let content = &all[start..];
    assert!(content.len() < 64 * PIECE_BYTES, "it breaks off");
    assert!(content.iter().all(|byte| *byte == b'1'));
}

/// Puts a body that comes from a stream, without a socket; gives the code of the answer and how long it took.
async fn put_stream(pieces: impl Stream<Item = Bytes> + Send + 'static) -> (String, std::time::Duration) {
    let store = MemoryStore::new();
    store.create_bucket(BUCKET).unwrap();
    put_stream_into(Arc::new(store), pieces).await
}

async fn put_stream_into(
    store: Arc<dyn ObjectStore>,
    pieces: impl Stream<Item = Bytes> + Send + 'static,
) -> (String, std::time::Duration) {
    let gateway = ObjectGateway::builder(store).authenticate(keys()).clock(|| NOW).build().unwrap();
    let frames = pieces.map(|piece| Ok::<_, std::io::Error>(http_body::Frame::data(piece)));
    let head = Ask::new("PUT", "/k").header("transfer-encoding", "chunked").signed().request;
    let started = Instant::now();
    let answer = hyper::service::Service::call(&gateway, head.map(|()| StreamBody::new(frames))).await.unwrap();
    let took = started.elapsed();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once('<')).map(|(code, _)| code.to_owned());
    (code.unwrap_or_default(), took)
}

#[tokio::test(start_paused = true)]
async fn bodies_that_stall_or_drip_are_given_up() {
    let drips = |every: std::time::Duration, size: usize, count: usize| {
        stream::unfold(0, move |number| async move {
            tokio::time::sleep(every).await;
            (number < count).then(|| (Bytes::from(vec![b'x'; size]), number + 1))
        })
    };
    let (code, took) = put_stream(stream::pending()).await;
    assert_eq!((code.as_str(), took.as_secs()), ("RequestTimeout", BODY_IDLE.as_secs()));
    let almost_idle = BODY_IDLE - std::time::Duration::from_secs(1);
    let (code, took) = put_stream(drips(almost_idle, 1, usize::MAX)).await;
    assert_eq!(code, "RequestTimeout");
    assert!((BODY_GRACE..2 * BODY_GRACE).contains(&took), "{took:?}");
    // Slow, but not too slow.
    let (code, took) = put_stream(drips(std::time::Duration::from_secs(1), 5000, 200)).await;
    assert_eq!((code.as_str(), took.as_secs()), ("", 201));
}

/// The client is at hand all the time: it is the store that takes hours.
#[tokio::test(start_paused = true)]
async fn what_the_store_takes_is_not_the_clients_time() {
    let store = Endless::default();
    store.0.slow.store(500, Ordering::SeqCst);
    let pieces = stream::iter((0..10).map(|_| Bytes::from(vec![b'x'; PIECE_BYTES])));
    let (code, took) = put_stream_into(Arc::new(store), pieces).await;
    assert_eq!((code.as_str(), took.as_secs()), ("", 5000));
}
