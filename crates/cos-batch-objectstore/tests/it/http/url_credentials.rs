//! Credentials that a service hands out: fetched before the first request, renewed in time, and of no use after their end.

use std::sync::atomic::{AtomicI64, Ordering};

use cos_batch_objectstore::{
    DeleteRequest, ErrorKind, HttpDialect, HttpStore, ObjectStore as _, StoreError, UrlCredentials, VersionSelector,
};

use super::script::{Script, Then, answer, error};

/// What time it is for the store: 2026-11-01T08:30:00Z to begin with.
static NOW: AtomicI64 = AtomicI64::new(START);
const START: i64 = 1_793_521_800;

fn key(number: u32, expiration: &str) -> (String, Then) {
    let body = format!(
        r#"{{"Code":"Success","AccessKeyId":"AKID{number}","SecretAccessKey":"s","Token":"t{number}","Expiration":"{expiration}"}}"#
    );
    (answer("200 OK", "content-type: application/json\r\n", &body), Then::Keep)
}

#[tokio::test]
async fn keys_are_fetched_renewed_and_given_up() {
    let service = Script::start([
        key(0, "2026-11-01T09:30:00Z"),
        key(1, "2026-11-01T10:30:00Z"),
        (error("500 Oops", "InternalError"), Then::Keep),
        (error("500 Oops", "InternalError"), Then::Keep),
    ])
    .await;
    let script = Script::start((0..9).map(|_| ("HTTP/1.1 204 No Content\r\n\r\n".to_owned(), Then::Keep))).await;
    let source = UrlCredentials::new(&format!("http://{}/v2/credentials/role?a=1", service.address)).unwrap();
    let store = HttpStore::builder(HttpDialect::S3, format!("http://{}", script.address))
        .credentials(source.authorization("Bearer token").unwrap())
        .clock(|| NOW.load(Ordering::SeqCst))
        .build()
        .unwrap();
    let signed_by = async |now: i64| -> Result<String, StoreError> {
        NOW.store(now, Ordering::SeqCst);
        let version = VersionSelector::Latest;
        store.delete(DeleteRequest { bucket: "b-1", key: "k", version: &version, operation: None }).await?;
        let request = script.requests().pop().unwrap();
        let id = request.split("Credential=").nth(1).unwrap().split('/').next().unwrap().to_owned();
        assert!(request.contains(&format!("\r\nx-amz-security-token: t{}\r\n", &id[4..])), "{request}");
        Ok(id)
    };
    // One for all requests of an hour.
    assert_eq!(signed_by(START).await.unwrap(), "AKID0");
    assert_eq!(signed_by(START + 3600 - 241).await.unwrap(), "AKID0");
    assert_eq!(service.requests().len(), 1);
    let asked = &service.requests()[0];
    assert!(asked.starts_with("GET /v2/credentials/role?a=1 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("\r\nauthorization: Bearer token\r\n"), "{asked}");
    // Four minutes before its end there is a new one.
    assert_eq!(signed_by(START + 3600 - 240).await.unwrap(), "AKID1");
    assert_eq!(service.requests().len(), 2);
    // The service fails: the old one is used to its end, and no longer.
    assert_eq!(signed_by(START + 7200 - 100).await.unwrap(), "AKID1");
    assert_eq!(service.requests().len(), 3);
    let sent = script.requests().len();
    let failed = signed_by(START + 7200).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::ServiceUnavailable);
    assert!(failed.message().contains("answered 500"), "{failed}");
    assert_eq!((service.requests().len(), script.requests().len()), (4, sent));
}
