//! A job as the engine and its store see it.

use std::sync::Arc;

use cos_batch_model::JobStatus;
use cos_batch_objectstore::{Pin, Tag};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    checks::Finding,
    clock::UnixMillis,
    spec::{Column, JobSpec},
};

/// A job: what it is to do, where it stands, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecord {
    /// Id, a UUID of version 7: order of ids is order of creation.
    pub id: Uuid,
    /// The APPID that owns it.
    pub tenant: String,
    /// The creator's token, unique for the tenant.
    pub token: String,
    /// What it is to do.
    pub spec: Arc<JobSpec>,
    /// Larger runs first, 0–2147483647.
    pub priority: u32,
    /// Where it stands.
    pub state: JobState,
    /// Goes up by one at each [`transition`](crate::JobStore::transition).
    pub version: u64,
    /// When it was made.
    pub created_at: UnixMillis,
    /// How far it has come. Only what is committed counts.
    pub progress: Progress,
    /// Its shards.
    pub shards: ShardTally,
    /// Deleted: the API no longer shows it; it goes away once it is final.
    pub deleted: bool,
}

/// Where a job stands: all that [`lifecycle`](crate::lifecycle) decides on and changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobState {
    /// Status, by its name on the wire.
    #[serde(with = "status_text")]
    pub status: JobStatus,
    /// Confirmed, perhaps before it asked for it.
    #[serde(default)]
    pub confirmed: bool,
    /// Why the status is what it is (StatusUpdateReason).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it waits for, while Suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_cause: Option<String>,
    /// When it was last suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_at: Option<UnixMillis>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminated_at: Option<UnixMillis>,
    /// Why it failed. Never empty on a Failed job.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
    /// What was found while the job was prepared that somebody should know before it is confirmed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// The manifest as it was when it was prepared; later reads are pinned to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<PinnedManifest>,
    /// The job's own tags, once they were replaced; none: those it was [made with](crate::JobSpec::tags).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

impl JobRecord {
    /// The job's own tags.
    #[must_use]
    pub fn tags(&self) -> &[Tag] {
        self.state.tags.as_deref().unwrap_or(&self.spec.tags)
    }
}

impl JobState {
    /// A job that was just accepted.
    #[must_use]
    pub fn new() -> Self {
        Self {
            status: JobStatus::New,
            confirmed: false,
            reason: None,
            suspended_cause: None,
            suspended_at: None,
            terminated_at: None,
            failures: Vec::new(),
            findings: Vec::new(),
            manifest: None,
            tags: None,
        }
    }
}

impl Default for JobState {
    fn default() -> Self {
        Self::new()
    }
}

/// What confirming a job will do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// In one line.
    pub summary: String,
    /// What should be known before.
    pub findings: Vec<Finding>,
}

/// One reason for a failure (JobFailure).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// A code, at most 64 bytes.
    pub code: String,
    /// A sentence, at most 256 bytes.
    pub reason: String,
}

/// All codes that jobs fail with, as `docs/manifests.md` explains them; but for a job that was given up because a store could
/// not be worked with for too long: its code is that of the store's last error.
pub const FAILURE_CODES: [&str; 31] = [
    "ManifestNotFound",
    "ManifestETagMismatch",
    "ManifestAccessDenied",
    "InventoryFileAccessDenied",
    "ManifestNotReadable",
    "InventoryFileNotReadable",
    "ManifestChanged",
    "InventoryFileChanged",
    "ManifestMalformed",
    "InventoryFileMalformed",
    "ManifestNotDecompressible",
    "InventoryFileNotDecompressible",
    "ManifestChecksumMismatch",
    "InventoryFileNotFound",
    "InventoryFileSizeMismatch",
    "InventoryFileChecksumMismatch",
    "NoMatchingObjects",
    "SourceBucketAccessDenied",
    "SourceBucketNotFound",
    "TargetBucketNotFound",
    "ReportBucketNotFound",
    "SourceBucketNotReadable",
    "TargetBucketNotReadable",
    "ReportBucketNotReadable",
    "NotSupported",
    "TooManyRows",
    "ReportTooLarge",
    "FailureThresholdExceeded",
    "ReportNotWritten",
    "ConfirmationExpired",
    "InternalError",
];

impl Failure {
    /// With one of [`FAILURE_CODES`].
    pub(crate) fn new(code: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { code: known(code.into()), reason: reason.into() }
    }
}

/// A code of the table. One that is not would be a code that nobody can look up: tests find it.
pub(crate) fn known(code: String) -> String {
    debug_assert!(FAILURE_CODES.contains(&code.as_str()), "{code} is in no table");
    code
}

/// Which content of the manifest a job runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedManifest {
    /// Size in bytes.
    pub size: u64,
    /// Refuses reads of anything else.
    pub pin: Pin,
    /// Its version where its bucket keeps versions: what is written over it later does not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The columns of an inventory's files, in order; none: those that the job's request declares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<Column>>,
    /// The one bucket that rows name, but for foreign ones, which fail (the first row's if all are foreign).
    pub source_bucket: String,
}

/// Counts of tasks. `succeeded + failed` never exceeds `total`, and never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Rows of the manifest; 0 until the manifest is prepared.
    pub total: u64,
    /// Done.
    pub succeeded: u64,
    /// Failed for good.
    pub failed: u64,
}

impl Progress {
    /// Tasks that were carried out.
    #[must_use]
    pub fn executed(&self) -> u64 {
        self.succeeded + self.failed
    }
}

/// Counts of a job's shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardTally {
    /// Waiting for a worker.
    pub ready: u64,
    /// Held by a worker.
    pub leased: u64,
    /// Finished.
    pub done: u64,
}

impl ShardTally {
    /// Shards that are not finished.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.ready + self.leased
    }
}

/// One entry of a job's timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobEvent {
    /// When.
    pub at: UnixMillis,
    /// The status it took.
    #[serde(with = "status_text")]
    pub status: JobStatus,
    /// Why.
    pub reason: Option<String>,
}

mod status_text {
    use cos_batch_model::JobStatus;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the form serde asks for")]
    pub(super) fn serialize<S: Serializer>(status: &JobStatus, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(status.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<JobStatus, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
