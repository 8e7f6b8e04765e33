//! What goes wrong on the way, and in the store: each has its kind, nothing hangs, no connection is left behind.

use std::time::Duration;

use bytes::Bytes;
use cos_batch_objectstore::{
    AclRequest, BoxFuture, Capabilities, CompleteRequest, CompletedPart, Conditions, CopyRequest, CopySource,
    CredentialsSource, DeleteRequest, Directive, ErrorKind, Fetched, GetRequest, Grant, HttpDialect, HttpSettings,
    HttpStore, ListRequest, ListUploadsRequest, ListVersionsRequest, Metadata, ObjectStore as _, PutRequest,
    RestoreRequest, RestoreTier, StaticCredentials, StoreError, Tag, TagRequest, UploadId, VersionSelector,
};

use super::{
    script::{Script, Then, answer, error, error_with},
    signed::credentials,
};

const LATEST: &VersionSelector = &VersionSelector::Latest;
const ETAG_AND_TIME: &str = "etag: \"one\"\r\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
const COPIED: &str = "<CopyObjectResult><ETag>\"5d41\"</ETag></CopyObjectResult>";

fn quick() -> HttpSettings {
    HttpSettings {
        connect_timeout: Duration::from_millis(300),
        response_timeout: Duration::from_millis(300),
        work_timeout: Duration::from_millis(300),
        gap_timeout: Duration::from_millis(300),
        total_timeout: Duration::from_millis(900),
        long_timeout: Duration::from_secs(3),
        ..HttpSettings::default()
    }
}

fn store_with(script: &Script, settings: HttpSettings) -> HttpStore {
    HttpStore::builder(HttpDialect::S3, format!("http://{}", script.address))
        .credentials(StaticCredentials::new(credentials()))
        .settings(settings)
        .build()
        .unwrap()
}

fn store(script: &Script) -> HttpStore {
    store_with(script, HttpSettings::default())
}

fn copy_request(metadata: Directive<&Metadata>) -> CopyRequest<'_> {
    CopyRequest {
        source: CopySource { bucket: "b-1", key: "from", version: LATEST },
        target_bucket: "b-1",
        target_key: "to",
        metadata,
        tags: Directive::Copy,
        grants: Directive::Replace(&[]),
        canned_acl: None,
        storage_class: None,
        conditions: Conditions::default(),
        operation: None,
    }
}

async fn copy(store: &HttpStore) -> Result<(), StoreError> {
    store.copy(copy_request(Directive::Copy)).await.map(drop)
}

async fn put_tags(store: &HttpStore) -> Result<(), StoreError> {
    let tags = [Tag { key: "k".into(), value: "v".into() }];
    store.put_tags(TagRequest { bucket: "b-1", key: "k", version: LATEST, tags: Directive::Replace(&tags) }).await
}

async fn restore(store: &HttpStore, version: &VersionSelector) -> Result<(), StoreError> {
    let request = RestoreRequest { bucket: "b-1", key: "k", version, days: 1, tier: RestoreTier::Bulk };
    store.restore(request).await.map(drop)
}

async fn get(store: &HttpStore) -> Result<Bytes, StoreError> {
    store.get_range(GetRequest { bucket: "b-1", key: "k", version: LATEST, range: 0..5, pin: None }).await
}

fn part(body: &str) -> String {
    answer("206 Partial Content", &format!("etag: \"e\"\r\ncontent-range: bytes 0-{}/5\r\n", body.len() - 1), body)
}

#[tokio::test]
async fn what_a_store_says_has_its_kind() {
    for (told, kind, status, code) in [
        (error("503 Slow Down", "SlowDown"), ErrorKind::SlowDown, 503, "SlowDown"),
        (error("500 Oops", "KmsInternalException"), ErrorKind::InternalError, 500, "KmsInternalException"),
        (error("200 OK", "InternalError"), ErrorKind::InternalError, 500, "InternalError"),
        (error("200 OK", "SlowDown"), ErrorKind::SlowDown, 503, "SlowDown"),
        (error("404 Not Found", "NoSuchCopySource"), ErrorKind::NoSuchKey, 404, "NoSuchCopySource"),
        (answer("504 Gateway Time-out", "", "<html/>"), ErrorKind::Unreachable, 504, "Unreachable"),
        (
            answer("302 Found", "location: http://evil.example/\r\n", ""),
            ErrorKind::InvalidRequest,
            302,
            "InvalidRequest",
        ),
        (answer("200 OK", "", "garbage"), ErrorKind::Unreachable, 503, "Unreachable"),
        (answer("200 OK", "", "<CopyObjectResult><ETag>\"5d"), ErrorKind::Unreachable, 503, "Unreachable"),
        (answer("200 OK", "", "<CopyObjectResult/>"), ErrorKind::Unreachable, 503, "Unreachable"),
        (answer("200 OK", "", "<html><ETag>x</ETag></html>"), ErrorKind::Unreachable, 503, "Unreachable"),
        (answer("200 OK", "", &"x".repeat(300 * 1024)), ErrorKind::Unreachable, 503, "Unreachable"),
    ] {
        let script = Script::start([(told.clone(), Then::Keep)]).await;
        let failed = copy(&store(&script)).await.unwrap_err();
        assert_eq!((failed.kind(), failed.status(), failed.code().as_ref()), (kind, status, code), "{told}");
        assert_eq!(script.requests().len(), 1, "nothing is repeated");
    }
    let told = answer("503 Slow Down", "retry-after: 3\r\n", "");
    let script = Script::start([(told, Then::Keep)]).await;
    assert_eq!(copy(&store(&script)).await.unwrap_err().retry_after(), Some(Duration::from_secs(3)));
}

/// A version is gone only if the store says so: a page of somebody on the way says nothing of the kind.
#[tokio::test]
async fn a_version_is_deleted_only_if_the_store_says_so() {
    let version = VersionSelector::Id("v1".into());
    for (told, expected) in [
        (error("404 Not Found", "NoSuchKey"), Ok(())),
        (error("404 Not Found", "NoSuchVersion"), Ok(())),
        (error_with("400 Bad Request", "InvalidArgument", "Invalid version id specified"), Ok(())),
        (error("400 Bad Request", "InvalidArgument"), Err(ErrorKind::InvalidArgument)),
        (error("400 Bad Request", "AuthorizationHeaderMalformed"), Err(ErrorKind::InvalidRequest)),
        (error("404 Not Found", "NoSuchThing"), Err(ErrorKind::InvalidRequest)),
        (error("405 Method Not Allowed", "MethodNotAllowed"), Err(ErrorKind::InvalidRequest)),
        (answer("400 Bad Request", "", "<html>no</html>"), Err(ErrorKind::InvalidRequest)),
        (answer("405 Method Not Allowed", "", ""), Err(ErrorKind::InvalidRequest)),
        (answer("404 Not Found", "", "default backend - 404"), Err(ErrorKind::InternalError)),
        (answer("200 OK", "", "<html>Please log in</html>"), Err(ErrorKind::Unreachable)),
        (error("200 OK", "SlowDown"), Err(ErrorKind::SlowDown)),
    ] {
        let script = Script::start([(told.clone(), Then::Keep)]).await;
        let request = DeleteRequest { bucket: "b-1", key: "k", version: &version, operation: None };
        let result = store(&script).delete(request).await;
        assert_eq!(result.map(drop).map_err(|error| error.kind()), expected, "{told}");
    }
}

/// HEAD has no body: the same question with GET tells who answers, and what is missing.
#[tokio::test]
async fn a_head_without_an_object_is_explained() {
    const FEW: &str = "HTTP/1.1 404 Not Found\r\n\r\n";
    let by_id = VersionSelector::Id("v1".into());
    for (version, status, told, expected) in [
        (LATEST, "404", error("404 Not Found", "NoSuchKey"), ErrorKind::NoSuchKey),
        (LATEST, "404", error("404 Not Found", "NoSuchBucket"), ErrorKind::NoSuchBucket),
        (LATEST, "404", answer("404 Not Found", "", "default backend - 404"), ErrorKind::InternalError),
        (LATEST, "404", error("503 Slow Down", "SlowDown"), ErrorKind::SlowDown),
        (LATEST, "404", part("h"), ErrorKind::InternalError),
        (LATEST, "404", error("416 Range", "InvalidRange"), ErrorKind::InternalError),
        (&by_id, "405", error("405 Method Not Allowed", "MethodNotAllowed"), ErrorKind::NoSuchKey),
        (&by_id, "405", answer("405 Method Not Allowed", "", ""), ErrorKind::InvalidRequest),
        (
            &by_id,
            "400",
            error_with("400 Bad Request", "InvalidArgument", "Invalid version id specified"),
            ErrorKind::NoSuchVersion,
        ),
    ] {
        let head = FEW.replace("404", status);
        let script = Script::start([(head, Then::Keep), (told.clone(), Then::Keep)]).await;
        let failed = store(&script).head("b-1", "k", version).await.unwrap_err();
        assert_eq!(failed.kind(), expected, "{status} {told}");
    }
    for (told, expected) in [
        (error("404 Not Found", "NoSuchBucket"), Ok(false)),
        (answer("404 Not Found", "", "default backend - 404"), Err(ErrorKind::InternalError)),
        (answer("200 OK", "", ""), Ok(true)),
    ] {
        let script = Script::start([(FEW.to_owned(), Then::Keep), (told.clone(), Then::Keep)]).await;
        let result = store(&script).bucket_exists("b-1").await;
        assert_eq!(result.map_err(|error| error.kind()), expected, "{told}");
    }
}

#[tokio::test]
async fn what_cannot_be_restored_is_told_for_a_version_too() {
    let version = VersionSelector::Id("v1".into());
    let script = Script::start([(error("405 Not Allowed", "RestoreNonArchiveObject"), Then::Keep)]).await;
    let failed = restore(&store(&script), &version).await.unwrap_err();
    assert_eq!((failed.kind(), failed.status()), (ErrorKind::RestoreNonArchiveObject, 405));
}

/// A second request would be refused as one too many, which looks like a failure of the only one that was asked for.
#[tokio::test]
async fn a_restore_is_not_sent_again_unseen() {
    let accepted = (answer("202 Accepted", "", ""), Then::Keep);
    let script = Script::start([accepted.clone(), (String::new(), Then::Close), accepted]).await;
    let store = store(&script);
    restore(&store, LATEST).await.unwrap();
    assert_eq!(restore(&store, LATEST).await.unwrap_err().kind(), ErrorKind::Unreachable);
    assert_eq!(script.requests().len(), 2);
}

/// Stores begin to answer a copy before it is done, and send a space from time to time.
#[tokio::test]
async fn a_long_copy_is_waited_for_as_long_as_something_comes() {
    let slowly = |pauses: usize| {
        let told = format!("{}{COPIED}", "\0 ".repeat(pauses));
        let length = told.len() - pauses;
        (format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{told}"), Then::Keep)
    };
    // Longer than any other request may take.
    let patient =
        || HttpSettings { gap_timeout: Duration::from_secs(30), long_timeout: Duration::from_secs(60), ..quick() };
    let script = Script::start([slowly(12)]).await;
    copy(&store_with(&script, patient())).await.unwrap();
    let script = Script::start([slowly(12)]).await;
    assert_eq!(put_tags(&store_with(&script, patient())).await.unwrap_err().kind(), ErrorKind::Unreachable);
    // But not for ever, and not when nothing comes any more.
    for (told, long, reason) in [
        (slowly(12), 250, "no whole answer within 0.25 s"),
        (("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n ".to_owned(), Then::Hang), 60_000, "no more of the answer"),
    ] {
        let script = Script::start([told]).await;
        let settings = HttpSettings { long_timeout: Duration::from_millis(long), ..quick() };
        let failed = copy(&store_with(&script, settings)).await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Unreachable);
        assert!(failed.message().contains(reason), "{failed}");
    }
}

/// Other stores answer a copy when it is done.
#[tokio::test]
async fn a_copy_that_is_answered_at_its_end_is_waited_for() {
    let late = || (format!("\0\0\0\0\0\0{}", answer("200 OK", "", COPIED)), Then::Keep);
    let settings =
        || HttpSettings { work_timeout: Duration::from_secs(30), long_timeout: Duration::from_secs(60), ..quick() };
    let script = Script::start([late()]).await;
    copy(&store_with(&script, settings())).await.unwrap();
    let script = Script::start([late()]).await;
    let failed = put_tags(&store_with(&script, settings())).await.unwrap_err();
    assert!(failed.message().contains("no answer within 0.3 s"), "{failed}");
}

/// A server that has seen enough answers before it has read everything; what it does not read stands in the way.
#[tokio::test]
async fn a_connection_with_half_a_request_in_it_is_not_used_again() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let mut held = Vec::new();
        for told in [error("503 Slow Down", "SlowDown"), answer("200 OK", "", COPIED)] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut some = [0; 1024];
            let _ = stream.read(&mut some).await.unwrap();
            stream.write_all(told.as_bytes()).await.unwrap();
            held.push(stream);
        }
        std::future::pending::<()>().await;
    });
    let builder = HttpStore::builder(HttpDialect::S3, format!("http://{address}")).settings(quick());
    let store = builder.build().unwrap();
    let large = PutRequest::new("b-1", "k", Bytes::from(vec![0; 16 * 1024 * 1024]));
    assert_eq!(store.put(large).await.unwrap_err().kind(), ErrorKind::SlowDown);
    copy(&store).await.unwrap();
    server.abort();
}

/// Whoever hands out credentials may be gone: requests do not wait for ever, and surely were not sent.
#[tokio::test]
async fn waiting_for_credentials_has_an_end() {
    #[derive(Debug)]
    struct Never;
    impl CredentialsSource for Never {
        fn fetch(&self) -> BoxFuture<'_, Result<Fetched, String>> {
            Box::pin(std::future::pending())
        }
    }
    let script = Script::start([]).await;
    let builder = HttpStore::builder(HttpDialect::S3, format!("http://{}", script.address));
    let store = builder.credentials(Never).settings(quick()).build().unwrap();
    let failed = copy(&store).await.unwrap_err();
    assert_eq!((failed.kind(), script.connections()), (ErrorKind::ServiceUnavailable, 0), "{failed}");
}

#[test]
fn no_time_is_none() {
    for settings in [
        HttpSettings { idle_timeout: Duration::ZERO, ..HttpSettings::default() },
        HttpSettings { gap_timeout: Duration::ZERO, ..HttpSettings::default() },
        HttpSettings { long_timeout: Duration::ZERO, ..HttpSettings::default() },
    ] {
        let built = HttpStore::builder(HttpDialect::S3, "http://127.0.0.1:1").settings(settings).build();
        assert_eq!(built.unwrap_err().to_string(), "settings: times must not be 0");
    }
}

#[tokio::test]
async fn passwords_are_not_shown() {
    let builder =
        HttpStore::builder(HttpDialect::S3, "https://me:hush@s3.example").proxy("http://me:hush@proxy.example");
    let shown = format!("{builder:?}");
    assert!(!shown.contains("hush"), "{shown}");
    assert!(!builder.build().unwrap_err().to_string().contains("hush"));
    for endpoint in ["https://s3.example", "http://s3.example"] {
        let builder = HttpStore::builder(HttpDialect::S3, endpoint).proxy("http://me:hush@proxy.example");
        let store = builder.credentials(StaticCredentials::new(credentials())).build().unwrap();
        let shown = format!("{store:?}");
        // `me:hush` in the form of a header.
        assert!(!shown.contains("hush") && !shown.contains("bWU6aHVzaA"), "{shown}");
    }
}

#[tokio::test]
async fn a_completed_upload_is_believed_only_at_its_end() {
    let spaces =
        format!("{}{}", " ".repeat(2000), "<Error><Code>InternalError</Code><Message>midway</Message></Error>");
    let script = Script::start([(answer("200 OK", "", &spaces), Then::Keep)]).await;
    let parts = [CompletedPart { number: 1, etag: "e".into() }];
    let upload = UploadId { bucket: "b-1", key: "k", id: "u" };
    let failed = store(&script).complete_multipart(CompleteRequest { upload, parts: &parts }).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::InternalError);
    assert!(failed.message().contains("midway"), "{failed}");
}

#[tokio::test]
async fn an_answer_to_head_has_only_its_status() {
    let script = Script::start([("HTTP/1.1 403 Forbidden\r\ncontent-length: 99\r\n\r\n".to_owned(), Then::Keep)]).await;
    let failed = store(&script).head("b-1", "k", LATEST).await.unwrap_err();
    assert_eq!((failed.kind(), failed.status()), (ErrorKind::AccessDenied, 403));
}

#[tokio::test]
async fn a_page_from_somebody_on_the_way_is_no_empty_listing() {
    let page = "<html><body>Please log in</body></html>";
    let script = Script::start([(answer("200 OK", "content-type: text/html\r\n", page), Then::Keep)]).await;
    let list = ListRequest { bucket: "b-1", prefix: "", after: None, limit: 10 };
    assert_eq!(store(&script).list(list).await.unwrap_err().kind(), ErrorKind::InternalError);
}

#[tokio::test]
async fn an_empty_page_that_is_not_the_last_is_followed_and_not_for_ever() {
    let empty = |token: usize| {
        let page = format!(
            "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t/{token}</NextContinuationToken>\
             </ListBucketResult>"
        );
        (answer("200 OK", "", &page), Then::Keep)
    };
    let last = "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>k</Key><Size>1</Size><ETag>e</ETag>\
                <LastModified>2026-11-01T08:30:00.000Z</LastModified></Contents></ListBucketResult>";
    let list = || ListRequest { bucket: "b-1", prefix: "", after: Some("a"), limit: 10 };
    let script = Script::start([empty(1), empty(2), (answer("200 OK", "", last), Then::Keep)]).await;
    let page = store(&script).list(list()).await.unwrap();
    assert_eq!((page.objects[0].0.as_str(), page.next), ("k", None));
    let asked = script.requests();
    assert!(asked[0].contains("start-after=a") && asked[1].contains("continuation-token=t%2F1"), "{asked:?}");
    assert!(asked[2].contains("continuation-token=t%2F2"), "{asked:?}");
    for script in [Script::start((0..200).map(empty)).await, Script::start((0..200).map(|_| empty(1))).await] {
        assert_eq!(store(&script).list(list()).await.unwrap_err().kind(), ErrorKind::InternalError);
        assert!(script.requests().len() <= 100);
    }
}

#[tokio::test]
async fn listings_that_do_not_advance_are_refused() {
    let after = Some(("k", "v1"));
    for (key, id) in [("k", "v1"), ("j", "v9"), ("", "")] {
        let page = |root: &str, id_name: &str| {
            let markers = format!("<NextKeyMarker>{key}</NextKeyMarker><{id_name}>{id}</{id_name}>");
            (answer("200 OK", "", &format!("<{root}><IsTruncated>true</IsTruncated>{markers}</{root}>")), Then::Keep)
        };
        let script = Script::start([page("ListVersionsResult", "NextVersionIdMarker")]).await;
        let request = ListVersionsRequest { bucket: "b-1", prefix: "", after, limit: 10 };
        let failed = store(&script).list_versions(request).await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::InternalError, "{key} {id}");
        let script = Script::start([page("ListMultipartUploadsResult", "NextUploadIdMarker")]).await;
        let request = ListUploadsRequest { bucket: "b-1", prefix: "", after, limit: 10 };
        let failed = store(&script).list_uploads(request).await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::InternalError, "{key} {id}");
    }
}

#[tokio::test]
async fn a_store_without_tags_is_not_told_about_them() {
    let script = Script::start([(answer("200 OK", "", COPIED), Then::Keep)]).await;
    let builder = HttpStore::builder(HttpDialect::S3, format!("http://{}", script.address));
    let without = Capabilities { tagging: false, ..Capabilities::ALL };
    copy(&builder.capabilities(without).build().unwrap()).await.unwrap();
    assert!(!script.requests()[0].contains("tagging"), "{}", script.requests()[0]);
}

/// S3 takes a canned list or grants, not both.
#[tokio::test]
async fn a_canned_list_beside_grants_goes_into_them() {
    let grants = [Grant { grantee: "79a59df9".into(), permission: "READ".into() }];
    let set = |canned_acl| AclRequest { bucket: "b-1", key: "k", version: LATEST, grants: &grants, canned_acl };
    for (canned, list) in [
        ("private", "x-amz-grant-read: id=\"79a59df9\"\r\n"),
        (
            "public-read",
            "x-amz-grant-read: id=\"79a59df9\", uri=\"http://acs.amazonaws.com/groups/global/AllUsers\"\r\n",
        ),
    ] {
        let script = Script::start([(answer("200 OK", "", ""), Then::Keep)]).await;
        store(&script).put_acl(set(Some(canned))).await.unwrap();
        let request = &script.requests()[0];
        assert!(request.contains(list) && !request.contains("x-amz-acl"), "{request}");
    }
    let script = Script::start([]).await;
    let failed = store(&script).put_acl(set(Some("bucket-owner-read"))).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::InvalidArgument);
    assert!(failed.message().contains("bucket-owner-read"), "{failed}");
}

/// Two names for one bucket: a copy that looks like one to elsewhere is onto the object itself.
#[tokio::test]
async fn a_copy_onto_itself_is_known_under_another_name() {
    let script = Script::start([(answer("200 OK", ETAG_AND_TIME, ""), Then::Keep)]).await;
    let builder = HttpStore::builder(HttpDialect::S3, format!("http://{}", script.address));
    let store = builder.rename("b-2", "b-1").build().unwrap();
    let request = CopyRequest { target_bucket: "b-2", target_key: "from", ..copy_request(Directive::Copy) };
    assert_eq!(store.copy(request).await.unwrap_err().kind(), ErrorKind::InvalidRequest);
    assert!(script.requests()[0].starts_with("HEAD /b-1/from"));
}

#[tokio::test]
async fn where_no_answer_came_nobody_knows() {
    let short = format!("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{COPIED}");
    for (told, then) in [
        (String::new(), Then::Close),
        (String::new(), Then::Reset),
        (String::new(), Then::HalfClose),
        (String::new(), Then::Hang),
        ("HTTP/1.1 200 OK\r\ncontent-".to_owned(), Then::HalfClose),
        ("this is not HTTP\r\n\r\n".to_owned(), Then::Close),
        (short.clone(), Then::Close),
        (short.clone(), Then::Reset),
        (short, Then::Hang),
    ] {
        let script = Script::start([(told.clone(), then)]).await;
        let store = store_with(&script, quick());
        let failed = copy(&store).await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Unreachable, "{told:?} {then:?}: {failed}");
        assert_eq!(script.requests().len(), 1, "{told:?} {then:?}");
        // A connection that something went wrong on is not kept.
        script.all_closed().await;
    }
}

#[tokio::test]
async fn what_was_surely_not_sent_is_told_apart() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let store = HttpStore::builder(HttpDialect::Cos, format!("http://{nobody}")).build().unwrap();
    let failed = copy(&store).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::ServiceUnavailable);
    assert!(failed.message().contains("refused"), "{failed}");
}

#[tokio::test]
async fn one_connection_takes_one_request_after_another() {
    let script = Script::start((0..20).map(|_| (answer("200 OK", "", COPIED), Then::Keep))).await;
    let store = store(&script);
    for _ in 0..20 {
        copy(&store).await.unwrap();
    }
    assert_eq!((script.requests().len(), script.connections()), (20, 1));
    drop(store);
    script.all_closed().await;
}

#[tokio::test]
async fn an_unused_connection_does_not_stay() {
    let script = Script::start([(answer("200 OK", "", COPIED), Then::Keep)]).await;
    let settings = HttpSettings { idle_timeout: Duration::from_millis(50), ..HttpSettings::default() };
    let store = store_with(&script, settings);
    copy(&store).await.unwrap();
    script.all_closed().await;
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_replaced() {
    let script = Script::start((0..5).map(|_| (answer("200 OK", "", COPIED), Then::Close))).await;
    let store = store(&script);
    for _ in 0..5 {
        copy(&store).await.unwrap();
        // So that its end is seen before it is used again.
        script.all_closed().await;
    }
    assert_eq!(script.requests().len(), 5);
}

#[tokio::test]
async fn at_the_end_of_a_kept_connection_only_what_does_no_harm_is_sent_again() {
    // The first answer keeps the connection; the next request meets its end, and is answered on another.
    let script =
        Script::start([(part("hello"), Then::Keep), (String::new(), Then::Close), (part("hello"), Then::Keep)]).await;
    let store_of_get = store(&script);
    get(&store_of_get).await.unwrap();
    assert_eq!(get(&store_of_get).await.unwrap(), b"hello"[..]);
    assert_eq!((script.requests().len(), script.connections()), (3, 2));

    let copied = (answer("200 OK", "", COPIED), Then::Keep);
    let script = Script::start([copied.clone(), (String::new(), Then::Close), copied]).await;
    let store_of_copy = store(&script);
    copy(&store_of_copy).await.unwrap();
    assert_eq!(copy(&store_of_copy).await.unwrap_err().kind(), ErrorKind::Unreachable);
    assert_eq!(script.requests().len(), 2, "a copy may have been made");
}

#[tokio::test]
async fn a_request_that_is_given_up_frees_its_place() {
    let script = Script::start([(String::new(), Then::Hang), (answer("200 OK", "", COPIED), Then::Keep)]).await;
    let store = store_with(&script, HttpSettings { connections_max: 1, ..quick() });
    let (first, second) = tokio::join!(copy(&store), copy(&store));
    let kinds = [first, second].map(|result| result.map_err(|error| error.kind()));
    assert!(kinds.contains(&Err(ErrorKind::Unreachable)), "{kinds:?}");
    assert!(kinds.contains(&Ok(())) || kinds.contains(&Err(ErrorKind::NoFreeConnection)), "{kinds:?}");
    assert!(script.connections() <= 2);
}

#[tokio::test]
async fn what_is_no_operation_does_not_wait_behind_operations() {
    assert_eq!(store(&Script::start([]).await).operations_max(), Some(120), "of 128 connections");
    // All places that operations may have are taken by ones that get no answer; a read has a place of its own.
    let settings = HttpSettings {
        connections_max: 16,
        work_timeout: Duration::from_secs(2),
        total_timeout: Duration::from_secs(2),
        ..quick()
    };
    let hang = (0..15).map(|_| (String::new(), Then::Hang));
    let script = Script::start(hang.chain([(part("hello"), Then::Keep)])).await;
    let store = store_with(&script, settings);
    assert_eq!(store.operations_max(), Some(15));
    let operations = futures_util::future::join_all((0..16).map(|_| copy(&store)));
    let read = async {
        while script.requests().len() < 15 {
            tokio::task::yield_now().await;
        }
        get(&store).await
    };
    let (mut results, read) = tokio::join!(operations, read);
    assert_eq!(read.unwrap(), b"hello"[..]);
    // The sixteenth found no place at all, and the store is not blamed for it.
    let last = results.pop().unwrap().unwrap_err();
    assert_eq!((last.kind(), last.code().as_ref()), (ErrorKind::NoFreeConnection, "NoFreeConnection"));
}

#[tokio::test]
async fn parts_of_an_object_are_checked() {
    for (told, kind) in [
        (answer("206 Partial Content", "content-range: bytes 1-5/9\r\n", "ello!"), ErrorKind::InternalError),
        (answer("206 Partial Content", "content-range: bytes 0-3/9\r\n", "hell"), ErrorKind::InternalError),
        (answer("206 Partial Content", "", "hello"), ErrorKind::InternalError),
        (error("412 Precondition Failed", "PreconditionFailed"), ErrorKind::PreconditionFailed),
    ] {
        let script = Script::start([(told.clone(), Then::Keep)]).await;
        assert_eq!(get(&store(&script)).await.unwrap_err().kind(), kind, "{told}");
    }
    // A store that takes no notice of ranges.
    let script = Script::start([(answer("200 OK", "", "hello, world"), Then::Keep)]).await;
    assert_eq!(get(&store(&script)).await.unwrap(), b"hello"[..]);
    // One that takes no notice of the pin.
    let script = Script::start([
        (answer("200 OK", "etag: \"one\"\r\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n", ""), Then::Keep),
        (part("other"), Then::Keep),
    ])
    .await;
    let store = store(&script);
    let pin = store.head("b-1", "k", LATEST).await.unwrap().pin;
    let pinned = GetRequest { bucket: "b-1", key: "k", version: LATEST, range: 0..5, pin: Some(&pin) };
    assert_eq!(store.get_range(pinned).await.unwrap_err().kind(), ErrorKind::PreconditionFailed);
    assert!(script.requests()[1].contains("if-match: \"one\""), "{}", script.requests()[1]);
}

#[tokio::test]
async fn a_source_that_changes_is_read_again_and_not_for_ever() {
    let head = answer("200 OK", &format!("{ETAG_AND_TIME}content-language: de\r\nx-amz-meta-old: 1\r\n"), "");
    let changed = error("412 Precondition Failed", "PreconditionFailed");
    let turn = [(head, Then::Keep), (changed, Then::Keep)];
    let new = Metadata { user: [("new".to_owned(), "2".to_owned())].into(), ..Metadata::default() };

    let script = Script::start((0..9).flat_map(|_| turn.clone())).await;
    let failed = store(&script).copy(copy_request(Directive::Add(&new))).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::PreconditionFailed);
    assert_eq!(script.requests().len(), 8);

    let copied = [turn[0].clone(), (answer("200 OK", "", COPIED), Then::Keep)];
    let script = Script::start(turn.into_iter().chain(copied)).await;
    store(&script).copy(copy_request(Directive::Add(&new))).await.unwrap();
    let last = &script.requests()[3];
    for line in [
        "content-language: de",
        "x-amz-meta-old: 1",
        "x-amz-meta-new: 2",
        "x-amz-metadata-directive: REPLACE",
        "if-match: \"one\"",
    ] {
        assert!(last.contains(line), "{last}");
    }
}

#[tokio::test]
async fn what_users_write_does_not_become_a_host() {
    let script = Script::start([]).await;
    let store = HttpStore::builder(HttpDialect::Cos, "http://localhost:1".to_owned())
        .proxy(format!("http://{}", script.address))
        .build()
        .unwrap();
    for bucket in ["evil.example/", "a@evil.example", "a:80", "a b", "A", "..", "", "a\r\nhost: x", "-a"] {
        assert_eq!(store.head(bucket, "k", LATEST).await.unwrap_err().kind(), ErrorKind::NoSuchBucket, "{bucket:?}");
        let source = CopySource { bucket, key: "k", version: LATEST };
        let request = CopyRequest { source, ..copy_request(Directive::Copy) };
        assert_eq!(store.copy(request).await.unwrap_err().kind(), ErrorKind::NoSuchBucket, "{bucket:?}");
    }
    assert_eq!(script.connections(), 0);
}

#[tokio::test]
async fn a_proxy_gets_whole_addresses() {
    let script = Script::start([(answer("200 OK", "", COPIED), Then::Keep)]).await;
    let proxy = format!("http://me:secret@{}", script.address);
    let builder = HttpStore::builder(HttpDialect::S3, "http://s3.example:81").proxy(proxy);
    let store = builder.credentials(StaticCredentials::new(credentials())).build().unwrap();
    copy(&store).await.unwrap();
    let request = &script.requests()[0];
    assert!(request.starts_with("PUT http://b-1.s3.example:81/to HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nhost: b-1.s3.example:81\r\n"), "{request}");
    assert!(request.contains("\r\nproxy-authorization: Basic bWU6c2VjcmV0\r\n"), "{request}");
    assert!(!request.contains("SignedHeaders=host;proxy"), "{request}");
}

#[tokio::test]
async fn a_tunnel_is_asked_for_where_tls_is_spoken() {
    let script = Script::start([("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n".to_owned(), Then::Close)]).await;
    let builder = HttpStore::builder(HttpDialect::S3, "https://s3.example").proxy(format!("http://{}", script.address));
    let failed = copy(&builder.build().unwrap()).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::ServiceUnavailable);
    let request = &script.requests()[0];
    assert!(request.starts_with("CONNECT b-1.s3.example:443 HTTP/1.1\r\n"), "{request}");
}
