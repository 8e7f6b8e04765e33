//! A store in a local folder.

mod at;
mod bucket;
mod find;
mod list;
mod location;
mod names;
mod read;
mod remove;
mod sidecar;
mod temp;
mod versions;
mod write;

use std::{
    collections::BTreeMap,
    fmt, io,
    path::Path,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use bytes::Bytes;
use cap_fs_ext::DirExt;
use cap_std::{ambient_authority, fs::Dir};
use rustix::io::Errno;

use crate::{
    BoxFuture, Capabilities, CopyOutcome, CopyRequest, DeleteOutcome, DeleteRequest, ErrorKind, Execution, GetRequest,
    ListPage, ListRequest, ObjectMeta, ObjectStore, PutOutcome, PutRequest, RestoreOutcome, RestoreRequest, StoreError,
    Tag, TagRequest, VersionSelector,
    clock::{Clock, wall_clock},
    fail::Fail,
    rules,
};
use bucket::Bucket;

/// Buckets whose handles are kept open at most, three handles each; beyond it all are closed and opened again.
const MAX_OPEN_BUCKETS: usize = 256;
/// Temporary files this much older than the first store of the process are swept. File systems stamp files with a
/// clock that runs behind by some milliseconds; this is more.
const SWEEP_SLACK_SECONDS: i64 = 2;

/// When this process opened its first store: what is older was left behind by another one.
static STARTED: OnceLock<i64> = OnceLock::new();

/// A store in a local folder: the object `a/b.jpg` of the bucket `photos-1250001111` is the file
/// `photos-1250001111/a/b.jpg` in it, which any program may read, replace, add or remove.
///
/// ```
/// use bytes::Bytes;
/// use cos_batch_objectstore::{FolderStore, ObjectStore, PutRequest, StoreError, VersionSelector};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let store = FolderStore::open(folder.path())?;
/// store.create_bucket("photos-1250001111")?;
/// store.put(PutRequest::new("photos-1250001111", "in/a.jpg", Bytes::from_static(b"hello"))).await?;
/// assert_eq!(std::fs::read(folder.path().join("photos-1250001111/in/a.jpg"))?, b"hello");
/// std::fs::write(folder.path().join("photos-1250001111/by hand"), "hi")?;
/// assert_eq!(store.head("photos-1250001111", "by hand", &VersionSelector::Latest).await?.size, 2);
/// # Ok(())
/// # }
/// ```
///
/// # What is where
/// All the store itself needs to know lies in `.cos-batch` in each bucket's folder, and only where there is something
/// to know:
/// - `bucket.json`: whether the bucket keeps versions;
/// - `tmp`: files being written, where the file system has no files without a name, and those about to replace
///   another. The link or rename to its own path is what commits an object. What a crash leaves here is removed when a
///   later process opens the store;
/// - `meta`: metadata, tags, storage class, access and restore state of objects that have other than the defaults. Each
///   such sidecar names inode, size and time of change of the file it is about. After a change by hand it is ignored:
///   the object has its defaults again. The same is so after the folder was copied elsewhere: only a copy of the whole
///   file system keeps sidecars valid;
/// - `odd`: objects whose key cannot be a path (`a//b`, `a/`, `../a`, a segment over 255 bytes, a key below
///   `.cos-batch`) or is in conflict with another one (`a` beside `a/b`). Every key of 1–850 bytes can be stored;
/// - `versions`: older versions and delete markers.
///
/// # What to know
/// - No symbolic link is followed, in no part of a key; where one (or a pipe, a device) stands, calls answer
///   `AccessDenied`, and lists pass over it. Lists also pass over names that are not UTF-8 and, of course, `.cos-batch`.
/// - Removing the current file of an object by hand in a bucket that keeps versions deletes the object; older versions
///   stay and can be named.
/// - The file system has to tell upper from lower case, and to keep inode numbers (not all network file systems do).
/// - Several processes may use one folder: each sees what the others wrote. Changes of tags and versions of one object
///   are safe against each other within one process only.
/// - Without [`durable`](PutRequest::durable), a loss of power may undo what was answered since the last
///   [`barrier`](ObjectStore::barrier), down to an object without its sidecar.
/// - `last_modified` is the file's time of change; a copy's is the time of the copy. Listings have an ETag only where a
///   sidecar knows it; [`head`](ObjectStore::head) reads the file to compute it where none does.
pub struct FolderStore {
    root: Dir,
    clock: Clock,
    open: RwLock<BTreeMap<String, Arc<Bucket>>>,
}

impl FolderStore {
    /// The store in an existing folder. Temporary files that earlier processes left in its buckets are removed.
    ///
    /// # Errors
    /// Of the system, when the folder cannot be opened or read.
    pub fn open(root: impl AsRef<Path>) -> io::Result<Self> {
        let root = Dir::open_ambient_dir(root, ambient_authority())?;
        let store = Self { root, clock: wall_clock, open: RwLock::default() };
        let before = *STARTED.get_or_init(wall_clock) - SWEEP_SLACK_SECONDS;
        for name in store.names()? {
            // A bucket that cannot be opened now says so when it is used.
            let Ok(bucket) = store.bucket(&name) else { continue };
            match bucket.sweep(before) {
                Ok(0) => {}
                Ok(swept) => tracing::info!(bucket = name, swept, "removed temporary files of an earlier process"),
                Err(error) => tracing::warn!(bucket = name, %error, "temporary files could not be removed"),
            }
        }
        Ok(store)
    }

    /// Takes the time for the end of restores (Unix seconds) from `clock`.
    #[must_use]
    pub fn with_clock(self, clock: fn() -> i64) -> Self {
        Self { clock, ..self }
    }

    /// Makes a bucket; one that exists stays as it is.
    ///
    /// # Errors
    /// `InvalidArgument` for a name that no bucket can have (a–z, 0–9, hyphen and dot; 1–63 bytes), and what the file
    /// system says.
    pub fn create_bucket(&self, name: &str) -> Result<(), StoreError> {
        let create = || {
            rules::check_new_bucket(name)?;
            match self.root.create_dir(name) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error.into()),
                _ => self.bucket(name).map(drop),
            }
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

    fn names(&self) -> io::Result<Vec<String>> {
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

    /// Switches the keeping of versions on, or suspends it.
    ///
    /// # Errors
    /// `NoSuchBucket`, and what the file system says.
    pub fn set_versioning(&self, bucket: &str, on: bool) -> Result<(), StoreError> {
        self.bucket(bucket).and_then(|b| b.set_versioning(on)).map_err(|fail| fail.about_bucket(bucket))
    }

    /// The bucket's handles: the kept ones, if its folder is still the same.
    fn bucket(&self, name: &str) -> Result<Arc<Bucket>, Fail> {
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

    fn on<T>(&self, bucket: &str, key: &str, call: impl FnOnce(&Bucket) -> Result<T, Fail>) -> Result<T, StoreError> {
        self.bucket(bucket).and_then(|b| call(&b)).map_err(|fail| fail.about(bucket, key))
    }

    fn copy_now(&self, request: &CopyRequest<'_>) -> Result<CopyOutcome, StoreError> {
        let source = &request.source;
        let found = self.on(source.bucket, source.key, |bucket| write::copy_source(bucket, request, (self.clock)()))?;
        let version_id =
            self.on(request.target_bucket, request.target_key, |bucket| write::copy_target(bucket, request, found))?;
        Ok(CopyOutcome { version_id })
    }
}

impl fmt::Debug for FolderStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FolderStore").finish_non_exhaustive()
    }
}

impl ObjectStore for FolderStore {
    fn execution(&self) -> Execution {
        Execution::Blocking
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { multipart: false, ..Capabilities::ALL }
    }

    fn bucket_exists<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            match self.bucket(bucket) {
                Ok(_) => Ok(true),
                Err(fail) if fail.kind == ErrorKind::NoSuchBucket => Ok(false),
                Err(fail) => Err(fail.about_bucket(bucket)),
            }
        })
    }

    fn head<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<ObjectMeta, StoreError>> {
        Box::pin(async move { self.on(bucket, key, |b| read::head(b, key, version, (self.clock)())) })
    }

    fn get_range<'a>(&'a self, request: GetRequest<'a>) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        Box::pin(async move { self.on(request.bucket, request.key, |b| read::get_range(b, &request, (self.clock)())) })
    }

    fn put<'a>(&'a self, request: PutRequest<'a>) -> BoxFuture<'a, Result<PutOutcome, StoreError>> {
        Box::pin(async move { self.on(request.bucket, request.key, |b| write::put(b, &request)) })
    }

    fn copy<'a>(&'a self, request: CopyRequest<'a>) -> BoxFuture<'a, Result<CopyOutcome, StoreError>> {
        Box::pin(async move { self.copy_now(&request) })
    }

    fn delete<'a>(&'a self, request: DeleteRequest<'a>) -> BoxFuture<'a, Result<DeleteOutcome, StoreError>> {
        Box::pin(async move { self.on(request.bucket, request.key, |b| remove::delete(b, &request)) })
    }

    fn put_tags<'a>(&'a self, request: TagRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.on(request.bucket, request.key, |b| {
                write::change(b, request.key, request.version, |attributes| {
                    attributes.tags = attributes.changed_tags(&request.tags)?;
                    Ok(())
                })
            })
        })
    }

    fn get_tags<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<Vec<Tag>, StoreError>> {
        Box::pin(async move {
            self.on(bucket, key, |b| {
                rules::check_key(key)?;
                Ok(find::locate(b, key, version, at::LOOK)?.attributes().tags)
            })
        })
    }

    fn restore<'a>(&'a self, request: RestoreRequest<'a>) -> BoxFuture<'a, Result<RestoreOutcome, StoreError>> {
        Box::pin(async move {
            let now = (self.clock)();
            self.on(request.bucket, request.key, |b| {
                write::change(b, request.key, request.version, |attributes| attributes.restored(&request, now))
            })
        })
    }

    fn list<'a>(&'a self, request: ListRequest<'a>) -> BoxFuture<'a, Result<ListPage, StoreError>> {
        Box::pin(async move {
            self.bucket(request.bucket)
                .and_then(|b| list::list(&b, &request))
                .map_err(|fail| fail.about_bucket(request.bucket))
        })
    }

    fn barrier<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(
            async move { self.bucket(bucket).and_then(|b| Ok(b.sync()?)).map_err(|fail| fail.about_bucket(bucket)) },
        )
    }
}
