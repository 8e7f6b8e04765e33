//! What the official Python SDK does not send, or does not look at.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use cos_batch_objectstore::{ObjectStore, PutRequest, VersionSelector};
use md5::{Digest, Md5};

use crate::support::*;

fn digest(body: &str) -> String {
    STANDARD.encode(Md5::digest(body))
}

#[tokio::test]
async fn a_put_tells_what_was_written() {
    let (store, g) = gateway().await;
    let answer =
        ask(g.address, Ask::new("PUT", "/k").header("content-md5", &digest("123456789")).body("123456789")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("etag"), Some("\"25f9e794323b453885f5181f1b624d0b\""));
    assert_eq!(answer.header("x-cos-hash-crc64ecma"), Some("11051210869376104954"));
    assert!(answer.head.contains("\r\nETag: "), "a client may take the name by its letters: {}", answer.head);
    assert_eq!(answer.header("server"), Some("cos-batch"));
    assert!(answer.header("x-cos-request-id").is_some_and(|id| !id.is_empty()));
    assert_eq!(answer.header("x-cos-version-id"), None);
    assert!(store.head(BUCKET, "k", &VersionSelector::Latest).await.is_ok());
}

#[tokio::test]
async fn a_body_that_is_not_what_it_says_leaves_no_object() {
    let (store, g) = gateway().await;
    ask(g.address, Ask::new("PUT", "/k").header("content-md5", &digest("other")).body("body"))
        .await
        .is(400, "BadDigest");
    ask(g.address, Ask::new("PUT", "/k").header("content-md5", "x").body("body")).await.is(400, "InvalidDigest");
    ask(g.address, Ask::new("PUT", "/k")).await.is(411, "MissingContentLength");
    let huge = Ask::new("PUT", "/k").header("content-length", "5368709121").signed();
    exchange(g.address, &huge.head(), false).await.is(400, "EntityTooLarge");
    let class = Ask::new("PUT", "/k").header("x-cos-storage-class", "COLD").body("x");
    ask(g.address, class).await.is(400, "NotSupportedStorageClass");
    let key = "x".repeat(851);
    ask(g.address, Ask::new("PUT", &format!("/{key}")).body("x")).await.is(400, "KeyTooLong");
    assert!(store.head(BUCKET, "k", &VersionSelector::Latest).await.is_err());
}

/// A client that sends all it has before it listens hears why it was refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_body_is_read_if_it_is_not_too_large() {
    let (_, g) = gateway().await;
    for _ in 0..20 {
        let body = vec![b'x'; 3 << 20];
        let put = Ask::new("PUT", "/k").header("host", "theirs-1251111111.localhost").body(body);
        ask(g.address, put).await.is(403, "AccessDenied");
    }
}

#[tokio::test]
async fn a_body_in_chunks_is_a_body() {
    let (_, g) = gateway().await;
    let put = Ask::new("PUT", "/k").header("transfer-encoding", "chunked").signed();
    let bytes = [&put.head()[..], b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"].concat();
    assert_eq!(exchange(g.address, &bytes, false).await.status, 200);
    assert_eq!(ask(g.address, Ask::new("GET", "/k")).await.text(), "abcde");
}

#[tokio::test]
async fn the_same_object_by_every_address() {
    let (store, g) = gateway().await;
    store.put(PutRequest::new(BUCKET, "a/b c", Bytes::from_static(b"hello"))).await.unwrap();
    let port = g.address.port();
    for (target, host) in [
        ("/a/b%20c".to_owned(), HOST.to_owned()),
        ("/a%2fb%20c".to_owned(), format!("{HOST}:{port}")),
        (format!("http://{HOST}/a/b%20c"), HOST.to_owned()),
        (format!("/{BUCKET}/a/b%20c"), g.address.to_string()),
        (format!("/{BUCKET}/a/b%20c"), "127.0.0.1".to_owned()),
        (format!("/{BUCKET}/a/b%20c"), "cos.ap-guangzhou.myqcloud.com".to_owned()),
        ("/a/b%20c".to_owned(), format!("{BUCKET}.localhost:{port}")),
    ] {
        let answer = ask(g.address, Ask::new("GET", &target).header("host", &host)).await;
        assert_eq!((answer.status, answer.text()), (200, "hello"), "{target} {host}");
    }
    let two_hosts = Ask::new("GET", "http://other-1250000000.localhost/a").signed();
    two_hosts.send(g.address).await.is(400, "InvalidRequest");
}

#[tokio::test]
async fn a_signature_over_the_host_without_its_port_is_good() {
    let (store, g) = gateway().await;
    store.put(PutRequest::new(BUCKET, "k", Bytes::from_static(b"hello"))).await.unwrap();
    let mut ask = Ask::new("GET", &format!("/{BUCKET}/k")).header("host", "127.0.0.1").signed();
    ask.request.headers_mut().insert("host", g.address.to_string().parse().unwrap());
    assert_eq!(ask.send(g.address).await.status, 200);
}

#[tokio::test]
async fn conditions() {
    let (store, g) = gateway().await;
    store.put(PutRequest::new(BUCKET, "k", Bytes::from_static(b"hello"))).await.unwrap();
    let etag = "\"5d41402abc4b2a76b9719d911017c592\"";
    for method in ["GET", "HEAD"] {
        let unchanged = ask(g.address, Ask::new(method, "/k").header("if-none-match", etag)).await;
        assert_eq!((unchanged.status, unchanged.header("etag"), unchanged.body.len()), (304, Some(etag), 0));
        let failed = ask(g.address, Ask::new(method, "/k").header("if-match", "\"other\"")).await;
        assert_eq!(failed.status, 412);
    }
    let copy = |name: &'static str, value: &str| {
        let source = format!("{HOST}/k");
        Ask::new("PUT", "/copy").header("x-cos-copy-source", &source).header(name, value).body("")
    };
    ask(g.address, copy("x-cos-copy-source-if-none-match", etag)).await.is(412, "PreconditionFailed");
    ask(g.address, copy("x-cos-copy-source-if-match", "\"other\"")).await.is(412, "PreconditionFailed");
    let copied = ask(g.address, copy("x-cos-copy-source-if-match", etag)).await;
    assert_eq!(copied.element("ETag"), Some("&quot;5d41402abc4b2a76b9719d911017c592&quot;"));
    assert!(copied.element("LastModified").is_some_and(|time| time.ends_with('Z')));
}

#[tokio::test]
async fn errors_have_all_that_sdks_look_for() {
    let (_, g) = gateway().await;
    let answer = ask(g.address, Ask::new("GET", "/none")).await;
    answer.is(404, "NoSuchKey");
    for name in ["Code", "Message", "Resource", "RequestId", "TraceId"] {
        assert!(answer.element(name).is_some_and(|text| !text.is_empty()), "{name}");
    }
    assert_eq!(answer.element("Resource"), Some(format!("{HOST}/none").as_str()));
    assert_eq!(answer.header("x-cos-request-id"), answer.element("RequestId"));
    assert_eq!(answer.header("x-cos-trace-id"), answer.element("TraceId"));
    let head = ask(g.address, Ask::new("HEAD", "/none")).await;
    assert_eq!((head.status, head.body.len()), (404, 0));
}

#[tokio::test]
async fn deleting_many_needs_a_digest_and_has_a_limit() {
    let (store, g) = gateway().await;
    store.put(PutRequest::new(BUCKET, "k", Bytes::new())).await.unwrap();
    let body = "<Delete><Object><Key>k</Key></Object></Delete>";
    ask(g.address, Ask::new("POST", "/?delete").body(body)).await.is(400, "InvalidRequest");
    let with = |body: &str| Ask::new("POST", "/?delete").header("content-md5", &digest(body)).body(body);
    let many = |n: usize| format!("<Delete>{}</Delete>", "<Object><Key>none</Key></Object>".repeat(n));
    ask(g.address, with(&many(1001))).await.is(400, "MalformedXML");
    ask(g.address, with(&many(0))).await.is(400, "MalformedXML");
    let thousand = ask(g.address, with(&many(1000))).await;
    assert_eq!(thousand.text().matches("<Deleted>").count(), 1000);
    assert!(store.head(BUCKET, "k", &VersionSelector::Latest).await.is_ok());
    let long = format!("<Delete><Object><Key>{}</Key></Object><Object><Key>k</Key></Object></Delete>", "x".repeat(851));
    let answer = ask(g.address, with(&long)).await;
    assert_eq!((answer.status, answer.element("Code")), (200, Some("KeyTooLong")), "one key's error is that key's");
    assert!(store.head(BUCKET, "k", &VersionSelector::Latest).await.is_err());
}

#[tokio::test]
async fn parts_have_no_gaps() {
    let (_, g) = gateway().await;
    let begun = ask(g.address, Ask::new("POST", "/k?uploads").body("")).await;
    let id = begun.element("UploadId").unwrap().to_owned();
    let mut etags = Vec::new();
    for number in [1, 3] {
        let part =
            ask(g.address, Ask::new("PUT", &format!("/k?partNumber={number}&uploadId={id}")).body("12345")).await;
        assert!(part.header("x-cos-hash-crc64ecma").is_some());
        etags.push((number, part.header("etag").unwrap().to_owned()));
    }
    let complete = |parts: &[(u16, String)]| {
        let parts: String = parts
            .iter()
            .map(|(number, etag)| {
                format!("<Part><ETag>{}</ETag><PartNumber>{number}</PartNumber></Part>", etag.replace('"', "&#34;"))
            })
            .collect();
        let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        Ask::new("POST", &format!("/k?uploadId={id}")).body(body)
    };
    ask(g.address, complete(&etags)).await.is(400, "InvalidPart");
    for number in ["0", "10001", "x", ""] {
        let part = Ask::new("PUT", &format!("/k?partNumber={number}&uploadId={id}")).body("12345");
        ask(g.address, part).await.is(400, "InvalidArgument");
    }
    let done = ask(g.address, complete(&etags[1..])).await;
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!(done.element("Location"), Some(format!("http://{HOST}/k").as_str()));
    assert!(done.text().contains("xmlns=\"http://www.qcloud.com/document/product/436/7751\""));
    // The checksum is that of the whole object.
    let once = ask(g.address, Ask::new("PUT", "/once").body("12345")).await;
    assert_eq!(done.header("x-cos-hash-crc64ecma"), once.header("x-cos-hash-crc64ecma"));
}

#[tokio::test]
async fn names_are_percent_encoded_when_asked() {
    let (store, g) = gateway().await;
    for key in ["a b+c/d", "中"] {
        store.put(PutRequest::new(BUCKET, key, Bytes::new())).await.unwrap();
    }
    let plain = ask(g.address, Ask::new("GET", "/")).await;
    assert!(plain.text().contains("<Key>a b+c/d</Key>") && plain.text().contains("<Key>中</Key>"));
    let encoded = ask(g.address, Ask::new("GET", "/?encoding-type=url&prefix=a%20b%2B")).await;
    assert!(encoded.text().contains("<Key>a%20b%2Bc/d</Key>"), "{encoded:?}");
    assert_eq!(encoded.element("Prefix"), Some("a%20b%2B"));
    ask(g.address, Ask::new("GET", "/?encoding-type=base64")).await.is(400, "InvalidArgument");
    ask(g.address, Ask::new("GET", "/?delimiter=ab")).await.is(400, "InvalidDelimiter");
    ask(g.address, Ask::new("GET", "/?max-keys=x")).await.is(400, "InvalidArgument");
    let none = ask(g.address, Ask::new("GET", "/?max-keys=0")).await;
    assert_eq!((none.element("IsTruncated"), none.text().contains("<Key>")), (Some("false"), false));
    let more_than_a_page = ask(g.address, Ask::new("GET", "/?max-keys=5000")).await;
    assert_eq!(more_than_a_page.element("MaxKeys"), Some("1000"));
}

#[tokio::test]
async fn a_bucket_that_is_no_bucket() {
    let (_, g) = gateway().await;
    let host = "Under_Score-1250000000.cos.ap-guangzhou.myqcloud.com";
    let made = ask(g.address, Ask::new("PUT", "/").header("host", host).body("")).await;
    made.is(400, "InvalidBucketName");
    let public =
        Ask::new("PUT", "/").header("host", "new-1250000000.localhost").header("x-cos-acl", "public-read").body("");
    ask(g.address, public).await.is(501, "NotImplemented");
    let missing = Ask::new("HEAD", "/").header("host", "none-1250000000.localhost");
    assert_eq!(ask(g.address, missing).await.status, 404);
}
