//! Kinds of operations that a server has of its own.
//!
//! What the engine can do to an object by itself are the operations of the API. A server that embeds it may have more: it
//! gives them to [`Config::kinds`](crate::Config::kinds) under names, and a job whose operation is
//! [`TaskOperation::Custom`](crate::spec::TaskOperation::Custom) names one of them. All else is as for any other job:
//! manifests, checkpoints, retries, counts and reports.
//!
//! ```
//! use cos_batch_engine::{
//!     Config, Kinds, OperationKind,
//!     kinds::KindTask,
//!     task::Outcome,
//! };
//! use cos_batch_objectstore::{BoxFuture, StoreError};
//!
//! /// Succeeds for objects that have a type.
//! #[derive(Debug)]
//! struct Typed;
//!
//! impl OperationKind for Typed {
//!     fn run<'a>(&'a self, task: KindTask<'a>) -> BoxFuture<'a, Result<Outcome, StoreError>> {
//!         Box::pin(async move {
//!             let object = task.store.head(task.bucket, task.key, task.version).await?;
//!             Ok(match object.metadata.content_type {
//!                 Some(told) => Outcome::success(200).telling(told),
//!                 None => Outcome::failure(200, "Untyped", "the object has no Content-Type"),
//!             })
//!         })
//!     }
//! }
//!
//! let config = Config { kinds: Kinds::new().with("typed", Typed), ..Config::default() };
//! assert!(config.kinds.get("typed").is_some());
//! ```

use std::{collections::BTreeMap, fmt, sync::Arc};

use cos_batch_objectstore::{BoxFuture, ErrorKind, ObjectStore, StoreError, VersionSelector};
use uuid::Uuid;

use super::Outcome;
use crate::spec::CustomSpec;

/// The code of a failure that a kind calls a passing one: the task is tried again ([`retry`](super::retry)).
pub const TEMPORARY_FAILURE: &str = "TemporaryFailure";

/// The code of a failure that trying again does not mend.
pub const PERMANENT_FAILURE: &str = "PermanentFailure";

/// A task that a kind carries out.
#[derive(Clone, Debug)]
pub struct KindTask<'a> {
    /// The job.
    pub job: Uuid,
    /// The APPID that it belongs to.
    pub tenant: &'a str,
    /// Row of the manifest, from 0. With the job's id it names the task for ever, so that a repeat can be known.
    pub row: u64,
    /// Bucket of the object. The job's owner may write to it.
    pub bucket: &'a str,
    /// Its key.
    pub key: &'a str,
    /// Which version.
    pub version: &'a VersionSelector,
    /// What the job says.
    pub spec: &'a CustomSpec,
    /// Where the object is. The engine asks the job's owner's rights to [`bucket`](Self::bucket) only; a kind that goes to
    /// other buckets answers for that itself.
    pub store: &'a Arc<dyn ObjectStore>,
}

/// Carries out the tasks of one kind.
///
/// A task may be carried out more than once: after a failure that passes, and after a process died between an operation and
/// the checkpoint that has it in the books. What a repeat does is the kind's affair.
pub trait OperationKind: Send + Sync + fmt::Debug {
    /// What is wrong with what a job says, told to whoever makes it.
    ///
    /// # Errors
    /// A sentence that names the argument and the rule.
    fn check(&self, _spec: &CustomSpec) -> Result<(), String> {
        Ok(())
    }

    /// Carries out one task. As many are under way at a time as operations on the object's store are, each in one of its
    /// slots. It must end: while it works, the rows behind it in its part of the manifest wait to be committed.
    ///
    /// # Errors
    /// A failure as a store fails: it is tried again if the table of [`retry`](super::retry) says so of its code. All
    /// other ends are an [`Outcome`].
    fn run<'a>(&'a self, task: KindTask<'a>) -> BoxFuture<'a, Result<Outcome, StoreError>>;
}

/// Kinds by name. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Kinds(BTreeMap<String, Arc<dyn OperationKind>>);

impl Kinds {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With this one, in the place of one of the same name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, kind: impl OperationKind + 'static) -> Self {
        self.0.insert(name.into(), Arc::new(kind));
        self
    }

    /// The kind of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn OperationKind>> {
        self.0.get(name)
    }
}

/// A failure that is tried again, with what is told of it.
#[must_use]
pub fn temporary_failure(message: impl Into<String>) -> StoreError {
    StoreError::new(ErrorKind::InternalError, message).reported(200, TEMPORARY_FAILURE)
}

/// What is said of a kind that the engine was not given.
pub(crate) fn unknown(name: &str) -> String {
    format!("this server has no kind of operation, and no function, called {name:?}")
}
