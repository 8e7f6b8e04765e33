//! What a look at some of a manifest's objects tells of all of them.

use cos_batch_objectstore::{ErrorKind, ObjectMeta, StoreError};

use super::{Finding, SampleRow, shown, survey::may_look, things};
use crate::{
    access::Access,
    spec::{JobSpec, TaskOperation},
};

/// Largest object that one request copies (COS, PUT Object - Copy: 5 GB). Larger ones are copied in parts.
const ONE_REQUEST_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// A row that was looked at.
#[derive(Clone, Debug)]
pub struct Looked {
    /// The row.
    pub row: SampleRow,
    /// What is there.
    pub object: Result<ObjectMeta, StoreError>,
    /// Whether there is an object at the target already; none: nobody looked.
    pub target_exists: Option<bool>,
}

/// What the sample says.
#[derive(Clone, Debug, Default)]
pub struct Sampled {
    /// Findings.
    pub findings: Vec<Finding>,
    /// Objects that were there.
    pub found: u64,
    /// Their bytes, together.
    pub bytes: u64,
}

impl Sampled {
    /// Bytes of the objects of `rows` rows, if they are like the `looked` ones; none: there was no object among these.
    #[must_use]
    pub fn estimate(&self, looked: usize, rows: u64) -> Option<u64> {
        let bytes = (u128::from(self.bytes) * u128::from(rows)).checked_div(looked as u128)?;
        (self.found > 0).then(|| u64::try_from(bytes).unwrap_or(u64::MAX))
    }
}

/// The rows of a sample that may be looked at on behalf of a tenant.
#[must_use]
pub fn visible(rows: Vec<SampleRow>, access: &Access, tenant: &str) -> Vec<SampleRow> {
    rows.into_iter().filter(|row| may_look(access, tenant, &row.bucket)).collect()
}

/// Judges what was seen.
#[must_use]
pub fn judge(spec: &JobSpec, looked: &[Looked]) -> Sampled {
    let mut sampled = Sampled::default();
    if looked.is_empty() {
        return sampled;
    }
    let all = looked.len() as u64;
    let of = |number: u64| format!("{number} of {}", things(all, "object looked at", "objects looked at"));
    let mut missing = Group::default();
    let mut broken = Group::default();
    let mut unsuited = Group::default();
    let mut large = Group::default();
    let mut replaced = Group::default();
    for looked in looked {
        match &looked.object {
            Ok(meta) => {
                sampled.found += 1;
                sampled.bytes = sampled.bytes.saturating_add(meta.size);
                if !suits(spec, meta) {
                    unsuited.add(&looked.row.key);
                }
                if meta.size > ONE_REQUEST_BYTES && matches!(spec.operation, TaskOperation::Copy(_)) {
                    large.add(&looked.row.key);
                }
            }
            Err(error) if is_missing(error) => missing.add(&looked.row.key),
            Err(error) => broken.add(&format!("{} ({error})", looked.row.key)),
        }
        if looked.target_exists == Some(true) {
            replaced.add(looked.row.target_key.as_deref().unwrap_or_default());
        }
    }
    let findings = &mut sampled.findings;
    if let Some(first) = missing.first {
        let first = shown(&first);
        let text = format!("{} {} not exist, such as {first}", of(missing.rows), verb(missing.rows, "does", "do"));
        findings.push(match &spec.operation {
            // A delete of what is not there succeeds.
            TaskOperation::Delete => {
                Finding::warning("objects", format!("{text}: to delete what is not there succeeds and changes nothing"))
            }
            _ if missing.rows == all => Finding::error("objects", text),
            _ => Finding::warning("objects", text),
        });
    }
    if let Some(first) = broken.first {
        let text = format!("{} could not be looked at, such as {}", of(broken.rows), shown(&first));
        findings.push(Finding::warning("objects", text));
    }
    if let Some(first) = unsuited.first {
        let is = verb(unsuited.rows, "is", "are");
        let why = match &spec.operation {
            TaskOperation::Restore { .. } => "not archived, so that restoring fails",
            _ => "archived and not restored, so that copying fails",
        };
        let text = format!("{} {is} {why}, such as {}", of(unsuited.rows), shown(&first));
        let none_left = unsuited.rows + missing.rows == all;
        findings.push(if none_left { Finding::error("objects", text) } else { Finding::warning("objects", text) });
    }
    if let Some(first) = large.first {
        let is = verb(large.rows, "is", "are");
        let text = format!("{} {is} above 5 GB and {is} copied in parts, such as {}", of(large.rows), shown(&first));
        findings.push(Finding::warning("objects", text));
    }
    if let Some(first) = replaced.first {
        let has = verb(replaced.rows, "has an object at its target", "have an object at their target");
        let text = format!("{} {has}, which is replaced, such as {}", of(replaced.rows), shown(&first));
        findings.push(Finding::warning("targets", text));
    }
    if findings.is_empty() {
        findings
            .push(Finding::ok("objects", format!("{} {} there", of(sampled.found), verb(sampled.found, "is", "are"))));
    }
    sampled
}

/// The form of a verb for so many.
fn verb<'a>(number: u64, one: &'a str, many: &'a str) -> &'a str {
    if number == 1 { one } else { many }
}

#[derive(Default)]
struct Group {
    rows: u64,
    first: Option<String>,
}

impl Group {
    fn add(&mut self, name: &str) {
        self.rows += 1;
        self.first.get_or_insert_with(|| name.to_owned());
    }
}

fn is_missing(error: &StoreError) -> bool {
    matches!(error.kind(), ErrorKind::NoSuchKey | ErrorKind::NoSuchVersion | ErrorKind::NoSuchBucket)
}

/// Whether the operation can be done to an object of this storage class.
fn suits(spec: &JobSpec, meta: &ObjectMeta) -> bool {
    match &spec.operation {
        TaskOperation::Copy(_) | TaskOperation::Checksum { .. } => {
            !meta.storage_class.is_archive() || meta.restore.is_some_and(|restore| !restore.ongoing)
        }
        TaskOperation::Restore { .. } => meta.storage_class.is_archive(),
        TaskOperation::Delete
        | TaskOperation::Tag { .. }
        | TaskOperation::Acl { .. }
        | TaskOperation::LegalHold { .. }
        | TaskOperation::Retention { .. }
        | TaskOperation::Custom(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use cos_batch_objectstore::{Metadata, Pin, RestoreState, StorageClass};

    use super::*;
    use crate::{
        checks::Level,
        spec::{Column, CopySpec, Dialect, ManifestFormat, ManifestSpec, SPEC_VERSION, Tier},
    };

    fn spec(operation: TaskOperation) -> JobSpec {
        JobSpec {
            version: SPEC_VERSION,
            confirmation_required: false,
            description: None,
            manifest: ManifestSpec {
                bucket: "a-1".into(),
                key: "m.csv".into(),
                version: None,
                etag: "e".into(),
                format: ManifestFormat::Csv { columns: vec![Column::Bucket, Column::Key] },
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

    fn copy() -> TaskOperation {
        TaskOperation::Copy(Box::new(CopySpec {
            target_bucket: "b-1".into(),
            prefix: None,
            metadata: Default::default(),
            tags: Default::default(),
            grants: Default::default(),
            canned_acl: None,
            storage_class: None,
            modified_since: None,
            unmodified_since: None,
        }))
    }

    fn meta(size: u64, class: &str, restore: Option<bool>) -> Result<ObjectMeta, StoreError> {
        Ok(ObjectMeta {
            size,
            etag: "e".into(),
            last_modified: 0,
            version_id: None,
            storage_class: StorageClass::new(class),
            metadata: Metadata::default(),
            grants: Vec::new(),
            canned_acl: None,
            restore: restore.map(|ongoing| RestoreState { ongoing, expires: 0 }),
            pin: Pin("p".into()),
        })
    }

    fn missing() -> Result<ObjectMeta, StoreError> {
        Err(StoreError::new(ErrorKind::NoSuchKey, "no such object"))
    }

    fn judged(operation: TaskOperation, objects: Vec<Result<ObjectMeta, StoreError>>, target: Option<bool>) -> Sampled {
        let looked = objects.into_iter().enumerate().map(|(number, object)| {
            let (number, key) = (number as u64 + 1, format!("k{number}"));
            let row = SampleRow { number, bucket: "a-1".into(), target_key: Some(key.clone()), key, version: None };
            Looked { row, object, target_exists: target }
        });
        judge(&spec(operation), &looked.collect::<Vec<_>>())
    }

    fn worst(sampled: &Sampled) -> Level {
        sampled.findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
    }

    #[test]
    fn what_is_missing_or_does_not_suit_is_told() {
        let restore = || TaskOperation::Restore { days: 1, tier: Tier::Bulk };
        let broken = || Err(StoreError::new(ErrorKind::ServiceUnavailable, "later"));
        let cases = [
            judged(copy(), vec![meta(5, "STANDARD", None), meta(7, "ARCHIVE", Some(false))], Some(false)),
            judged(copy(), vec![meta(5, "ARCHIVE", Some(true)), meta(7, "STANDARD", None), missing()], Some(true)),
            judged(copy(), vec![missing(), missing()], None),
            judged(copy(), vec![meta(ONE_REQUEST_BYTES + 1, "STANDARD", None), broken()], None),
            judged(restore(), vec![meta(1, "STANDARD", None), meta(1, "DEEP_ARCHIVE", None)], None),
            judged(restore(), vec![meta(1, "STANDARD", None), missing()], None),
            judged(TaskOperation::Delete, vec![missing(), missing()], None),
        ];
        let text = cases.iter().map(|sampled| {
            let findings: Vec<String> =
                sampled.findings.iter().map(|finding| format!("{:?}: {}", finding.level, finding.text)).collect();
            format!(
                "{:?}, {} found with {} bytes\n{}",
                worst(sampled),
                sampled.found,
                sampled.bytes,
                findings.join("\n")
            )
        });
        insta::assert_snapshot!(text.collect::<Vec<_>>().join("\n\n"));
    }

    #[test]
    fn nothing_looked_at_tells_nothing() {
        assert!(judge(&spec(copy()), &[]).findings.is_empty());
    }
}
