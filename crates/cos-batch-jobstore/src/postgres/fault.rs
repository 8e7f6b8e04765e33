//! What goes wrong inside, before it becomes a `StoreError`.

use std::error::Error as _;

use cos_batch_engine::store::StoreError;
use deadpool_postgres::PoolError;
use tokio_postgres::{Error, error::SqlState};

/// An error of a transaction.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// One that the trait names.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// One of PostgreSQL's, or of the way to it.
    #[error("{}", told(.0))]
    Postgres(#[from] Error),
    /// No connection was to be had.
    #[error("{0}")]
    Unreachable(String),
    /// Something that cannot be stored.
    #[error("the job cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Something stored that cannot be read.
    #[error("{0}")]
    Corrupt(String),
}

impl From<PoolError> for Fault {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Postgres(error),
            PoolError::Timeout(_) => Self::Unreachable("no connection to PostgreSQL was free in time".to_owned()),
            error => Self::Unreachable(format!("no connection to PostgreSQL: {error}")),
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Store(error) => error,
            fault => Self::Failed(fault.to_string()),
        }
    }
}

impl Fault {
    /// The transaction was undone because of another one, and may be carried out if asked again.
    pub(super) fn was_undone(&self) -> bool {
        let Self::Postgres(error) = self else { return false };
        matches!(error.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED))
    }

    /// The connection broke: nobody knows whether what was asked for is done.
    pub(super) fn was_cut_off(&self) -> bool {
        let Self::Postgres(error) = self else { return false };
        error.is_closed()
            || matches!(error.code(), Some(&SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN))
            || error.source().is_some_and(|source| source.is::<std::io::Error>())
    }
}

/// An error in words: what a person can do, then what PostgreSQL says.
fn told(error: &Error) -> String {
    let Some(db) = error.as_db_error() else {
        let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
        return format!("PostgreSQL cannot be reached: {error}{source}");
    };
    let code = db.code();
    let advice = if [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION].contains(code) {
        "PostgreSQL does not let this user in"
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        "the user may not do this in PostgreSQL"
    } else if *code == SqlState::INVALID_CATALOG_NAME {
        "the database does not exist; make it with createdb"
    } else if *code == SqlState::TOO_MANY_CONNECTIONS {
        "PostgreSQL has no connection left"
    } else if *code == SqlState::DISK_FULL {
        "PostgreSQL's disk is full"
    } else if [SqlState::QUERY_CANCELED, SqlState::LOCK_NOT_AVAILABLE].contains(code) {
        "PostgreSQL took too long"
    } else if [SqlState::CANNOT_CONNECT_NOW, SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN].contains(code) {
        "PostgreSQL is starting or stopping"
    } else if *code == SqlState::READ_ONLY_SQL_TRANSACTION {
        "this PostgreSQL takes no writes (is it a standby?)"
    } else {
        "PostgreSQL reported an error"
    };
    format!("{advice}: {} ({})", db.message(), code.code())
}
