//! Jobs whose rows are compressed: stopped in the middle, gone on with, swept at the end.

use std::{
    io::Write as _,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use cos_batch_engine::{Config, Engine, Spool, checks::Level};
use cos_batch_model::{
    BatchApi as _, CreateJobRequest, ETag, Job, JobStatus, ManifestFormat, ObjectArn, Operation, ReportScope,
};
use cos_batch_objectstore::{Execution, ListRequest, ObjectStore as _, VersionSelector};
use flate2::{Compression, write::GzEncoder};

use super::{
    faulty::Faulty,
    stops::faulty_world,
    world::{self, SOURCE, World},
};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// A job over what was put at `key`.
async fn job_over(world: &World, key: &str, etag: &str, format: ManifestFormat) -> CreateJobRequest {
    let mut request = world.copy_request("").await;
    request.manifest.location.e_tag = ETag::new(etag).unwrap();
    request.manifest.location.object_arn = ObjectArn::for_object("ap-guangzhou", SOURCE, key).unwrap();
    if format == ManifestFormat::InventoryReportCsv {
        request.manifest.spec.fields.clear();
    }
    request.manifest.spec.format = format.into();
    request
}

/// A compressed CSV of `count` objects that are there.
async fn csv(world: &World, count: u32) -> CreateJobRequest {
    let rows = world.fill(count).await;
    let etag = world.put(SOURCE, "list.csv.gz", gzip(&rows)).await;
    job_over(world, "list.csv.gz", &etag, ManifestFormat::BatchOperationsCsv).await
}

/// An inventory of one compressed file with these rows.
async fn inventory(world: &World, rows: &str) -> CreateJobRequest {
    world.put(SOURCE, "inv/data/1.csv.gz", gzip(rows)).await;
    let list = r#"{"sourceBucket": "src", "sourceAppid": "1250000000", "fileFormat": "CSV",
        "fileSchema": "Bucket, Key", "files": [{"key": "inv/data/1.csv.gz"}]}"#;
    let etag = world.put(SOURCE, "inv/manifest.json", list).await;
    job_over(world, "inv/manifest.json", &etag, ManifestFormat::InventoryReportCsv).await
}

/// What a job has left in the spool.
async fn spooled(world: &World) -> Vec<String> {
    let list = ListRequest { bucket: "segments", prefix: "", after: None, limit: 1000 };
    let page = world.spool.store().list(list).await.unwrap();
    page.objects.into_iter().map(|(key, _)| key).collect()
}

/// Stops the engine after some rows are in the books and starts it again: every row is done and reported once.
async fn stopped_in_the_middle(config: Config, request: impl AsyncFn(&World) -> CreateJobRequest, rows_in_spool: bool) {
    let (mut world, faulty) = faulty_world(config, Execution::Async).await;
    faulty.gated.store(true, Ordering::SeqCst);
    let id = world.create(request(&world).await).await;
    let steps = |job: &Job| {
        faulty.gate.add_permits(5);
        job.progress_summary.number_of_tasks_succeeded > 300
    };
    world.until(&id, steps).await;
    assert_eq!(spooled(&world).await.iter().any(|key| key.ends_with(".rows")), rows_in_spool);
    faulty.gate.add_permits(300);
    world.engine.shutdown().await;
    faulty.gate.add_permits(10_000);
    world.restart().await;
    world.until_status(&id, JobStatus::Complete).await;
    let report = world.report(&id).await;
    assert_eq!(report.len(), 2000);
    assert!(report.windows(2).all(|pair| pair[0].0 != pair[1].0), "each row once");
    assert!(report.iter().all(|(_, succeeded, _)| *succeeded));
    let nothing_left = async {
        while !spooled(&world).await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), nothing_left).await.unwrap();
}

/// What an earlier try has put into the spool is gone before the next one begins.
#[tokio::test(flavor = "multi_thread")]
async fn a_spool_that_is_full_for_a_moment_holds_no_job_up() {
    let world = World::new().await;
    world.engine.shutdown().await;
    let faulty = Arc::new(Faulty::new(Arc::clone(world.spool.store()), Execution::Async));
    let mut parts = world.parts();
    parts.spool = Spool::new(faulty.clone(), "segments");
    let engine = Engine::start(parts, true).await.unwrap();
    // The second piece does not get in.
    *faulty.refuse_puts.lock().unwrap() = Some("-1.rows");
    let rows: String = (0..10_100).map(|number| format!("{SOURCE},gone/{number}\n")).collect();
    let etag = world.put(SOURCE, "list.csv.gz", gzip(&rows)).await;
    let mut request = job_over(&world, "list.csv.gz", &etag, ManifestFormat::BatchOperationsCsv).await;
    request.operation = Operation::DeleteObject;
    request.report.report_scope = Some(ReportScope::FailedTasksOnly.into());
    request.confirmation_required = true;
    let id = engine.create_job(&world.context(), request).await.unwrap().job_id;
    let tried_twice = async {
        while !spooled(&world).await.iter().any(|key| key.contains("/2-0-0.rows")) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), tried_twice).await.unwrap();
    *faulty.refuse_puts.lock().unwrap() = None;
    world.until_status(&id, JobStatus::Suspended).await;
    let names = spooled(&world).await;
    assert_eq!(names.len(), 2, "those of the last try: {names:?}");
    world.set_status(&id, cos_batch_model::RequestedJobStatus::Ready).await.unwrap();
    let progress = world.until_status(&id, JobStatus::Complete).await.progress_summary;
    assert_eq!(progress.number_of_tasks_succeeded, 10_100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_csv_goes_on_where_it_was() {
    stopped_in_the_middle(world::config(), async |world| csv(world, 2000).await, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_file_of_an_inventory_goes_on_where_it_was() {
    let request = async |world: &World| {
        let rows = world.fill(2000).await.replace(SOURCE, "src-1250000000");
        inventory(world, &rows).await
    };
    stopped_in_the_middle(world::config(), request, false).await;
    // And where it is taken for too long to be decompressed again.
    let config = Config { inflate_again_bytes: 0, ..world::config() };
    stopped_in_the_middle(config, request, true).await;
}

/// An inventory of 300 files of two rows each; this one has a row that is no row.
pub(super) async fn of_many_files(world: &World, broken: Option<u32>) -> CreateJobRequest {
    let mut list = String::new();
    for number in 0..300 {
        let bad = if broken == Some(number) { "\"broken\n" } else { "" };
        let rows = format!("{SOURCE},in/{}\n{SOURCE},in/{}\n{bad}", number * 2, number * 2 + 1);
        world.put(SOURCE, &format!("inv/data/{number}.csv.gz"), gzip(&rows)).await;
        list.push_str(&format!("{}{{\"key\": \"inv/data/{number}.csv.gz\"}}", if number > 0 { "," } else { "" }));
    }
    let list = format!(
        r#"{{"sourceBucket": "src", "sourceAppid": "1250000000", "fileFormat": "CSV",
        "fileSchema": "Bucket, Key", "files": [{list}]}}"#
    );
    let etag = world.put(SOURCE, "inv/manifest.json", list).await;
    job_over(world, "inv/manifest.json", &etag, ManifestFormat::InventoryReportCsv).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inventory_of_hundreds_of_files_keeps_their_order() {
    let world = World::new().await;
    world.fill(600).await;
    let id = world.create(of_many_files(&world, None).await).await;
    world.until_status(&id, JobStatus::Complete).await;
    assert_eq!(world.report(&id).await.len(), 600);
    for number in 0..300 {
        let file = world.get(super::world::TARGET, &format!("job-{id}/results/{}.csv", number * 2)).await.unwrap();
        let text = String::from_utf8(file.to_vec()).unwrap();
        let keys: Vec<_> = text.lines().map(|line| line.split(',').nth(1).unwrap().to_owned()).collect();
        assert_eq!(keys, [format!("in/{}", number * 2), format!("in/{}", number * 2 + 1)], "rows of file {number}");
    }

    let id = world.create(of_many_files(&world, Some(251)).await).await;
    let job = world.until_status(&id, JobStatus::Failed).await;
    let failure = &job.failure_reasons[0];
    assert_eq!(failure.failure_code.as_str(), "InventoryFileMalformed");
    let reason = failure.failure_reason.as_str();
    assert!(reason.contains("inv/data/251.csv.gz: row 3"), "{reason}");
}

/// Somebody waits for a validation: of an inventory's many files it opens the first ones alone.
#[tokio::test]
async fn a_look_at_an_inventory_opens_so_many_files_and_guesses_the_rest() {
    let world = World::new().await;
    world.fill(600).await;
    let request = of_many_files(&world, Some(299)).await;
    let found = world.engine.validate(&world.context(), &request).await.unwrap();
    assert_ne!(found.result, Level::Error, "what the last file holds is not known: {found:?}");
    let rows = found.rows.unwrap();
    assert!(!found.rows_are_exact && (560..=640).contains(&rows), "{rows} rows");
    let text = found.findings.iter().find(|finding| finding.text.starts_with("about ")).unwrap();
    assert!(text.text.ends_with("in the first 256 of 300 files, are well-formed"), "{text:?}");

    let request = of_many_files(&world, Some(255)).await;
    let found = world.engine.validate(&world.context(), &request).await.unwrap();
    assert_eq!(found.result, Level::Error, "the last file that is opened");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_file_of_an_inventory_is_several_shards() {
    let world = World::with(Config { failure_threshold: None, ..world::config() }, |objects| objects).await;
    // The report of the first shard is more than is held in memory at once.
    let long = "gone/".repeat(20);
    let rows: String = (0..100_500).map(|number| format!("{SOURCE},{long}{number}\n")).collect();
    let mut request = inventory(&world, &rows).await;
    request.operation = Operation::DeleteObject;
    let id = world.create(request).await;
    let job = world.until_status(&id, JobStatus::Complete).await;
    let progress = job.progress_summary;
    assert_eq!((progress.total_number_of_tasks, progress.number_of_tasks_succeeded), (100_500, 100_500));
    let record = world.jobs.get(uuid::Uuid::parse_str(id.as_str()).unwrap()).await.unwrap().unwrap();
    assert_eq!(record.shards.done, 2);
    assert_eq!(world.report(&id).await.len(), 100_500);
    let key = format!("job-{id}/results/0.csv");
    let file = world.memory.head(super::world::TARGET, &key, &VersionSelector::Latest).await.unwrap();
    assert!(file.size > 8 * 1024 * 1024 && file.etag.ends_with("-2"), "{} {}", file.size, file.etag);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_file_that_changes_fails_the_job() {
    let (world, faulty) = faulty_world(world::config(), Execution::Async).await;
    let mut request = inventory(&world, &world.fill(10).await).await;
    request.confirmation_required = true;
    let id = world.create(request).await;
    world.until_status(&id, JobStatus::Suspended).await;
    world.put(SOURCE, "inv/data/1.csv.gz", gzip("src-1250000000,in/0\n")).await;
    world.set_status(&id, cos_batch_model::RequestedJobStatus::Ready).await.unwrap();
    let job = world.until_status(&id, JobStatus::Failed).await;
    assert_eq!(job.failure_reasons[0].failure_code.as_str(), "ManifestChanged");
    assert_eq!(faulty.copies.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_versions_are_kept_a_new_manifest_does_not_matter() {
    let world = World::new().await;
    world.memory.set_versioning(SOURCE, true).unwrap();
    let rows = world.fill(10).await;
    let mut request = world.copy_request(&rows).await;
    request.confirmation_required = true;
    let id = world.create(request).await;
    world.until_status(&id, JobStatus::Suspended).await;
    world.put(SOURCE, "manifest.csv", "something else").await;
    world.set_status(&id, cos_batch_model::RequestedJobStatus::Ready).await.unwrap();
    let job = world.until_status(&id, JobStatus::Complete).await;
    assert_eq!(job.progress_summary.number_of_tasks_succeeded, 10);
}
