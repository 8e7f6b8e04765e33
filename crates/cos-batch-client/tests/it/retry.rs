//! Repeats: when they come, and what they make of an attempt that was carried out after all.

use std::io;
use std::time::Duration;

use cos_batch_client::{Error, RetryPolicy, TransportErrorKind};
use cos_batch_model::{
    DeleteJobResult, DescribeJobResult, ErrorCode, JobStatus, ListJobsRequest, ListJobsResult, Priority,
    UpdateJobPriorityResult,
};
use tokio::time::Instant;

use crate::script::{Script, Seen};
use crate::{builder, client, samples};

fn api(error: &Error) -> &ErrorCode {
    &error.api().unwrap_or_else(|| panic!("no answer: {error}")).code
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_up_to_their_cap() {
    let script = Script::new();
    for _ in 0..5 {
        script.error(ErrorCode::ServiceUnavailable);
    }
    script.answer(&ListJobsResult::default());
    let retry = RetryPolicy { attempts: 6, base: Duration::from_secs(1), cap: Duration::from_secs(5) };
    let client = builder(&script).retry(retry).build().unwrap();
    client.list_jobs(ListJobsRequest::default()).await.unwrap();

    let seen = script.played();
    let pauses = seen.windows(2).map(|pair: &[Seen]| pair[1].at - pair[0].at);
    for (pause, longest) in pauses.zip([1, 2, 4, 5, 5]) {
        let longest = Duration::from_secs(longest);
        // The runtime's clock goes by milliseconds and rounds up.
        let range = longest / 2..=longest + Duration::from_millis(1);
        assert!(range.contains(&pause), "{pause:?} is not in {range:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_of_one_attempt_repeats_nothing() {
    let script = Script::new();
    script.fail(io::ErrorKind::ConnectionRefused);
    let client = builder(&script).retry(RetryPolicy::NEVER).build().unwrap();
    let error = client.describe_job(&samples::job_id()).await.unwrap_err();
    assert!(matches!(error, Error::Transport { kind: TransportErrorKind::Connect, .. }), "{error}");
    assert_eq!(script.played().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_safe_is_repeated_after_a_lost_answer() {
    let script = Script::new();
    script
        .silence()
        .fail(io::ErrorKind::UnexpectedEof)
        .answer(&UpdateJobPriorityResult { job_id: samples::job_id(), priority: Priority::default() });
    let begun = Instant::now();
    let client = builder(&script).timeout(Duration::from_secs(5)).build().unwrap();
    client.update_job_priority(&samples::job_id(), Priority::default()).await.unwrap();
    let seen = script.played();
    assert_eq!(seen.len(), 3);
    assert!(seen[1].at - begun >= Duration::from_secs(5), "the first attempt has its whole time");
}

#[tokio::test(start_paused = true)]
async fn a_change_of_status_is_not_repeated_after_a_lost_answer() {
    for kind in [io::ErrorKind::ConnectionReset, io::ErrorKind::TimedOut] {
        let script = Script::new();
        script.fail(kind);
        client(&script).confirm(&samples::job_id(), None).await.unwrap_err();
        assert_eq!(script.played().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_of_status_is_repeated_where_nothing_was_sent_or_the_server_says_so() {
    let script = Script::new();
    script
        .fail(io::ErrorKind::ConnectionRefused)
        .error(ErrorCode::SlowDown)
        .answer(&samples::changed(JobStatus::Cancelling));
    let changed = client(&script).cancel(&samples::job_id(), None).await.unwrap();
    assert_eq!(changed.status, JobStatus::Cancelling);
    assert_eq!(script.played().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_refused_repeat_is_settled_by_the_jobs_own_status() {
    use JobStatus::{Active, Cancelled, Cancelling, Complete, Failed, New, Paused, Ready, Suspended};
    for (is_cancel, status, is_reached) in [
        (true, Cancelling, true),
        (true, Cancelled, true),
        (true, Complete, false),
        (true, Active, false),
        (false, Ready, true),
        (false, Active, true),
        (false, Paused, true),
        (false, Complete, true),
        (false, Suspended, false),
        (false, New, false),
        (false, Cancelled, false),
        (false, Failed, false),
    ] {
        let script = Script::new();
        let mut job = samples::job(1, status);
        job.status_update_reason = Some("as asked".parse().unwrap());
        script
            .error(ErrorCode::InternalError)
            .error(ErrorCode::InvalidRequest)
            .answer(&DescribeJobResult { job: job.clone() });
        let (client, id) = (client(&script), samples::job_id());
        let result = if is_cancel { client.cancel(&id, None).await } else { client.confirm(&id, None).await };
        assert_eq!(script.lines()[2], format!("GET /jobs/{id}"));
        match result {
            Ok(changed) => {
                assert!(is_reached, "cancel: {is_cancel}, {status}");
                assert_eq!(changed.status, status);
                assert_eq!(changed.status_update_reason, job.status_update_reason);
            }
            Err(error) => {
                assert!(!is_reached, "cancel: {is_cancel}, {status}");
                assert_eq!(*api(&error), ErrorCode::InvalidRequest);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_refused_without_doubt_is_refused() {
    for first in [None, Some(ErrorCode::SlowDown)] {
        let script = Script::new();
        if let Some(code) = first {
            script.error(code);
        }
        script.error(ErrorCode::InvalidRequest);
        let error = client(&script).cancel(&samples::job_id(), None).await.unwrap_err();
        assert_eq!(*api(&error), ErrorCode::InvalidRequest);
        script.played();
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_cannot_be_settled_is_the_refusal() {
    let script = Script::new();
    script.error(ErrorCode::InternalError).error(ErrorCode::NoSuchJob).error(ErrorCode::NoSuchJob);
    let error = client(&script).cancel(&samples::job_id(), None).await.unwrap_err();
    assert_eq!(*api(&error), ErrorCode::NoSuchJob);
    script.played();
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_gone_after_a_lost_answer_was_deleted() {
    let lost: [fn(&Script) -> &Script; 3] = [
        |script| script.fail(io::ErrorKind::ConnectionReset),
        |script| script.silence(),
        |script| script.error(ErrorCode::InternalError),
    ];
    for add in lost {
        let script = Script::new();
        add(&script);
        script.error(ErrorCode::NoSuchJob);
        client(&script).delete_job(&samples::job_id()).await.unwrap();
        script.played();
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_was_not_there_before_is_no_success() {
    let unsent: [fn(&Script) -> &Script; 3] = [
        |script| script,
        |script| script.fail(io::ErrorKind::ConnectionRefused),
        |script| script.error(ErrorCode::SlowDown),
    ];
    for add in unsent {
        let script = Script::new();
        add(&script);
        script.error(ErrorCode::NoSuchJob);
        let error = client(&script).delete_job(&samples::job_id()).await.unwrap_err();
        assert_eq!(*api(&error), ErrorCode::NoSuchJob);
        script.played();
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_has_its_time_and_not_more() {
    let script = Script::new();
    script.silence().silence();
    let retry = RetryPolicy { attempts: 2, base: Duration::ZERO, cap: Duration::ZERO };
    let client = builder(&script).timeout(Duration::from_millis(1500)).retry(retry).build().unwrap();
    let begun = Instant::now();
    let error = client.list_jobs(ListJobsRequest::default()).await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::from_secs(3));
    assert!(matches!(error, Error::Transport { kind: TransportErrorKind::Timeout, .. }), "{error}");
    script.played();
}

#[tokio::test(start_paused = true)]
async fn the_answer_for_display_comes_as_it_is() {
    let script = Script::new();
    script.error(ErrorCode::InternalError).error(ErrorCode::NoSuchJob).answer(&DeleteJobResult);
    let client = client(&script);
    let response = client.describe_job_response(&samples::job_id()).await.unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(response.headers()["content-type"], "application/xml");
    assert!(response.body().windows(9).any(|part| part == b"NoSuchJob"));
    assert_eq!(client.describe_job_response(&samples::job_id()).await.unwrap().status(), 204);
    script.played();
}
