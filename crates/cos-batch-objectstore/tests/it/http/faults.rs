//! What stores say, and what others say in their place: each has its kind.

use std::time::Duration;

use cos_batch_objectstore::{
    CompleteRequest, CompletedPart, DeleteRequest, ErrorKind, GetRequest, ListRequest, ObjectStore as _, UploadId,
    VersionSelector,
};

use super::{
    doing::{LATEST, copy, get, part, restore, store},
    script::{Script, Then, answer, error, error_with},
};

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
        (LATEST, "404", error("403 Forbidden", "AccessDenied"), ErrorKind::NoSuchKey),
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
