//! Tasks: one operation on one object, as a row of the manifest asks for it.

mod checksum;
pub mod kinds;
pub mod parts;
pub mod repeat;
pub mod retry;

use std::{borrow::Cow, sync::Arc};

use cos_batch_objectstore::{
    AclRequest, Conditions, CopyRequest, CopySource, DeleteRequest, Directive, LegalHoldRequest, ObjectStore,
    OperationId, RestoreOutcome, RestoreRequest, RetentionRequest, StoreError, TagRequest, VersionSelector,
};
use uuid::Uuid;

use self::kinds::{KindTask, Kinds, OperationKind};
use crate::{
    access::{Access, Right},
    manifest::ListedAs,
    spec::{Change, CopySpec, CustomSpec, JobSpec, TaskOperation},
};

/// A row of the manifest, to be worked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Row of the manifest, from 0.
    pub row: u64,
    /// Bucket of the object.
    pub bucket: Arc<str>,
    /// Its key.
    pub key: String,
    /// Which version.
    pub version: VersionSelector,
    /// What an inventory says of the version.
    pub listed_as: ListedAs,
    /// Byte of the shard at which the next row begins.
    pub end: u64,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// HTTP status of the operation.
    pub status: u16,
    /// Why it failed; none: it succeeded.
    pub failure: Option<TaskFailure>,
    /// What a task that succeeded has to tell, for the report.
    pub told: Option<Box<str>>,
}

/// Why a task failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskFailure {
    /// A code, as in the `Code` of an error answer.
    pub code: Cow<'static, str>,
    /// A sentence.
    pub message: String,
}

impl Outcome {
    /// It worked, with this HTTP status.
    #[must_use]
    pub fn success(status: u16) -> Self {
        Self { status, failure: None, told: None }
    }

    /// The same with something to tell. The report has [`MESSAGE_BYTES_MAX`](crate::report::row::MESSAGE_BYTES_MAX) bytes of it.
    #[must_use]
    pub fn telling(mut self, text: impl Into<Box<str>>) -> Self {
        self.told = Some(text.into());
        self
    }

    /// It failed.
    #[must_use]
    pub fn failure(status: u16, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { status, failure: Some(TaskFailure { code: code.into(), message: message.into() }), told: None }
    }
}

impl From<&StoreError> for Outcome {
    fn from(error: &StoreError) -> Self {
        Self::failure(error.status(), error.code(), error.message())
    }
}

/// Carries out the tasks of one job.
#[derive(Debug)]
pub struct Runner {
    job: u128,
    tenant: String,
    spec: Arc<JobSpec>,
    access: Arc<Access>,
    store: Arc<dyn ObjectStore>,
    source_bucket: Arc<str>,
    /// Of an operation of a kind of its own.
    kind: Option<Arc<dyn OperationKind>>,
}

/// An attempt that did not end the task.
#[derive(Debug)]
pub enum Attempt {
    /// The task is over.
    Done(Outcome),
    /// The store failed; whether to try again is [`retry`]'s business.
    Failed(StoreError),
}

impl Runner {
    /// For this job, whose objects are in `source_bucket` of `store`.
    #[must_use]
    pub fn new(
        job: u128,
        tenant: String,
        spec: Arc<JobSpec>,
        access: Arc<Access>,
        store: Arc<dyn ObjectStore>,
        source_bucket: Arc<str>,
    ) -> Self {
        Self { job, tenant, spec, access, store, source_bucket, kind: None }
    }

    /// With the kind that the operation is of, if it is among these.
    #[must_use]
    pub fn with_kinds(mut self, kinds: &Kinds) -> Self {
        if let TaskOperation::Custom(custom) = &self.spec.operation {
            self.kind = kinds.get(&custom.kind).cloned();
        }
        self
    }

    /// The job, as log lines have it.
    pub(crate) fn job(&self) -> Uuid {
        Uuid::from_u128(self.job)
    }

    /// The store the operations run on.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The bucket that operations change.
    #[must_use]
    pub fn changed_bucket(&self) -> &str {
        self.spec.operation.copy().map_or(&self.source_bucket, |copy| &copy.target_bucket)
    }

    /// Tries the task once.
    pub async fn attempt(&self, task: &Task) -> Attempt {
        let right = source_right(&self.spec.operation);
        if !self.access.allows(&self.tenant, &task.bucket, right) {
            let message = format!("APPID {} may not {} bucket {}", self.tenant, right.name(), task.bucket);
            return Attempt::Done(Outcome::failure(403, "AccessDenied", message));
        }
        if let Some(outcome) = refusal(&self.spec.operation, task.listed_as) {
            return Attempt::Done(outcome);
        }
        let result = match &self.spec.operation {
            TaskOperation::Copy(copy) => return self.copy(copy, task).await,
            TaskOperation::Delete => self
                .store
                .delete(DeleteRequest {
                    bucket: &task.bucket,
                    key: &task.key,
                    version: &task.version,
                    operation: Some(self.operation_id(task)),
                })
                .await
                .map(|_| 204),
            TaskOperation::Tag { tags } => self
                .store
                .put_tags(TagRequest {
                    bucket: &task.bucket,
                    key: &task.key,
                    version: &task.version,
                    tags: directive(tags, Vec::as_slice),
                })
                .await
                .map(|()| 200),
            TaskOperation::Acl { grants, canned } => self
                .store
                .put_acl(AclRequest {
                    bucket: &task.bucket,
                    key: &task.key,
                    version: &task.version,
                    grants,
                    canned_acl: canned.as_deref(),
                })
                .await
                .map(|()| 200),
            TaskOperation::LegalHold { on } => self
                .store
                .put_legal_hold(LegalHoldRequest {
                    bucket: &task.bucket,
                    key: &task.key,
                    version: &task.version,
                    on: *on,
                })
                .await
                .map(|()| 200),
            TaskOperation::Retention { retention, bypass_governance } => self
                .store
                .put_retention(RetentionRequest {
                    bucket: &task.bucket,
                    key: &task.key,
                    version: &task.version,
                    retention: *retention,
                    bypass_governance: *bypass_governance,
                })
                .await
                .map(|()| 200),
            // Both are larger than all others, and would make every task's future so.
            TaskOperation::Checksum { algorithm } => {
                return ended(Box::pin(checksum::compute(&*self.store, task, *algorithm)).await);
            }
            TaskOperation::Custom(custom) => return ended(Box::pin(self.run_kind(custom, task)).await),
            TaskOperation::Restore { days, tier } => self
                .store
                .restore(RestoreRequest {
                    bucket: &task.bucket,
                    key: &task.key,
                    version: &task.version,
                    days: *days,
                    tier: (*tier).into(),
                })
                .await
                .map(|outcome| match outcome {
                    RestoreOutcome::Started => 202,
                    RestoreOutcome::Extended => 200,
                }),
        };
        match result {
            Ok(status) => Attempt::Done(Outcome::success(status)),
            Err(error) => Attempt::Failed(error),
        }
    }

    async fn run_kind(&self, custom: &CustomSpec, task: &Task) -> Result<Outcome, StoreError> {
        let Some(kind) = &self.kind else {
            return Ok(Outcome::failure(501, "NotImplemented", kinds::unknown(&custom.kind)));
        };
        let task = KindTask {
            job: Uuid::from_u128(self.job),
            tenant: &self.tenant,
            row: task.row,
            bucket: &task.bucket,
            key: &task.key,
            version: &task.version,
            spec: custom,
            store: &self.store,
        };
        kind.run(task).await
    }

    async fn copy(&self, copy: &CopySpec, task: &Task) -> Attempt {
        let target_key = match target_key(copy, &task.key) {
            Ok(key) => key,
            Err(outcome) => return Attempt::Done(outcome),
        };
        let request = CopyRequest {
            source: CopySource { bucket: &task.bucket, key: &task.key, version: &task.version },
            target_bucket: &copy.target_bucket,
            target_key: &target_key,
            metadata: directive(&copy.metadata, |metadata| metadata),
            tags: directive(&copy.tags, Vec::as_slice),
            grants: directive(&copy.grants, Vec::as_slice),
            canned_acl: copy.canned_acl.as_deref(),
            storage_class: copy.storage_class.clone(),
            conditions: Conditions { modified_since: copy.modified_since, unmodified_since: copy.unmodified_since },
            operation: Some(self.operation_id(task)),
        };
        match self.store.copy(request).await {
            Ok(_) => Attempt::Done(Outcome::success(200)),
            Err(error) => Attempt::Failed(error),
        }
    }

    /// Whether tasks copy objects.
    #[must_use]
    pub fn copies(&self) -> bool {
        self.spec.operation.copy().is_some()
    }

    /// Whether a try may take long and be broken off at any moment, since it changes nothing.
    #[must_use]
    pub fn only_reads(&self) -> bool {
        matches!(self.spec.operation, TaskOperation::Checksum { .. })
    }

    /// The copy that this task is, if it is one, and the key it makes.
    #[must_use]
    pub fn copy_of<'a>(&'a self, task: &'a Task) -> Option<(&'a CopySpec, Cow<'a, str>)> {
        let copy = self.spec.operation.copy()?;
        target_key(copy, &task.key).ok().map(|key| (copy, key))
    }

    /// The name of the task's operation for ever.
    #[must_use]
    pub fn operation_id(&self, task: &Task) -> OperationId {
        OperationId { job: self.job, row: task.row }
    }
}

fn ended(result: Result<Outcome, StoreError>) -> Attempt {
    result.map_or_else(Attempt::Failed, Attempt::Done)
}

/// Codes of tasks that were refused for what an inventory lists them as, without asking the store. Trying them again is of
/// no use, and their number says nothing of the job: each object that has older versions brings some.
pub const REFUSED_AS_LISTED: [&str; 2] = [DELETE_MARKER, NOT_LATEST];

const DELETE_MARKER: &str = "DeleteMarker";
const NOT_LATEST: &str = "NotLatestVersion";

/// The outcome of a task that asks for what cannot be done with such a version, told without asking the store.
fn refusal(operation: &TaskOperation, listed_as: ListedAs) -> Option<Outcome> {
    match (listed_as, operation) {
        (ListedAs::Object, _) | (_, TaskOperation::Delete) => None,
        (ListedAs::DeleteMarker, _) => {
            let message = format!("the inventory lists a delete marker: there is nothing to {}", operation.name());
            Some(Outcome::failure(405, DELETE_MARKER, message))
        }
        // In whatever order rows run, only one version may become the copy (COS Batch guide: one version per object).
        (ListedAs::OlderVersion, TaskOperation::Copy(_)) => {
            let message = "the inventory lists a version that is not the latest; of each object, the latest is copied";
            Some(Outcome::failure(400, NOT_LATEST, message))
        }
        (ListedAs::OlderVersion, _) => None,
    }
}

/// What a job does to the objects its manifest names.
#[must_use]
pub fn source_right(operation: &TaskOperation) -> Right {
    match operation {
        TaskOperation::Copy(_) | TaskOperation::Checksum { .. } => Right::Read,
        // What a kind of its own does, nobody here knows.
        TaskOperation::Restore { .. }
        | TaskOperation::Tag { .. }
        | TaskOperation::Acl { .. }
        | TaskOperation::LegalHold { .. }
        | TaskOperation::Retention { .. }
        | TaskOperation::Custom(_) => Right::Write,
        TaskOperation::Delete => Right::Delete,
    }
}

/// The key a copy gets (COS Batch API, CreateJob, `PrefixReplace`: textual, not by path segment).
pub(crate) fn target_key<'a>(copy: &CopySpec, key: &'a str) -> Result<Cow<'a, str>, Outcome> {
    let Some(prefix) = &copy.prefix else { return Ok(Cow::Borrowed(key)) };
    let Some(rest) = key.strip_prefix(prefix.source.as_str()) else {
        let message = format!("the key does not begin with ResourcesPrefix {:?}", prefix.source);
        return Err(Outcome::failure(400, "PrefixMismatch", message));
    };
    Ok(if prefix.target.is_empty() { Cow::Borrowed(rest) } else { Cow::Owned(format!("{}{rest}", prefix.target)) })
}

fn directive<'a, T, U>(change: &'a Change<T>, view: impl Fn(&'a T) -> U) -> Directive<U> {
    match change {
        Change::Copy => Directive::Copy,
        Change::Replace(values) => Directive::Replace(view(values)),
        Change::Add(values) => Directive::Add(view(values)),
    }
}

/// The outcome of a task whose last attempt failed like this.
#[must_use]
pub fn give_up(error: &StoreError, attempts: u32) -> Outcome {
    let mut outcome = Outcome::from(error);
    if attempts > 1
        && let Some(failure) = &mut outcome.failure
    {
        failure.message = format!("{} (tried {attempts} times)", failure.message);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::PrefixReplace;

    fn renamed(source: &str, target: &str, key: &str) -> Result<String, String> {
        let copy = CopySpec {
            target_bucket: "b-1".into(),
            prefix: Some(PrefixReplace { source: source.into(), target: target.into() }),
            metadata: Change::Copy,
            tags: Change::Copy,
            grants: Change::Copy,
            canned_acl: None,
            storage_class: None,
            modified_since: None,
            unmodified_since: None,
        };
        target_key(&copy, key).map(Cow::into_owned).map_err(|outcome| outcome.failure.unwrap().code.into_owned())
    }

    #[test]
    fn the_three_cases_of_prefix_replacement() {
        assert_eq!(renamed("", "new/", "a/b").unwrap(), "new/a/b");
        assert_eq!(renamed("pic", "abc", "picture.jpg").unwrap(), "abcture.jpg");
        assert_eq!(renamed("in/", "", "in/a").unwrap(), "a");
        assert_eq!(renamed("in/", "out/", "other/a").unwrap_err(), "PrefixMismatch");
    }
}
