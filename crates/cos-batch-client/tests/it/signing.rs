//! What goes out: the headers of each action, and their signature.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use cos_batch_client::{Endpoint, SIGNATURE_LIFETIME_MAX, SecretKey};
use cos_batch_model::{
    CreateJobResult, DeleteJobResult, DescribeJobResult, ErrorCode, JobStatus, ListJobsRequest, ListJobsResult,
    Priority, UpdateJobPriorityResult,
};
use cos_signature::{Place, Presented, Strictness, verify};

use crate::script::{Script, Seen};
use crate::{NOW, SECRET_ID, SECRET_KEY, builder, client, credentials, samples};

/// Reads and verifies the signature of a request as a strict server does.
fn verified(seen: &Seen, now: i64) -> Presented<'_> {
    let presented = Presented::from_parts(&seen.parts).unwrap();
    assert_eq!(presented.secret_id, SECRET_ID);
    let key = SecretKey::new(SECRET_KEY);
    verify(&seen.parts, &presented, Some(&key), now, Strictness::Strict).unwrap();
    presented
}

/// The head as text, headers by name.
fn head(seen: &Seen) -> String {
    let mut headers: Vec<_> = seen.parts.headers.keys().map(|name| name.as_str()).collect();
    headers.sort_unstable();
    let version = env!("CARGO_PKG_VERSION");
    let lines = headers.iter().map(|name| format!("{name}: {}\n", seen.header(name).unwrap().replace(version, "…")));
    format!("{}\n{}", seen.line(), lines.collect::<String>())
}

#[tokio::test]
async fn the_head_of_each_action_is_pinned_and_passes_strict_verifying() {
    let script = Script::new();
    script
        .answer(&CreateJobResult { job_id: samples::job_id() })
        .answer(&DescribeJobResult { job: samples::job(1, JobStatus::Active) })
        .answer(&ListJobsResult::default())
        .answer(&UpdateJobPriorityResult { job_id: samples::job_id(), priority: Priority::default() })
        .answer(&samples::changed(JobStatus::Ready))
        .answer(&samples::changed(JobStatus::Cancelling))
        .answer(&DeleteJobResult);
    let (client, id) = (client(&script), samples::job_id());

    client.create_job(samples::create()).await.unwrap();
    client.describe_job(&id).await.unwrap();
    let request = ListJobsRequest {
        job_statuses: vec![JobStatus::Active, JobStatus::Suspended],
        max_results: Some("2".parse().unwrap()),
        next_token: Some("token".parse().unwrap()),
    };
    client.list_jobs(request).await.unwrap();
    client.update_job_priority(&id, Priority::new(7).unwrap()).await.unwrap();
    client.confirm(&id, None).await.unwrap();
    client.cancel(&id, Some("no longer (needed) *~'!+ 好".parse().unwrap())).await.unwrap();
    client.delete_job(&id).await.unwrap();

    let seen = script.played();
    for request in &seen {
        verified(request, NOW);
        assert_eq!(request.parts.uri.authority().unwrap(), "127.0.0.1:9450");
    }
    assert!(verified(&seen[0], NOW).signs_header("content-md5"), "the body is bound to the signature");
    let heads: Vec<String> = seen.iter().map(head).collect();
    insta::assert_snapshot!(heads.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn each_attempt_is_signed_anew() {
    let script = Script::new();
    script.error(ErrorCode::SlowDown).error(ErrorCode::SlowDown).answer(&ListJobsResult::default());
    let time = Arc::new(AtomicI64::new(NOW));
    let clock = Arc::clone(&time);
    let lifetime = Duration::from_millis(60_999);
    let client = builder(&script).clock(move || clock.fetch_add(100, Ordering::SeqCst)).signature_lifetime(lifetime);
    client.build().unwrap().list_jobs(ListJobsRequest::default()).await.unwrap();

    for (number, request) in script.played().iter().enumerate() {
        let now = NOW + 100 * i64::try_from(number).unwrap();
        let window = verified(request, now + 60).key_time;
        assert_eq!((window.start(), window.end()), (now, now + 60));
    }
}

#[tokio::test]
async fn a_temporary_key_sends_its_token_and_signs_it() {
    let script = Script::new();
    script.answer(&ListJobsResult::default());
    let client = builder(&script).credentials(credentials().with_security_token("tok/en+1=")).build().unwrap();
    client.list_jobs(ListJobsRequest::default()).await.unwrap();
    let seen = script.played();
    assert_eq!(seen[0].header("x-cos-security-token"), Some("tok/en+1="));
    assert!(verified(&seen[0], NOW).signs_header("x-cos-security-token"));
}

#[tokio::test]
async fn an_anonymous_client_signs_nothing() {
    let script = Script::new();
    script.answer(&ListJobsResult::default());
    builder(&script).anonymous().build().unwrap().list_jobs(ListJobsRequest::default()).await.unwrap();
    let seen = script.played();
    assert_eq!(seen[0].header("authorization"), None);
    assert_eq!(seen[0].header("x-cos-appid"), Some("1250000000"));
    assert_eq!(seen[0].header("host"), Some("127.0.0.1:9450"));
}

#[tokio::test]
async fn another_account_is_named_with_the_same_key() {
    let script = Script::new();
    script.answer(&ListJobsResult::default()).answer(&ListJobsResult::default());
    let client = client(&script);
    let other = client.with_appid("1250000001".parse().unwrap());
    other.list_jobs(ListJobsRequest::default()).await.unwrap();
    client.list_jobs(ListJobsRequest::default()).await.unwrap();
    let seen = script.played();
    assert_eq!(seen[0].header("x-cos-appid"), Some("1250000001"));
    assert_eq!(seen[1].header("x-cos-appid"), Some("1250000000"));
    verified(&seen[0], NOW);
}

#[tokio::test]
async fn the_host_of_cos_is_signed_without_a_port() {
    let script = Script::new();
    script.answer(&ListJobsResult::default());
    let endpoint = Endpoint::cos(&"100000000001".parse().unwrap(), "ap-guangzhou").unwrap();
    let client = builder(&script).endpoint(endpoint).build().unwrap();
    client.list_jobs(ListJobsRequest::default()).await.unwrap();
    let seen = script.played();
    assert_eq!(seen[0].header("host"), Some("100000000001.cos-control.ap-guangzhou.myqcloud.com"));
    assert_eq!(
        seen[0].parts.uri, "https://100000000001.cos-control.ap-guangzhou.myqcloud.com/jobs",
        "the scheme tells a transport to connect securely"
    );
    verified(&seen[0], NOW);
}

#[test]
fn a_presigned_request_holds_without_a_key_and_carries_what_must_be_sent() {
    let script = Script::new();
    let client = builder(&script).credentials(credentials().with_security_token("tok/en+1=")).build().unwrap();
    let list = ListJobsRequest { job_statuses: vec![JobStatus::Active], ..ListJobsRequest::default() };
    for (request, names) in [
        (client.presign(&list, Duration::from_millis(600_999)).unwrap(), &["host", "x-cos-appid"][..]),
        (
            client.presign(&samples::create(), Duration::from_secs(600)).unwrap(),
            &["content-length", "content-md5", "content-type", "host", "x-cos-appid"],
        ),
    ] {
        let mut sent: Vec<_> = request.headers().keys().map(|name| name.as_str()).collect();
        sent.sort_unstable();
        assert_eq!(sent, names);
        let (parts, _) = request.into_parts();
        let presented = Presented::from_parts(&parts).unwrap();
        assert_eq!(presented.place, Place::Query);
        assert_eq!((presented.key_time.start(), presented.key_time.end()), (NOW, NOW + 600));
        assert_eq!(presented.security_token.as_deref(), Some("tok/en+1="));
        assert!(names.iter().all(|name| presented.signs_header(name)));
        let key = SecretKey::new(SECRET_KEY);
        verify(&parts, &presented, Some(&key), NOW + 600, Strictness::Strict).unwrap();
        assert!(verify(&parts, &presented, Some(&key), NOW + 601, Strictness::Strict).is_err());
    }
    assert!(script.played().is_empty(), "nothing is sent");
}

#[test]
fn what_cannot_be_presigned_is_told() {
    let script = Script::new();
    let list = ListJobsRequest::default();
    let day = SIGNATURE_LIFETIME_MAX;
    assert!(client(&script).presign(&list, day).is_ok());
    for lifetime in [Duration::from_millis(999), day + Duration::from_secs(1)] {
        let error = client(&script).presign(&list, lifetime).unwrap_err();
        assert_eq!(error.to_string(), format!("lifetime must be 1 s to 24 h, not {lifetime:?}"));
    }
    let anonymous = builder(&script).anonymous().build().unwrap();
    let error = anonymous.presign(&list, day).unwrap_err();
    assert_eq!(error.to_string(), "the client needs credentials: without them there is nothing to sign with");
}
