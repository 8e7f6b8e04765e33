//! Manifests that are made from a bucket.

use cos_batch_engine::spec::{ManifestFormat, ManifestSpec, ObjectFilter};
use cos_batch_model::{ApiError, Timestamp};

use super::{Asker, bucket, invalid, missing};
use crate::shape::{Structure, Value};

/// Filters by what no store here lists.
const NOT_OFFERED: &[&str] = &["EligibleForReplication", "ObjectReplicationStatuses", "MatchAnyObjectEncryption"];

/// Which objects a generator means.
pub(super) fn spec(generator: Option<&Structure>, asker: Asker<'_>) -> Result<ManifestSpec, ApiError> {
    let Some((_, Value::Structure(asked))) = generator.and_then(Structure::only) else {
        return Err(invalid("ManifestGenerator: S3JobManifestGenerator is needed"));
    };
    if asked.flag("EnableManifestOutput") {
        return Err(missing("ManifestGenerator with EnableManifestOutput; the server keeps the list for itself"));
    }
    let bucket = bucket("SourceBucket", asked.text("SourceBucket").unwrap_or_default())?;
    asker.expect_owner(asked, &bucket)?;
    let filter = asked.structure("Filter").map(filter).transpose()?.unwrap_or_default();
    Ok(ManifestSpec {
        bucket,
        key: String::new(),
        version: None,
        etag: String::new(),
        format: ManifestFormat::Listed(filter),
    })
}

fn filter(asked: &Structure) -> Result<ObjectFilter, ApiError> {
    if let Some(name) = NOT_OFFERED.iter().find(|name| asked.get(name).is_some()) {
        return Err(missing(format!("a ManifestGenerator with {name}")));
    }
    let names = asked.structure("KeyNameConstraint");
    let keys = |name: &str| names.into_iter().flat_map(|names| names.texts(name)).map(str::to_owned).collect();
    let seconds = |name: &str| asked.time(name).map(Timestamp::unix_seconds);
    Ok(ObjectFilter {
        prefixes: keys("MatchAnyPrefix"),
        suffixes: keys("MatchAnySuffix"),
        substrings: keys("MatchAnySubstring"),
        after: seconds("CreatedAfter"),
        before: seconds("CreatedBefore"),
        larger_than: asked.number("ObjectSizeGreaterThanBytes"),
        smaller_than: asked.number("ObjectSizeLessThanBytes"),
        storage_classes: asked.texts("MatchAnyStorageClass").map(str::to_owned).collect(),
    })
}
