//! What an engine tells and does beside the API.

use bytes::Bytes;
use cos_batch_engine::{
    Config, Engine,
    view::{ObjectName, PartName, READ_BYTES_MAX, RetryRequest, RowFilter, TaskRow},
};
use cos_batch_model::{
    AppId, BatchApi as _, DeleteJobRequest, DescribeJobRequest, ErrorCode, JobId, JobStatus, Report, RequestContext,
    RequestedJobStatus,
};

use super::world::{SOURCE, TARGET, World};

fn foreign() -> RequestContext {
    RequestContext::new(AppId::new("1251111111").unwrap(), "test")
}

fn retry(token: &str) -> RetryRequest {
    RetryRequest { client_request_token: token.to_owned(), priority: None, confirmation_required: None, manifest: None }
}

/// A complete job of which the rows of `gone` failed, and one in a foreign bucket.
async fn with_failures(world: &World, good: u32, gone: &[String]) -> JobId {
    let mut rows = world.fill(good).await;
    for key in gone {
        rows.push_str(&format!("{SOURCE},{}\n", key.replace(' ', "%20").replace(',', "%2C")));
    }
    rows.push_str("other-999,secret\n");
    let id = world.create(world.copy_request(&rows).await).await;
    world.until_status(&id, JobStatus::Complete).await;
    id
}

async fn all_rows(
    engine: &Engine,
    context: &RequestContext,
    id: &JobId,
    filter: &RowFilter,
    page: usize,
) -> Vec<TaskRow> {
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let found = engine.task_rows(context, id.as_str(), filter, after, page).await.unwrap();
        assert!(found.rows.len() <= page);
        rows.extend(found.rows);
        match found.next {
            Some(next) => after = Some(next.parse().unwrap()),
            None => return rows,
        }
    }
}

#[tokio::test]
async fn a_job_is_told_in_full() {
    let world = World::new().await;
    let gone: Vec<String> = (0..5).map(|number| format!("gone {number},é")).collect();
    let id = with_failures(&world, 20, &gone).await;
    let details = world.engine.details(&world.context(), id.as_str()).await.unwrap();
    assert_eq!((details.status.as_str(), details.operation.as_str()), ("Complete", "copy"));
    assert_eq!(details.source_bucket.as_deref(), Some(SOURCE));
    assert_eq!(details.target_bucket.as_deref(), Some(TARGET));
    let report = details.report.unwrap();
    assert_eq!((report.bucket.as_str(), report.key), (TARGET, format!("job-{id}/manifest.json")));
    assert!(details.start_time.is_some() && details.termination_date.is_some());
    let codes: Vec<_> = details.errors.iter().map(|view| (view.code.as_str(), view.tasks)).collect();
    assert_eq!(codes, [("NoSuchKey", 5), ("AccessDenied", 1)]);
    let examples: Vec<_> = details.errors[0].examples.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(examples, ["gone 0,é", "gone 1,é", "gone 2,é"]);
    assert_eq!(details.errors[1].examples[0].bucket, "other-999");
    let statuses: Vec<_> = details.timeline.iter().map(|event| event.status.as_str()).collect();
    assert_eq!(statuses, ["New", "Preparing", "Ready", "Active", "Completing", "Complete"]);
    assert_eq!((details.retry_of, details.retried_by.len()), (None, 0));
}

#[tokio::test]
async fn a_watched_job_says_what_its_parts_say() {
    let world = World::new().await;
    let id = with_failures(&world, 5, &["gone".to_owned()]).await;
    let (context, id) = (world.context(), id.as_str());
    let watched = world.engine.watch(&context, id).await.unwrap();
    assert_eq!(watched.record, world.engine.job(&context, id).await.unwrap());
    assert_eq!(watched.details, world.engine.details(&context, id).await.unwrap());
    assert_eq!(watched.pace, world.engine.pace(&context, id).await.unwrap());
    assert_eq!(world.engine.watch(&foreign(), id).await.unwrap_err().code, ErrorCode::NoSuchJob);
}

#[tokio::test]
async fn who_may_write_is_a_matter_of_rights() {
    let world = World::new().await;
    assert!(world.engine.may_write(&world.context(), SOURCE));
    assert!(world.engine.may_write(&world.context(), "not-there-1250000000"), "no list is asked");
    assert!(!world.engine.may_write(&foreign(), SOURCE));
}

#[tokio::test]
async fn tasks_come_in_pages() {
    let world = World::new().await;
    let gone: Vec<String> = (0..30).map(|number| format!("gone/{number}")).collect();
    let id = with_failures(&world, 50, &gone).await;
    let context = world.context();
    let failed = RowFilter::default();
    let whole = all_rows(&world.engine, &context, &id, &failed, 1000).await;
    assert_eq!(whole.len(), 31);
    assert!(whole.iter().all(|row| row.task_status == "failed"));
    for page in [1, 7, 31, 32] {
        assert_eq!(all_rows(&world.engine, &context, &id, &failed, page).await, whole, "{page}");
    }
    let denied = RowFilter { code: Some("AccessDenied".to_owned()), ..RowFilter::default() };
    let denied = all_rows(&world.engine, &context, &id, &denied, 3).await;
    assert_eq!(denied.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["secret"]);
    // The job has ended: tasks that succeeded are in its report alone, and nothing fails for that.
    world.until(&id, |_| true).await;
    let all = RowFilter { succeeded: true, code: None };
    let all = all_rows(&world.engine, &context, &id, &all, 9).await;
    assert!(all.len() == 31 || all.len() == 81, "{}", all.len());
}

#[tokio::test]
async fn failed_tasks_are_tried_again_in_a_new_job() {
    let world = World::new().await;
    let gone: Vec<String> = (0..7).map(|number| format!("late {number},é%")).map(|key| key.replace('%', "")).collect();
    let id = with_failures(&world, 10, &gone).await;
    let context = world.context();
    for key in &gone {
        world.put(SOURCE, key, format!("body of {key}")).await;
    }
    let made = world.engine.retry(&context, id.as_str(), retry("again")).await.unwrap();
    assert_eq!((made.rows, made.retry_of.as_str()), (8, id.as_str()));
    let new = JobId::new(made.job_id.as_str()).unwrap();
    let job = world.until_status(&new, JobStatus::Complete).await;
    assert_eq!(job.progress_summary.number_of_tasks_succeeded, 7);
    assert_eq!(job.progress_summary.number_of_tasks_failed, 1);
    for key in &gone {
        assert_eq!(world.get(TARGET, key).await, Some(Bytes::from(format!("body of {key}"))), "{key}");
    }
    let old = world.describe(&id).await;
    assert_eq!((job.description, job.operation, job.report), (old.description, old.operation, old.report));
    let arn = job.manifest.location.object_arn;
    assert_eq!((arn.bucket(), arn.key()), (TARGET, made.manifest.key.as_str()));
    assert!(arn.key().starts_with(&format!("job-{id}/retry-")), "{}", arn.key());

    // The link is told by both.
    let details = world.engine.details(&context, id.as_str()).await.unwrap();
    assert_eq!(details.retried_by, [made.job_id.as_str()]);
    let details = world.engine.details(&context, &made.job_id).await.unwrap();
    assert_eq!(details.retry_of.as_deref(), Some(id.as_str()));

    // The same again makes no second job.
    assert_eq!(world.engine.retry(&context, id.as_str(), retry("again")).await.unwrap(), made);
    // The one that still failed can be tried once more.
    let third = world.engine.retry(&context, &made.job_id, retry("third")).await.unwrap();
    assert_eq!(third.rows, 1);
    let error = world.engine.retry(&context, id.as_str(), retry("third")).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidRequest, "a token of another job: {error}");
}

#[tokio::test]
async fn the_same_retry_at_the_same_time_makes_one_job() {
    let world = World::new().await;
    let id = with_failures(&world, 1, &["gone".to_owned()]).await;
    let context = world.context();
    let ask = || world.engine.retry(&context, id.as_str(), retry("once"));
    let (a, b, c) = tokio::join!(ask(), ask(), ask());
    let (a, b, c) = (a.unwrap(), b.unwrap(), c.unwrap());
    assert!(a == b && b == c, "{a:?} {b:?} {c:?}");
    let details = world.engine.details(&context, id.as_str()).await.unwrap();
    assert_eq!(details.retried_by, [a.job_id]);
}

#[tokio::test]
async fn a_retry_is_as_it_is_asked_to_be() {
    let world = World::new().await;
    let id = with_failures(&world, 1, &["gone".to_owned()]).await;
    let context = world.context();
    let request = RetryRequest {
        priority: Some(77),
        confirmation_required: Some(true),
        manifest: Some(ObjectName { bucket: SOURCE.to_owned(), key: "lists/again.csv".to_owned() }),
        ..retry("t")
    };
    let made = world.engine.retry(&context, id.as_str(), request).await.unwrap();
    let new = JobId::new(made.job_id.as_str()).unwrap();
    let job = world.until_status(&new, JobStatus::Suspended).await;
    assert_eq!(job.priority.get(), 77);
    let manifest = world.get(SOURCE, "lists/again.csv").await.unwrap();
    assert_eq!(manifest, format!("{SOURCE},gone\nother-999,secret\n"));
    world.set_status(&new, RequestedJobStatus::Ready).await.unwrap();
    world.until_status(&new, JobStatus::Complete).await;
}

#[tokio::test]
async fn what_cannot_be_tried_again_is_refused_by_name() {
    let world = World::new().await;
    let context = world.context();
    let refused = async |id: &JobId, request: RetryRequest| {
        let error = world.engine.retry(&context, id.as_str(), request).await.unwrap_err();
        (error.code, error.message)
    };
    let rows = world.fill(3).await;
    let mut request = world.copy_request(&rows).await;
    request.confirmation_required = true;
    let waiting = world.create(request).await;
    world.until_status(&waiting, JobStatus::Suspended).await;
    let (code, message) = refused(&waiting, retry("a")).await;
    assert!(code == ErrorCode::InvalidRequest && message.contains("is Suspended"), "{message}");
    world.set_status(&waiting, RequestedJobStatus::Cancelled).await.unwrap();
    world.until_status(&waiting, JobStatus::Cancelled).await;
    let (code, message) = refused(&waiting, retry("a")).await;
    assert!(code == ErrorCode::InvalidRequest && message.contains("nothing to try again"), "{message}");

    let mut request = world.copy_request(&format!("{SOURCE},gone\n")).await;
    request.report = Report::disabled();
    let unreported = world.create(request).await;
    world.until_status(&unreported, JobStatus::Complete).await;
    let (code, message) = refused(&unreported, retry("a")).await;
    assert!(code == ErrorCode::InvalidArgument && message.contains("no report"), "{message}");
    let theirs = ObjectName { bucket: "other-999".to_owned(), key: "k".to_owned() };
    let (code, message) = refused(&unreported, RetryRequest { manifest: Some(theirs), ..retry("a") }).await;
    assert!(code == ErrorCode::AccessDenied && message.starts_with("Manifest.Bucket"), "{message}");
    assert_eq!(refused(&unreported, retry("")).await.0, ErrorCode::InvalidArgument);
    let request = RetryRequest { priority: Some(u32::MAX), ..retry("a") };
    assert_eq!(refused(&unreported, request).await.0, ErrorCode::InvalidArgument);
    // Failed tasks are kept without a report too.
    let here = ObjectName { bucket: TARGET.to_owned(), key: "again.csv".to_owned() };
    let request = RetryRequest { manifest: Some(here), ..retry("a") };
    assert_eq!(world.engine.retry(&context, unreported.as_str(), request).await.unwrap().rows, 1);
}

#[tokio::test]
async fn failed_tasks_of_a_cancelled_job_are_tried_again() {
    let config = Config { failure_threshold: None, ..super::world::config() };
    let world = World::with(config, |objects| objects).await;
    // Enough of them, so that the job is still at it when it is cancelled.
    let mut rows = String::new();
    for number in 0..30_000 {
        rows.push_str(&format!("{SOURCE},gone/{number}\n"));
        if number % 2 == 0 {
            rows.push_str(&format!("{SOURCE},here\n"));
        }
    }
    world.put(SOURCE, "here", "body").await;
    let id = world.create(world.copy_request(&rows).await).await;
    world.until(&id, |job| job.progress_summary.number_of_tasks_failed > 0).await;
    // Refused if it was quicker.
    let _ = world.set_status(&id, RequestedJobStatus::Cancelled).await;
    let job = world.until(&id, |job| job.termination_date.is_some()).await;
    let failed = job.progress_summary.number_of_tasks_failed;
    let made = world.engine.retry(&world.context(), id.as_str(), retry("t")).await.unwrap();
    assert_eq!(made.rows, failed);
    let new = world.until(&JobId::new(made.job_id).unwrap(), |job| job.termination_date.is_some()).await;
    assert_eq!(new.progress_summary.total_number_of_tasks, failed);
}

#[tokio::test]
async fn foreign_unknown_and_deleted_jobs_are_one_answer() {
    let world = World::new().await;
    let id = with_failures(&world, 1, &["gone".to_owned()]).await;
    let unknown = JobId::new("00000000-0000-7000-8000-000000000000").unwrap();
    let deleted = with_failures(&world, 1, &[]).await;
    world.engine.delete_job(&world.context(), DeleteJobRequest { job_id: deleted.clone() }).await.unwrap();
    let filter = RowFilter::default();
    for (context, id) in [(foreign(), &id), (world.context(), &unknown), (world.context(), &deleted)] {
        let described =
            world.engine.describe_job(&context, DescribeJobRequest { job_id: id.clone() }).await.unwrap_err();
        assert_eq!(described.code, ErrorCode::NoSuchJob);
        assert_eq!(world.engine.details(&context, id.as_str()).await.unwrap_err(), described);
        assert_eq!(world.engine.task_rows(&context, id.as_str(), &filter, None, 1).await.unwrap_err(), described);
        assert_eq!(world.engine.retry(&context, id.as_str(), retry("t")).await.unwrap_err(), described);
    }
}

#[tokio::test]
async fn objects_are_listed_read_and_written() {
    let world = World::new().await;
    let context = world.context();
    world.fill(25).await;
    let mut keys = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = world.engine.list_objects(&context, SOURCE, "in/", after.as_deref(), 10).await.unwrap();
        assert!(page.objects.len() <= 10);
        keys.extend(page.objects.into_iter().map(|object| object.key));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert!(keys.len() == 25 && keys.is_sorted(), "{keys:?}");

    let body = Bytes::from(vec![7; 3 * 1024 * 1024 + 1]);
    let written = world.engine.write_object(&context, SOURCE, "big", body.clone(), Some("text/csv")).await.unwrap();
    let seen = world.engine.object_attributes(&context, SOURCE, "big", None).await.unwrap();
    assert_eq!((seen.size, &seen.etag), (body.len() as u64, &written.etag));
    let read = |range, pin| world.engine.read_object(&context, SOURCE, "big", None, range, pin);
    assert_eq!(read(5..10, Some(seen.pin.as_str())).await.unwrap(), body.slice(5..10));
    assert_eq!(read(0..u64::MAX, None).await.unwrap(), body);
    assert!(body.len() as u64 <= READ_BYTES_MAX);
    world.put(SOURCE, "big", "other").await;
    let error = read(0..1, Some(seen.pin.as_str())).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.status.as_u16()), ("PreconditionFailed", 412));
    let error = world.engine.object_attributes(&context, SOURCE, "none", None).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.status.as_u16()), ("NoSuchKey", 404));
}

#[tokio::test]
async fn no_object_of_somebody_else_is_reached() {
    let world = World::new().await;
    world.put(SOURCE, "k", "body").await;
    let context = foreign();
    let engine = &world.engine;
    let upload = (SOURCE, "k", "1");
    let parts = vec![PartName { number: 1, etag: "e".to_owned() }];
    let refusals = [
        engine.list_objects(&context, SOURCE, "", None, 1).await.map(drop),
        engine.object_attributes(&context, SOURCE, "k", None).await.map(drop),
        engine.read_object(&context, SOURCE, "k", None, 0..1, None).await.map(drop),
        engine.write_object(&context, SOURCE, "k", Bytes::new(), None).await.map(drop),
        engine.begin_upload(&context, SOURCE, "k", None).await.map(drop),
        engine.upload_part(&context, upload, 1, Bytes::new()).await.map(drop),
        engine.end_upload(&context, upload, Some(parts)).await.map(drop),
        engine.end_upload(&context, upload, None).await.map(drop),
        engine.list_objects(&world.context(), "unknown-1251111111", "", None, 1).await.map(drop),
    ];
    for refusal in refusals {
        assert_eq!(refusal.unwrap_err().code, ErrorCode::AccessDenied);
    }
    assert_eq!(world.get(SOURCE, "k").await.unwrap(), "body");
}
