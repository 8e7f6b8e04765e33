//! All four operations, with the fields of theirs that change what happens.

use cos_batch_model::{
    Directive, InitiateRestoreObject, JobStatus, JobTier, ManifestField, NewObjectMetadata, Operation,
    PutObjectTagging, StorageClass, Tag, Timestamp,
};
use cos_batch_objectstore::{ErrorKind, ObjectStore as _, PutRequest, VersionSelector};

use super::world::{SOURCE, TARGET, World};

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: key.parse().unwrap(), value: value.parse().unwrap() }
}

async fn head(world: &World, bucket: &str, key: &str) -> Result<cos_batch_objectstore::ObjectMeta, ErrorKind> {
    world.memory.head(bucket, key, &VersionSelector::Latest).await.map_err(|error| error.kind())
}

#[tokio::test]
async fn a_copy_renames_and_gives_attributes() {
    let world = World::new().await;
    let rows = world.fill(2).await + &format!("{SOURCE},out\n");
    world.put(SOURCE, "out", "x").await;
    let mut request = world.copy_request(&rows).await;
    let Operation::PutObjectCopy(copy) = &mut request.operation else { panic!() };
    copy.prefix_replace = true;
    copy.resources_prefix = Some("in/".parse().unwrap());
    copy.target_key_prefix = Some("archive/2026-".parse().unwrap());
    copy.metadata_directive = Some(Directive::Replaced.into());
    copy.new_object_metadata =
        Some(NewObjectMetadata { cache_control: Some("max-age=60".parse().unwrap()), ..NewObjectMetadata::default() });
    copy.storage_class = Some(StorageClass::StandardIa.into());
    copy.tagging_directive = Some(Directive::Replaced.into());
    copy.new_object_tagging = vec![tag("tier", "cold")];
    let id = world.create(request).await;
    let job = world.until_status(&id, JobStatus::Complete).await;
    assert_eq!(job.progress_summary.number_of_tasks_succeeded, 2);
    assert_eq!(world.report(&id).await[2], ("out".to_owned(), false, "PrefixMismatch".to_owned()));
    let meta = head(&world, TARGET, "archive/2026-1").await.unwrap();
    assert_eq!(meta.metadata.cache_control.as_deref(), Some("max-age=60"));
    assert_eq!(meta.storage_class.0, "STANDARD_IA");
    let tags = world.memory.get_tags(TARGET, "archive/2026-1", &VersionSelector::Latest).await.unwrap();
    assert_eq!((tags[0].key.as_str(), tags[0].value.as_str()), ("tier", "cold"));
}

#[tokio::test]
async fn constraints_fail_single_tasks_with_412() {
    let world = World::new().await;
    let rows = world.fill(1).await;
    let mut request = world.copy_request(&rows).await;
    let Operation::PutObjectCopy(copy) = &mut request.operation else { panic!() };
    copy.un_modified_since_constraint = Some(Timestamp::from_unix_seconds(1).unwrap());
    let id = world.create(request).await;
    let job = world.until_status(&id, JobStatus::Complete).await;
    assert_eq!(job.progress_summary.number_of_tasks_failed, 1);
    assert_eq!(world.report(&id).await[0].2, "PreconditionFailed");
}

#[tokio::test]
async fn deletes_tags_and_restores() {
    let world = World::new().await;
    let rows = world.fill(2).await;
    let mut request = world.copy_request(&rows).await;
    request.operation = Operation::PutObjectTagging(PutObjectTagging {
        tagging_directive: None,
        tag_set: vec![tag("a", "1"), tag("b", "2")],
    });
    let id = world.create(request).await;
    world.until_status(&id, JobStatus::Complete).await;
    let tags = world.memory.get_tags(SOURCE, "in/0", &VersionSelector::Latest).await.unwrap();
    assert_eq!(tags.len(), 2);

    let archived = PutRequest {
        storage_class: cos_batch_objectstore::StorageClass::new("ARCHIVE"),
        ..PutRequest::new(SOURCE, "cold", "x".into())
    };
    world.memory.put(archived).await.unwrap();
    let mut request = world.copy_request(&format!("{SOURCE},cold\n{SOURCE},in/0\n")).await;
    request.operation = Operation::InitiateRestoreObject(InitiateRestoreObject {
        expiration_in_days: cos_batch_model::Days::new(7).unwrap(),
        job_tier: JobTier::Bulk.into(),
    });
    let id = world.create(request).await;
    world.until_status(&id, JobStatus::Complete).await;
    assert_eq!(world.report(&id).await[1].2, "RestoreNonArchiveObject");
    assert!(head(&world, SOURCE, "cold").await.unwrap().restore.is_some());

    let mut request = world.copy_request(&rows).await;
    request.operation = Operation::DeleteObject;
    let id = world.create(request).await;
    world.until_status(&id, JobStatus::Complete).await;
    assert_eq!(head(&world, SOURCE, "in/0").await.unwrap_err(), ErrorKind::NoSuchKey);
    assert_eq!(world.report(&id).await.len(), 2);
}

#[tokio::test]
async fn versions_are_named_by_rows() {
    let world = World::new().await;
    world.memory.set_versioning(SOURCE, true).unwrap();
    let old = world.memory.put(PutRequest::new(SOURCE, "k", "old".into())).await.unwrap().version_id.unwrap();
    world.put(SOURCE, "k", "new").await;
    let mut request = world.copy_request(&format!("{SOURCE},k,{old}\n")).await;
    request.manifest.spec.fields.push(ManifestField::VersionId.into());
    let id = world.create(request).await;
    let job = world.until_status(&id, JobStatus::Complete).await;
    assert_eq!(job.progress_summary.number_of_tasks_succeeded, 1);
    assert_eq!(world.get(TARGET, "k").await.unwrap(), "old");
}
