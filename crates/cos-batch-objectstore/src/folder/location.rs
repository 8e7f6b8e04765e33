//! A path below a folder, and the calls on it.

use std::{borrow::Cow, sync::Arc};

use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{self, AtFlags, OFlags},
    io::{Errno, Result},
};

use super::{
    at::{self, Renamed, Stamp},
    bucket::{Bucket, sync_folder},
    names,
};

/// So often folders are made again that somebody else removes as empty.
const ATTEMPTS: usize = 64;

/// Where something is or will be.
pub(super) struct Location<'a> {
    base: Arc<OwnedFd>,
    path: Cow<'a, str>,
    /// The first segment is a tree of the hidden area, which stays when it gets empty.
    in_tree: bool,
}

impl<'a> Location<'a> {
    /// The key's own path, if it can be one.
    pub(super) fn ordinary(bucket: &Bucket, key: &'a str) -> Option<Self> {
        names::is_ordinary(key).then(|| Self {
            base: Arc::clone(bucket.folder()),
            path: Cow::Borrowed(key),
            in_tree: false,
        })
    }

    /// The key's path in a tree of the hidden area, with `suffix` after it; none if the bucket has no hidden area.
    pub(super) fn hidden(bucket: &Bucket, tree: &str, key: &str, suffix: &str) -> Result<Option<Self>> {
        Ok(bucket.hidden()?.map(|base| Self::in_hidden(base, tree, key, suffix)))
    }

    /// The same; the hidden area is made if there is none.
    pub(super) fn hidden_made(bucket: &Bucket, tree: &str, key: &str, suffix: &str) -> Result<Self> {
        Ok(Self::in_hidden(bucket.hidden_made()?, tree, key, suffix))
    }

    fn in_hidden(base: Arc<OwnedFd>, tree: &str, key: &str, suffix: &str) -> Self {
        let mut path = names::hidden_path(tree, key);
        path.push_str(suffix);
        Self { base, path: Cow::Owned(path), in_tree: true }
    }

    pub(super) fn open(&self, flags: OFlags) -> Result<OwnedFd> {
        at::open(&self.base, &self.path, flags)
    }

    /// The folder this is in, which has to be there, and the name in it.
    pub(super) fn parent(&self) -> Result<(at::Folder<'_>, &str)> {
        at::parent(self.base.as_fd(), &self.path)
    }

    /// The name in the folder this is in.
    pub(super) fn leaf(&self) -> &str {
        self.path.rsplit_once('/').map_or(&*self.path, |(_, leaf)| leaf)
    }

    /// Opens the folder this is in and makes something in it, making missing folders.
    pub(super) fn make_in_parent<T>(&self, make: impl Fn(&OwnedFd) -> Result<T>) -> Result<(T, OwnedFd)> {
        self.with_parent(|folder, _| {
            let folder = match folder {
                at::Folder::Opened(folder) => folder,
                at::Folder::Base(folder) => rustix::io::fcntl_dupfd_cloexec(folder, 0)?,
            };
            Ok((make(&folder)?, folder))
        })
    }

    /// Stamp of what is there; nothing is there or can be there: none.
    pub(super) fn stat(&self) -> Result<Option<Stamp>> {
        let found = self.parent().and_then(|(folder, leaf)| at::stat(folder, leaf));
        match found {
            Err(error) if at::is_absent(error) => Ok(None),
            found => found.map(Some),
        }
    }

    /// Renames `name` of the folder `from` to here, making missing folders.
    pub(super) fn take(&self, from: impl AsFd, name: &str) -> Result<Renamed> {
        self.with_parent(|folder, leaf| at::rename(&from, name, folder, leaf))
    }

    /// Makes this another name of what is at `other`, making missing folders.
    pub(super) fn link_from(&self, other: &Location<'_>) -> Result<()> {
        let (from, name) = other.parent()?;
        self.with_parent(|folder, leaf| fs::linkat(&from, name, folder, leaf, AtFlags::empty()))
    }

    /// Renames what is at `other` to here, making missing folders.
    pub(super) fn take_from(&self, other: &Location<'_>) -> Result<Renamed> {
        let (from, name) = other.parent()?;
        self.take(from, name)
    }

    fn with_parent<T>(&self, call: impl Fn(at::Folder<'_>, &str) -> Result<T>) -> Result<T> {
        for _ in 0..ATTEMPTS {
            match self.parent().and_then(|(folder, leaf)| call(folder, leaf)) {
                Err(Errno::NOENT) => match at::make_parents(self.base.as_fd(), &self.path) {
                    Ok(()) | Err(Errno::NOENT) => {}
                    Err(error) => return Err(error),
                },
                done => return done,
            }
        }
        Err(Errno::NOENT)
    }

    /// Removes the regular file here; gives its inode. What is no regular file stays; a link or special file is `ELOOP`.
    pub(super) fn remove(&self) -> Result<Option<u64>> {
        let removed = self.parent().and_then(|(folder, leaf)| {
            let stamp = at::stat(&folder, leaf)?;
            if stamp.kind.is_dir() {
                return Err(Errno::ISDIR);
            }
            if !stamp.kind.is_file() {
                return Err(Errno::LOOP);
            }
            fs::unlinkat(&folder, leaf, AtFlags::empty())?;
            Ok(stamp.inode)
        });
        match removed {
            Err(error) if at::is_absent(error) => Ok(None),
            removed => removed.map(Some),
        }
    }

    /// Removes the folders above as far as they are empty: best effort, nothing depends on it.
    pub(super) fn prune(&self) {
        let mut path = &*self.path;
        while let Some((folder, _)) = path.rsplit_once('/') {
            if self.in_tree && !folder.contains('/') {
                return;
            }
            let removed = at::parent(self.base.as_fd(), folder)
                .and_then(|(above, leaf)| fs::unlinkat(above, leaf, AtFlags::REMOVEDIR));
            if removed.is_err() {
                return;
            }
            path = folder;
        }
    }

    /// Makes the names of all folders that lead here durable.
    pub(super) fn sync_folders(&self) -> Result<()> {
        let mut path = &*self.path;
        while let Some((folder, _)) = path.rsplit_once('/') {
            sync_folder(at::open(&self.base, folder, at::SCAN)?)?;
            path = folder;
        }
        sync_folder(at::reopen(&self.base)?)
    }
}
