//! What came out of a run.

mod text;

use std::fmt;

use cos_batch_model::JobId;
use serde::{Serialize, Serializer};

/// What checks are about.
///
/// ```
/// use cos_batch_conformance::{Group, api, wire};
///
/// let has = |checks: &[cos_batch_conformance::CheckInfo], group| checks.iter().any(|check| check.group() == group);
/// assert!(Group::ALL.iter().all(|group| has(&wire::checks(), *group)));
/// assert!(!has(&api::checks(), Group::Auth));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Group {
    /// Each action does what it is for.
    Basic,
    /// What is wrong is refused with the documented code.
    Errors,
    /// Lists come in pages.
    Paging,
    /// Jobs go through their statuses.
    Lifecycle,
    /// Only who signs gets in. `wire` only.
    Auth,
    /// Lengths and ranges, in bytes. `wire` only.
    Limits,
    /// Requests that mean harm. `wire` only.
    Hostile,
}

impl Group {
    /// Every group.
    pub const ALL: &[Self] =
        &[Self::Basic, Self::Errors, Self::Paging, Self::Lifecycle, Self::Auth, Self::Limits, Self::Hostile];

    /// The group's name, with which the ids of its checks begin.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Errors => "errors",
            Self::Paging => "paging",
            Self::Lifecycle => "lifecycle",
            Self::Auth => "auth",
            Self::Limits => "limits",
            Self::Hostile => "hostile",
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a rule comes from.
///
/// See [`CheckInfo`] for an example. Source: ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Basis {
    /// The documentation of the API, or what its official client relies on.
    Documented,
    /// This project, where the documentation is silent or contradicts itself. Another answer may be as good.
    Settled,
}

/// A check: a rule and where it comes from.
///
/// ```
/// use cos_batch_conformance::{Basis, wire};
///
/// for check in wire::checks() {
///     let mark = if check.basis == Basis::Documented { "" } else { " (settled by us)" };
///     println!("{}{mark}: {} [{}]", check.id, check.rule, check.source);
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CheckInfo {
    /// Its name, `group/name`; it stays the same from version to version.
    pub id: &'static str,
    /// The rule, in one sentence.
    pub rule: &'static str,
    /// Where the rule comes from.
    pub basis: Basis,
    /// The page, or the reason.
    pub source: &'static str,
}

impl CheckInfo {
    /// The group that the id begins with.
    pub fn group(&self) -> Group {
        let of = |group: &&Group| self.id.strip_prefix(group.as_str()).is_some_and(|rest| rest.starts_with('/'));
        // A test sees to it that every id begins with a group.
        Group::ALL.iter().find(of).copied().unwrap_or(Group::Basic)
    }
}

/// What a check came to.
///
/// ```
/// use cos_batch_conformance::Outcome;
///
/// fn line(outcome: &Outcome) -> String {
///     match outcome {
///         Outcome::Passed => "passed".to_owned(),
///         Outcome::Failed { expected, found } => format!("expected {expected}, found {found}"),
///         Outcome::Skipped { why } => format!("skipped: {why}"),
///         _ => "of a newer version".to_owned(),
///     }
/// }
///
/// assert_eq!(line(&Outcome::Passed), "passed");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Outcome {
    /// The rule holds.
    Passed,
    /// The rule does not hold.
    Failed {
        /// What the rule wants.
        expected: String,
        /// What there was instead.
        found: String,
    },
    /// The rule could not be checked here.
    Skipped {
        /// Why not.
        why: String,
    },
}

/// A check and what it came to.
///
/// See [`Report`] for where they are. Source: ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CheckResult {
    /// The check.
    #[serde(flatten)]
    pub check: CheckInfo,
    /// What it came to.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What came out of a run. Its text has lines of at most 80 characters, ids apart.
///
/// As JSON:
///
/// ```text
/// {
///   "suite": "wire",              // or "api"
///   "conformant": false,          // no check failed
///   "passed": 70, "failed": 1, "skipped": 2,
///   "requests": 512,              // how many were made
///   "left_behind": ["<JobId>"],   // jobs that could not be deleted
///   "checks": [                   // in the order in which they ran
///     {"id": "basic/…", "rule": "…", "basis": "documented", "source": "…", "result": "passed"},
///     {"id": "auth/…",  …, "result": "failed", "expected": "…", "found": "…"},
///     {"id": "paging/…", …, "result": "skipped", "why": "…"}
///   ]
/// }
/// ```
///
/// `basis` is `documented` or `settled`, see [`Basis`]. Further members may be added.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Which checks: `api` or `wire`.
    pub suite: &'static str,
    /// Every check, in the order in which they ran.
    pub checks: Vec<CheckResult>,
    /// How many requests were made, cleaning up included.
    pub requests: u64,
    /// Jobs that could not be deleted; where possible they were cancelled.
    pub left_behind: Vec<JobId>,
}

impl Report {
    pub(crate) fn new(suite: &'static str) -> Self {
        Self { suite, checks: Vec::new(), requests: 0, left_behind: Vec::new() }
    }

    /// Whether no check failed. Skipped ones do not count.
    pub fn is_conformant(&self) -> bool {
        self.failed_ids().next().is_none()
    }

    /// Ids of the checks that failed.
    pub fn failed_ids(&self) -> impl Iterator<Item = &'static str> {
        let failed = |result: &&CheckResult| matches!(result.outcome, Outcome::Failed { .. });
        self.checks.iter().filter(failed).map(|result| result.check.id)
    }

    /// Ids of the checks that were skipped.
    pub fn skipped_ids(&self) -> impl Iterator<Item = &'static str> {
        let skipped = |result: &&CheckResult| matches!(result.outcome, Outcome::Skipped { .. });
        self.checks.iter().filter(skipped).map(|result| result.check.id)
    }

    /// How many checks passed.
    pub fn passed(&self) -> usize {
        self.checks.iter().filter(|result| result.outcome == Outcome::Passed).count()
    }

    /// The report as an indented JSON document, as described [above](Self).
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("the report has only strings, numbers and lists of them")
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Document<'a> {
            suite: &'static str,
            conformant: bool,
            passed: usize,
            failed: usize,
            skipped: usize,
            requests: u64,
            left_behind: &'a [JobId],
            checks: &'a [CheckResult],
        }
        let document = Document {
            suite: self.suite,
            conformant: self.is_conformant(),
            passed: self.passed(),
            failed: self.failed_ids().count(),
            skipped: self.skipped_ids().count(),
            requests: self.requests,
            left_behind: &self.left_behind,
            checks: &self.checks,
        };
        document.serialize(serializer)
    }
}
