//! The contract of object stores, held by our own object gateway behind our store in the dialect of COS: both sides of one
//! wire, over a real socket, with a store in memory and one in a folder behind it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use cos_batch_objectgateway::{Key, ObjectGateway};
use cos_batch_objectstore::{
    BoxFuture, BucketVersioning, ErrorKind, GetRequest, HttpDialect, HttpStore, ListUploadsRequest, Metadata,
    MultipartRequest, ObjectStore, PutRequest, StaticCredentials, StorageClass, UploadId, VersionSelector,
    contract::{BUCKET, Fixture, Lacks},
};
use cos_signature::SecretKey;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinHandle};

use super::signed::{SECRET_ID, SECRET_KEY, credentials};
use crate::fixtures::{InMemory, MAX_COPY_BYTES, MIN_PART_BYTES};

/// The owner of the contract's buckets.
const APPID: &str = "1250000001";

/// A gateway on a socket, and a store that reaches it as it would reach COS: by the host of each bucket, which a proxy resolves.
pub(super) struct Gated {
    store: HttpStore,
    task: JoinHandle<()>,
    _behind: Box<dyn Send + Sync>,
}

impl Gated {
    async fn new(behind: Arc<dyn ObjectStore>, kept: impl Send + Sync + 'static) -> Self {
        let keys = BTreeMap::from([(SECRET_ID.to_owned(), Key::new(SecretKey::new(SECRET_KEY), APPID))]);
        let gateway = ObjectGateway::builder(behind).authenticate(keys).build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let http = hyper::server::conn::http1::Builder::new();
                tokio::spawn(http.serve_connection(TokioIo::new(stream), gateway.clone()));
            }
        });
        let store = HttpStore::builder(HttpDialect::Cos, "http://cos.ap-guangzhou.myqcloud.com")
            .proxy(format!("http://{address}"))
            .credentials(StaticCredentials::new(credentials()))
            .build()
            .unwrap();
        Self { store, task, _behind: Box::new(kept) }
    }

    async fn over_memory() -> Self {
        Self::new(Arc::new(InMemory::default().0), ()).await
    }

    #[cfg(target_os = "linux")]
    async fn over_folder() -> Self {
        let crate::fixtures::InFolder { outside, store } = crate::fixtures::InFolder::new();
        Self::new(Arc::new(store), outside).await
    }
}

impl Drop for Gated {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fixture for Gated {
    fn store(&self) -> &dyn ObjectStore {
        &self.store
    }

    fn create_bucket<'a>(&'a self, name: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move { assert!(self.store.put_bucket(name).await.unwrap()) })
    }

    fn min_part_bytes(&self) -> u64 {
        MIN_PART_BYTES
    }

    fn max_copy_bytes(&self) -> Option<u64> {
        Some(MAX_COPY_BYTES)
    }

    fn set_versioning<'a>(&'a self, bucket: &'a str, on: bool) -> BoxFuture<'a, ()> {
        let state = if on { BucketVersioning::Enabled } else { BucketVersioning::Suspended };
        Box::pin(async move { self.store.put_versioning(bucket, state).await.unwrap() })
    }

    fn lacks(&self) -> Lacks {
        Lacks { operation_ids: true, canned_lists_beside_grants: true, gaps_between_parts: true, ..Lacks::default() }
    }
}

mod over_memory {
    use super::Gated;

    cos_batch_objectstore::contract_tests!(tokio::test, Gated::over_memory().await);
}

#[cfg(target_os = "linux")]
mod over_folder {
    use super::Gated;

    cos_batch_objectstore::contract_tests!(tokio::test, Gated::over_folder().await);
}

const LATEST: &VersionSelector = &VersionSelector::Latest;

async fn uploads(store: &HttpStore) -> usize {
    let request = ListUploadsRequest { bucket: BUCKET, prefix: "", after: None, limit: 10 };
    store.list_uploads(request).await.unwrap().uploads.len()
}

/// More than is kept in memory goes in parts; who is given up leaves nothing.
#[tokio::test]
async fn large_content_in_pieces_goes_in_parts() {
    let gated = Gated::over_memory().await;
    gated.create_bucket(BUCKET).await;
    let store = &gated.store;
    let piece = Bytes::from_iter((0..1024 * 1024_u32).map(|n| n.to_le_bytes()[0]));
    let metadata = Metadata { content_type: Some("a/b".into()), ..Metadata::default() };
    let request = || PutRequest { metadata: metadata.clone(), ..PutRequest::new(BUCKET, "k", Bytes::new()) };
    let mut writer = store.begin_put(request()).await.unwrap();
    for _ in 0..17 {
        writer.write(piece.clone()).await.unwrap();
    }
    assert_eq!(uploads(store).await, 1);
    assert_eq!(store.head(BUCKET, "k", LATEST).await.unwrap_err().kind(), ErrorKind::NoSuchKey);
    let outcome = writer.finish().await.unwrap();
    assert!(outcome.etag.ends_with("-3"), "{outcome:?}");
    let meta = store.head(BUCKET, "k", LATEST).await.unwrap();
    assert_eq!((meta.size, meta.metadata), (17 * 1024 * 1024, metadata.clone()));
    let range = 8 * 1024 * 1024 - 2..8 * 1024 * 1024 + 2;
    let bytes = store.get_range(GetRequest { bucket: BUCKET, key: "k", version: LATEST, range, pin: None }).await;
    assert_eq!(bytes.unwrap(), [254, 255, 0, 1][..]);

    let mut writer = store.begin_put(request()).await.unwrap();
    for _ in 0..9 {
        writer.write(piece.clone()).await.unwrap();
    }
    assert_eq!(uploads(store).await, 1);
    drop(writer);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    let mut pause = tokio::time::interval(Duration::from_millis(10));
    while uploads(store).await > 0 {
        assert!(tokio::time::Instant::now() < deadline, "the upload is not aborted");
        pause.tick().await;
    }
}

/// A part is sent as it comes, and nothing is taken for the whole of it that is not.
#[tokio::test]
async fn a_part_of_a_known_size_is_sent_as_it_comes() {
    let gated = Gated::over_memory().await;
    gated.create_bucket(BUCKET).await;
    let store = &gated.store;
    let request = MultipartRequest {
        bucket: BUCKET,
        key: "k",
        metadata: Metadata::default(),
        tags: Vec::new(),
        storage_class: StorageClass::default(),
        grants: Vec::new(),
        canned_acl: None,
        operation: None,
    };
    let id = store.create_multipart(request).await.unwrap();
    let upload = UploadId { bucket: BUCKET, key: "k", id: &id };
    let piece = Bytes::from(vec![7; 512 * 1024]);
    let size = 8 * piece.len() as u64;
    let begin = async |number| {
        let mut writer = store.begin_sized_part(upload, number, size).await.unwrap();
        for _ in 0..7 {
            writer.write(piece.clone()).await.unwrap();
        }
        writer
    };
    let mut whole = begin(1).await;
    whole.write(piece.clone()).await.unwrap();
    whole.finish().await.unwrap();
    // Less than was announced, more than was announced, and one that is given up with its last piece in hand.
    assert_eq!(begin(2).await.finish().await.unwrap_err().kind(), ErrorKind::InvalidArgument);
    let mut more = begin(3).await;
    more.write(piece.clone()).await.unwrap();
    assert_eq!(more.write(piece.clone()).await.unwrap_err().kind(), ErrorKind::InvalidArgument);
    drop(more);
    let mut given_up = begin(4).await;
    given_up.write(piece.clone()).await.unwrap();
    let parts = async || {
        let parts = store.list_parts(upload, 0, 10).await.unwrap().0;
        parts.iter().map(|part| (part.number, part.size)).collect::<Vec<_>>()
    };
    // Its last byte would be there within some milliseconds.
    let mut pause = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..10 {
        pause.tick().await;
        assert_eq!(parts().await, [(1, size)]);
    }
    drop(given_up);
    assert_eq!(parts().await, [(1, size)]);
    // An upload that is not there: the store says so before it has everything.
    let gone = UploadId { id: "1-1-1", ..upload };
    let mut writer = store.begin_sized_part(gone, 1, size).await.unwrap();
    let mut failed = Ok(());
    for _ in 0..8 {
        if failed.is_ok() {
            failed = writer.write(piece.clone()).await;
        }
    }
    let failed = match failed {
        Ok(()) => writer.finish().await.map(drop),
        failed => failed,
    };
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::NoSuchUpload);
}
