//! Requests that are none of the API's actions.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use cos_batch_client::{Error, ExtensionRequest, SecretKey};
use cos_batch_model::ErrorCode;
use cos_signature::{Presented, Strictness, verify};
use http::{Method, Response};

use crate::script::Script;
use crate::{NOW, SECRET_KEY, builder, client};

fn answer(text: &'static str) -> Response<Bytes> {
    Response::new(Bytes::from_static(text.as_bytes()))
}

fn put(repeatable: bool) -> ExtensionRequest {
    ExtensionRequest {
        method: Method::PUT,
        body: Bytes::from_static(b"words"),
        content_type: Some("text/csv"),
        repeatable,
        ..ExtensionRequest::get("/-/objects?key=a%20b%2Fc")
    }
}

#[tokio::test]
async fn a_request_is_signed_as_an_action_is() {
    let script = Script::new();
    script.respond(answer("first")).respond(answer("second"));
    let client = client(&script);
    let first = client.extension(ExtensionRequest::get("/-/jobs/j")).await.unwrap();
    assert_eq!(first.body(), "first");
    assert_eq!(client.extension(put(true)).await.unwrap().body(), "second");

    let seen = script.played();
    assert_eq!([seen[0].line(), seen[1].line()], ["GET /-/jobs/j", "PUT /-/objects?key=a%20b%2Fc"]);
    assert_eq!(seen[1].body, "words");
    assert_eq!(seen[1].header("content-type"), Some("text/csv"));
    assert_eq!([seen[0].header("content-type"), seen[0].header("content-length")], [None, None]);
    for seen in &seen {
        assert_eq!(seen.header("x-cos-appid"), Some("1250000000"));
        let presented = Presented::from_parts(&seen.parts).unwrap();
        verify(&seen.parts, &presented, Some(&SecretKey::new(SECRET_KEY)), NOW, Strictness::Strict).unwrap();
        assert_eq!(presented.signs_header("content-md5"), !seen.body.is_empty());
    }
}

#[tokio::test]
async fn an_answer_that_is_no_success_is_an_error() {
    let script = Script::new();
    script.error(ErrorCode::NotImplemented);
    let error = client(&script).extension(ExtensionRequest::get("/-/x")).await.unwrap_err();
    assert_eq!(error.api().unwrap().code, ErrorCode::NotImplemented);
    script.played();
}

#[tokio::test(start_paused = true)]
async fn what_may_be_done_twice_is_repeated_after_a_lost_answer() {
    let script = Script::new();
    script.fail(io::ErrorKind::ConnectionReset).error(ErrorCode::ServiceUnavailable).respond(answer("done"));
    assert_eq!(client(&script).extension(put(true)).await.unwrap().body(), "done");
    assert_eq!(script.played().len(), 3);

    let script = Script::new();
    script.error(ErrorCode::ServiceUnavailable).fail(io::ErrorKind::ConnectionReset);
    let error = client(&script).extension(put(false)).await.unwrap_err();
    assert!(matches!(error, Error::Transport { .. }), "{error}");
    script.played();
}

#[tokio::test(start_paused = true)]
async fn an_attempt_may_have_a_time_of_its_own() {
    let script = Script::new();
    script.silence();
    let client = builder(&script).timeout(Duration::from_secs(1)).build().unwrap();
    let begun = tokio::time::Instant::now();
    let request = ExtensionRequest { timeout: Some(Duration::from_secs(77)), ..put(false) };
    client.extension(request).await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::from_secs(77));
}

/// A time that is longer than others have is waited for once, also where a repeat would be safe; a shorter one may be a
/// matter of chance.
#[tokio::test(start_paused = true)]
async fn a_long_time_that_is_over_is_the_end() {
    for (seconds, attempts) in [(77, 1), (1, 2)] {
        let script = Script::new();
        script.silence();
        if attempts == 2 {
            script.respond(answer("done"));
        }
        let client = builder(&script).timeout(Duration::from_secs(5)).build().unwrap();
        let request = ExtensionRequest { timeout: Some(Duration::from_secs(seconds)), ..put(true) };
        assert_eq!(client.extension(request).await.is_ok(), attempts == 2);
        assert_eq!(script.played().len(), attempts);
    }
}

#[tokio::test]
async fn what_is_no_address_is_not_sent() {
    let script = Script::new();
    for address in ["", "x", "http://other.example/x", "/a b", "//\u{e9}"] {
        let error = client(&script).extension(ExtensionRequest::get(address)).await.unwrap_err();
        assert!(matches!(error, Error::Build(_)), "{address}: {error}");
    }
    assert_eq!(script.asked(), 0);
}
