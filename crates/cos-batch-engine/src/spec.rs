//! What a job is to do, in the engine's own words.
//!
//! A [`JobSpec`] is what is stored and run. It is not a wire type: other dialects of the API and other operations map
//! to it. It is stored as JSON with a version number, so that a later release can read what an earlier one wrote.

use std::collections::BTreeMap;

use cos_batch_objectstore::{Grant, Metadata, ObjectMeta, RestoreTier, Retention, StorageClass, Tag};
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
    /// Tags of the job itself, as it was made with. They may be replaced: see [`JobState::tags`](crate::JobState::tags).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// The dialect it was asked for in, which is also that of its report.
    #[serde(default, skip_serializing_if = "Dialect::is_cos")]
    pub dialect: Dialect,
    /// The job whose failed tasks this one tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<Uuid>,
    /// The request as it was sent (one wire document of the dialect), from which DescribeJob echoes what was asked for.
    pub request: String,
}

/// A dialect of the API. Jobs are the same in all; what they were asked for in, and how their reports look, is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dialect {
    /// COS Batch Operations.
    #[default]
    Cos,
    /// Batch jobs of S3 Control.
    S3Control,
}

impl Dialect {
    /// What a report's manifest calls the report's format.
    #[must_use]
    pub fn report_format(self) -> &'static str {
        match self {
            Self::Cos => "Report_CSV_V1",
            Self::S3Control => "Report_CSV_20180820",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the form serde asks for")]
    fn is_cos(&self) -> bool {
        *self == Self::Cos
    }
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
    /// There is none: the bucket's objects are listed when the job is prepared. Key and ETag are empty.
    Listed(ObjectFilter),
}

/// Which of a bucket's objects are meant. Every member that is set must hold; a list holds where one of its texts does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ObjectFilter {
    /// Beginnings of keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prefixes: Vec<String>,
    /// Ends of keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suffixes: Vec<String>,
    /// Pieces of keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub substrings: Vec<String>,
    /// Last changed after this Unix second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
    /// Last changed before this Unix second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    /// More bytes than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub larger_than: Option<i64>,
    /// Fewer bytes than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smaller_than: Option<i64>,
    /// Storage classes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub storage_classes: Vec<String>,
}

impl ObjectFilter {
    /// The columns of the rows that are made of a list.
    pub const COLUMNS: [Column; 2] = [Column::Bucket, Column::Key];

    /// Whether an object is meant.
    #[must_use]
    pub fn admits(&self, key: &str, object: &ObjectMeta) -> bool {
        let any =
            |texts: &[String], holds: &dyn Fn(&str) -> bool| texts.is_empty() || texts.iter().any(|text| holds(text));
        let size = i64::try_from(object.size).unwrap_or(i64::MAX);
        any(&self.prefixes, &|text| key.starts_with(text))
            && any(&self.suffixes, &|text| key.ends_with(text))
            && any(&self.substrings, &|text| key.contains(text))
            && self.after.is_none_or(|second| object.last_modified > second)
            && self.before.is_none_or(|second| object.last_modified < second)
            && self.larger_than.is_none_or(|bytes| size > bytes)
            && self.smaller_than.is_none_or(|bytes| size < bytes)
            && any(&self.storage_classes, &|class| object.storage_class.0 == class)
    }

    /// What all keys begin with that are meant.
    #[must_use]
    pub fn common_prefix(&self) -> &str {
        let Some((first, others)) = self.prefixes.split_first() else { return "" };
        others.iter().fold(first.as_str(), |common, other| {
            let same = common.bytes().zip(other.bytes()).take_while(|(left, right)| left == right).count();
            &common[..common.floor_char_boundary(same)]
        })
    }
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
    /// Set its access control list; what was set before is gone.
    Acl {
        /// Grants.
        grants: Vec<Grant>,
        /// Canned access control list.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        canned: Option<String>,
    },
    /// Lay a legal hold on it, or take it off.
    LegalHold {
        /// Whether it is held from now on.
        on: bool,
    },
    /// Set, change or end the time for which it is kept.
    Retention {
        /// What holds from now on; none: nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retention: Option<Retention>,
        /// May end or shorten a retention in the mode GOVERNANCE.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        bypass_governance: bool,
    },
    /// Compute a checksum of its content, for the report.
    Checksum {
        /// Which.
        algorithm: ChecksumAlgorithm,
    },
    /// Do what a kind of operation does that the engine was given ([`kinds`](crate::task::kinds)).
    Custom(Box<CustomSpec>),
}

/// How a checksum is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ChecksumAlgorithm {
    /// CRC-32, as in Ethernet and zip.
    Crc32,
    /// CRC-32C (Castagnoli), as in iSCSI.
    Crc32c,
    /// CRC-64, as in NVM Express.
    Crc64Nvme,
    /// MD5.
    Md5,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl ChecksumAlgorithm {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Md5, Self::Sha1, Self::Sha256, Self::Sha512];

    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    /// The algorithm of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// An operation of a kind of its own ([`kinds`](crate::task::kinds)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomSpec {
    /// The name that the kind was given to the engine under.
    pub kind: String,
    /// Version of the form in which the kind is asked, where it has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// What the job says to it, the same for every object.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arguments: BTreeMap<String, String>,
}

impl TaskOperation {
    /// The copy, if it is one.
    #[must_use]
    pub fn copy(&self) -> Option<&CopySpec> {
        if let Self::Copy(copy) = self { Some(copy) } else { None }
    }

    /// A word for people and logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Copy(_) => "copy",
            Self::Restore { .. } => "restore",
            Self::Delete => "delete",
            Self::Tag { .. } => "tag",
            Self::Acl { .. } => "acl",
            Self::LegalHold { .. } => "legal-hold",
            Self::Retention { .. } => "retention",
            Self::Checksum { .. } => "checksum",
            Self::Custom(_) => "custom",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_hold_in_every_member() {
        let object = ObjectMeta {
            size: 10,
            etag: String::new(),
            last_modified: 1000,
            version_id: None,
            storage_class: StorageClass::new("STANDARD"),
            metadata: Metadata::default(),
            grants: Vec::new(),
            canned_acl: None,
            restore: None,
            pin: cos_batch_objectstore::Pin(String::new()),
        };
        let filter = |change: fn(&mut ObjectFilter)| {
            let mut filter = ObjectFilter::default();
            change(&mut filter);
            filter.admits("in/a.jpg", &object)
        };
        assert!(filter(|_| ()));
        assert!(filter(|filter| filter.prefixes = vec!["x".into(), "in/".into()]));
        assert!(!filter(|filter| filter.prefixes = vec!["x".into()]));
        assert!(
            filter(|filter| filter.suffixes = vec![".jpg".into()]) && !filter(|f| f.suffixes = vec![".png".into()])
        );
        assert!(filter(|filter| filter.substrings = vec!["/a".into()]) && !filter(|f| f.substrings = vec!["b".into()]));
        assert!(filter(|filter| filter.after = Some(999)) && !filter(|filter| filter.after = Some(1000)));
        assert!(filter(|filter| filter.before = Some(1001)) && !filter(|filter| filter.before = Some(1000)));
        assert!(filter(|filter| filter.larger_than = Some(-1)) && !filter(|filter| filter.larger_than = Some(10)));
        assert!(filter(|filter| filter.smaller_than = Some(11)) && !filter(|filter| filter.smaller_than = Some(10)));
        let class = object.storage_class.0.clone();
        assert!(
            ObjectFilter { storage_classes: vec!["X".into(), class], ..ObjectFilter::default() }.admits("k", &object)
        );
        assert!(!filter(|filter| filter.storage_classes = vec!["X".into()]));
        assert!(!filter(|filter| (filter.prefixes, filter.after) = (vec!["in/".into()], Some(5000))));
    }

    #[test]
    fn a_common_prefix_is_cut_between_characters() {
        let common = |prefixes: &[&str]| {
            let prefixes = prefixes.iter().map(|text| (*text).to_owned()).collect();
            ObjectFilter { prefixes, ..ObjectFilter::default() }.common_prefix().to_owned()
        };
        assert_eq!(common(&[]), "");
        assert_eq!(common(&["in/a"]), "in/a");
        assert_eq!(common(&["in/a", "in/b", "in/"]), "in/");
        assert_eq!(common(&["é", "è"]), "");
    }
}
