//! Manifests from `fixtures/manifest`: bad ones, each of which fails its job by name and place, and odd ones, of which
//! each row becomes a task.

use std::{
    fs,
    path::{Path, PathBuf},
};

use cos_batch_engine::Config;
use cos_batch_model::{
    CreateJobRequest, ETag, JobId, JobStatus, ManifestField, ManifestFormat, ObjectArn, Operation, ReportScope,
};

use super::world::{self, SOURCE, World};

/// A folder of the corpus.
struct Case {
    name: String,
    /// Columns, or `inventory`.
    fields: String,
    folder: PathBuf,
}

/// The cases of one kind, by name; table and folders say the same.
fn cases(kind: &str) -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/manifest").join(kind);
    let table = fs::read_to_string(root.join("table.tsv")).unwrap();
    let mut cases: Vec<Case> = table
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            assert_eq!(fields.len(), 3, "{line}");
            Case { name: fields[0].to_owned(), fields: fields[1].to_owned(), folder: root.join(fields[0]) }
        })
        .collect();
    cases.sort_by(|left, right| left.name.cmp(&right.name));
    let mut folders: Vec<String> = fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    folders.sort();
    assert_eq!(folders, cases.iter().map(|case| case.name.clone()).collect::<Vec<_>>());
    cases
}

/// Puts the files of a case into the source bucket, and asks for a copy of what it lists.
async fn request(world: &World, case: &Case) -> CreateJobRequest {
    let mut request = world.copy_request("").await;
    for entry in fs::read_dir(&case.folder).unwrap() {
        let entry = entry.unwrap();
        let file = entry.file_name().into_string().unwrap();
        let key = format!("{}/{file}", case.name);
        let etag = world.put(SOURCE, &key, fs::read(entry.path()).unwrap()).await;
        if ["manifest.csv", "manifest.csv.gz", "manifest.json"].contains(&file.as_str()) {
            let location = &mut request.manifest.location;
            location.e_tag = ETag::new(etag).unwrap();
            location.object_arn = ObjectArn::for_object("ap-guangzhou", SOURCE, &key).unwrap();
        }
    }
    let spec = &mut request.manifest.spec;
    if case.fields == "inventory" {
        spec.format = ManifestFormat::InventoryReportCsv.into();
        spec.fields.clear();
    } else {
        let field = |name: &str| name.parse::<ManifestField>().unwrap().into();
        spec.fields = case.fields.split(',').map(field).collect();
    }
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_manifest_fails_its_job_by_code_file_place_and_rule() {
    let world = World::new().await;
    let mut jobs = Vec::new();
    for case in cases("bad") {
        jobs.push((world.create(request(&world, &case).await).await, case.name));
    }
    assert!(jobs.len() >= 60);
    let mut page = String::new();
    for (id, name) in jobs {
        let job = world.until_status(&id, JobStatus::Failed).await;
        let [failure] = &job.failure_reasons[..] else { panic!("{name}: {:?}", job.failure_reasons) };
        assert_eq!(job.progress_summary, Default::default(), "{name}: no task may run");
        page.push_str(&format!("{name}\n  {}: {}\n", failure.failure_code, failure.failure_reason));
    }
    insta::assert_snapshot!(page);
}

/// The rows of a job's report, as they stand there, in the order of the manifest.
async fn rows(world: &World, id: &JobId) -> String {
    let manifest = world.get(world::TARGET, &format!("job-{id}/manifest.json")).await.unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let mut rows = String::new();
    for file in manifest["Results"].as_array().unwrap() {
        let body = world.get(world::TARGET, file["Key"].as_str().unwrap()).await.unwrap();
        for line in String::from_utf8(body.to_vec()).unwrap().lines() {
            let columns: Vec<&str> = line.split(',').collect();
            let (named, code) = (&columns[..3], columns[5]);
            rows.push_str(&format!("  {} {code}\n", named.join(",")));
        }
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_an_odd_manifest_is_a_task() {
    // Nearly all tasks fail here: there are no such objects.
    let world = World::with(Config { failure_threshold: None, ..world::config() }, |objects| objects).await;
    let mut jobs = Vec::new();
    for case in cases("odd") {
        jobs.push((world.create(request(&world, &case).await).await, case.name));
    }
    let mut page = String::new();
    for (id, name) in jobs {
        let job = world.until_status(&id, JobStatus::Complete).await;
        let rows = rows(&world, &id).await;
        assert_eq!(job.progress_summary.total_number_of_tasks, rows.lines().count() as u64, "{name}");
        page.push_str(&format!("{name}\n{rows}"));
    }
    insta::assert_snapshot!(page);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_by_an_inventory_of_versions_takes_each_of_them() {
    let world = World::new().await;
    let cases = cases("odd");
    let case = cases.iter().find(|case| case.name == "inventory-of-versions").unwrap();
    let mut request = request(&world, case).await;
    request.operation = Operation::DeleteObject;
    request.report.report_scope = Some(ReportScope::AllTasks.into());
    let id = world.create(request).await;
    let job = world.until_status(&id, JobStatus::Complete).await;
    assert_eq!(job.progress_summary.number_of_tasks_succeeded, 4, "markers and older versions too");
}
