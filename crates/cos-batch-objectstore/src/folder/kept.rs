//! Objects that are kept by a legal hold or a retention: nothing takes them away for good.
//!
//! What keeps an object stands in its sidecar. A bucket in which anything was ever kept has an empty file that says so: in all
//! others a write looks for that file and for nothing else.

use rustix::{
    fs::{self, Mode, OFlags},
    io::Errno,
};

use super::{
    at,
    bucket::{Bucket, sync_folder},
    find, write,
};
use crate::{ErrorKind, ObjectLock, VersionSelector, fail::Fail, rules};

/// The file in the hidden area that says that objects were kept here.
const KEPT: &str = "kept";

/// Changes what keeps an object.
pub(super) fn change(
    bucket: &Bucket,
    key: &str,
    version: &VersionSelector,
    change: impl FnOnce(&mut ObjectLock) -> Result<(), Fail>,
) -> Result<(), Fail> {
    get(bucket, key, version)?;
    mark(bucket)?;
    write::change(bucket, key, version, |attributes| change(&mut attributes.lock))
}

/// What keeps an object.
pub(super) fn get(bucket: &Bucket, key: &str, version: &VersionSelector) -> Result<ObjectLock, Fail> {
    rules::check_key(key)?;
    Ok(find::locate(bucket, key, version, at::LOOK)?.attributes().lock)
}

/// Refuses to take a version away that is kept. Whoever asks holds the lock of the key.
pub(super) fn check_removable(bucket: &Bucket, key: &str, version: &VersionSelector, now: i64) -> Result<(), Fail> {
    if !is_marked(bucket)? {
        return Ok(());
    }
    match get(bucket, key, version) {
        Ok(lock) => lock.check_removable(now),
        Err(fail) if matches!(fail.kind, ErrorKind::NoSuchKey | ErrorKind::NoSuchVersion) => Ok(()),
        Err(fail) => Err(fail),
    }
}

fn is_marked(bucket: &Bucket) -> Result<bool, Fail> {
    let Some(hidden) = bucket.hidden()? else { return Ok(false) };
    match at::stat(&hidden, KEPT) {
        Ok(_) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Says that objects are kept here, before the first one is.
fn mark(bucket: &Bucket) -> Result<(), Fail> {
    if is_marked(bucket)? {
        return Ok(());
    }
    let hidden = bucket.hidden_made()?;
    let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    fs::openat(&hidden, KEPT, flags, Mode::from_raw_mode(0o666))?;
    Ok(sync_folder(at::reopen(&hidden)?)?)
}
