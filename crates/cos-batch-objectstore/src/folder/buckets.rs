//! Making, listing and deleting buckets.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
    sync::{Arc, PoisonError},
    time::UNIX_EPOCH,
};

use cap_fs_ext::DirExt;
use cap_std::fs::{Dir, Metadata};
use rustix::io::Errno;

use super::{FolderStore, at, bucket::Bucket, list_hidden, names::HIDDEN};
use crate::{BucketInfo, ErrorKind, StoreError, fail::Fail, rules};

/// Buckets whose handles are kept open at most, three handles each; beyond it all are closed and opened again.
const MAX_OPEN_BUCKETS: usize = 256;
/// Folders in folders that deleting a bucket goes into: keys have no more segments, so that what is deeper was put there
/// by hand and is left alone.
const MAX_DEPTH: usize = rules::MAX_KEY_BYTES;

/// Makes the names of buckets that are being deleted differ.
static NUMBER: AtomicU64 = AtomicU64::new(0);

impl FolderStore {
    /// Makes a bucket; one that exists stays as it is.
    ///
    /// # Errors
    /// `InvalidArgument` for a name that no bucket can have (a–z, 0–9, hyphen and dot; 1–63 bytes), and what the file
    /// system says.
    pub fn create_bucket(&self, name: &str) -> Result<(), StoreError> {
        self.make_bucket(name).map(drop)
    }

    pub(super) fn make_bucket(&self, name: &str) -> Result<bool, StoreError> {
        let create = || {
            rules::check_new_bucket(name)?;
            let made = match self.root.create_dir(name) {
                Ok(()) => true,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
                Err(error) => return Err(error.into()),
            };
            self.bucket(name).map(|_| made)
        };
        create().map_err(|fail: Fail| fail.about_bucket(name))
    }

    /// Names of all buckets, ascending: every folder in the store's folder whose name can be a bucket's.
    ///
    /// # Errors
    /// What the file system says.
    pub fn buckets(&self) -> Result<Vec<String>, StoreError> {
        self.names().map_err(|error| StoreError::new(ErrorKind::InternalError, error.to_string()))
    }

    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in self.root.entries()? {
            let entry = entry?;
            if let Ok(name) = entry.file_name().into_string()
                && rules::is_bucket_name(&name)
                && entry.file_type()?.is_dir()
            {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    pub(super) fn bucket_infos(&self) -> Result<Vec<BucketInfo>, StoreError> {
        let info = |name: String| {
            let created = self.root.symlink_metadata(&name).map_or(0, |found| made_at(&found));
            BucketInfo { name, created }
        };
        Ok(self.buckets()?.into_iter().map(info).collect())
    }

    /// Switches the keeping of versions on, or suspends it.
    ///
    /// # Errors
    /// `NoSuchBucket`, and what the file system says.
    pub fn set_versioning(&self, bucket: &str, on: bool) -> Result<(), StoreError> {
        self.bucket(bucket).and_then(|b| b.set_versioning(on)).map_err(|fail| fail.about_bucket(bucket))
    }

    /// The bucket's handles: the kept ones, if its folder is still the same.
    pub(super) fn bucket(&self, name: &str) -> Result<Arc<Bucket>, Fail> {
        let none = || Fail::new(ErrorKind::NoSuchBucket, "no such bucket");
        if !rules::is_bucket_name(name) {
            return Err(none());
        }
        let stamp = match at::stat(&self.root, name) {
            Err(Errno::NOENT) => return Err(none()),
            stamp => stamp?,
        };
        if !stamp.kind.is_dir() {
            return Err(none());
        }
        let identity = (stamp.device, stamp.inode);
        let known = self.open.read().unwrap_or_else(PoisonError::into_inner).get(name).map(Arc::clone);
        if let Some(bucket) = known
            && bucket.identity == identity
        {
            return Ok(bucket);
        }
        let bucket = Arc::new(Bucket::new(self.root.open_dir_nofollow(name)?)?);
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= MAX_OPEN_BUCKETS {
            open.clear();
        }
        open.insert(name.to_owned(), Arc::clone(&bucket));
        Ok(bucket)
    }

    /// Deletes a bucket with nothing in it. It is taken away under another name first, so that nothing comes in while it
    /// is looked through; what is found then, brings it back.
    pub(super) fn remove_bucket(&self, name: &str) -> Result<(), Fail> {
        if !list_hidden::is_empty(&*self.bucket(name)?, (self.clock)())? {
            return Err(not_empty());
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let aside = format!(".deleting-{:x}-{number:x}", std::process::id());
        self.root.rename(name, &self.root, &aside)?;
        self.open.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        let removed = self.remove_folder(&aside);
        if removed.is_err()
            && let Err(error) = self.root.rename(&aside, &self.root, name)
        {
            tracing::warn!(bucket = name, aside, %error, "a bucket that could not be deleted stays under another name");
        }
        removed
    }

    fn remove_folder(&self, aside: &str) -> Result<(), Fail> {
        let folder = self.root.open_dir_nofollow(aside)?;
        if !list_hidden::is_empty(&Bucket::new(folder.try_clone()?)?, (self.clock)())? {
            return Err(not_empty());
        }
        remove_empty_folders(&folder, true, 0)?;
        match folder.remove_dir_all(HIDDEN) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        Ok(self.root.remove_dir(aside)?)
    }
}

/// Removes the folders in a folder, which have to be empty but for folders; nothing else is touched.
fn remove_empty_folders(folder: &Dir, is_bucket: bool, depth: usize) -> Result<(), Fail> {
    for entry in folder.entries()? {
        let name = entry?.file_name();
        if is_bucket && name == HIDDEN {
            continue;
        }
        if depth > MAX_DEPTH || !folder.symlink_metadata(&name)?.is_dir() {
            return Err(not_empty());
        }
        remove_empty_folders(&folder.open_dir_nofollow(&name)?, false, depth + 1)?;
        folder.remove_dir(&name)?;
    }
    Ok(())
}

fn not_empty() -> Fail {
    Fail::new(ErrorKind::BucketNotEmpty, "the bucket has objects, versions, uploads or foreign files in it")
}

/// When a folder was made; where the file system does not know, when it was last changed.
fn made_at(found: &Metadata) -> i64 {
    let time = found.created().or_else(|_| found.modified());
    let since = time.ok().and_then(|time| time.into_std().duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or(0)
}
