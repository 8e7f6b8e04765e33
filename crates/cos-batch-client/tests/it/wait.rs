//! Following a job, by the runtime's clock, which jumps from pause to pause.

use std::io;
use std::time::Duration;

use cos_batch_client::{Error, POLL_PAUSE_MIN, WaitOptions};
use cos_batch_model::{DescribeJobResult, ErrorCode, JobStatus};
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::time::Instant;

use crate::samples::{described, job_id};
use crate::script::Script;
use crate::{builder, client};

fn options(min: u64, max: u64) -> WaitOptions {
    WaitOptions {
        interval_min: Duration::from_secs(min),
        interval_max: Duration::from_secs(max),
        ..WaitOptions::default()
    }
}

/// Seconds between the requests.
fn pauses(script: &Script) -> Vec<f64> {
    script.played().windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs_f64()).collect()
}

#[tokio::test(start_paused = true)]
async fn progress_shows_every_look_until_the_end() {
    let script = Script::new();
    let looks = [
        (JobStatus::New, 0),
        (JobStatus::Active, 10),
        (JobStatus::Active, 60),
        (JobStatus::Completing, 100),
        (JobStatus::Complete, 100),
    ];
    for (status, succeeded) in looks {
        script.answer(&described(status, succeeded));
    }
    let progress = client(&script).progress(&job_id(), WaitOptions::default());
    let seen: Vec<_> = progress
        .map_ok(|job| (*job.status.known().unwrap(), job.progress_summary.number_of_tasks_succeeded))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(seen, looks);
    assert_eq!(pauses(&script), [1.0; 4], "something new each time");
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_while_nothing_changes_and_begin_anew() {
    let script = Script::new();
    for succeeded in [5, 5, 5, 5, 5, 5, 6, 6] {
        script.answer(&described(JobStatus::Active, succeeded));
    }
    script.answer(&described(JobStatus::Failed, 6));
    let job = client(&script).wait_with(&job_id(), options(4, 10)).await.unwrap();
    assert_eq!(job.status, JobStatus::Failed);
    assert_eq!(pauses(&script), [4.0, 6.0, 9.0, 10.0, 10.0, 10.0, 4.0, 6.0]);
}

#[tokio::test(start_paused = true)]
async fn waiting_goes_on_to_a_final_status() {
    for status in [JobStatus::Complete, JobStatus::Cancelled, JobStatus::Failed] {
        let script = Script::new();
        script.answer(&described(JobStatus::Suspended, 0)).answer(&described(status, 100));
        assert_eq!(client(&script).wait(&job_id()).await.unwrap().status, status);
        script.played();
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_waits_for_a_person_can_end_the_wait() {
    let script = Script::new();
    script.answer(&described(JobStatus::Preparing, 0)).answer(&described(JobStatus::Suspended, 0));
    let options = WaitOptions { stop_when_suspended: true, ..WaitOptions::default() };
    let job = client(&script).wait_with(&job_id(), options).await.unwrap();
    assert_eq!(job.status, JobStatus::Suspended);
    script.played();
}

#[tokio::test(start_paused = true)]
async fn a_status_of_a_newer_server_is_no_end() {
    let script = Script::new();
    script
        .step(|_| {
            let response = described(JobStatus::Active, 0);
            let text = String::from_utf8(cos_batch_model::xml::to_bytes(&response).to_vec()).unwrap();
            Ok(http::Response::new(text.replace(">Active<", ">Thawing<").into()))
        })
        .answer(&described(JobStatus::Complete, 0));
    assert_eq!(client(&script).wait(&job_id()).await.unwrap().status, JobStatus::Complete);
    script.played();
}

#[tokio::test(start_paused = true)]
async fn what_passes_does_not_end_the_wait() {
    let script = Script::new();
    script
        .answer(&described(JobStatus::Active, 0))
        .error(ErrorCode::ServiceUnavailable)
        .fail(io::ErrorKind::ConnectionReset)
        .answer(&described(JobStatus::Complete, 0));
    assert_eq!(client(&script).wait(&job_id()).await.unwrap().status, JobStatus::Complete);
    script.played();
}

#[tokio::test(start_paused = true)]
async fn what_does_not_pass_ends_it() {
    let script = Script::new();
    script.answer(&described(JobStatus::Active, 0)).error(ErrorCode::NoSuchJob);
    let looks: Vec<_> = client(&script).progress(&job_id(), WaitOptions::default()).collect().await;
    let [Ok(_), Err(error)] = &looks[..] else { panic!("{looks:?}") };
    assert_eq!(error.api().unwrap().code, ErrorCode::NoSuchJob);
    script.played();
}

#[tokio::test(start_paused = true)]
async fn the_time_to_give_up_cuts_a_pause() {
    let script = Script::new();
    script.answer(&described(JobStatus::Active, 0)).answer(&described(JobStatus::Active, 1));
    let options = WaitOptions { give_up_after: Some(Duration::from_secs(7)), ..options(4, 4) };
    let begun = Instant::now();
    let error = client(&script).wait_with(&job_id(), options).await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::from_secs(7));
    let Error::GaveUp { after, status, .. } = &error else { panic!("{error}") };
    assert_eq!(*after, Duration::from_secs(7));
    assert_eq!(status.as_ref().unwrap(), &JobStatus::Active);
    script.played();
}

#[tokio::test(start_paused = true)]
async fn the_time_to_give_up_cuts_a_look() {
    let script = Script::new();
    script.silence();
    let options = WaitOptions { give_up_after: Some(Duration::from_secs(7)), ..WaitOptions::default() };
    let begun = Instant::now();
    let error = client(&script).wait_with(&job_id(), options).await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::from_secs(7));
    assert!(matches!(error, Error::GaveUp { status: None, .. }), "{error}");
    script.played();
}

#[tokio::test(start_paused = true)]
async fn without_a_pause_there_is_still_one() {
    let script = Script::new();
    script.answer(&described(JobStatus::Active, 0)).answer(&described(JobStatus::Active, 0));
    script.answer(&described(JobStatus::Complete, 0));
    client(&script).wait_with(&job_id(), options(0, 0)).await.unwrap();
    assert_eq!(pauses(&script), [POLL_PAUSE_MIN.as_secs_f64(); 2]);
}

#[tokio::test(start_paused = true)]
async fn following_a_job_can_be_left_to_a_task_of_its_own() {
    let script = Script::new();
    script.answer(&described(JobStatus::Active, 0)).answer(&described(JobStatus::Complete, 0));
    // Neither the client nor the id lives as long as the stream.
    let progress = client(&script).progress(&job_id(), WaitOptions::default());
    let looks = tokio::spawn(progress.try_collect::<Vec<_>>()).await.unwrap().unwrap();
    assert_eq!(looks.len(), 2);
    script.answer(&described(JobStatus::Complete, 0));
    let client = client(&script);
    tokio::spawn(async move { client.wait(&job_id()).await }).await.unwrap().unwrap();
    script.played();
}

#[tokio::test(start_paused = true)]
async fn times_beyond_all_measure_are_no_times() {
    let script = Script::new();
    script.answer(&DescribeJobResult { job: crate::samples::job(1, JobStatus::Complete) });
    let options = WaitOptions {
        interval_min: Duration::MAX,
        interval_max: Duration::ZERO,
        give_up_after: Some(Duration::MAX),
        stop_when_suspended: false,
    };
    let client = builder(&script).timeout(Duration::MAX).build().unwrap();
    client.wait_with(&job_id(), options).await.unwrap();
    script.played();
}
