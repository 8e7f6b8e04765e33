//! What goes wrong inside, before it becomes a `StoreError`.

use cos_batch_engine::store::StoreError;
use rusqlite::ErrorCode;

/// An error of a transaction.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// One that the trait names.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// One of SQLite's.
    #[error("{advice}: {0}", advice = advice(.0))]
    Sqlite(#[from] rusqlite::Error),
    /// Something that cannot be stored.
    #[error("the job cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Something stored that cannot be read.
    #[error("{0}")]
    Corrupt(String),
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Store(error) => error,
            fault => Self::Failed(fault.to_string()),
        }
    }
}

/// What a person can do about an error of SQLite.
fn advice(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full",
        Some(ErrorCode::SystemIoFailure) => "the disk reported an error",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another process holds the database",
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => "the file is damaged, or not a database",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => "the database may not be written",
        Some(ErrorCode::CannotOpen) => "the file cannot be opened (do the folder and the right to it exist?)",
        _ => "SQLite reported an error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_named() {
        let full = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL), None);
        let text = StoreError::from(Fault::from(full)).to_string();
        assert!(text.starts_with("the job store failed: the disk is full: "), "{text}");
    }

    #[test]
    fn errors_of_the_trait_pass_unchanged() {
        assert!(matches!(StoreError::from(Fault::Store(StoreError::LeaseLost)), StoreError::LeaseLost));
    }
}
