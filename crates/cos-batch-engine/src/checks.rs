//! What can be known of a job before it runs. Pure: what was seen comes in, findings come out.
//!
//! The same rules serve somebody who asks beforehand and a job that waits for its confirmation.

mod sample;
mod survey;

use cos_batch_objectstore::{Capabilities, RetentionMode, StorageClass};
use serde::{Deserialize, Serialize};

pub use self::{
    sample::{Looked, Sampled, judge, visible},
    survey::{SAMPLE_MAX, SampleRow, Survey},
};
use crate::{
    access::{Access, Right},
    spec::{Change, Column, JobSpec, ManifestFormat, TaskOperation},
};

/// Most bytes of a finding's text: one or two lines, and a name of an object.
pub const TEXT_BYTES_MAX: usize = 512;

/// Most bytes of a name of an object in a finding.
const NAME_BYTES_MAX: usize = 120;

/// How a finding is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// It is as it should be.
    Ok,
    /// The job runs, but perhaps not as it was meant to.
    Warning,
    /// The job cannot run, or none of its tasks can succeed.
    Error,
}

/// One thing that was looked at, and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Finding {
    /// How it is meant.
    pub level: Level,
    /// What was looked at, in one word: `access`, `buckets`, `manifest`, …
    pub check: String,
    /// What was found.
    pub text: String,
}

impl Finding {
    /// A finding; a text that is too long loses its end.
    #[must_use]
    pub fn new(level: Level, check: &str, text: impl Into<String>) -> Self {
        let mut text = text.into();
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        Self { level, check: check.to_owned(), text }
    }

    /// All is well.
    #[must_use]
    pub fn ok(check: &str, text: impl Into<String>) -> Self {
        Self::new(Level::Ok, check, text)
    }

    /// Something to think about.
    #[must_use]
    pub fn warning(check: &str, text: impl Into<String>) -> Self {
        Self::new(Level::Warning, check, text)
    }

    /// It will not work.
    #[must_use]
    pub fn error(check: &str, text: impl Into<String>) -> Self {
        Self::new(Level::Error, check, text)
    }
}

/// The name of an object for a finding; one that is too long loses its middle.
fn shown(name: &str) -> String {
    if name.len() <= NAME_BYTES_MAX {
        return name.to_owned();
    }
    let half = NAME_BYTES_MAX / 2;
    let (head, tail) = (name.floor_char_boundary(half), name.ceil_char_boundary(name.len() - half));
    format!("{}\u{2026}{}", &name[..head], &name[tail..])
}

/// So many of something.
fn things(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// The buckets that a request names, and what the job does in each: field, bucket, right.
pub fn named_buckets(spec: &JobSpec) -> impl Iterator<Item = (&'static str, &str, Right)> {
    let target = spec.operation.copy().map(|copy| ("TargetResource", copy.target_bucket.as_str(), Right::Write));
    let report = spec.report.as_ref().map(|report| ("Report.Bucket", report.bucket.as_str(), Right::Write));
    let list = match &spec.manifest.format {
        ManifestFormat::Csv { .. } | ManifestFormat::Inventory => "Manifest.Location.ObjectArn",
        ManifestFormat::Listed(_) => "ManifestGenerator.SourceBucket",
    };
    let manifest = (list, spec.manifest.bucket.as_str(), Right::Read);
    [Some(manifest), target, report].into_iter().flatten()
}

/// Whether the tenant may use what the request names.
#[must_use]
pub fn access(access: &Access, tenant: &str, spec: &JobSpec) -> Vec<Finding> {
    let refused: Vec<Finding> = named_buckets(spec)
        .filter(|(_, bucket, right)| !access.allows(tenant, bucket, *right))
        .map(|(field, bucket, right)| {
            Finding::error("access", format!("{field}: APPID {tenant} may not {} bucket {bucket}", right.name()))
        })
        .collect();
    if !refused.is_empty() {
        return refused;
    }
    let text = format!("APPID {tenant} may use every bucket that the request names");
    vec![Finding::ok("access", text)]
}

/// What the job needs and the store of its objects cannot do. `listed`: the columns of an inventory, where they are known.
#[must_use]
pub fn missing_ability(spec: &JobSpec, listed: Option<&[Column]>, can: Capabilities) -> Option<&'static str> {
    let columns = match &spec.manifest.format {
        ManifestFormat::Csv { columns } => Some(columns.as_slice()),
        ManifestFormat::Inventory => listed,
        ManifestFormat::Listed(_) => None,
    };
    if !can.versions && columns.is_some_and(|columns| columns.contains(&Column::VersionId)) {
        return Some("versions, which the manifest names");
    }
    match &spec.operation {
        TaskOperation::Copy(copy) => {
            let given = copy.grants.values();
            let grants = given.is_some_and(|grants| !grants.is_empty());
            let acl = grants || copy.canned_acl.is_some() || given.is_none();
            let archive = copy.storage_class.as_ref().is_some_and(StorageClass::is_archive);
            let encryption = copy.metadata.values().is_some_and(|new| new.server_side_encryption.is_some());
            let conditions = copy.modified_since.is_some() || copy.unmodified_since.is_some();
            [
                (copy.tags.values().is_some() && !can.tagging, "tags"),
                (acl && !can.acl, "access control lists"),
                (grants && !can.grants, "grants to accounts of COS"),
                (archive && !can.archive, "the storage classes of archives"),
                (encryption && !can.encryption, "encryption by the store"),
                (conditions && !can.conditions, "conditions on when the source was modified"),
            ]
            .into_iter()
            .find_map(|(missing, name)| missing.then_some(name))
        }
        TaskOperation::Restore { .. } => (!can.restore).then_some("restore"),
        TaskOperation::Tag { .. } => (!can.tagging).then_some("tags"),
        TaskOperation::Acl { .. } if !can.acl => Some("access control lists"),
        TaskOperation::Acl { grants, .. } => (!grants.is_empty() && !can.grants).then_some("grants to accounts of COS"),
        TaskOperation::LegalHold { .. } => (!can.lock).then_some("legal holds"),
        TaskOperation::Retention { .. } => (!can.lock).then_some("retention"),
        TaskOperation::Delete | TaskOperation::Checksum { .. } | TaskOperation::Custom(_) => None,
    }
}

/// What is worth saying of a request by itself.
#[must_use]
pub fn request(spec: &JobSpec) -> Vec<Finding> {
    let mut findings = Vec::new();
    if spec.report.is_none() {
        let text = "there is no completion report: which tasks failed can be asked of the server alone";
        findings.push(Finding::warning("report", text));
    }
    let versions = match &spec.manifest.format {
        ManifestFormat::Csv { columns } => columns.contains(&Column::VersionId),
        ManifestFormat::Inventory => true,
        ManifestFormat::Listed(_) => false,
    };
    match &spec.operation {
        TaskOperation::Delete if versions => {
            let text = "rows that name a version delete that version for good";
            findings.push(Finding::warning("operation", text));
        }
        TaskOperation::Delete => {
            let text = "objects in a bucket that keeps no versions are deleted for good";
            findings.push(Finding::warning("operation", text));
        }
        TaskOperation::Copy(copy) => {
            let grants =
                matches!(&copy.grants, Change::Replace(grants) if grants.is_empty()) && copy.canned_acl.is_none();
            if grants {
                let text = "copies get the access rules of their bucket, not those of their source";
                findings.push(Finding::ok("operation", text));
            }
        }
        TaskOperation::Retention { retention: Some(retention), .. } if retention.mode == RetentionMode::Compliance => {
            let text = "nobody can end or shorten a retention in the mode COMPLIANCE once it is set";
            findings.push(Finding::warning("operation", text));
        }
        TaskOperation::Restore { .. }
        | TaskOperation::Tag { .. }
        | TaskOperation::Acl { .. }
        | TaskOperation::LegalHold { .. }
        | TaskOperation::Retention { .. }
        | TaskOperation::Checksum { .. }
        | TaskOperation::Custom(_) => {}
    }
    findings
}

/// Requests to the object store for each task, at least: what it takes if nothing has to be tried again.
#[must_use]
pub fn requests_per_task(spec: &JobSpec) -> u64 {
    match &spec.operation {
        // What is added to what is there has to be read first.
        TaskOperation::Copy(copy) => {
            let reads_tags = matches!(copy.tags, Change::Add(_));
            let reads_metadata = matches!(copy.metadata, Change::Add(_));
            let reads_grants = matches!(copy.grants, Change::Add(_) | Change::Copy);
            1 + u64::from(reads_tags) + u64::from(reads_metadata) + 2 * u64::from(reads_grants)
        }
        TaskOperation::Tag { tags: Change::Add(_) } => 2,
        // Attributes first, then the content, of which some objects have none.
        TaskOperation::Checksum { .. } => 1,
        // What it asks of the store is its own affair.
        TaskOperation::Custom(_) => 0,
        TaskOperation::Restore { .. }
        | TaskOperation::Delete
        | TaskOperation::Tag { .. }
        | TaskOperation::Acl { .. }
        | TaskOperation::LegalHold { .. }
        | TaskOperation::Retention { .. } => 1,
    }
}

/// What it takes, in a few words: `at least 1,200 requests, about 5,000 bytes`. Bytes are told where some objects were looked
/// at.
#[must_use]
pub fn effort(spec: &JobSpec, rows: u64, bytes: Option<u64>) -> String {
    let requests = things(rows.saturating_mul(requests_per_task(spec)), "request", "requests");
    match bytes {
        Some(bytes) => format!("at least {requests}, about {}", things(bytes, "byte", "bytes")),
        None => format!("at least {requests}"),
    }
}

/// What a job does, in one line: `copy 1,200 objects from photos-1 to archive-1`.
#[must_use]
pub fn intention(spec: &JobSpec, rows: u64, source: &str) -> String {
    let objects = things(rows, "object", "objects");
    match &spec.operation {
        TaskOperation::Copy(copy) => format!("copy {objects} from {source} to {}", copy.target_bucket),
        TaskOperation::Restore { days, .. } => {
            format!("restore {objects} in {source} for {}", things(u64::from(*days), "day", "days"))
        }
        TaskOperation::Delete => format!("delete {objects} in {source}"),
        TaskOperation::Tag { .. } => format!("tag {objects} in {source}"),
        TaskOperation::Acl { .. } => format!("set who may use {objects} in {source}"),
        TaskOperation::LegalHold { on: true } => format!("put {objects} in {source} under a legal hold"),
        TaskOperation::LegalHold { on: false } => format!("take {objects} in {source} off their legal hold"),
        TaskOperation::Retention { retention: Some(_), .. } => format!("set how long {objects} in {source} are kept"),
        TaskOperation::Retention { retention: None, .. } => format!("end the retention of {objects} in {source}"),
        TaskOperation::Checksum { algorithm } => {
            format!("compute the checksums ({}) of {objects} in {source}", algorithm.name())
        }
        TaskOperation::Custom(custom) => format!("call {} for {objects} in {source}", custom.kind),
    }
}

#[cfg(test)]
mod tests {
    use cos_batch_objectstore::Grant;

    use super::*;
    use crate::spec::{CopySpec, Dialect, ManifestSpec, SPEC_VERSION};

    fn spec(operation: TaskOperation, format: ManifestFormat) -> JobSpec {
        JobSpec {
            version: SPEC_VERSION,
            confirmation_required: false,
            description: None,
            manifest: ManifestSpec {
                bucket: "a-1".into(),
                key: "m.csv".into(),
                version: None,
                etag: "e".into(),
                format,
            },
            operation,
            report: None,
            role_arn: "r".into(),
            tags: Vec::new(),
            dialect: Dialect::Cos,
            retry_of: None,
            request: String::new(),
        }
    }

    fn copy(change: impl FnOnce(&mut CopySpec)) -> JobSpec {
        let mut copy = CopySpec {
            target_bucket: "b-1".into(),
            prefix: None,
            metadata: Change::Copy,
            tags: Change::Copy,
            grants: Change::Replace(Vec::new()),
            canned_acl: None,
            storage_class: None,
            modified_since: None,
            unmodified_since: None,
        };
        change(&mut copy);
        let columns = vec![Column::Bucket, Column::Key];
        spec(TaskOperation::Copy(Box::new(copy)), ManifestFormat::Csv { columns })
    }

    #[test]
    fn what_a_store_lacks_is_named() {
        let without = |lack: fn(&mut Capabilities)| {
            let mut can = Capabilities::ALL;
            lack(&mut can);
            can
        };
        let grant = || vec![Grant { grantee: "g".into(), permission: "READ".into() }];
        let no_grants = without(|can| can.grants = false);
        let told = |spec: &JobSpec, can| missing_ability(spec, None, can);
        assert_eq!(told(&copy(|_| ()), no_grants), None);
        assert_eq!(told(&copy(|copy| copy.canned_acl = Some("private".into())), no_grants), None);
        assert_eq!(told(&copy(|copy| copy.grants = Change::Copy), no_grants), None);
        let adds = copy(|copy| copy.grants = Change::Add(grant()));
        assert_eq!(told(&adds, no_grants), Some("grants to accounts of COS"));
        assert_eq!(told(&adds, without(|can| can.acl = false)), Some("access control lists"));
        let archive = copy(|copy| copy.storage_class = Some(StorageClass::new("DEEP_ARCHIVE")));
        assert_eq!(told(&archive, without(|can| can.archive = false)), Some("the storage classes of archives"));
        let since = copy(|copy| copy.unmodified_since = Some(1));
        let no_conditions = without(|can| can.conditions = false);
        assert_eq!(told(&since, no_conditions), Some("conditions on when the source was modified"));
        assert_eq!(told(&copy(|_| ()), no_conditions), None);

        let no_versions = without(|can| can.versions = false);
        let named = Some("versions, which the manifest names");
        let columns = vec![Column::Bucket, Column::Key, Column::VersionId];
        let csv = spec(TaskOperation::Delete, ManifestFormat::Csv { columns: columns.clone() });
        assert_eq!((told(&csv, no_versions), told(&csv, Capabilities::ALL)), (named, None));
        let inventory = spec(TaskOperation::Delete, ManifestFormat::Inventory);
        assert_eq!(missing_ability(&inventory, Some(&columns), no_versions), named);
        assert_eq!(missing_ability(&inventory, Some(&columns[..2]), no_versions), None);
    }

    #[test]
    fn numbers_and_words_agree() {
        let restore = |days| {
            let tier = crate::spec::Tier::Bulk;
            spec(TaskOperation::Restore { days, tier }, ManifestFormat::Inventory)
        };
        assert_eq!(intention(&restore(1), 1, "a-1"), "restore 1 object in a-1 for 1 day");
        assert_eq!(intention(&restore(2), 2, "a-1"), "restore 2 objects in a-1 for 2 days");
        assert_eq!(effort(&restore(1), 1, None), "at least 1 request");
        let adds = copy(|copy| copy.tags = Change::Add(Vec::new()));
        assert_eq!(effort(&adds, 3, Some(7)), "at least 6 requests, about 7 bytes");
    }

    #[test]
    fn texts_are_bounded() {
        let finding = Finding::ok("x", "é".repeat(1000));
        assert!(finding.text.len() <= TEXT_BYTES_MAX);
        let name = shown(&"ä".repeat(200));
        assert!(name.len() <= NAME_BYTES_MAX + 3 && name.contains('…'), "{name}");
        assert_eq!(shown("a/b"), "a/b");
    }
}
