//! A server in a test, as others would use it.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{fs, sync::Arc, time::Duration};

use cos_batch_client::{Client, JobBuilder};
use cos_batch_model::JobStatus;
use cos_batch_testing::{Call, ErrorKind, ManualClock, TestServer};

#[path = "../../examples/common_jobs.rs"]
#[expect(dead_code, reason = "the example has a main function of its own")]
mod common_jobs;

#[path = "../../examples/own_store.rs"]
#[expect(dead_code, reason = "the example has a main function of its own")]
mod own_store;
#[path = "../../../cos-batch-client/examples/submit_to_report.rs"]
#[expect(dead_code, reason = "the example has a main function of its own")]
mod submit_to_report;

const PHOTOS: &str = "photos-1250000000";
const BACKUP: &str = "backup-1250000000";

async fn copy(server: &TestServer, token: &str, rows: &str) -> (Client, cos_batch_model::JobId) {
    let etag = server.put(PHOTOS, "all.csv", rows.to_owned()).await.unwrap();
    let client = server.client().unwrap();
    let job = JobBuilder::new("local", &format!("{PHOTOS}/all.csv"), &etag).copy_to(BACKUP).build(token).unwrap();
    let id = client.create_job(job).await.unwrap().job_id;
    (client, id)
}

#[tokio::test]
async fn the_example_runs_the_common_jobs() {
    let told = common_jobs::run().await.unwrap();
    assert_eq!(told[..2], ["Complete: 2 of 2", "Complete: 2 of 2"]);
    assert!(told[2].starts_with("Cancelled: 0 of "), "{told:?}");
    assert_eq!(told[3], "picture");
}

#[tokio::test]
async fn the_example_drives_a_job_from_its_submission_to_its_report() {
    let server = TestServer::start().await.unwrap();
    server.make_bucket(BACKUP).await.unwrap();
    server.put(PHOTOS, "a", "x").await.unwrap();
    let etag = server.put(PHOTOS, "all.csv", format!("{PHOTOS},a\n{PHOTOS},gone\n")).await.unwrap();
    let client = server.client().unwrap();
    let job = || {
        let job = JobBuilder::new("local", &format!("{PHOTOS}/all.csv"), &etag);
        job.copy_to(BACKUP).report_to(BACKUP, "reports").build("drive").unwrap()
    };
    let read = async |bucket: &str, key: &str| Ok(server.get(bucket, key).await?);
    let told = submit_to_report::drive(&client, job(), read).await.unwrap();
    assert_eq!((told.status.as_str(), told.counts), ("Complete", (1, 1)));
    let mut rows = told.rows;
    rows.sort();
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows[0].starts_with(&format!("{PHOTOS},a,,succeeded,200,")), "{rows:?}");
    assert!(rows[1].starts_with(&format!("{PHOTOS},gone,,failed,404,NoSuchKey,")), "{rows:?}");
    // The same token makes no second job.
    let error = submit_to_report::drive(&client, job(), read).await.unwrap_err();
    assert!(error.to_string().contains("ClientRequestToken was already used"), "{error}");

    // A job that fails as a whole has no report to be read.
    let nowhere = JobBuilder::new("local", &format!("{PHOTOS}/none.csv"), &etag).delete().report_to(BACKUP, "reports");
    let error = submit_to_report::drive(&client, nowhere.build("nowhere").unwrap(), read).await.unwrap_err();
    assert!(error.to_string().contains("ManifestNotFound"), "{error}");
}

#[tokio::test]
async fn the_example_runs_jobs_on_a_store_of_its_own() {
    let told = own_store::run().await.unwrap();
    assert_eq!(told[0], "Complete, 2 done");
    assert!(told[1].starts_with("Failed, 0 done: ") && told[1].contains("tag"), "{told:?}");
    assert_eq!(told[2], "picture");
}

#[tokio::test]
async fn faults_that_are_ordered_are_met() {
    let server = TestServer::start().await.unwrap();
    server.make_bucket(BACKUP).await.unwrap();
    for key in ["a", "b", "c"] {
        server.put(PHOTOS, key, "x").await.unwrap();
    }
    server.faults().fail(Call::Copy, "a", ErrorKind::InternalError, 1);
    server.faults().fail(Call::Copy, "b", ErrorKind::AccessDenied, 1);
    let rows = format!("{PHOTOS},a\n{PHOTOS},b\n{PHOTOS},c\n");
    let (client, id) = copy(&server, "t", &rows).await;
    let progress = client.wait(&id).await.unwrap().progress_summary;
    assert_eq!((progress.number_of_tasks_succeeded, progress.number_of_tasks_failed), (2, 1));
    assert_eq!(server.faults().left(), 0);
    assert_eq!(server.get(BACKUP, "a").await.unwrap(), "x");
    assert!(server.get(BACKUP, "b").await.is_err());
    let statistics = server.engine().statistics();
    let of = cos_batch_engine::task::retry::Class::Transient as usize;
    assert_eq!((statistics.stores[0].retries[of], statistics.stores[0].failures[of]), (1, 1));
    server.stop().await;
}

#[tokio::test]
async fn buckets_may_be_folders() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::builder().folder(folder.path()).start().await.unwrap();
    server.make_bucket(BACKUP).await.unwrap();
    server.put(PHOTOS, "a", "x").await.unwrap();
    let (client, id) = copy(&server, "t", &format!("{PHOTOS},a\n")).await;
    assert_eq!(client.wait(&id).await.unwrap().status, JobStatus::Complete);
    assert_eq!(fs::read(folder.path().join(BACKUP).join("a")).unwrap(), b"x");
    server.stop().await;
}

#[tokio::test]
async fn time_is_what_the_clock_says() {
    let clock = Arc::new(ManualClock::new(1_700_000_000_000));
    let server = TestServer::builder().clock(clock.clone()).start().await.unwrap();
    server.make_bucket(BACKUP).await.unwrap();
    server.put(PHOTOS, "a", "x").await.unwrap();
    let (client, first) = copy(&server, "one", &format!("{PHOTOS},a\n")).await;
    let job = client.wait(&first).await.unwrap();
    assert_eq!(job.creation_time.unix_seconds(), 1_700_000_000);
    clock.advance(Duration::from_secs(3_600));
    let (client, second) = copy(&server, "two", &format!("{PHOTOS},a\n")).await;
    assert_eq!(client.wait(&second).await.unwrap().creation_time.unix_seconds(), 1_700_003_600);
    server.stop().await;
}
