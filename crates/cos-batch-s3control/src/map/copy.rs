//! Copies.

use std::{
    collections::BTreeMap,
    time::{Duration, UNIX_EPOCH},
};

use cos_batch_engine::spec::{Change, CopySpec, PrefixReplace};
use cos_batch_model::{ApiError, NewObjectMetadata, Timestamp};
use cos_batch_objectstore::{Metadata, StorageClass};

use super::{bucket, grants, invalid, missing, object_tags};
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
            Some(_) => Change::Replace(object_tags(asked, "NewObjectTagging")?),
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
        user: user_metadata(new)?,
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

/// Names and values of one's own, as far as a store takes them: it tells names apart in lower case only.
fn user_metadata(new: &Structure) -> Result<BTreeMap<String, String>, ApiError> {
    let pairs = new.pairs("UserMetadata");
    let bytes: usize = pairs.iter().map(|(key, value)| key.len() + value.len()).sum();
    let max = NewObjectMetadata::MAX_USER_METADATA_BYTES;
    if bytes > max {
        return Err(invalid(format!("UserMetadata: keys and values have at most {max} bytes together, not {bytes}")));
    }
    let mut names: Vec<String> = pairs.iter().map(|(key, _)| key.to_ascii_lowercase()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|two| two[0] == two[1]) {
        return Err(invalid(format!("UserMetadata: the key {:?} is there twice; capitals do not count", twice[0])));
    }
    Ok(pairs.iter().cloned().collect())
}

/// The value of the header `Expires`.
fn http_date(moment: Timestamp) -> Result<String, ApiError> {
    let seconds = u64::try_from(moment.unix_seconds());
    let seconds = seconds.map_err(|_| invalid("HttpExpiresDate must be after 1970"))?;
    Ok(httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds)))
}
