//! Jobs that cannot run, and how they say why.

use std::sync::{Arc, Mutex, atomic::Ordering};

use cos_batch_engine::{Config, lifecycle::FailureThreshold};
use cos_batch_model::{
    BatchApi as _, BucketArn, CreateJobRequest, ETag, ErrorCode, JobStatus, ManifestFormat, ObjectArn, Operation,
    PutObjectCopy, Report, ReportScope,
};
use cos_batch_objectstore::Execution;

use super::{
    faulty::Faulty,
    world::{self, SOURCE, World},
};

async fn fails(world: &World, request: CreateJobRequest) -> String {
    let id = world.create(request).await;
    let job = world.until_status(&id, JobStatus::Failed).await;
    let reasons: Vec<_> = job
        .failure_reasons
        .iter()
        .map(|failure| format!("{}: {}", failure.failure_code, failure.failure_reason))
        .collect();
    assert!(job.termination_date.is_some());
    reasons.join("; ")
}

#[tokio::test]
async fn bad_manifests_fail_the_job_by_name_row_and_column() {
    let world = World::new().await;
    let mut page = String::new();
    for rows in [
        format!("{SOURCE},a\n{SOURCE}\n"),
        format!("{SOURCE},100%\n"),
        format!("{SOURCE},a\n,b\n"),
        format!("{SOURCE},a\nsecond-1250000000,b\n"),
        format!("{SOURCE},\"open\n"),
    ] {
        let request = world.copy_request(&rows).await;
        page.push_str(&fails(&world, request).await);
        page.push('\n');
    }
    let mut request = world.copy_request("x").await;
    request.manifest.location.e_tag = ETag::new("00000000000000000000000000000000").unwrap();
    page.push_str(&fails(&world, request).await);
    page.push('\n');
    let mut request = world.copy_request("x").await;
    request.manifest.location.object_arn = ObjectArn::for_object("r", SOURCE, "nothing.csv").unwrap();
    page.push_str(&fails(&world, request).await);
    page.push('\n');
    let mut request = world.copy_request("x").await;
    request.manifest.spec.format = ManifestFormat::InventoryReportCsv.into();
    request.manifest.spec.fields.clear();
    page.push_str(&fails(&world, request).await);
    page.push('\n');
    let mut request = world.copy_request(&format!("{SOURCE},a\n")).await;
    let absent = BucketArn::for_bucket("r", "absent-1250000000").unwrap();
    request.operation = Operation::PutObjectCopy(Box::new(PutObjectCopy::to(absent.clone())));
    page.push_str(&fails(&world, request).await);
    page.push('\n');
    let mut request = world.copy_request(&format!("{SOURCE},a\n")).await;
    request.report = Report::to(absent, ReportScope::AllTasks);
    page.push_str(&fails(&world, request).await);
    page.push('\n');
    let request = world.copy_request("gone-1250000000,a\n").await;
    page.push_str(&fails(&world, request).await);
    page.push('\n');
    insta::assert_snapshot!(page);
}

#[tokio::test]
async fn other_peoples_buckets_are_refused_at_creation() {
    let world = World::new().await;
    let rows = world.fill(1).await;
    let foreign = BucketArn::for_bucket("r", "theirs-999").unwrap();
    let mut target = world.copy_request(&rows).await;
    target.operation = Operation::PutObjectCopy(Box::new(PutObjectCopy::to(foreign.clone())));
    let mut report = world.copy_request(&rows).await;
    report.report = Report::to(foreign, ReportScope::AllTasks);
    let mut manifest = world.copy_request(&rows).await;
    manifest.manifest.location.object_arn = ObjectArn::for_object("r", "theirs-999", "m.csv").unwrap();
    for (request, field) in
        [(target, "TargetResource"), (report, "Report.Bucket"), (manifest, "Manifest.Location.ObjectArn")]
    {
        let error = world.engine.create_job(&world.context(), request).await.unwrap_err();
        assert_eq!((error.code, error.status.as_u16()), (ErrorCode::AccessDenied, 403));
        assert!(error.message.starts_with(field), "{}", error.message);
    }
}

#[tokio::test]
async fn a_job_of_which_too_much_fails_is_ended() {
    let threshold = FailureThreshold { tasks_above: 10, executed_min: 10, failed_percent_above: 50 };
    let config = Config { failure_threshold: Some(threshold), checkpoint_rows: 5, ..world::config() };
    let world = World::with(config, |objects| objects).await;
    let rows: String = (0..5000).map(|number| format!("{SOURCE},missing/{number}\n")).collect();
    let id = world.create(world.copy_request(&rows).await).await;
    let job = world.until_status(&id, JobStatus::Failed).await;
    assert_eq!(job.failure_reasons[0].failure_code.as_str(), "FailureThresholdExceeded");
    let progress = job.progress_summary;
    assert!(progress.number_of_tasks_failed >= 10 && progress.number_of_tasks_succeeded == 0);
    assert_eq!(world.report(&id).await.len() as u64, progress.number_of_tasks_failed, "exactly what was done");
}

#[tokio::test]
async fn a_report_that_cannot_be_written_fails_the_job_with_that_reason() {
    let faulty: Mutex<Option<Arc<Faulty>>> = Mutex::new(None);
    let world = World::with(world::config(), |objects| {
        let wrapped = Arc::new(Faulty::new(objects, Execution::Async));
        *faulty.lock().unwrap() = Some(Arc::clone(&wrapped));
        wrapped
    })
    .await;
    let faulty = faulty.into_inner().unwrap().unwrap();
    let rows = world.fill(2).await;
    for (number, refused) in ["results/0.csv", "manifest.json"].into_iter().enumerate() {
        *faulty.refuse_puts.lock().unwrap() = Some(refused);
        let id = world.create(world.copy_request(&rows).await).await;
        let job = world.until_status(&id, JobStatus::Failed).await;
        assert_eq!(job.failure_reasons[0].failure_code.as_str(), "ReportNotWritten");
        assert_eq!(job.progress_summary.number_of_tasks_succeeded, 2);
        assert_eq!(faulty.copies.load(Ordering::SeqCst), 2 * (number as u64 + 1));
    }
}
