//! Who is let in.

use std::sync::Arc;

use bytes::Bytes;
use cos_batch_model::*;
use cos_batch_server::{BatchService, BuildError, Key, StaticKeys, Strictness};
use cos_signature::{Credentials, KeyTime, SecretKey, sign};
use http::Request;
use http_body_util::Full;

use crate::support::*;

fn describe() -> Request<Full<Bytes>> {
    for_action(&DescribeJobRequest { job_id: job_id() })
}

/// Refuses a request and gives the code; the backend must not have been asked.
async fn code_of(request: Request<Full<Bytes>>) -> String {
    let recorder = Recorder::default();
    let (code, message) = refused(&strict(recorder.clone()), request).await;
    assert!(recorder.take().is_empty(), "{code}: {message}");
    code
}

fn with_header(mut request: Request<Full<Bytes>>, name: &'static str, value: &str) -> Request<Full<Bytes>> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

fn without_header(mut request: Request<Full<Bytes>>, name: &str) -> Request<Full<Bytes>> {
    request.headers_mut().remove(name);
    request
}

/// Takes names out of the list of signed headers before signing: the headers are put back after it.
fn signed_without(mut request: Request<Full<Bytes>>, name: &'static str) -> Request<Full<Bytes>> {
    let value = request.headers_mut().remove(name).unwrap();
    let mut request = signed(request);
    request.headers_mut().insert(name, value);
    request
}

#[test]
fn a_service_says_whom_it_lets_in() {
    let builder = || BatchService::builder(Arc::new(Recorder::default()));
    assert_eq!(builder().build().err(), Some(BuildError::NoAuthentication));
    let both = builder().allow_anonymous(appid()).authenticate(StaticKeys::new()).build();
    assert_eq!(both.err(), Some(BuildError::Contradiction));
    assert!(builder().allow_anonymous(appid()).build().unwrap().is_anonymous());
    assert!(!builder().authenticate(StaticKeys::new()).build().unwrap().is_anonymous());
}

#[tokio::test]
async fn a_signed_request_is_let_in_as_its_account() {
    let recorder = Recorder::default();
    let key = Key { uin: Some(Uin::new("100000000001").unwrap()), ..key() };
    let service = with_key(recorder.clone(), key);
    assert_eq!(send(&service, signed(create())).await.status(), 200);
    let calls = recorder.take();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].0.appid, appid());
    assert_eq!(calls[0].0.uin.as_ref().map(Uin::as_str), Some("100000000001"));
}

#[tokio::test]
async fn the_account_must_be_named() {
    assert_eq!(code_of(signed(without_header(describe(), "x-cos-appid"))).await, "InvalidArgument");
    assert_eq!(code_of(signed(with_header(describe(), "x-cos-appid", ""))).await, "InvalidArgument");
    assert_eq!(code_of(signed(with_header(describe(), "x-cos-appid", "a/b"))).await, "InvalidArgument");
    let mut twice = signed(describe());
    twice.headers_mut().append("x-cos-appid", APPID.parse().unwrap());
    assert_eq!(code_of(twice).await, "InvalidArgument");
}

#[tokio::test]
async fn the_account_must_be_the_keys() {
    let other = signed(with_header(describe(), "x-cos-appid", "1250000001"));
    assert_eq!(code_of(other).await, "AccessDenied");
    let altered = with_header(signed(describe()), "x-cos-appid", "1250000001");
    assert_eq!(code_of(altered).await, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn keys() {
    assert_eq!(code_of(describe()).await, "AccessDenied");
    let hour = KeyTime::new(NOW, NOW + 3600).unwrap();
    let sign_as = |id: &str, secret: &str| {
        let mut request = describe();
        sign(&mut request, &Credentials::new(id, secret), hour).unwrap();
        request
    };
    assert_eq!(code_of(sign_as("AKIDUNKNOWN", SECRET_KEY)).await, "InvalidAccessKeyId");
    assert_eq!(code_of(sign_as(SECRET_ID, "another")).await, "SignatureDoesNotMatch");
    let garbled = with_header(describe(), "authorization", "Basic dXNlcg==");
    assert_eq!(code_of(garbled).await, "AccessDenied");
}

#[tokio::test]
async fn times() {
    let at = |start: i64, end: i64| {
        let mut request = describe();
        sign(&mut request, &credentials(), KeyTime::new(start, end).unwrap()).unwrap();
        request
    };
    assert_eq!(code_of(at(NOW - 3600, NOW - 1)).await, "Request has expired");
    assert_eq!(code_of(at(NOW + 901, NOW + 3600)).await, "RequestTimeTooSkewed");
    assert_eq!(code_of(at(NOW - 10, NOW + 86_400)).await, "AccessDenied");
    // The edges are let in: what refuses them is the backend.
    let service = strict(Recorder::default());
    for (start, end) in [(NOW - 3600, NOW), (NOW + 900, NOW + 3600), (NOW, NOW + 86_400)] {
        assert_eq!(refused(&service, at(start, end)).await.0, "NoSuchJob", "{start};{end}");
    }
}

#[tokio::test]
async fn what_is_not_signed_is_refused() {
    assert_eq!(code_of(signed_without(describe(), "x-cos-appid")).await, "AccessDenied");
    let more = with_header(signed(describe()), "x-cos-more", "1");
    assert_eq!(code_of(more).await, "AccessDenied");

    let mut parameter = signed(for_action(&ListJobsRequest::default()));
    *parameter.uri_mut() = "/jobs?maxResults=1".parse().unwrap();
    assert_eq!(code_of(parameter).await, "AccessDenied");

    let other_job = JobId::new("other").unwrap();
    let mut other = signed(describe());
    *other.uri_mut() = for_action(&DescribeJobRequest { job_id: other_job }).uri().clone();
    assert_eq!(code_of(other).await, "SignatureDoesNotMatch");

    let mut method = signed(describe());
    *method.method_mut() = http::Method::DELETE;
    assert_eq!(code_of(method).await, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn the_case_of_a_signed_parameter_cannot_take_it_out_of_effect() {
    let reason = Some(StatusUpdateReason::new("why").unwrap());
    let requested_job_status = RequestedJobStatus::Cancelled;
    let update = UpdateJobStatusRequest { job_id: job_id(), requested_job_status, status_update_reason: reason };
    let mut request = signed(for_action(&update));
    let uri = request.uri().to_string().replace("statusUpdateReason", "statusupdatereason");
    *request.uri_mut() = uri.parse().unwrap();
    assert_eq!(code_of(request).await, "InvalidArgument");
}

#[tokio::test]
async fn a_create_job_binds_its_body() {
    assert_eq!(code_of(signed(without_header(create(), "content-md5"))).await, "AccessDenied");
    assert_eq!(code_of(signed_without(create(), "content-md5")).await, "AccessDenied");

    let (head, _) = signed(create()).into_parts();
    let other = CREATE.replace("<Priority>1<", "<Priority>9<");
    assert_eq!(code_of(Request::from_parts(head, Full::from(other))).await, "BadDigest");

    for invalid in ["", "x", "kAFQmDzST7DWlj99KOF/cg", "AAAA", "900150983cd24fb0d6963f7d28e17f72"] {
        let request = signed(with_header(create(), "content-md5", invalid));
        assert_eq!(code_of(request).await, "InvalidDigest", "{invalid:?}");
    }
}

#[tokio::test]
async fn a_digest_counts_wherever_it_is_given() {
    let service = anonymous(Recorder::default()).build().unwrap();
    let bad = with_header(create(), "content-md5", "kAFQmDzST7DWlj99KOF/cg==");
    assert_eq!(refused(&service, bad).await.0, "BadDigest");
    let of_nothing = with_header(describe(), "content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==");
    assert_eq!(refused(&service, of_nothing).await.0, "NoSuchJob");
    let mut twice = create();
    let digest = twice.headers()["content-md5"].clone();
    twice.headers_mut().append("content-md5", digest);
    assert_eq!(refused(&service, twice).await.0, "InvalidDigest");
}

#[tokio::test]
async fn temporary_keys_need_their_token() {
    let temporary = Key { security_token: Some("tok/en+1=".into()), ..key() };
    let service = with_key(Recorder::default(), temporary);
    let hour = KeyTime::new(NOW, NOW + 3600).unwrap();
    let with_token = |token: &str| {
        let mut request = describe();
        sign(&mut request, &credentials().with_security_token(token), hour).unwrap();
        request
    };
    assert_eq!(refused(&service, with_token("tok/en+1=")).await.0, "NoSuchJob");
    assert_eq!(refused(&service, with_token("tok/en+2=")).await.0, "AccessDenied");
    assert_eq!(refused(&service, signed(describe())).await.0, "AccessDenied");
    assert_eq!(code_of(with_token("tok/en+1=")).await, "AccessDenied", "a permanent key has no token");
    let unsigned = with_header(signed(describe()), "x-cos-security-token", "tok/en+1=");
    assert_eq!(refused(&service, unsigned).await.0, "AccessDenied");
}

#[tokio::test]
async fn compatible_mode_demands_less() {
    let keys = StaticKeys::new().with(SECRET_ID, Key::new(SecretKey::new(SECRET_KEY), appid()));
    let builder = BatchService::builder(Arc::new(Recorder::default())).authenticate(keys).clock(|| NOW);
    let service = builder.strictness(Strictness::CosCompatible).build().unwrap();
    assert_eq!(send(&service, signed_without(create(), "content-md5")).await.status(), 200);
    assert_eq!(send(&service, signed(without_header(create(), "content-md5"))).await.status(), 200);
    assert_eq!(refused(&service, signed_without(describe(), "x-cos-appid")).await.0, "NoSuchJob");
    let other = with_header(signed_without(describe(), "x-cos-appid"), "x-cos-appid", "1250000001");
    assert_eq!(refused(&service, other).await.0, "AccessDenied", "the account must be the key's all the same");
    let altered = with_header(signed(describe()), "x-cos-appid", "1250000001");
    assert_eq!(refused(&service, altered).await.0, "SignatureDoesNotMatch");
}
