//! What the rows of a manifest say, taken together.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::{Finding, shown, things};
use crate::{
    access::{Access, Right},
    spec::{JobSpec, TaskOperation},
    task::{source_right, target_key},
};

/// Rows that are looked at in the store, spread over the manifest.
pub const SAMPLE_MAX: usize = 100;

/// Rows among which repetitions are looked for: 8 MB of memory.
const REPEATS_ROWS_MAX: usize = 1_000_000;

/// Longest key of an object, in bytes (COS Object API).
const KEY_BYTES_MAX: usize = 850;

/// A row that was picked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleRow {
    /// Its number, from 1.
    pub number: u64,
    /// The object's bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Its version, if the row names one.
    pub version: Option<String>,
    /// The key of its copy, where it is copied.
    pub target_key: Option<String>,
}

/// How often something was seen, and where first.
#[derive(Debug, Default)]
struct Seen {
    rows: u64,
    first: Option<(u64, String)>,
}

impl Seen {
    fn add(&mut self, number: u64, what: impl FnOnce() -> String) {
        self.rows += 1;
        if self.first.is_none() {
            self.first = Some((number, what()));
        }
    }

    /// `3 rows …; the first is row 7, …`: what is said of one row, and of many.
    fn text(&self, one: &str, many: &str) -> Option<String> {
        let (number, name) = self.first.as_ref()?;
        let what = if self.rows == 1 { one } else { many };
        Some(format!("{} {what}; the first is row {number}, {}", things(self.rows, "row", "rows"), shown(name)))
    }
}

/// Counts and picks while rows go by.
#[derive(Debug)]
pub struct Survey<'a> {
    spec: &'a JobSpec,
    tenant: &'a str,
    access: &'a Access,
    rows: u64,
    denied: Seen,
    mismatched: Seen,
    too_long: Seen,
    own_manifest: Seen,
    onto_itself: Seen,
    hashes: Vec<u64>,
    sample: Vec<SampleRow>,
    /// Every so many rows one is picked.
    stride: u64,
}

impl<'a> Survey<'a> {
    /// Before the first row.
    #[must_use]
    pub fn new(spec: &'a JobSpec, tenant: &'a str, access: &'a Access) -> Self {
        Self {
            spec,
            tenant,
            access,
            rows: 0,
            denied: Seen::default(),
            mismatched: Seen::default(),
            too_long: Seen::default(),
            own_manifest: Seen::default(),
            onto_itself: Seen::default(),
            hashes: Vec::new(),
            sample: Vec::new(),
            stride: 1,
        }
    }

    /// Rows so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Looks at a row.
    pub fn row(&mut self, bucket: &str, key: &str, version: Option<&str>) {
        let index = self.rows;
        self.rows += 1;
        let (number, operation) = (self.rows, &self.spec.operation);
        let name = || format!("{bucket}/{key}");
        if !self.access.allows(self.tenant, bucket, source_right(operation)) {
            self.denied.add(number, name);
            return;
        }
        let mut target = None;
        if let TaskOperation::Copy(copy) = operation {
            match target_key(copy, key) {
                Err(_) => self.mismatched.add(number, name),
                Ok(to) if to.len() > KEY_BYTES_MAX || to.is_empty() => self.too_long.add(number, name),
                Ok(to) => {
                    if *to == *key && copy.target_bucket == bucket {
                        self.onto_itself.add(number, name);
                    }
                    target = Some(to.into_owned());
                }
            }
        }
        let manifest = &self.spec.manifest;
        if matches!(operation, TaskOperation::Delete) && manifest.bucket == bucket && manifest.key == key {
            self.own_manifest.add(number, name);
        }
        if self.hashes.len() < REPEATS_ROWS_MAX {
            // For copies the target counts: of two that share it, one is lost. Else the object itself.
            let mut hasher = DefaultHasher::new();
            match &target {
                Some(target) => target.hash(&mut hasher),
                None => (bucket, key, version).hash(&mut hasher),
            }
            self.hashes.push(hasher.finish());
        }
        if index.is_multiple_of(self.stride) {
            self.sample.push(SampleRow {
                number,
                bucket: bucket.to_owned(),
                key: key.to_owned(),
                version: version.map(str::to_owned),
                target_key: target,
            });
            if self.sample.len() >= 2 * SAMPLE_MAX {
                // Every second one stays, so that those that stay are spread evenly.
                let mut keep = false;
                self.sample.retain(|_| {
                    keep = !keep;
                    keep
                });
                self.stride *= 2;
            }
        }
    }

    /// Rows to look at in the store, at most [`SAMPLE_MAX`], spread over those that went by.
    #[must_use]
    pub fn sample(&self) -> Vec<SampleRow> {
        let step = self.sample.len().div_ceil(SAMPLE_MAX).max(1);
        self.sample.iter().step_by(step).cloned().collect()
    }

    /// What the rows say.
    #[must_use]
    pub fn findings(&mut self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let right = source_right(&self.spec.operation);
        let all = self.rows > 0 && self.denied.rows == self.rows;
        let verb = right.name();
        let denied = format!("in buckets that APPID {} may not {verb} will fail", self.tenant);
        if let Some(text) = self.denied.text(&denied, &denied) {
            findings.push(if all { Finding::error("rows", text) } else { Finding::warning("rows", text) });
        }
        let mismatched = self.mismatched.text(
            "whose key does not begin with ResourcesPrefix will fail",
            "whose keys do not begin with ResourcesPrefix will fail",
        );
        if let Some(text) = mismatched {
            let all = self.mismatched.rows == self.rows;
            findings.push(if all { Finding::error("rows", text) } else { Finding::warning("rows", text) });
        }
        let rest = [
            self.too_long.text(
                &format!("whose copy would have an empty key or one above {KEY_BYTES_MAX} bytes will fail"),
                &format!("whose copies would have an empty key or one above {KEY_BYTES_MAX} bytes will fail"),
            ),
            self.onto_itself.text("would be copied onto itself", "would be copied onto themselves"),
            self.own_manifest.text(
                "names the manifest of this job, which is then deleted",
                "name the manifest of this job, which is then deleted",
            ),
        ];
        findings.extend(rest.into_iter().flatten().map(|text| Finding::warning("rows", text)));
        self.hashes.sort_unstable();
        let repeated = self.hashes.windows(2).filter(|two| two[0] == two[1]).count() as u64;
        if repeated > 0 {
            let among = if self.hashes.len() == REPEATS_ROWS_MAX {
                format!(" (among the first {REPEATS_ROWS_MAX})")
            } else {
                String::new()
            };
            let what = match (&self.spec.operation, repeated) {
                (TaskOperation::Copy(_), 1) => "has the same target as another one; which copy stays is not determined",
                (TaskOperation::Copy(_), _) => {
                    "have the same target as another one; which copy stays is not determined"
                }
                (_, 1) => "repeats another one",
                _ => "repeat another one",
            };
            findings.push(Finding::warning("rows", format!("{} {what}{among}", things(repeated, "row", "rows"))));
        }
        findings
    }
}

/// Whether rows can be looked at in the store at all.
pub(super) fn may_look(access: &Access, tenant: &str, bucket: &str) -> bool {
    access.allows(tenant, bucket, Right::Read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Column, CopySpec, Dialect, ManifestFormat, ManifestSpec, PrefixReplace, SPEC_VERSION};

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

    fn copy(to: &str, source: &str, target: &str) -> TaskOperation {
        let prefix = Some(PrefixReplace { source: source.into(), target: target.into() });
        TaskOperation::Copy(Box::new(CopySpec {
            target_bucket: to.into(),
            prefix: prefix.filter(|prefix| !prefix.source.is_empty() || !prefix.target.is_empty()),
            metadata: Default::default(),
            tags: Default::default(),
            grants: Default::default(),
            canned_acl: None,
            storage_class: None,
            modified_since: None,
            unmodified_since: None,
        }))
    }

    fn texts(spec: &JobSpec, rows: &[(&str, &str)]) -> Vec<String> {
        let access = Access::new();
        let mut survey = Survey::new(spec, "1", &access);
        for (bucket, key) in rows {
            survey.row(bucket, key, None);
        }
        survey.findings().into_iter().map(|finding| format!("{:?}: {}", finding.level, finding.text)).collect()
    }

    #[test]
    fn rows_that_will_fail_or_surprise_are_told() {
        let long = "k".repeat(900);
        let mut all = texts(
            &spec(copy("b-1", "in/", "out/")),
            &[("a-1", "in/x"), ("a-1", "y"), ("c-2", "in/z"), ("a-1", &format!("in/{long}")), ("a-1", "in/x")],
        );
        all.extend(texts(&spec(copy("a-1", "", "")), &[("a-1", "x"), ("a-1", "y")]));
        all.extend(texts(&spec(TaskOperation::Delete), &[("a-1", "m.csv"), ("a-1", "m.csv"), ("b-1", "m.csv")]));
        all.extend(texts(&spec(TaskOperation::Delete), &[("a-2", "x"), ("b-2", "y")]));
        all.extend(texts(&spec(copy("b-1", "in/", "")), &[("a-1", "x")]));
        all.extend(texts(&spec(copy("b-1", "", "")), &[("a-1", "x"), ("a-1", "y")]));
        insta::assert_snapshot!(all.join("\n"));
    }

    #[test]
    fn the_sample_is_spread_and_bounded() {
        let (spec, access) = (spec(TaskOperation::Delete), Access::new());
        for rows in [0, 1, 99, 100, 101, 199, 200, 201, 12_345] {
            let mut survey = Survey::new(&spec, "1", &access);
            for number in 0..rows {
                survey.row("a-1", &number.to_string(), None);
            }
            let sample = survey.sample();
            assert!(sample.len() <= SAMPLE_MAX, "{rows}: {}", sample.len());
            assert!(sample.len() as u64 >= rows.min(SAMPLE_MAX as u64 / 3), "{rows}: {}", sample.len());
            if rows > 0 {
                assert_eq!(sample[0].number, 1);
                let last = sample[sample.len() - 1].number;
                assert!(last as f64 > rows as f64 * 0.95, "{rows}: {last}");
            }
            assert!(sample.is_sorted_by(|a, b| a.number < b.number));
        }
    }
}
