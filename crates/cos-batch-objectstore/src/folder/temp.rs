//! Files being written: first under no name or a temporary one, then at once where they belong.
//!
//! A file without a name is better than one that is renamed from a folder for temporary files: a crash leaves nothing,
//! and the file system places it near its later neighbors. ext4 puts all files made in one folder into one group of
//! inodes, and looks through all that were freed there in the last minutes; with many files that is most of the work.

use std::{
    fs::File,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use rustix::{
    fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    fs::{self, AtFlags, CWD, Mode, OFlags},
    io::{Errno, Result},
};

use super::{
    at::{self, Renamed},
    bucket::Bucket,
    location::Location,
};

/// So often a name for a temporary file is tried, or its folder made again.
const ATTEMPTS: usize = 64;
const RIGHTS: Mode = Mode::from_raw_mode(0o666);

/// Makes the names of this process's temporary files differ.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// How a file without a name gets one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Linking {
    /// By its descriptor, which not every kernel allows everybody.
    Descriptor,
    /// By its entry in `/proc`, which not every container has.
    Proc,
}

impl Linking {
    fn link(self, file: &File, folder: impl AsFd, name: &str) -> Result<()> {
        match self {
            Self::Descriptor => fs::linkat(file, "", folder, name, AtFlags::EMPTY_PATH),
            Self::Proc => {
                let entry = format!("/proc/self/fd/{}", file.as_raw_fd());
                fs::linkat(CWD, entry, folder, name, AtFlags::SYMLINK_FOLLOW)
            }
        }
    }

    /// What works in a bucket, if the file system has files without a name: tried once.
    fn of(bucket: &Bucket) -> Option<Self> {
        let find = || {
            let folder = bucket.temp_folder().ok()?;
            let file = nameless(&folder).ok()?;
            [Self::Descriptor, Self::Proc].into_iter().find(|way| {
                let name = new_name();
                way.link(&file, &folder, &name).is_ok() && fs::unlinkat(&folder, &name, AtFlags::empty()).is_ok()
            })
        };
        *bucket.linking.get_or_init(find)
    }
}

fn new_name() -> String {
    format!("{:x}-{:x}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

fn nameless(folder: impl AsFd) -> Result<File> {
    match fs::openat(&folder, ".", OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC, RIGHTS) {
        // What ext4 says of a folder that was removed.
        Err(Errno::PERM) if at::stamp(&folder).is_ok_and(|s| s.gone) => Err(Errno::NOENT),
        opened => opened.map(File::from),
    }
}

enum Home {
    /// In this folder, without a name: it vanishes with the last descriptor, and the file system places it as if it
    /// had been made there.
    Nameless { folder: OwnedFd, linking: Linking },
    /// In the folder for temporary files.
    Named { folder: Arc<OwnedFd>, name: String },
    /// Where it belongs.
    Settled,
}

/// A file being written; removed when dropped, unless it was put where it belongs.
pub(super) struct Temp {
    pub(super) file: File,
    home: Home,
}

impl Temp {
    /// To be put at `location` sooner or later.
    pub(super) fn for_location(bucket: &Bucket, location: Option<&Location<'_>>) -> Result<Self> {
        let Some((location, linking)) = location.zip(Linking::of(bucket)) else { return Self::named(bucket) };
        match location.make_in_parent(|folder| nameless(folder)) {
            Ok((file, folder)) => Ok(Self { file, home: Home::Nameless { folder, linking } }),
            // It can only be put elsewhere, or another file system is mounted here.
            Err(error) if at::is_impossible(error) || matches!(error, Errno::LOOP | Errno::OPNOTSUPP) => {
                Self::named(bucket)
            }
            Err(error) => Err(error),
        }
    }

    /// In the folder for temporary files.
    pub(super) fn named(bucket: &Bucket) -> Result<Self> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let (file, home) = in_temp_folder(bucket, |folder, name| fs::openat(folder, name, flags, RIGHTS))?;
        Ok(Self { file: file.into(), home })
    }

    /// Puts it at the location it was made for; not done (false) if something is there.
    pub(super) fn link(&mut self, leaf: &str) -> Result<bool> {
        let Home::Nameless { folder, linking } = &self.home else { return Ok(false) };
        match linking.link(&self.file, folder, leaf) {
            Ok(()) => {
                self.home = Home::Settled;
                Ok(true)
            }
            // The folder may be gone, too.
            Err(error) if error == Errno::EXIST || at::is_absent(error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Renames it by `rename`, which is given its folder and name; if that does it, it is [`settled`](Self::settled).
    pub(super) fn rename<T, E: From<Errno>>(
        &mut self,
        bucket: &Bucket,
        rename: impl FnOnce(BorrowedFd<'_>, &str) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        if let Home::Nameless { linking, .. } = self.home {
            let (_, home) = in_temp_folder(bucket, |folder, name| linking.link(&self.file, folder, name))?;
            self.home = home;
        }
        let Home::Named { folder, name } = &self.home else { return Err(Errno::NOENT.into()) };
        rename(folder.as_fd(), name)
    }

    /// It is no longer where it was.
    pub(super) fn settled(&mut self) {
        self.home = Home::Settled;
    }

    /// Puts it at `location`, for which it was made, in the place of nothing or of a file.
    pub(super) fn put(&mut self, bucket: &Bucket, location: &Location<'_>) -> Result<Renamed> {
        if self.link(location.leaf())? {
            return Ok(Renamed::Replacing(None));
        }
        let renamed = self.rename(bucket, |folder, name| location.take(folder, name))?;
        if matches!(renamed, Renamed::Replacing(_)) {
            self.settled();
        }
        Ok(renamed)
    }
}

/// Makes something under a new name in the folder for temporary files, which somebody may just have removed.
fn in_temp_folder<T>(bucket: &Bucket, make: impl Fn(BorrowedFd<'_>, &str) -> Result<T>) -> Result<(T, Home)> {
    for _ in 0..ATTEMPTS {
        let folder = bucket.temp_folder()?;
        let name = new_name();
        match make(folder.as_fd(), &name) {
            Ok(made) => return Ok((made, Home::Named { folder, name })),
            Err(Errno::EXIST | Errno::INTR) => {}
            Err(Errno::NOENT) => bucket.forget_handles(),
            Err(error) => return Err(error),
        }
    }
    Err(Errno::NOENT)
}

impl Drop for Temp {
    fn drop(&mut self) {
        if let Home::Named { folder, name } = &self.home
            && fs::unlinkat(folder, name, AtFlags::empty()).is_err()
        {
            tracing::debug!(name, "a temporary file could not be removed; the next start sweeps it");
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use cap_std::{ambient_authority, fs::Dir};

    use super::*;
    use crate::{Metadata, PutRequest, folder::write};

    /// Also where the file system, the kernel or the container lacks something.
    #[test]
    fn every_way_of_linking_puts_and_replaces() {
        for linking in [None, Some(Linking::Descriptor), Some(Linking::Proc)] {
            let folder = tempfile::tempdir().unwrap();
            let bucket = Bucket::new(Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap()).unwrap();
            bucket.linking.set(linking).unwrap();
            for body in ["one", "another", "third"] {
                for key in ["a", "x/y/z", "a/in the way of a", "odd//key"] {
                    let metadata = Metadata { content_type: Some(body.into()), ..Metadata::default() };
                    let request = PutRequest { metadata, ..PutRequest::new("b-1", key, Bytes::from(body)) };
                    write::put(&bucket, &request, 0).unwrap();
                }
            }
            assert_eq!(std::fs::read(folder.path().join("x/y/z")).unwrap(), b"third");
            let names = |path: &str| std::fs::read_dir(folder.path().join(path)).unwrap().count();
            assert_eq!(names(".cos-batch/tmp"), 0, "{linking:?}");
            assert_eq!(names(".cos-batch/odd"), 2);
            assert_eq!(names(".cos-batch/meta"), 4);
        }
    }

    #[test]
    fn a_file_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let bucket = Bucket::new(Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap()).unwrap();
        let location = Location::ordinary(&bucket, "k");
        drop(Temp::for_location(&bucket, location.as_ref()).unwrap());
        let mut named = Temp::for_location(&bucket, location.as_ref()).unwrap();
        assert_eq!(named.rename(&bucket, |_, _| Err::<(), _>(Errno::IO)), Err(Errno::IO));
        drop(named);
        drop(Temp::named(&bucket).unwrap());
        assert_eq!(std::fs::read_dir(folder.path().join(".cos-batch/tmp")).unwrap().count(), 0);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "only the hidden area");
    }
}
