//! What keeps a shard from going on.

use super::feed::FeedError;
use crate::{job::Failure, store::StoreError};

/// Why a shard could not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShardError {
    /// Somebody else has it, or the job is gone.
    #[error("the lease is lost")]
    LeaseLost,
    /// The whole job cannot go on.
    #[error("{}: {}", .0.code, .0.reason)]
    Job(Failure),
    /// Something outside the job failed; another try may work.
    #[error("{0}")]
    Fault(String),
}

impl From<StoreError> for ShardError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LeaseLost | StoreError::NoSuchJob => Self::LeaseLost,
            other => Self::Fault(other.to_string()),
        }
    }
}

impl From<FeedError> for ShardError {
    fn from(error: FeedError) -> Self {
        match &error {
            FeedError::Store(store) if store.kind().is_transient() => Self::Fault(error.to_string()),
            // The manifest was read once from end to end: what is wrong now was changed meanwhile.
            _ => Self::Job(Failure {
                code: "ManifestChanged".to_owned(),
                reason: format!("the manifest is no longer what it was when the job was prepared: {error}"),
            }),
        }
    }
}
