//! What is refused, and that nothing is done then.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use cos_batch_objectstore::{Metadata, ObjectStore, PutRequest, VersionSelector};
use md5::{Digest, Md5};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::*;

/// A client that sends all it has before it listens hears why it was refused, however large it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_body_is_heard_of_whatever_its_size() {
    let (_, g) = gateway().await;
    let body = vec![b'x'; 48 << 20];
    let foreign = Ask::new("PUT", "/k").header("host", "theirs-1251111111.localhost").body(body.clone());
    ask(g.address, foreign).await.is(403, "AccessDenied");
    for (name, value) in [("content-md5", "x"), ("content-md5", "AAAA")] {
        let put = Ask::new("PUT", "/k").header(name, value).body(&body[..3 << 20]);
        ask(g.address, put).await.is(400, "InvalidDigest");
    }
}

#[tokio::test]
async fn a_client_that_waits_is_told_at_once_and_asked_for_nothing() {
    let (_, g) = gateway().await;
    let put = Ask::new("PUT", "/k").header("host", "theirs-1251111111.localhost").header("content-length", "5");
    let mut stream = TcpStream::connect(g.address).await.unwrap();
    stream.write_all(&put.header("expect", "100-continue").signed().head()).await.unwrap();
    let answer = read_answer(&mut stream, false).await;
    answer.is(403, "AccessDenied");
    let mut rest = Vec::new();
    assert_eq!(stream.read_to_end(&mut rest).await.unwrap(), 0, "nothing more comes");
}

#[tokio::test]
async fn a_body_that_is_not_understood_as_a_whole_does_nothing() {
    let (store, g) = gateway().await;
    store.put(PutRequest::new(BUCKET, "k", Bytes::new())).await.unwrap();
    let delete = |body: &str| {
        let digest = STANDARD.encode(Md5::digest(body));
        Ask::new("POST", "/?delete").header("content-md5", &digest).body(body)
    };
    for object in [
        "<Key>k</Key><VersionId>a</VersionId><VersionId>b</VersionId>",
        "<Key>k</Key><versionId>a</versionId>",
        "<Key>k</Key><Version>a</Version>",
        "<Key></Key>",
        "<Key>k</Key></Object><Quiet>true</Quiet><Quiet>false</Quiet><Object><Key>l</Key>",
        "<Key>k</Key></Object><Silent>true</Silent><Object><Key>l</Key>",
    ] {
        let body = format!("<Delete><Object>{object}</Object></Delete>");
        ask(g.address, delete(&body)).await.is(400, "MalformedXML");
    }
    assert!(store.head(BUCKET, "k", &VersionSelector::Latest).await.is_ok());
    for body in [
        "<RestoreRequest><Days>1</Days><Days>2</Days></RestoreRequest>",
        "<RestoreRequest><Days>1</Days><Tier>Bulk</Tier></RestoreRequest>",
        "<RestoreRequest><Days>1</Days><GlacierJobParameters/></RestoreRequest>",
        "<RestoreRequest><Days>1</Days><CASJobParameters><tier>Bulk</tier></CASJobParameters></RestoreRequest>",
    ] {
        ask(g.address, Ask::new("POST", "/k?restore").body(body)).await.is(400, "MalformedXML");
    }
    let tagging = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value><Value>c</Value></Tag></TagSet></Tagging>";
    ask(g.address, Ask::new("PUT", "/k?tagging").body(tagging)).await.is(400, "MalformedXML");
    for grants in [
        "<Grants/>",
        "<Grant><Grantee><ID>1</ID></Grantee><Permission>READ</Permission><Until>x</Until></Grant>",
        "<Grant><Grantee><ID>1</ID><Id>2</Id></Grantee><Permission>READ</Permission></Grant>",
    ] {
        let list =
            format!("<AccessControlPolicy><AccessControlList>{grants}</AccessControlList></AccessControlPolicy>");
        ask(g.address, Ask::new("PUT", "/k?acl").body(list)).await.is(400, "MalformedXML");
    }
    let part = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>e</ETag><Etag>f</Etag></Part>\
                </CompleteMultipartUpload>";
    ask(g.address, Ask::new("POST", "/k?uploadId=u").body(part)).await.is(400, "MalformedXML");
    // What the Go SDK sends of an entry that was listed before.
    let listed = "<Delete><Object><Key>k</Key><ETag>e</ETag><Size>0</Size><LastModified>x</LastModified>\
                  <StorageClass>STANDARD</StorageClass><Owner><ID>1</ID></Owner></Object><Quiet> true </Quiet></Delete>";
    assert_eq!(ask(g.address, delete(listed)).await.status, 200);
    assert!(store.head(BUCKET, "k", &VersionSelector::Latest).await.is_err());
}

#[tokio::test]
async fn another_action_is_not_taken_for_one_that_deletes_or_writes() {
    let (store, g) = gateway().await;
    store.put(PutRequest::new(BUCKET, "k", Bytes::from_static(b"old"))).await.unwrap();
    ask(g.address, Ask::new("PUT", "/k?partNumber=1").body("new")).await.is(400, "InvalidArgument");
    ask(g.address, Ask::new("PUT", "/k?append=1").body("new")).await.is(501, "NotImplemented");
    ask(g.address, Ask::new("DELETE", "/k?tagging=1&x=2")).await.is(501, "NotImplemented");
    assert_eq!(ask(g.address, Ask::new("GET", "/k?v=7")).await.text(), "old");
    store.delete_object("k").await;
    for target in ["/?lifecycle=1", "/?policy=", "/?uploadId=u"] {
        let refused = ask(g.address, Ask::new("DELETE", target)).await;
        assert!(matches!(refused.status, 400 | 501), "{refused:?}");
    }
    assert!(store.bucket_exists(BUCKET).await.unwrap());
    let answer = ask(g.address, Ask::new("PATCH", "/k")).await;
    answer.is(405, "MethodNotAllowed");
    assert_eq!(answer.header("allow"), Some("GET, HEAD, PUT, DELETE"));
}

/// Deletes an object of the bucket.
trait DeleteObject {
    async fn delete_object(&self, key: &str);
}

impl<T: ObjectStore> DeleteObject for T {
    async fn delete_object(&self, key: &str) {
        let version = &VersionSelector::Latest;
        let request = cos_batch_objectstore::DeleteRequest { bucket: BUCKET, key, version, operation: None };
        self.delete(request).await.unwrap();
    }
}

#[tokio::test]
async fn copies_and_their_sources() {
    let (store, g) = gateway().await;
    let metadata = Metadata { content_type: Some("a/b".into()), ..Metadata::default() };
    let put = PutRequest { metadata, ..PutRequest::new(BUCKET, "k", Bytes::from_static(b"hello")) };
    store.put(put).await.unwrap();
    let copy = |source: &str| Ask::new("PUT", "/copy").header("x-cos-copy-source", source).body("");
    // What is encrypted by the copy is the copy, which has all else from its source.
    let encrypted = ask(g.address, copy(&format!("{HOST}/k")).header("x-cos-server-side-encryption", "AES256")).await;
    assert_eq!(encrypted.header("x-cos-server-side-encryption"), Some("AES256"), "{encrypted:?}");
    let head = ask(g.address, Ask::new("HEAD", "/copy")).await;
    assert_eq!(head.header("x-cos-server-side-encryption"), Some("AES256"));
    assert_eq!(head.header("content-type"), Some("a/b"));
    for name in ["x-cos-copy-source-if-modified-since", "x-cos-copy-source-if-unmodified-since"] {
        ask(g.address, copy(&format!("{HOST}/k")).header(name, "yesterday")).await.is(400, "InvalidArgument");
    }
    let port = g.address.port();
    for source in [format!("{BUCKET}/k"), format!("objects.internal:{port}/{BUCKET}/k"), format!("/{BUCKET}/k")] {
        assert_eq!(ask(g.address, copy(&source)).await.status, 200, "{source}");
    }
}
