//! What a job is to do, in the engine's own words.
//!
//! A [`JobSpec`] is what is stored and run. It is not a wire type: other dialects of the API and other operations map
//! to it. It is stored as JSON with a version number, so that a later release can read what an earlier one wrote.

use cos_batch_objectstore::{Grant, Metadata, RestoreTier, StorageClass, Tag};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The version this release writes.
pub const SPEC_VERSION: u32 = 1;

/// What a job is to do. Fixed at creation, but for the priority, which lives beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobSpec {
    /// Version of this form ([`SPEC_VERSION`]).
    pub version: u32,
    /// Must be confirmed before it runs.
    pub confirmation_required: bool,
    /// The creator's description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Which objects.
    pub manifest: ManifestSpec,
    /// What to do with each.
    pub operation: TaskOperation,
    /// What to report where; none: no report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportSpec>,
    /// The role the job runs under, as sent.
    pub role_arn: String,
    /// The job whose failed tasks this one tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<Uuid>,
    /// The request as it was sent (one wire document), from which DescribeJob echoes what was asked for.
    pub request: String,
}

/// Which objects a job works on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestSpec {
    /// Bucket the manifest is in.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Its version, if one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The ETag it must have, without quotes.
    pub etag: String,
    /// How it is written.
    pub format: ManifestFormat,
}

/// How a manifest is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ManifestFormat {
    /// `COSBatchOperations_CSV_V1`: one row an object, columns as named.
    Csv {
        /// The columns, in order.
        columns: Vec<Column>,
    },
    /// `COSInventoryReport_CSV_V1`: an inventory's `manifest.json`.
    Inventory,
}

/// A column of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Column {
    /// The object's bucket.
    Bucket,
    /// Its key, percent-encoded.
    Key,
    /// Its version; empty: the latest.
    VersionId,
    /// Of no interest.
    Ignore,
    /// The APPID that ends the bucket's full name. In inventories only, as the next two.
    Appid,
    /// Whether the version is the current one.
    IsLatest,
    /// Whether the version is a delete marker.
    IsDeleteMarker,
}

impl Column {
    /// Its name in a header or an inventory's `fileSchema`; none: any.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Bucket => "Bucket",
            Self::Key => "Key",
            Self::VersionId => "VersionId",
            Self::Appid => "Appid",
            Self::IsLatest => "IsLatest",
            Self::IsDeleteMarker => "IsDeleteMarker",
            Self::Ignore => return None,
        })
    }

    /// The column that an inventory's `fileSchema` calls so; what a job does not need is `Ignore`.
    #[must_use]
    pub fn of_inventory(name: &str) -> Self {
        let known = [Self::Bucket, Self::Key, Self::VersionId, Self::Appid, Self::IsLatest, Self::IsDeleteMarker];
        known.into_iter().find(|column| column.name() == Some(name)).unwrap_or(Self::Ignore)
    }
}

/// What is done to each object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum TaskOperation {
    /// Copy it.
    Copy(Box<CopySpec>),
    /// Ask for the archived object to be made readable.
    Restore {
        /// For so many days, 1–365.
        days: u16,
        /// How fast.
        tier: Tier,
    },
    /// Delete it, or the version the row names.
    Delete,
    /// Set its tags.
    Tag {
        /// Whether the set is replaced or added to.
        tags: Change<Vec<Tag>>,
    },
}

impl TaskOperation {
    /// A word for people and logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Copy(_) => "copy",
            Self::Restore { .. } => "restore",
            Self::Delete => "delete",
            Self::Tag { .. } => "tag",
        }
    }
}

/// How fast a restore is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tier {
    /// Cheapest and slowest.
    Bulk,
    /// Hours.
    Standard,
}

impl From<Tier> for RestoreTier {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::Bulk => Self::Bulk,
            Tier::Standard => Self::Standard,
        }
    }
}

/// What happens to one kind of attribute of a copied object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change<T> {
    /// Taken over from the source.
    #[default]
    Copy,
    /// Replaced by these.
    Replace(T),
    /// Taken over, with these on top.
    Add(T),
}

impl<T> Change<T> {
    /// The values that are set, if any.
    pub fn values(&self) -> Option<&T> {
        match self {
            Self::Copy => None,
            Self::Replace(values) | Self::Add(values) => Some(values),
        }
    }
}

/// A copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CopySpec {
    /// Bucket to copy to.
    pub target_bucket: String,
    /// How the target key comes from the source key; none: the same key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<PrefixReplace>,
    /// Standard and user metadata.
    #[serde(default)]
    pub metadata: Change<Metadata>,
    /// Tags.
    #[serde(default)]
    pub tags: Change<Vec<Tag>>,
    /// Access control grants. `Copy` only where the request asks for it; otherwise a copy resets them.
    #[serde(default)]
    pub grants: Change<Vec<Grant>>,
    /// Canned access control list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canned_acl: Option<String>,
    /// Storage class of the copies; none: STANDARD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<StorageClass>,
    /// Copy only what changed after this Unix second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_since: Option<i64>,
    /// Copy only what did not change after this Unix second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmodified_since: Option<i64>,
}

/// Textual replacement of a key's prefix (COS Batch API, CreateJob, `PrefixReplace`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrefixReplace {
    /// Prefix taken away; empty: a prefix is added.
    pub source: String,
    /// Prefix put in its place; empty: the prefix is removed.
    pub target: String,
}

/// A completion report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportSpec {
    /// Bucket it goes to.
    pub bucket: String,
    /// Folder in it, without a slash at the end; may be empty.
    pub prefix: String,
    /// All tasks, or the failed ones only.
    pub all_tasks: bool,
}
