//! What an operation that is done twice leaves behind, and what is done about one of which nobody knows whether it was
//! done: stated for each operation.

use cos_batch_objectstore::{ErrorKind, StoreError, VersionSelector};

use super::{Outcome, Runner, Task, target_key};
use crate::spec::{CopySpec, TaskOperation};

/// What a repeat means for one operation.
#[derive(Clone, Copy, Debug)]
pub struct Repeat {
    /// [`TaskOperation::name`], with the variant where there are two.
    pub operation: &'static str,
    /// What is there after the operation was done twice.
    pub done_twice: &'static str,
    /// What is done when no answer came.
    pub in_doubt: &'static str,
    /// What nobody can tell even so.
    pub remains: &'static str,
}

/// Each operation.
pub const REPEATS: &[Repeat] = &[
    Repeat {
        operation: "copy",
        done_twice: "the same object; where the target bucket keeps versions, one version more",
        in_doubt: "HEAD of the target, and if it was written since, HEAD of the source: with the same ETag and size the \
                   copy was done; else it is done again",
        remains: "a copy that lands after the question; an ETag that a copy does not keep (parts, encryption): one \
                  version more",
    },
    Repeat {
        operation: "delete, latest",
        done_twice: "no object; where the bucket keeps versions, one delete marker more",
        in_doubt: "HEAD: where there is no object it was deleted; else it is deleted again",
        remains: "an object that somebody writes between the two is deleted",
    },
    Repeat {
        operation: "delete, version",
        done_twice: "the same: the version is gone",
        in_doubt: "it is deleted again",
        remains: "nothing",
    },
    Repeat {
        operation: "tag",
        done_twice: "the same tags",
        in_doubt: "they are set again",
        remains: "tags that somebody sets between the two are lost",
    },
    Repeat {
        operation: "acl",
        done_twice: "the same access control list",
        in_doubt: "it is set again",
        remains: "a list that somebody sets between the two is lost",
    },
    Repeat {
        operation: "legal hold",
        done_twice: "the same: the object is held, or is not",
        in_doubt: "it is set again",
        remains: "a hold that somebody sets between the two is lost",
    },
    Repeat {
        operation: "retention",
        done_twice: "the same retention",
        in_doubt: "it is set again",
        remains: "a longer one in the mode GOVERNANCE that somebody sets between the two, where it may be shortened",
    },
    Repeat {
        operation: "checksum",
        done_twice: "the same: it changes nothing",
        in_doubt: "it is computed again",
        remains: "nothing",
    },
    Repeat {
        operation: "custom, function",
        done_twice: "what the kind, or the function that is called, makes of it: it is told the same job and the same task",
        in_doubt: "it is called again",
        remains: "a call that arrived, and whose answer did not",
    },
    Repeat {
        operation: "restore",
        done_twice: "the same: a second request is refused with RestoreAlreadyInProgress, or counts the days anew",
        in_doubt: "it is asked for again; RestoreAlreadyInProgress then means that the first request arrived",
        remains: "whose restore is in progress, if somebody else asked for one too",
    },
];

/// Clocks of a store and of this machine may differ by so many seconds, and stores tell time in whole seconds.
pub const ASK_SKEW_S: i64 = 2;

impl Runner {
    /// Whether a task of which nobody knows whether it was done is asked about before it is repeated.
    #[must_use]
    pub fn asks(&self, task: &Task) -> bool {
        match &self.spec.operation {
            TaskOperation::Copy(_) => self.store.capabilities().versions,
            TaskOperation::Delete => task.version == VersionSelector::Latest,
            _ => false,
        }
    }

    /// Asks the store whether the task was done, `since` the Unix second at which it was first tried. None: it was not,
    /// or nobody can tell; a repeat is right.
    ///
    /// # Errors
    /// Those of the store; nothing is known then.
    pub async fn ask(&self, task: &Task, since: i64) -> Result<Option<Outcome>, StoreError> {
        match &self.spec.operation {
            TaskOperation::Copy(copy) => self.ask_for_copy(copy, task, since).await,
            TaskOperation::Delete => match self.store.head(&task.bucket, &task.key, &task.version).await {
                Ok(_) => Ok(None),
                Err(error) if error.kind() == ErrorKind::NoSuchKey => Ok(Some(Outcome::success(204))),
                Err(error) => Err(error),
            },
            _ => Ok(None),
        }
    }

    async fn ask_for_copy(&self, copy: &CopySpec, task: &Task, since: i64) -> Result<Option<Outcome>, StoreError> {
        let Ok(key) = target_key(copy, &task.key) else { return Ok(None) };
        let target = match self.store.head(&copy.target_bucket, &key, &VersionSelector::Latest).await {
            Ok(target) => target,
            Err(error) if error.kind() == ErrorKind::NoSuchKey => return Ok(None),
            Err(error) => return Err(error),
        };
        if target.last_modified + ASK_SKEW_S < since {
            return Ok(None);
        }
        let source = self.store.head(&task.bucket, &task.key, &task.version).await?;
        let same = !source.etag.is_empty() && source.etag == target.etag && source.size == target.size;
        Ok(same.then(|| Outcome::success(200)))
    }

    /// What an answer means after an earlier try of which nobody knows whether it was done.
    #[must_use]
    pub fn means_done(&self, error: &StoreError) -> Option<Outcome> {
        let restore = matches!(self.spec.operation, TaskOperation::Restore { .. });
        (restore && error.kind() == ErrorKind::RestoreAlreadyInProgress).then(|| Outcome::success(202))
    }
}
