//! Inventories of all versions.

use cos_batch_engine::view::RetryRequest;
use cos_batch_model::{CreateJobRequest, ETag, ErrorCode, JobId, JobStatus, ManifestFormat, ObjectArn};
use cos_batch_objectstore::{ObjectStore as _, PutRequest};

use super::world::{SOURCE, TARGET, World};

/// A job over an inventory with these rows.
async fn over(world: &World, rows: &str) -> CreateJobRequest {
    world.put(SOURCE, "inv/data.csv", rows.to_owned()).await;
    let list = r#"{"sourceBucket": "src", "sourceAppid": "1250000000", "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, VersionId, IsLatest, IsDeleteMarker", "files": [{"key": "inv/data.csv"}]}"#;
    let etag = world.put(SOURCE, "inv/manifest.json", list).await;
    let mut request = world.copy_request("").await;
    request.manifest.location.e_tag = ETag::new(etag).unwrap();
    request.manifest.location.object_arn = ObjectArn::for_object("ap-guangzhou", SOURCE, "inv/manifest.json").unwrap();
    request.manifest.spec.fields.clear();
    request.manifest.spec.format = ManifestFormat::InventoryReportCsv.into();
    request
}

async fn version(world: &World, key: &str, body: &str) -> String {
    let put = PutRequest::new(SOURCE, key, body.to_owned().into());
    world.memory.put(put).await.unwrap().version_id.unwrap()
}

fn retry(token: &str) -> RetryRequest {
    RetryRequest { client_request_token: token.to_owned(), priority: None, confirmation_required: None, manifest: None }
}

#[tokio::test]
async fn old_versions_are_not_tried_again() {
    let world = World::new().await;
    world.memory.set_versioning(SOURCE, true).unwrap();
    let (old, new) = (version(&world, "a", "old").await, version(&world, "a", "new").await);
    let rows = format!(
        "{SOURCE},a,{new},true,false\n{SOURCE},a,{old},false,false\n{SOURCE},b,m,true,true\n{SOURCE},late,{old},true,false\n"
    );
    let id = world.create(over(&world, &rows).await).await;
    let progress = world.until_status(&id, JobStatus::Complete).await.progress_summary;
    assert_eq!((progress.number_of_tasks_succeeded, progress.number_of_tasks_failed), (1, 3));
    let context = world.context();
    let made = world.engine.retry(&context, id.as_str(), retry("again")).await.unwrap();
    assert_eq!((made.rows, made.left_out), (1, 2));
    assert_eq!(world.engine.retry(&context, id.as_str(), retry("again")).await.unwrap(), made);
    let manifest = world.get(TARGET, &made.manifest.key).await.unwrap();
    assert_eq!(manifest, format!("{SOURCE},late,{old}\n"));
    world.until_status(&JobId::new(made.job_id).unwrap(), JobStatus::Complete).await;
    assert_eq!(world.get(TARGET, "a").await.unwrap(), "new", "what was copied stays");

    let rows = format!("{SOURCE},a,{new},true,false\n{SOURCE},a,{old},false,false\n");
    let id = world.create(over(&world, &rows).await).await;
    world.until_status(&id, JobStatus::Complete).await;
    let error = world.engine.retry(&context, id.as_str(), retry("nothing")).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidRequest);
    assert!(error.message.contains("nothing to try again"), "{error}");
}

#[tokio::test]
async fn old_versions_do_not_end_a_job() {
    let world = World::new().await;
    world.memory.set_versioning(SOURCE, true).unwrap();
    let new = version(&world, "a", "new").await;
    let mut rows = format!("{SOURCE},a,{new},true,false\n").repeat(200);
    rows.push_str(&format!("{SOURCE},a,old,false,false\n").repeat(3000));
    let id = world.create(over(&world, &rows).await).await;
    let progress = world.until_status(&id, JobStatus::Complete).await.progress_summary;
    assert_eq!((progress.number_of_tasks_succeeded, progress.number_of_tasks_failed), (200, 3000));
}

#[tokio::test]
async fn a_file_that_is_replaced_where_versions_are_kept_does_not_matter() {
    let world = World::new().await;
    world.memory.set_versioning(SOURCE, true).unwrap();
    let id = version(&world, "a", "new").await;
    let mut request = over(&world, &format!("{SOURCE},a,{id},true,false\n")).await;
    request.confirmation_required = true;
    let id = world.create(request).await;
    world.until_status(&id, JobStatus::Suspended).await;
    world.put(SOURCE, "inv/data.csv", "something else").await;
    world.set_status(&id, cos_batch_model::RequestedJobStatus::Ready).await.unwrap();
    let progress = world.until_status(&id, JobStatus::Complete).await.progress_summary;
    assert_eq!(progress.number_of_tasks_succeeded, 1);
}
