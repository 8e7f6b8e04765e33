//! All pages as a stream.

use cos_batch_client::Error;
use cos_batch_model::{ErrorCode, JobId, JobStatus};
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::script::Script;
use crate::{client, samples};

/// Ids of all jobs.
async fn all(script: &Script) -> Vec<JobId> {
    client(script).jobs(Vec::new()).map_ok(|job| job.job_id).try_collect().await.unwrap()
}

fn ids(numbers: impl IntoIterator<Item = usize>) -> Vec<JobId> {
    numbers.into_iter().map(samples::id).collect()
}

#[tokio::test]
async fn pages_follow_each_other_with_token_and_statuses() {
    let script = Script::new();
    script
        .answer(&samples::page(0..3, Some("a")))
        .answer(&samples::page([], Some("b")))
        .answer(&samples::page(3..4, None));
    let jobs = client(&script).jobs(vec![JobStatus::Active, JobStatus::Paused]);
    let found: Vec<_> = jobs.map_ok(|job| job.job_id).try_collect().await.unwrap();
    assert_eq!(found, ids(0..4));
    assert_eq!(
        script.lines(),
        [
            "GET /jobs?jobStatuses=Active%2CPaused",
            "GET /jobs?jobStatuses=Active%2CPaused&nextToken=a",
            "GET /jobs?jobStatuses=Active%2CPaused&nextToken=b",
        ]
    );
}

#[tokio::test]
async fn nothing_is_asked_before_it_is_needed() {
    let script = Script::new();
    script.answer(&samples::page(0..2, Some("a"))).answer(&samples::page(2..3, None));
    let mut jobs = client(&script).jobs(Vec::new());
    assert_eq!(script.asked(), 0);
    for (number, asked) in [(0, 1), (1, 1), (2, 2)] {
        assert_eq!(jobs.next().await.unwrap().unwrap().job_id, samples::id(number));
        assert_eq!(script.asked(), asked);
    }
    assert!(jobs.next().await.is_none());
    script.played();
}

#[tokio::test]
async fn no_jobs_are_no_error() {
    let script = Script::new();
    script.answer(&samples::page([], None));
    assert_eq!(all(&script).await, []);
    script.played();
}

#[tokio::test]
async fn a_server_that_does_not_read_the_token_is_not_asked_for_ever() {
    let script = Script::new();
    script.answer(&samples::page(0..2, Some("a"))).answer(&samples::page(0..2, Some("a")));
    assert_eq!(all(&script).await, ids(0..2), "the page that is repeated is not listed twice");
    script.played();
}

#[tokio::test]
async fn a_last_page_with_its_own_token_ends_the_list() {
    let script = Script::new();
    script
        .answer(&samples::page(0..2, Some("a")))
        .answer(&samples::page(2..3, Some("b")))
        .answer(&samples::page([], Some("b")));
    assert_eq!(all(&script).await, ids(0..3));
    script.played();
}

#[tokio::test]
async fn tokens_in_a_circle_end_the_list() {
    let script = Script::new();
    for token in ["a", "b", "c", "a", "b", "c", "a"] {
        script.answer(&samples::page([], Some(token)));
    }
    assert_eq!(all(&script).await, []);
    assert!((4..=7).contains(&script.asked()), "{}", script.asked());
}

#[tokio::test(start_paused = true)]
async fn an_error_ends_the_list_once_its_repeats_are_over() {
    let script = Script::new();
    script
        .answer(&samples::page(0..1, Some("a")))
        .error(ErrorCode::SlowDown)
        .answer(&samples::page(1..2, Some("b")))
        .error(ErrorCode::AccessDenied);
    let found: Vec<Result<JobId, Error>> = client(&script).jobs(Vec::new()).map_ok(|job| job.job_id).collect().await;
    let [Ok(first), Ok(second), Err(error)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((first, second), (&samples::id(0), &samples::id(1)));
    assert_eq!(error.api().unwrap().code, ErrorCode::AccessDenied);
    script.played();
}
