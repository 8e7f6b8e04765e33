//! Both forms of signature through the whole service: edges of time, tokens, hosts, and whose jobs are reached.

use std::sync::Arc;

use bytes::Bytes;
use cos_batch_model::*;
use cos_batch_server::{BatchService, Key, StaticKeys, Strictness};
use cos_signature::{CLOCK_SKEW_SECONDS, Credentials, KeyTime, SecretKey, WINDOW_SECONDS_MAX, sign};
use http::Request;
use http_body_util::Full;

use crate::support::*;

/// Signs a list in the header or in the query; what is done `before` signing is covered by the signature.
fn list(
    in_query: bool,
    credentials: &Credentials,
    (start, end): (i64, i64),
    before: impl FnOnce(&mut Request<Full<Bytes>>),
) -> Request<Full<Bytes>> {
    let mut request = for_action(&ListJobsRequest::default());
    before(&mut request);
    sign(&mut request, credentials, KeyTime::new(start, end).unwrap()).unwrap();
    if in_query { into_query(request) } else { request }
}

/// Moves the signature from the header to the query.
fn into_query(mut request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
    let signature = request.headers_mut().remove("authorization").unwrap();
    let separator = if request.uri().query().is_some() { '&' } else { '?' };
    let signature = signature.to_str().unwrap().replace(';', "%3B");
    *request.uri_mut() = format!("{}{separator}{signature}", request.uri()).parse().unwrap();
    request
}

fn set(request: &mut Request<Full<Bytes>>, name: &'static str, value: &str) {
    request.headers_mut().insert(name, value.parse().unwrap());
}

#[tokio::test]
async fn time_to_the_second() {
    let service = strict(Recorder::default());
    let cases = [
        // When the window begins: the difference of clocks that is tolerated.
        (CLOCK_SKEW_SECONDS - 1, 3600, None),
        (CLOCK_SKEW_SECONDS, 3600, None),
        (CLOCK_SKEW_SECONDS + 1, 3600, Some(ErrorCode::RequestTimeTooSkewed)),
        // When it ends: no difference is tolerated.
        (-3600, 1, None),
        (-3600, 0, None),
        (-3600, -1, Some(ErrorCode::RequestHasExpired)),
        // How long it is.
        (0, WINDOW_SECONDS_MAX - 1, None),
        (0, WINDOW_SECONDS_MAX, None),
        (0, WINDOW_SECONDS_MAX + 1, Some(ErrorCode::AccessDenied)),
        (-WINDOW_SECONDS_MAX, 0, None),
        (-WINDOW_SECONDS_MAX, 1, Some(ErrorCode::AccessDenied)),
        // A window of one second.
        (0, 0, None),
        (1, 1, None),
    ];
    for (start, end, expected) in cases {
        for in_query in [false, true] {
            let request = list(in_query, &credentials(), (NOW + start, NOW + end), |_| {});
            let answer = send(&service, request).await;
            let found = (answer.status() != 200).then(|| error(&answer).code);
            assert_eq!(found, expected, "{start};{end}, in the query: {in_query}");
        }
    }
}

#[tokio::test]
async fn tokens_of_temporary_keys() {
    let hour = (NOW, NOW + 3600);
    let temporary = with_key(Recorder::default(), Key { security_token: Some("tok/en+1=".into()), ..key() });
    let permanent = strict(Recorder::default());
    let in_address = |token: &'static str| {
        let uri = format!("/jobs?x-cos-security-token={token}");
        move |request: &mut Request<Full<Bytes>>| *request.uri_mut() = uri.parse().unwrap()
    };
    let in_header =
        |token: &'static str| move |request: &mut Request<Full<Bytes>>| set(request, "x-cos-security-token", token);

    // The header goes with both forms, the parameter with a signature in the query.
    let sent = [
        list(false, &credentials(), hour, in_header("tok/en+1=")),
        list(true, &credentials(), hour, in_header("tok/en+1=")),
        list(true, &credentials(), hour, in_address("tok%2Fen%2B1%3D")),
    ];
    for (index, request) in sent.into_iter().enumerate() {
        assert_eq!(send(&temporary, request.clone()).await.status(), 200, "{index}");
        let (code, message) = refused(&permanent, request).await;
        assert!(code == "AccessDenied" && message.contains("permanent"), "{index}: {message}");
    }

    let wrong = [
        (list(false, &credentials(), hour, |_| {}), "x-cos-security-token is needed"),
        (list(true, &credentials(), hour, |_| {}), "x-cos-security-token is needed"),
        (list(false, &credentials(), hour, in_address("tok%2Fen%2B1%3D")), "x-cos-security-token is needed"),
        (list(true, &credentials(), hour, in_address("tok%2Fen+1%3D")), "not the key's own"),
        (list(true, &credentials(), hour, in_header("tok/en+1=x")), "not the key's own"),
        (list(false, &credentials(), hour, in_header("tok/en+1")), "not the key's own"),
    ];
    for (request, part) in wrong {
        let (code, message) = refused(&temporary, request).await;
        assert!(code == "AccessDenied" && message.contains(part), "{part}: {message}");
    }
}

#[tokio::test]
async fn the_host_with_and_without_its_port() {
    let service = strict(Recorder::default());
    let hour = (NOW, NOW + 3600);
    for (signed, sent, expected) in [
        ("batch.example", "batch.example", 200),
        ("batch.example:8080", "batch.example:8080", 200),
        ("batch.example", "batch.example:8080", 200),
        ("[::1]", "[::1]:8080", 200),
        ("[::1]:8080", "[::1]:8080", 200),
        ("batch.example:8080", "batch.example", 403),
        ("batch.example:8080", "batch.example:8081", 403),
        ("batch.example", "batch.example:", 403),
        ("batch.example", "batch.example:80x", 403),
        ("batch.example", "other.example:8080", 403),
        ("batch.example", "Batch.example", 403),
        ("batch.example:80", "batch.example:80:80", 403),
        ("::1", "::1:8080", 403),
    ] {
        for in_query in [false, true] {
            let mut request = list(in_query, &credentials(), hour, |request| set(request, "host", signed));
            set(&mut request, "host", sent);
            let status = send(&service, request).await.status();
            assert_eq!(status, expected, "{signed} as {sent}, in the query: {in_query}");
        }
    }
}

/// Two accounts with a key each, of which the second is what an attacker wants to reach.
fn two_accounts(recorder: &Recorder, strictness: Strictness) -> BatchService {
    let other = Key::new(SecretKey::new("exampleSecretKeyNotReal0002"), AppId::new("1250000001").unwrap());
    let keys = StaticKeys::new().with(SECRET_ID, key()).with("AKIDEXAMPLEONLYNOTREAL0002", other);
    let builder = BatchService::builder(Arc::new(recorder.clone())).authenticate(keys).clock(|| NOW);
    builder.strictness(strictness).build().unwrap()
}

#[tokio::test]
async fn an_unsigned_account_never_chooses_whose_jobs_are_reached() {
    for strictness in [Strictness::Strict, Strictness::CosCompatible] {
        let recorder = Recorder::default();
        let service = two_accounts(&recorder, strictness);
        for named in ["1250000001", "1250000000", "0", "1250000000,1250000001", " 1250000001", "1250000001 "] {
            for in_query in [false, true] {
                let remove = |request: &mut Request<Full<Bytes>>| drop(request.headers_mut().remove("x-cos-appid"));
                let mut request = list(in_query, &credentials(), (NOW, NOW + 3600), remove);
                request.headers_mut().insert("x-cos-appid", named.parse().unwrap());
                let accepted = send(&service, request.clone()).await.status().is_success();
                let reached: Vec<_> = recorder.take().into_iter().map(|(context, _)| context.appid).collect();
                let own = strictness == Strictness::CosCompatible && named == APPID;
                assert_eq!((accepted, reached), (own, if own { vec![appid()] } else { vec![] }), "{named}");

                // Nor does one that comes first or second of two, whichever is signed.
                let mut twice = list(in_query, &credentials(), (NOW, NOW + 3600), |_| {});
                twice.headers_mut().append("x-cos-appid", named.parse().unwrap());
                assert!(!send(&service, twice).await.status().is_success(), "{named}");
                assert!(recorder.take().is_empty());
            }
        }
        // Signed with the other's id and one's own secret: it is the key that says who it is.
        let forged = Credentials::new("AKIDEXAMPLEONLYNOTREAL0002", SECRET_KEY);
        let request = list(false, &forged, (NOW, NOW + 3600), |request| set(request, "x-cos-appid", "1250000001"));
        assert_eq!(refused(&service, request).await.0, "SignatureDoesNotMatch");
        assert!(recorder.take().is_empty());
    }
}

#[tokio::test]
async fn a_replay_is_the_same_request_and_ends_with_the_window() {
    let recorder = Recorder::default();
    let clock = Arc::new(std::sync::atomic::AtomicI64::new(NOW));
    let time = Arc::clone(&clock);
    let service = BatchService::builder(Arc::new(recorder.clone()))
        .authenticate(StaticKeys::new().with(SECRET_ID, key()))
        .clock(move || time.load(std::sync::atomic::Ordering::Relaxed))
        .build()
        .unwrap();
    let request = signed(create());
    for (second, accepted) in [(0, true), (0, true), (3600, true), (3601, false)] {
        clock.store(NOW + second, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(send(&service, request.clone()).await.status().is_success(), accepted, "{second}");
    }
    let calls = recorder.take();
    // The backend sees the same ClientRequestToken again: it is what a second job fails on.
    assert_eq!(calls.len(), 3);
    assert!(calls.iter().all(|(_, request)| *request == calls[0].1));
}
