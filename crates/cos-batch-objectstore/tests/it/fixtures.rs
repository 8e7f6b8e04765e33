//! Stores for tests.

use cos_batch_objectstore::{BoxFuture, MemoryStore, ObjectStore, contract::Fixture};

/// Runs a future on this thread.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Parts of the tests' stores have at least so many bytes.
pub(crate) const MIN_PART_BYTES: u64 = 5;
/// One copy in the tests' stores takes at most so many bytes: more than what cases copy at once.
pub(crate) const MAX_COPY_BYTES: u64 = 400_000;

pub(crate) struct InMemory(pub(crate) MemoryStore);

impl Default for InMemory {
    fn default() -> Self {
        Self(MemoryStore::new().with_min_part_bytes(MIN_PART_BYTES).with_max_copy_bytes(MAX_COPY_BYTES))
    }
}

impl Fixture for InMemory {
    fn store(&self) -> &dyn ObjectStore {
        &self.0
    }

    fn create_bucket<'a>(&'a self, name: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.0.create_bucket(name).unwrap() })
    }

    fn min_part_bytes(&self) -> u64 {
        MIN_PART_BYTES
    }

    fn max_copy_bytes(&self) -> Option<u64> {
        Some(MAX_COPY_BYTES)
    }

    fn set_versioning<'a>(&'a self, bucket: &'a str, on: bool) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.0.set_versioning(bucket, on).unwrap() })
    }
}

#[cfg(target_os = "linux")]
pub(crate) use on_disk::InFolder;

#[cfg(target_os = "linux")]
mod on_disk {
    use std::path::{Path, PathBuf};

    use cos_batch_objectstore::{BoxFuture, FolderStore, ObjectStore, contract::Fixture};

    use super::{MAX_COPY_BYTES, MIN_PART_BYTES};

    /// A store in `root` below a temporary folder, so that what would get out of it can be seen.
    pub(crate) struct InFolder {
        pub(crate) outside: tempfile::TempDir,
        pub(crate) store: FolderStore,
    }

    impl InFolder {
        pub(crate) fn new() -> Self {
            let outside = tempfile::tempdir().unwrap();
            std::fs::create_dir(outside.path().join("root")).unwrap();
            let store = FolderStore::open(outside.path().join("root"))
                .unwrap()
                .with_min_part_bytes(MIN_PART_BYTES)
                .with_max_copy_bytes(MAX_COPY_BYTES);
            Self { outside, store }
        }

        pub(crate) fn root(&self) -> PathBuf {
            self.outside.path().join("root")
        }

        /// Path of something in a bucket.
        pub(crate) fn path(&self, bucket: &str, rest: &str) -> PathBuf {
            self.root().join(bucket).join(rest)
        }

        /// After everything was deleted there is no file but the settings, no folder but the store's own, and nothing
        /// beside the store's folder.
        pub(crate) fn assert_nothing_left(&self) {
            self.assert_nothing_outside();
            for file in all_below(&self.root()) {
                let own = file.ends_with("bucket.json")
                    || ["tmp", "odd", "meta", "versions", "uploads", ".cos-batch"]
                        .iter()
                        .any(|own| file.ends_with(own))
                    || file.parent().is_some_and(|p| p == self.root());
                assert!(own, "{file:?} was left behind");
            }
        }

        pub(crate) fn assert_nothing_outside(&self) {
            let names: Vec<_> =
                std::fs::read_dir(self.outside.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
            assert_eq!(names, ["root"]);
        }
    }

    /// Everything below a folder.
    fn all_below(folder: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                found.extend(all_below(&entry.path()));
            }
            found.push(entry.path());
        }
        found
    }

    impl Fixture for InFolder {
        fn store(&self) -> &dyn ObjectStore {
            &self.store
        }

        fn create_bucket<'a>(&'a self, name: &'a str) -> BoxFuture<'a, ()> {
            Box::pin(async move { self.store.create_bucket(name).unwrap() })
        }

        fn min_part_bytes(&self) -> u64 {
            MIN_PART_BYTES
        }

        fn max_copy_bytes(&self) -> Option<u64> {
            Some(MAX_COPY_BYTES)
        }

        fn set_versioning<'a>(&'a self, bucket: &'a str, on: bool) -> BoxFuture<'a, ()> {
            Box::pin(async move { self.store.set_versioning(bucket, on).unwrap() })
        }
    }
}
