//! Who is let in, and to what.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cos_batch_objectgateway::{Authorize, BuildError, Key, ObjectGateway, Right};
use cos_batch_objectstore::{MemoryStore, ObjectStore, PutRequest};
use cos_signature::{Credentials, KeyTime, SecretKey, sign};

use crate::support::*;

async fn with_object() -> Listening {
    let (store, listening) = gateway().await;
    for bucket in [BUCKET, FOREIGN] {
        store.put(PutRequest::new(bucket, "k", Bytes::from_static(b"hello"))).await.unwrap();
    }
    listening
}

fn signed_for(mut ask: Ask, key: &Credentials, start: i64, seconds: u64) -> Ask {
    sign(&mut ask.request, key, KeyTime::starting_at(start, Duration::from_secs(seconds))).unwrap();
    ask
}

#[tokio::test]
async fn a_signed_request_is_answered_and_an_unsigned_one_is_not() {
    let g = with_object().await;
    let answer = ask(g.address, Ask::new("GET", "/k")).await;
    assert_eq!((answer.status, answer.text()), (200, "hello"));
    Ask::new("GET", "/k").send(g.address).await.is(403, "AccessDenied");
    let nonsense = Ask::new("GET", "/k").header("authorization", "q-sign-algorithm=sha1");
    nonsense.send(g.address).await.is(403, "AccessDenied");
}

#[tokio::test]
async fn what_was_signed_cannot_be_altered() {
    let g = with_object().await;
    let original = || Ask::new("GET", "/k?response-content-type=a").header("x-cos-traffic-limit", "819200").signed();
    assert_eq!(original().send(g.address).await.status, 200);
    type Alter = fn(&mut Ask);
    let altered: [(&str, Alter); 8] = [
        ("method", |ask| *ask.request.method_mut() = http::Method::DELETE),
        ("path", |ask| *ask.request.uri_mut() = "/other?response-content-type=a".parse().unwrap()),
        ("value of a parameter", |ask| *ask.request.uri_mut() = "/k?response-content-type=b".parse().unwrap()),
        ("parameter added", |ask| {
            *ask.request.uri_mut() = "/k?response-content-type=a&versionId=null".parse().unwrap();
        }),
        ("parameter dropped", |ask| *ask.request.uri_mut() = "/k".parse().unwrap()),
        ("header changed", |ask| {
            ask.request.headers_mut().insert("x-cos-traffic-limit", "819201".parse().unwrap());
        }),
        ("header added", |ask| {
            ask.request.headers_mut().insert("x-cos-acl", "public-read".parse().unwrap());
        }),
        ("host", |ask| {
            let other = "other-1250000000.cos.ap-guangzhou.myqcloud.com";
            ask.request.headers_mut().insert("host", other.parse().unwrap());
        }),
    ];
    for (what, alter) in altered {
        let mut ask = original();
        alter(&mut ask);
        let answer = ask.send(g.address).await;
        assert_eq!(answer.status, 403, "{what}: {answer:?}");
        assert!(matches!(answer.element("Code"), Some("AccessDenied" | "SignatureDoesNotMatch")), "{what}");
    }
}

#[tokio::test]
async fn windows_of_time() {
    let g = with_object().await;
    let key = credentials();
    for (start, seconds, code) in [
        (NOW - 60, 3600, None),
        (NOW - 7200, 3600, Some("Request has expired")),
        (NOW + 901, 3600, Some("RequestTimeTooSkewed")),
        (NOW - 60, 7 * 24 * 3600, None),
        (NOW - 60, 7 * 24 * 3600 + 1, Some("AccessDenied")),
    ] {
        let answer = signed_for(Ask::new("GET", "/k"), &key, start, seconds).send(g.address).await;
        assert_eq!(answer.element("Code"), code, "{start} {seconds}");
        assert_eq!(answer.status, if code.is_some() { 403 } else { 200 });
    }
}

#[tokio::test]
async fn wrong_keys() {
    let g = with_object().await;
    for (id, secret, code) in
        [(SECRET_ID, "wrong", "SignatureDoesNotMatch"), ("AKIDunknown", SECRET, "InvalidAccessKeyId")]
    {
        let ask = signed_for(Ask::new("GET", "/k"), &Credentials::new(id, secret), NOW, 60);
        ask.send(g.address).await.is(403, code);
    }
    let with_token = credentials().with_security_token("token");
    signed_for(Ask::new("GET", "/k"), &with_token, NOW, 60).send(g.address).await.is(403, "AccessDenied");
}

#[tokio::test]
async fn temporary_keys_need_their_token() {
    let store = Arc::new(MemoryStore::new());
    store.create_bucket(BUCKET).unwrap();
    let key = Key { security_token: Some("tok/en+1=".into()), ..Key::new(SecretKey::new(SECRET), APPID) };
    let keys = std::collections::BTreeMap::from([(SECRET_ID.to_owned(), key)]);
    let gateway = ObjectGateway::builder(store).authenticate(keys).clock(|| NOW).build().unwrap();
    let g = serve(gateway).await;
    let head = || Ask::new("HEAD", "/");
    let own = credentials().with_security_token("tok/en+1=");
    assert_eq!(signed_for(head(), &own, NOW, 60).send(g.address).await.status, 200);
    assert_eq!(signed_for(head(), &credentials(), NOW, 60).send(g.address).await.status, 403);
    let other = credentials().with_security_token("other");
    assert_eq!(signed_for(head(), &other, NOW, 60).send(g.address).await.status, 403);
    // A token that is there, but not signed.
    let mut ask = signed_for(head(), &credentials(), NOW, 60);
    ask.request.headers_mut().insert("x-cos-security-token", "tok/en+1=".parse().unwrap());
    assert_eq!(ask.send(g.address).await.status, 403);
}

#[tokio::test]
async fn a_foreign_bucket_is_denied_whether_it_exists_or_not() {
    let g = with_object().await;
    let mut told = Vec::new();
    for bucket in [FOREIGN, "none-1251111111"] {
        let host = format!("{bucket}.cos.ap-guangzhou.myqcloud.com");
        for (method, target) in [
            ("GET", "/k"),
            ("GET", "/"),
            ("PUT", "/k"),
            ("DELETE", "/k"),
            ("POST", "/k?uploads"),
            ("GET", "/?versioning"),
            ("PUT", "/"),
            ("DELETE", "/"),
        ] {
            let answer = ask(g.address, Ask::new(method, target).header("host", &host).body("")).await;
            answer.is(403, "AccessDenied");
            told.push(answer.element("Message").unwrap().replace(bucket, "BUCKET"));
        }
        let source = format!("{host}/k");
        let copy = Ask::new("PUT", "/copy").header("x-cos-copy-source", &source).body("");
        ask(g.address, copy).await.is(403, "AccessDenied");
    }
    let (existing, missing) = told.split_at(told.len() / 2);
    assert_eq!(existing, missing, "not a word differs");
}

/// Reads what the other account has.
struct Reader;

impl Authorize for Reader {
    fn allows(&self, appid: &str, bucket: &str, right: Right) -> bool {
        bucket.ends_with(appid) || (bucket == FOREIGN && right == Right::Read)
    }
}

#[tokio::test]
async fn grants_open_just_what_they_say() {
    let store = Arc::new(MemoryStore::new());
    for bucket in [BUCKET, FOREIGN] {
        store.create_bucket(bucket).unwrap();
        store.put(PutRequest::new(bucket, "k", Bytes::from_static(b"hello"))).await.unwrap();
    }
    let gateway = ObjectGateway::builder(store).authenticate(keys()).authorize(Reader).clock(|| NOW).build().unwrap();
    let g = serve(gateway).await;
    let host = format!("{FOREIGN}.cos.ap-guangzhou.myqcloud.com");
    let foreign = |method, target| Ask::new(method, target).header("host", &host).body("");
    assert_eq!(ask(g.address, foreign("GET", "/k")).await.text(), "hello");
    ask(g.address, foreign("PUT", "/k")).await.is(403, "AccessDenied");
    ask(g.address, foreign("DELETE", "/k")).await.is(403, "AccessDenied");
    let source = format!("{host}/k");
    let copy = |target| Ask::new("PUT", target).header("x-cos-copy-source", &source).body("");
    assert_eq!(ask(g.address, copy("/copied")).await.status, 200);
    let buckets = ask(g.address, Ask::new("GET", "/").header("host", "service.cos.myqcloud.com")).await;
    assert!(buckets.text().contains(BUCKET) && !buckets.text().contains(FOREIGN), "granted is not owned");
}

#[tokio::test]
async fn everybody_is_let_in_only_where_it_was_said() {
    let store = Arc::new(MemoryStore::new());
    store.create_bucket(BUCKET).unwrap();
    let builder = || ObjectGateway::builder(Arc::clone(&store) as Arc<dyn ObjectStore>);
    assert_eq!(builder().build().err(), Some(BuildError::NoAuthentication));
    assert_eq!(builder().authenticate(keys()).allow_everybody().build().err(), Some(BuildError::Contradiction));
    let g = serve(builder().allow_everybody().build().unwrap()).await;
    assert_eq!(Ask::new("PUT", "/k").body("x").send(g.address).await.status, 200);
    assert_eq!(Ask::new("GET", "/k").send(g.address).await.text(), "x");
}
