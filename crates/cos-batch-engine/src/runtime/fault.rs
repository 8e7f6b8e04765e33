//! What keeps a shard from going on.

use std::time::Duration;

use cos_batch_objectstore::{ErrorKind, StoreError as ObjectError};

use super::feed::FeedError;
use crate::{
    job::{Failure, known},
    store::{ShardSource, StoreError},
    task::retry::{self, Class},
};

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
    Fault(Fault),
}

/// Something outside a job that failed.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Fault {
    /// Code of the job's failure, where it never gets better.
    pub(crate) code: String,
    pub(crate) text: String,
}

impl Fault {
    pub(crate) fn new(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self { code: known(code.into()), text: text.into() }
    }

    /// With the code of a store's error, which is the store's own word and in no table of ours.
    pub(crate) fn of_store(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self { code: code.into(), text: text.into() }
    }

    /// It has lasted for so long: the job ends.
    pub(crate) fn given_up(self, after: Duration) -> Failure {
        let (hours, seconds) = (after.as_secs() / 3600, after.as_secs());
        let time = if hours > 0 { format!("{hours} h") } else { format!("{seconds} s") };
        Failure { code: self.code, reason: format!("{} (for {time} without any progress)", self.text) }
    }
}

impl From<StoreError> for ShardError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LeaseLost | StoreError::NoSuchJob => Self::LeaseLost,
            other => Self::Fault(Fault::new("InternalError", other.to_string())),
        }
    }
}

/// Whether it may pass without anybody changing the job: by itself, or because somebody sees to the store, to the room in
/// it, or to the server's key.
pub(crate) fn may_pass(error: &ObjectError) -> bool {
    retry::classify(error) != Class::Permanent
        || error.kind() == ErrorKind::InsufficientStorage
        || error.refuses_signature()
}

/// What ends the code of a job's failure where a file of its manifest cannot be read for this reason.
pub(crate) fn unreadable(error: &ObjectError) -> &'static str {
    match error.kind() {
        ErrorKind::NoSuchBucket | ErrorKind::NoSuchKey | ErrorKind::NoSuchVersion => "NotFound",
        ErrorKind::PreconditionFailed => "Changed",
        ErrorKind::AccessDenied => "AccessDenied",
        _ => "NotReadable",
    }
}

/// Why the rows of a shard cannot be read.
pub(crate) fn unread(error: &FeedError, source: &ShardSource) -> ShardError {
    let store = match error {
        FeedError::Store(store) => store,
        // The manifest was read once from end to end: what is wrong now was changed meanwhile.
        _ => return changed(error),
    };
    let code = match source {
        ShardSource::Bytes { .. } => "Manifest",
        ShardSource::File { .. } => "InventoryFile",
        // Rows in the spool are the server's own business.
        ShardSource::Spooled { .. } => return ShardError::Fault(Fault::new("InternalError", error.to_string())),
    };
    let end = unreadable(store);
    if may_pass(store) {
        let text = format!("the manifest cannot be read: {error}");
        return ShardError::Fault(Fault::new(format!("{code}{end}"), text));
    }
    match store.kind() {
        ErrorKind::AccessDenied | ErrorKind::NoSuchBucket => {
            let reason = format!("the manifest cannot be read any more: {error}");
            ShardError::Job(Failure::new(format!("{code}{end}"), reason))
        }
        _ => changed(error),
    }
}

fn changed(error: &FeedError) -> ShardError {
    let reason = format!("the manifest is no longer what it was when the job was prepared: {error}");
    ShardError::Job(Failure::new("ManifestChanged", reason))
}

#[cfg(test)]
mod tests {
    use cos_batch_objectstore::Pin;

    use super::*;

    #[test]
    fn what_becomes_of_a_job_whose_manifest_cannot_be_read() {
        let manifest = ShardSource::Bytes { start: 0, end: 1 };
        let file =
            ShardSource::File { key: "k".into(), version: None, pin: Pin("p".into()), gzip: false, start: 0, end: 1 };
        let told = |error: ObjectError, source: &ShardSource| match unread(&error.into(), source) {
            ShardError::Job(failure) => failure.code,
            ShardError::Fault(fault) => format!("later, else {}", fault.code),
            ShardError::LeaseLost => "lost".to_owned(),
        };
        let of = |kind| ObjectError::new(kind, "x");
        assert_eq!(told(of(ErrorKind::AccessDenied), &manifest), "ManifestAccessDenied");
        assert_eq!(told(of(ErrorKind::AccessDenied), &file), "InventoryFileAccessDenied");
        let expired = of(ErrorKind::AccessDenied).reported(403, "ExpiredToken");
        assert_eq!(told(expired, &manifest), "later, else ManifestAccessDenied");
        assert_eq!(told(of(ErrorKind::NoSuchBucket), &manifest), "ManifestNotFound");
        assert_eq!(told(of(ErrorKind::NoSuchKey), &manifest), "ManifestChanged");
        assert_eq!(told(of(ErrorKind::PreconditionFailed), &file), "ManifestChanged");
        assert_eq!(told(of(ErrorKind::SlowDown), &file), "later, else InventoryFileNotReadable");
        let spooled = ShardSource::Spooled { name: "n".into(), bytes: 1 };
        assert_eq!(told(of(ErrorKind::NoSuchKey), &spooled), "later, else InternalError");
    }

    #[test]
    fn how_long_it_lasted_is_told() {
        let told = |seconds| Fault::new("InternalError", "no").given_up(Duration::from_secs(seconds)).reason;
        assert_eq!(told(24 * 3600), "no (for 24 h without any progress)");
        assert_eq!(told(5), "no (for 5 s without any progress)");
    }
}
