//! Versions of manifests, reports as manifests, quotas, confirmations that never come, reports of failed tasks alone.

use std::{sync::atomic::Ordering, time::Duration};

use cos_batch_engine::Config;
use cos_batch_model::{
    CreateJobRequest, ETag, Job, JobId, JobStatus, ManifestField, ObjectArn, ObjectVersionId, Operation, ReportScope,
    RequestedJobStatus,
};
use cos_batch_objectstore::{Execution, ObjectStore as _, PutRequest};

use super::{
    stops::faulty_world,
    world::{self, SOURCE, TARGET, World},
};

async fn failure(world: &World, id: &JobId) -> String {
    world.until_status(id, JobStatus::Failed).await.failure_reasons[0].failure_code.as_str().to_owned()
}

#[tokio::test]
async fn a_manifest_is_the_version_that_is_named() {
    let world = World::new().await;
    world.memory.set_versioning(SOURCE, true).unwrap();
    world.fill(3).await;
    let put = async |rows: String| {
        let outcome = world.memory.put(PutRequest::new(SOURCE, "manifest.csv", rows.into())).await.unwrap();
        (outcome.version_id.unwrap(), outcome.etag)
    };
    let (old, old_etag) = put(format!("{SOURCE},in/0\n{SOURCE},in/1\n")).await;
    let (new, new_etag) = put(format!("{SOURCE},in/2\n")).await;
    let request = async |version: &str, etag: &str| {
        let mut request = world.copy_request("something newer").await;
        request.manifest.location.object_version_id = Some(ObjectVersionId::new(version).unwrap());
        request.manifest.location.e_tag = ETag::new(etag).unwrap();
        request
    };
    for (version, etag, rows) in [(&old, &old_etag, 2), (&new, &new_etag, 1)] {
        let id = world.create(request(version, etag).await).await;
        let progress = world.until_status(&id, JobStatus::Complete).await.progress_summary;
        assert_eq!(progress.number_of_tasks_succeeded, rows);
    }
    let id = world.create(request(&old, &new_etag).await).await;
    assert_eq!(failure(&world, &id).await, "ManifestETagMismatch");
    let id = world.create(request("no-such-version", &new_etag).await).await;
    assert_eq!(failure(&world, &id).await, "ManifestNotFound");
}

/// A job over the report's file of failed tasks of another one.
async fn over_failed(world: &World, id: &JobId) -> CreateJobRequest {
    let file = world.get(TARGET, &format!("job-{id}/results/1.csv")).await.unwrap();
    assert!(String::from_utf8(file.to_vec()).unwrap().contains("\"\""), "a message with quotes in it");
    let mut request = world.copy_request("").await;
    let etag = world.put(SOURCE, "again.csv", file).await;
    request.manifest.location.e_tag = ETag::new(etag).unwrap();
    request.manifest.location.object_arn = ObjectArn::for_object("ap-guangzhou", SOURCE, "again.csv").unwrap();
    let ignored = std::iter::repeat_n(ManifestField::Ignore, 4);
    let fields = [ManifestField::Bucket, ManifestField::Key, ManifestField::VersionId].into_iter().chain(ignored);
    request.manifest.spec.fields = fields.map(Into::into).collect();
    request
}

#[tokio::test]
async fn a_file_of_failed_tasks_is_a_manifest() {
    for versions in [false, true] {
        let world = World::new().await;
        world.memory.set_versioning(SOURCE, versions).unwrap();
        let keys = [
            "plain",
            "a,b",
            "say \"hi\"",
            " spaces ",
            "caf\u{e9}/100%",
            "two\nlines",
            "+plus&more=",
            "\u{4e2d}\u{6587}",
        ];
        let mut rows = String::new();
        for key in keys {
            let put = world.memory.put(PutRequest::new(SOURCE, key, format!("old {key}").into())).await.unwrap();
            world.put(SOURCE, key, format!("new {key}")).await;
            let encoded = cos_batch_engine::report::row::encode_key(key);
            let version = put.version_id.unwrap_or_default();
            rows.push_str(&format!("{SOURCE},\"{}\",{version}\n", encoded.replace('"', "\"\"")));
        }
        let mut request = world.copy_request(&rows).await;
        request.manifest.spec.fields.push(ManifestField::VersionId.into());
        let Operation::PutObjectCopy(copy) = &mut request.operation else { panic!() };
        copy.prefix_replace = true;
        copy.resources_prefix = Some("no \"such\", prefix".parse().unwrap());
        let id = world.create(request).await;
        let progress = world.until_status(&id, JobStatus::Complete).await.progress_summary;
        assert_eq!(progress.number_of_tasks_failed, keys.len() as u64);

        let id = world.create(over_failed(&world, &id).await).await;
        let progress = world.until_status(&id, JobStatus::Complete).await.progress_summary;
        assert_eq!(progress.number_of_tasks_succeeded, keys.len() as u64);
        for key in keys {
            let expected = format!("{} {key}", if versions { "old" } else { "new" });
            assert_eq!(world.get(TARGET, key).await.unwrap(), expected);
        }
    }
}

#[tokio::test]
async fn rows_of_an_appid_are_bounded() {
    let config = Config { tenant_rows_max: 5, ..world::config() };
    let world = World::with(config, |objects| objects).await;
    let rows = world.fill(3).await;
    let mut waiting = world.copy_request(&rows).await;
    waiting.confirmation_required = true;
    let waiting = world.create(waiting).await;
    world.until_status(&waiting, JobStatus::Suspended).await;
    let second = world.create(world.copy_request(&rows).await).await;
    assert_eq!(failure(&world, &second).await, "TooManyRows");
    // Rows of jobs that have ended do not count.
    world.set_status(&waiting, RequestedJobStatus::Cancelled).await.unwrap();
    world.until_status(&waiting, JobStatus::Cancelled).await;
    let third = world.create(world.copy_request(&rows).await).await;
    world.until_status(&third, JobStatus::Complete).await;
}

#[tokio::test]
async fn a_report_that_grows_too_large_ends_its_job() {
    let config = Config { report_bytes_max: 10_000, checkpoint_rows: 100, ..world::config() };
    let world = World::with(config, |objects| objects).await;
    world.fill(1).await;
    let id = world.create(world.copy_request(&format!("{SOURCE},in/0\n").repeat(9000)).await).await;
    assert_eq!(failure(&world, &id).await, "ReportTooLarge");
    let job = world.describe(&id).await;
    let done = job.progress_summary.number_of_tasks_succeeded;
    assert!((200..9000).contains(&done), "{done}");
    assert_eq!(world.report(&id).await.len() as u64, done, "what was done is reported");
}

#[tokio::test]
async fn a_confirmation_that_never_comes_ends_the_job() {
    let mut world = World::new().await;
    let rows = world.fill(1).await;
    let mut request = world.copy_request(&rows).await;
    request.confirmation_required = true;
    let id = world.create(request).await;
    world.until_status(&id, JobStatus::Suspended).await;
    world.engine.shutdown().await;
    world.config.confirmation_wait = Duration::ZERO;
    tokio::time::sleep(Duration::from_millis(2)).await;
    world.restart().await;
    let job = world.until_status(&id, JobStatus::Failed).await;
    let failure = &job.failure_reasons[0];
    assert_eq!(failure.failure_code.as_str(), "ConfirmationExpired");
    assert_eq!(failure.failure_reason.as_str(), "nobody confirmed the job within 0 seconds");
    assert_eq!(world.get(TARGET, "in/0").await, None);
}

fn executed(job: &Job) -> u64 {
    job.progress_summary.number_of_tasks_failed + job.progress_summary.number_of_tasks_succeeded
}

/// Jobs that report failed tasks alone, and do not come to their end: cancelled, or failed.
#[tokio::test(flavor = "multi_thread")]
async fn failed_tasks_alone_are_reported_of_jobs_that_were_cut_off() {
    let (world, faulty) = faulty_world(world::config(), Execution::Async).await;
    faulty.gated.store(true, Ordering::SeqCst);
    world.fill(1).await;
    let mixed = format!("{SOURCE},in/0\n{SOURCE},gone\n").repeat(1500);
    let mut request = world.copy_request(&mixed).await;
    request.report.report_scope = Some(ReportScope::FailedTasksOnly.into());
    let id = world.create(request).await;
    let far_enough = |job: &Job| {
        faulty.gate.add_permits(2);
        executed(job) >= 100
    };
    world.until(&id, far_enough).await;
    world.set_status(&id, RequestedJobStatus::Cancelled).await.unwrap();
    faulty.gate.add_permits(5000);
    let job = world.until_status(&id, JobStatus::Cancelled).await;
    let report = world.report(&id).await;
    assert_eq!(report.len() as u64, job.progress_summary.number_of_tasks_failed);
    assert!(!report.is_empty() && report.iter().all(|row| row.2 == "NoSuchKey"));

    let bad = format!("{SOURCE},in/0\n").repeat(500) + &format!("{SOURCE},gone\n").repeat(2500);
    let mut request = world.copy_request(&bad).await;
    request.report.report_scope = Some(ReportScope::FailedTasksOnly.into());
    let id = world.create(request).await;
    faulty.gate.add_permits(10_000);
    let job = world.until_status(&id, JobStatus::Failed).await;
    assert_eq!(job.failure_reasons[0].failure_code.as_str(), "FailureThresholdExceeded");
    assert_eq!(world.report(&id).await.len() as u64, job.progress_summary.number_of_tasks_failed);
}
