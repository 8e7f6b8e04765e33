//! Copies.

use std::time::{Duration, UNIX_EPOCH};

use cos_batch_engine::spec::{Change, CopySpec, PrefixReplace};
use cos_batch_model::{ApiError, Timestamp};
use cos_batch_objectstore::{Metadata, StorageClass};

use super::{bucket, grants, invalid, missing, tags};
use crate::shape::Structure;

/// What S3 has and the stores of objects here have not.
const NOT_OFFERED: &[&str] = &[
    "AnnotationDirective",
    "RedirectLocation",
    "SSEAwsKmsKeyId",
    "ObjectLockLegalHoldStatus",
    "ObjectLockMode",
    "ObjectLockRetainUntilDate",
    "ChecksumAlgorithm",
    "ObjectLockEventHold",
    "ObjectLockEventHoldDuration",
];

/// What a copy asks for.
pub(super) fn spec(asked: &Structure) -> Result<CopySpec, ApiError> {
    if let Some(name) = NOT_OFFERED.iter().find(|name| asked.get(name).is_some()) {
        return Err(missing(format!("S3PutObjectCopy with {name}")));
    }
    if let Some(name) = ["RequesterPays", "BucketKeyEnabled"].iter().find(|name| asked.flag(name)) {
        return Err(missing(format!("S3PutObjectCopy with {name}")));
    }
    let target =
        asked.text("TargetResource").ok_or_else(|| invalid("TargetResource: the bucket to copy to is needed"))?;
    Ok(CopySpec {
        target_bucket: bucket("TargetResource", target)?,
        prefix: asked
            .text("TargetKeyPrefix")
            .map(|folder| PrefixReplace { source: String::new(), target: within(folder) }),
        metadata: metadata(asked)?,
        tags: match asked.list("NewObjectTagging") {
            None => Change::Copy,
            Some(_) => Change::Replace(tags(asked, "NewObjectTagging")),
        },
        // A copy does not take access rules over.
        grants: Change::Replace(grants(asked, "AccessControlGrants")?),
        canned_acl: asked.text("CannedAccessControlList").map(str::to_owned),
        storage_class: asked.text("StorageClass").map(StorageClass::new),
        modified_since: asked.time("ModifiedSinceConstraint").map(Timestamp::unix_seconds),
        unmodified_since: asked.time("UnModifiedSinceConstraint").map(Timestamp::unix_seconds),
    })
}

/// A folder as the beginning of keys: its slash need not be given.
fn within(folder: &str) -> String {
    if folder.ends_with('/') { folder.to_owned() } else { format!("{folder}/") }
}

fn metadata(asked: &Structure) -> Result<Change<Metadata>, ApiError> {
    let Some(new) = asked.structure("NewObjectMetadata") else {
        return Ok(match asked.text("MetadataDirective") {
            Some("REPLACE") => Change::Replace(Metadata::default()),
            _ => Change::Copy,
        });
    };
    let text = |name: &str| new.text(name).map(str::to_owned);
    if new.text("SSEAlgorithm") == Some("KMS") {
        return Err(missing("SSEAlgorithm KMS; AES256 is there"));
    }
    let metadata = Metadata {
        cache_control: text("CacheControl"),
        content_disposition: text("ContentDisposition"),
        content_encoding: text("ContentEncoding"),
        content_language: text("ContentLanguage"),
        content_type: text("ContentType"),
        expires: new.time("HttpExpiresDate").map(http_date).transpose()?,
        server_side_encryption: text("SSEAlgorithm"),
        user: new.pairs("UserMetadata").iter().cloned().collect(),
    };
    // The directive rules headers only: encryption is asked for by itself.
    Ok(match asked.text("MetadataDirective") {
        Some("COPY") => match metadata.server_side_encryption {
            Some(encryption) => {
                Change::Add(Metadata { server_side_encryption: Some(encryption), ..Metadata::default() })
            }
            None => Change::Copy,
        },
        _ => Change::Replace(metadata),
    })
}

/// The value of the header `Expires`.
fn http_date(moment: Timestamp) -> Result<String, ApiError> {
    let seconds = u64::try_from(moment.unix_seconds());
    let seconds = seconds.map_err(|_| invalid("HttpExpiresDate must be after 1970"))?;
    Ok(httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds)))
}
