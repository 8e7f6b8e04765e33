//! Uploads in parts: how they end, and what is told of it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cos_batch_objectgateway::{COMPLETE_GRACE, COMPLETE_GRACE_UNKNOWN, COMPLETE_SPACE_EVERY, ObjectGateway};
use cos_batch_objectstore::{BucketVersioning, FolderStore, ObjectStore, PutRequest, VersionSelector};
use http::Response;
use http_body_util::{BodyExt, Full};
use tokio::time::Instant;

use crate::{support::*, wrapped::Wrapped};

/// Asks a gateway without a socket.
async fn call(gateway: &ObjectGateway, ask: Ask) -> Response<cos_batch_objectgateway::AnswerBody> {
    let Ask { request, body } = ask.signed();
    let request = request.map(|()| Full::new(Bytes::from(body)));
    hyper::service::Service::call(gateway, request).await.unwrap()
}

async fn text(answer: Response<cos_batch_objectgateway::AnswerBody>) -> String {
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

fn between<'a>(text: &'a str, name: &str) -> &'a str {
    text.split_once(&format!("<{name}>")).unwrap().1.split_once(&format!("</{name}>")).unwrap().0
}

fn completion(id: &str, etags: &[String]) -> Ask {
    let part =
        |(at, etag): (usize, &String)| format!("<Part><PartNumber>{}</PartNumber><ETag>{etag}</ETag></Part>", at + 1);
    let parts: String = etags.iter().enumerate().map(part).collect();
    let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
    Ask::new("POST", &format!("/k?uploadId={id}")).body(body)
}

/// An upload of some parts: its id, and their ETags.
async fn upload(gateway: &ObjectGateway, parts: &[&str]) -> (String, Vec<String>) {
    let begun = text(call(gateway, Ask::new("POST", "/k?uploads").body("")).await).await;
    let id = between(&begun, "UploadId").to_owned();
    let mut etags = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let target = format!("/k?partNumber={}&uploadId={id}", at + 1);
        let answer = call(gateway, Ask::new("PUT", &target).body(*part)).await;
        etags.push(answer.headers()["etag"].to_str().unwrap().to_owned());
    }
    (id, etags)
}

#[tokio::test(start_paused = true)]
async fn a_client_hears_something_while_an_object_is_put_together() {
    let takes = COMPLETE_GRACE + 3 * COMPLETE_SPACE_EVERY - Duration::from_secs(1);
    let (store, gateway) = Wrapped { complete_takes: takes, ..Wrapped::new() }.gateway();
    let (id, etags) = upload(&gateway, &["12345", "6789"]).await;
    let started = Instant::now();
    let answer = call(&gateway, completion(&id, &etags)).await;
    assert_eq!((answer.status().as_u16(), started.elapsed()), (200, COMPLETE_GRACE));
    assert_eq!(answer.headers()["x-cos-hash-crc64ecma"], "11051210869376104954", "of both parts");
    let body = text(answer).await;
    assert_eq!(started.elapsed(), takes);
    let (declaration, rest) = body.split_once("?>").unwrap();
    assert!(declaration.starts_with("<?xml ") && rest.starts_with("  <CompleteMultipartUploadResult"), "{body}");
    assert!(between(&body, "ETag").ends_with("-2&quot;"), "{body}");
    assert!(store.inner.head(BUCKET, "k", &VersionSelector::Latest).await.is_ok());

    // What goes wrong by then is told in the body, with all that an error has.
    let (id, etags) = upload(&gateway, &["12345"]).await;
    let answer = call(&gateway, completion(&id, &[etags[0].clone(), etags[0].clone()])).await;
    let request_id = answer.headers()["x-cos-request-id"].clone();
    assert_eq!(answer.status(), 200);
    let body = text(answer).await;
    assert_eq!(between(&body, "Code"), "InvalidPart");
    assert_eq!(between(&body, "RequestId"), request_id);
    assert_eq!(between(&body, "Resource"), format!("{HOST}/k"));
}

#[tokio::test(start_paused = true)]
async fn a_checksum_that_is_not_known_is_waited_for() {
    let crc = Some("11051210869376104954");
    for (takes, begins, told) in [
        (COMPLETE_GRACE * 2, COMPLETE_GRACE * 2, crc),
        (COMPLETE_GRACE_UNKNOWN + COMPLETE_SPACE_EVERY, COMPLETE_GRACE_UNKNOWN, None),
    ] {
        let (store, gateway) = Wrapped { complete_takes: takes, ..Wrapped::new() }.gateway();
        let (id, etags) = upload(&gateway, &["12345", "6789"]).await;
        // A gateway that was started since knows of no checksums.
        let store = store as Arc<dyn ObjectStore>;
        let gateway = ObjectGateway::builder(store).authenticate(keys()).clock(|| NOW).build().unwrap();
        let started = Instant::now();
        let answer = call(&gateway, completion(&id, &etags)).await;
        assert_eq!((answer.status().as_u16(), started.elapsed()), (200, begins));
        assert_eq!(answer.headers().get("x-cos-hash-crc64ecma").map(|crc| crc.to_str().unwrap()), told);
        assert!(between(&text(answer).await, "ETag").ends_with("-2&quot;"));
        assert_eq!(started.elapsed(), takes);
    }
}

#[tokio::test]
async fn all_that_a_listing_says_of_a_part_may_come_back() {
    let (_, gateway) = Wrapped::new().gateway();
    let (id, etags) = upload(&gateway, &["12345"]).await;
    let part = |number: usize, etag: &str| {
        let owner = "<Owner><ID>1</ID><DisplayName>1</DisplayName></Owner>";
        let more = "<LastModified>2026-01-01T00:00:00.000Z</LastModified><Size>5</Size>";
        format!("<Part>{owner}{more}<PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
    };
    let whole = |parts: String| {
        let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        Ask::new("POST", &format!("/k?uploadId={id}")).body(body)
    };
    // As many as an upload can have: what is wrong with them is that they are not there.
    let many = call(&gateway, whole((1..=10_000).map(|number| part(number, &etags[0])).collect())).await;
    assert_eq!((many.status().as_u16(), between(&text(many).await, "Code")), (400, "InvalidPart"));
    assert_eq!(call(&gateway, whole(part(1, &etags[0]))).await.status(), 200);
}

#[tokio::test]
async fn completing_once_more_succeeds_as_long_as_the_object_is_there() {
    for folder in [false, true] {
        let place = tempfile::tempdir().unwrap();
        let store: Arc<dyn ObjectStore> = match folder {
            true => Arc::new(FolderStore::open(place.path()).unwrap().with_min_part_bytes(5)),
            false => Arc::new(cos_batch_objectstore::MemoryStore::new().with_min_part_bytes(5)),
        };
        store.put_bucket(BUCKET).await.unwrap();
        let build = || {
            let builder = ObjectGateway::builder(Arc::clone(&store));
            builder.authenticate(keys()).clock(|| NOW).build().unwrap()
        };
        let gateway = build();
        let (id, etags) = upload(&gateway, &["12345", "6789"]).await;
        let first = call(&gateway, completion(&id, &etags)).await;
        assert_eq!(first.headers()["x-cos-hash-crc64ecma"], "11051210869376104954");
        let first = text(first).await;
        // A gateway that was started since knows of no checksums, and reads the object.
        for gateway in [gateway, build()] {
            let again = call(&gateway, completion(&id, &etags)).await;
            assert_eq!(again.status(), 200);
            assert_eq!(again.headers()["x-cos-hash-crc64ecma"], "11051210869376104954");
            assert_eq!(text(again).await, first);
            let other = call(&gateway, completion(&id, &etags[..1])).await;
            assert_eq!((other.status().as_u16(), between(&text(other).await, "Code")), (404, "NoSuchUpload"));
        }
        store.put(PutRequest::new(BUCKET, "k", Bytes::new())).await.unwrap();
        let replaced = call(&build(), completion(&id, &etags)).await;
        assert_eq!(replaced.status(), 404);
    }
}

#[tokio::test]
async fn a_checksum_goes_with_its_content() {
    let (_, g) = gateway().await;
    ask(g.address, Ask::new("PUT", "/k").body("123456789")).await;
    let crc = Some("11051210869376104954");
    for method in ["GET", "HEAD"] {
        let answer = ask(g.address, Ask::new(method, "/k")).await;
        assert_eq!(answer.header("x-cos-hash-crc64ecma"), crc, "{method}");
    }
    let source = format!("{HOST}/k");
    let copy = ask(g.address, Ask::new("PUT", "/copy").header("x-cos-copy-source", &source).body("")).await;
    assert_eq!((copy.element("CRC64"), copy.header("x-cos-hash-crc64ecma")), (crc, crc));
}

#[tokio::test]
async fn what_is_told_of_an_upload() {
    let (store, g) = gateway().await;
    let begin = Ask::new("POST", "/k?uploads").header("x-cos-storage-class", "STANDARD_IA");
    let begin = begin.header("x-cos-server-side-encryption", "AES256").body("");
    let begun = ask(g.address, begin).await;
    assert_eq!(begun.header("x-cos-server-side-encryption"), Some("AES256"));
    let id = begun.element("UploadId").unwrap().to_owned();
    let part = ask(g.address, Ask::new("PUT", &format!("/k?partNumber=1&uploadId={id}")).body("12345")).await;
    let listed = ask(g.address, Ask::new("GET", &format!("/k?uploadId={id}&max-parts=5000&encoding-type="))).await;
    assert_eq!((listed.status, listed.element("StorageClass")), (200, Some("STANDARD_IA")), "{listed:?}");
    assert_eq!((listed.element("MaxParts"), listed.element("Encoding-type")), (Some("1000"), None));
    assert_eq!(listed.element("DisplayName"), Some(APPID));
    let listed = ask(g.address, Ask::new("GET", &format!("/k?uploadId={id}&encoding-type=url"))).await;
    assert_eq!(listed.element("Encoding-type"), Some("url"));

    store.put_versioning(BUCKET, BucketVersioning::Enabled).await.unwrap();
    store.put_versioning(BUCKET, BucketVersioning::Suspended).await.unwrap();
    let etags = [part.header("etag").unwrap().to_owned()];
    let mut complete = completion(&id, &etags);
    *complete.request.uri_mut() = format!("/{BUCKET}/k?uploadId={id}").parse().unwrap();
    let done = ask(g.address, complete.header("host", "127.0.0.1:9460")).await;
    assert_eq!(done.element("Location"), Some(format!("http://127.0.0.1:9460/{BUCKET}/k").as_str()), "{done:?}");
    assert_eq!(done.header("x-cos-version-id"), Some("null"));
    let put = Ask::new("PUT", "/k").header("x-cos-server-side-encryption", "cos/kms").body("");
    let put = ask(g.address, put).await;
    assert_eq!(put.header("x-cos-server-side-encryption"), Some("cos/kms"));
    assert_eq!(put.header("x-cos-version-id"), None);
}
