//! What goes wrong in a store.

use uuid::Uuid;

/// What went wrong in a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no such job (any more).
    #[error("no such job")]
    NoSuchJob,
    /// The job has changed since the version that was named; read it again.
    #[error("the job has changed meanwhile")]
    Conflict,
    /// The lease ended, or somebody else holds a newer one.
    #[error("the lease is lost")]
    LeaseLost,
    /// The tenant's token was used before.
    #[error("the token was already used, by job {job}")]
    TokenUsed {
        /// The job that used it.
        job: Uuid,
    },
    /// The tenant has too many jobs that have not ended.
    #[error("the limit of {limit} jobs that have not ended is reached")]
    TooManyJobs {
        /// The limit.
        limit: u64,
    },
    /// The caller broke a rule of the trait.
    #[error("not a legal use of the job store: {0}")]
    Misuse(&'static str),
    /// The store itself failed. Nothing was changed, or nobody knows.
    #[error("the job store failed: {0}")]
    Failed(String),
}
