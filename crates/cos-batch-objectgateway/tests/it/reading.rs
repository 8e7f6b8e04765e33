//! Objects that are read, listed or deleted while others are at work.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use cos_batch_objectgateway::{DELETE_MANY_TIME, LIST_TIME, ObjectGateway, PIECE_BYTES};
use cos_batch_objectstore::{BucketVersioning, FolderStore, MemoryStore, ObjectStore, PutRequest, VersionSelector};
use md5::{Digest, Md5};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{support::*, wrapped::Wrapped};

/// A store in which the object is replaced so many times, each after a look at it and before anything else.
fn restless(times: usize) -> Wrapped {
    let left = Arc::new(AtomicUsize::new(times));
    let change = move |store: Arc<MemoryStore>| {
        let left = Arc::clone(&left);
        let change = async move {
            if left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                let body = Bytes::from(format!("version {}", left.load(Ordering::SeqCst)));
                store.put(PutRequest::new(BUCKET, "k", body)).await.unwrap();
            }
        };
        Box::pin(change) as cos_batch_objectstore::BoxFuture<'static, ()>
    };
    Wrapped { after_head: Some(Box::new(change)), ..Wrapped::new() }
}

#[tokio::test]
async fn an_object_that_is_replaced_at_the_wrong_moment_is_looked_at_again() {
    for (times, status, text) in [(1, 200, "version 0"), (2, 409, "PathConflict")] {
        let (store, gateway) = restless(times).gateway();
        store.inner.put(PutRequest::new(BUCKET, "k", Bytes::from_static(b"first"))).await.unwrap();
        let g = serve(gateway).await;
        let answer = ask(g.address, Ask::new("GET", "/k")).await;
        assert!(answer.status == status && answer.text().contains(text), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_read_to_its_end_whatever_is_written_meanwhile() {
    let (store, g) = gateway().await;
    store.put_versioning(BUCKET, BucketVersioning::Enabled).await.unwrap();
    let body = |byte: u8| Bytes::from(vec![byte; 64 * PIECE_BYTES]);
    store.put(PutRequest::new(BUCKET, "k", body(b'1'))).await.unwrap();
    let mut stream = TcpStream::connect(g.address).await.unwrap();
    stream.write_all(&Ask::new("GET", "/k").signed().head()).await.unwrap();
    let mut bytes = vec![0; 100_000];
    stream.read_exact(&mut bytes).await.unwrap();
    store.put(PutRequest::new(BUCKET, "k", body(b'2'))).await.unwrap();
    let start = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let mut content = bytes.split_off(start);
    while content.len() < 64 * PIECE_BYTES {
        assert_ne!(stream.read_buf(&mut content).await.unwrap(), 0, "it broke off after {}", content.len());
    }
    assert!(content.iter().all(|byte| *byte == b'1'));
}

#[tokio::test]
async fn a_range_of_another_object_is_all_of_it() {
    let (store, g) = gateway().await;
    store.put(PutRequest::new(BUCKET, "k", Bytes::from_static(b"hello"))).await.unwrap();
    let get = |etag: &str| Ask::new("GET", "/k").header("range", "bytes=1-2").header("if-range", etag);
    let part = ask(g.address, get("\"5d41402abc4b2a76b9719d911017c592\"")).await;
    assert_eq!((part.status, part.text()), (206, "el"));
    let whole = ask(g.address, get("\"other\"")).await;
    assert_eq!((whole.status, whole.text(), whole.header("content-range")), (200, "hello", None));
}

#[tokio::test]
async fn groups_of_many_keys_are_passed_over() {
    let (store, gateway) = Wrapped::new().gateway();
    for group in 0..20 {
        for number in 0..150 {
            let key = format!("{group:02}/{number:03}");
            store.inner.put(PutRequest::new(BUCKET, &key, Bytes::new())).await.unwrap();
        }
    }
    let g = serve(gateway).await;
    // A large page takes few looks, which find several groups each.
    let answer = ask(g.address, Ask::new("GET", "/?delimiter=/&max-keys=1000")).await;
    assert_eq!(answer.text().matches("<CommonPrefixes>").count(), 20);
    assert!(store.listed.lock().unwrap().len() <= 4, "{:?}", store.listed);
    store.listed.lock().unwrap().clear();
    let answer = ask(g.address, Ask::new("GET", "/?delimiter=/&max-keys=20")).await;
    assert_eq!(answer.text().matches("<CommonPrefixes>").count(), 20);
    let seen: usize = store.listed.lock().unwrap().iter().map(|(_, found)| found).sum();
    assert!(seen < 1500, "half of them are not looked at: {seen}");
    // A small page asks for little from the start.
    store.listed.lock().unwrap().clear();
    let answer = ask(g.address, Ask::new("GET", "/?delimiter=/&max-keys=2")).await;
    assert_eq!(answer.element("NextMarker"), Some("01/"));
    assert!(store.listed.lock().unwrap().iter().all(|(limit, _)| *limit <= 64), "{:?}", store.listed);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_takes_too_long_ends_with_what_was_found() {
    let slow = Wrapped { list_takes: Duration::from_secs(4), ..Wrapped::new() };
    let (store, gateway) = slow.gateway();
    for group in 0..20 {
        for number in 0..50 {
            let key = format!("{group:02}/{number:03}");
            store.inner.put(PutRequest::new(BUCKET, &key, Bytes::new())).await.unwrap();
        }
    }
    let mut groups = 0;
    let mut marker = String::new();
    for pages in 1.. {
        let started = tokio::time::Instant::now();
        let target = format!("/?delimiter=/&prefix=&max-keys=10&marker={marker}");
        let request = Ask::new("GET", &target).signed().request.map(|()| http_body_util::Empty::<Bytes>::new());
        let answer = hyper::service::Service::call(&gateway, request).await.unwrap();
        let body = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(started.elapsed() <= LIST_TIME + Duration::from_secs(4), "{:?}", started.elapsed());
        groups += text.matches("<CommonPrefixes>").count();
        let Some((_, rest)) = text.split_once("<NextMarker>") else {
            assert!(text.contains("<IsTruncated>false") && pages > 2, "{pages} {text}");
            break;
        };
        assert!(text.contains("<IsTruncated>true"));
        marker = rest.split_once('<').unwrap().0.to_owned();
    }
    assert_eq!(groups, 20, "none twice, none left out");
}

#[tokio::test(start_paused = true)]
async fn deleting_many_ends_in_time() {
    let (store, gateway) = Wrapped { delete_takes: Duration::from_secs(7), ..Wrapped::new() }.gateway();
    store.inner.put(PutRequest::new(BUCKET, "9", Bytes::new())).await.unwrap();
    let keys: String = (0..10).map(|key| format!("<Object><Key>{key}</Key></Object>")).collect();
    let body = format!("<Delete>{keys}</Delete>");
    let ask = Ask::new("POST", "/?delete").header("content-md5", &STANDARD.encode(Md5::digest(&body))).body(body);
    let Ask { request, body } = ask.signed();
    let request = request.map(|()| http_body_util::Full::new(Bytes::from(body)));
    let started = tokio::time::Instant::now();
    let answer = hyper::service::Service::call(&gateway, request).await.unwrap();
    assert!(started.elapsed() <= DELETE_MANY_TIME + Duration::from_secs(7));
    let body = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert_eq!((text.matches("<Deleted>").count(), text.matches("ServiceUnavailable").count()), (3, 7), "{text}");
    assert!(store.inner.head(BUCKET, "9", &VersionSelector::Latest).await.is_ok());
}

#[tokio::test]
async fn listings_show_whose_the_bucket_is_and_what_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = FolderStore::open(folder.path()).unwrap();
    store.create_bucket(BUCKET).unwrap();
    store.create_bucket(FOREIGN).unwrap();
    for bucket in [BUCKET, FOREIGN] {
        std::fs::write(folder.path().join(bucket).join("by hand"), "hello").unwrap();
    }
    let builder = ObjectGateway::builder(Arc::new(store));
    let g = serve(builder.allow_everybody().clock(|| NOW).build().unwrap()).await;
    for (bucket, appid) in [(BUCKET, APPID), (FOREIGN, "1251111111")] {
        for target in ["/", "/?versions"] {
            let get = Ask::new("GET", target).header("host", &format!("{bucket}.localhost"));
            let answer = get.send(g.address).await;
            assert_eq!(answer.element("ID"), Some(appid), "{target} {answer:?}");
            assert_eq!(answer.element("ETag"), Some("&quot;5d41402abc4b2a76b9719d911017c592&quot;"), "{target}");
        }
        let acl = Ask::new("GET", "/by%20hand?acl").header("host", &format!("{bucket}.localhost"));
        let owner = format!("qcs::cam::uin/{appid}:uin/{appid}");
        assert_eq!(acl.send(g.address).await.element("ID"), Some(owner.as_str()));
    }
    for target in ["/?max-keys=0", "/?versions&max-keys=0", "/?uploads&max-uploads=0"] {
        let get = Ask::new("GET", target).header("host", "none-1250000000.localhost");
        get.send(g.address).await.is(404, "NoSuchBucket");
    }
    let all = Ask::new("GET", "/?max-keys=100000").header("host", "localhost").send(g.address).await;
    assert_eq!(all.status, 200, "{all:?}");
}
