//! File calls that stay below a folder and follow no symbolic link, whatever a path says.

use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    fs::{self, AtFlags, FileType, Mode, OFlags, RenameFlags, ResolveFlags, Stat},
    io::{Errno, Result},
};

use crate::{ErrorKind, fail::Fail};

/// To name a folder in further calls.
pub(super) const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// To read the names in a folder.
pub(super) const SCAN: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);
/// To read a file. Not blocking: a pipe that somebody put there must not hang the store.
pub(super) const READ: OFlags = OFlags::NONBLOCK.union(OFlags::NOCTTY).union(OFlags::CLOEXEC);
/// To look at a file's attributes, which needs no right to read it.
pub(super) const LOOK: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// The kernel gives up a lookup below a folder (EAGAIN) when something is renamed meanwhile; so often it is asked again.
const LOOKUPS: usize = 128;

/// Opens what is at `path` below `base`, never outside it. A symbolic link anywhere in the path is `ELOOP`.
pub(super) fn open(base: impl AsFd, path: &str, flags: OFlags) -> Result<OwnedFd> {
    let beneath = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS);
    for _ in 0..LOOKUPS {
        match fs::openat2(&base, path, flags, Mode::empty(), beneath) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            // No such call here (an old kernel, or a container that filters it).
            Err(Errno::NOSYS | Errno::PERM) => return open_by_steps(base.as_fd(), path, flags),
            done => return done,
        }
    }
    Err(Errno::AGAIN)
}

/// Opens a folder that is already open once more, to read its names or to sync it.
pub(super) fn reopen(folder: impl AsFd) -> Result<OwnedFd> {
    fs::openat(folder, ".", SCAN, Mode::empty())
}

/// The same as [`open`], one segment after the other.
fn open_by_steps(base: BorrowedFd<'_>, path: &str, flags: OFlags) -> Result<OwnedFd> {
    let mut folder: Option<OwnedFd> = None;
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        if matches!(segment, "" | "." | "..") {
            return Err(Errno::XDEV);
        }
        let flags = if segments.peek().is_some() { FOLDER } else { flags };
        let at = folder.as_ref().map_or(base, AsFd::as_fd);
        let opened = fs::openat(at, segment, flags.union(OFlags::NOFOLLOW), Mode::empty());
        // For a link the kernel says ENOTDIR when a folder is asked for, and opens the link itself with O_PATH.
        let next = match opened {
            Err(Errno::NOTDIR) if is_link(fs::statat(at, segment, AtFlags::SYMLINK_NOFOLLOW)) => {
                return Err(Errno::LOOP);
            }
            other => other?,
        };
        if flags.contains(OFlags::PATH) && is_link(fs::fstat(&next)) {
            return Err(Errno::LOOP);
        }
        folder = Some(next);
    }
    folder.ok_or(Errno::NOENT)
}

fn is_link(stat: Result<Stat>) -> bool {
    stat.is_ok_and(|s| FileType::from_raw_mode(s.st_mode).is_symlink())
}

/// A folder that is borrowed (the base itself) or was opened for one call.
pub(super) enum Folder<'a> {
    Base(BorrowedFd<'a>),
    Opened(OwnedFd),
}

impl AsFd for Folder<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Base(fd) => *fd,
            Self::Opened(fd) => fd.as_fd(),
        }
    }
}

/// The folder that `path` is in, and the name in it.
pub(super) fn parent<'a>(base: BorrowedFd<'a>, path: &'a str) -> Result<(Folder<'a>, &'a str)> {
    match path.rsplit_once('/') {
        None => Ok((Folder::Base(base), path)),
        Some((folder, leaf)) => Ok((Folder::Opened(open(base, folder, FOLDER)?), leaf)),
    }
}

/// Makes the folders that `path` is in, as far as they are missing.
pub(super) fn make_parents(base: BorrowedFd<'_>, path: &str) -> Result<()> {
    let Some((folders, _)) = path.rsplit_once('/') else { return Ok(()) };
    let mut at = Folder::Base(base);
    for segment in folders.split('/') {
        match fs::mkdirat(&at, segment, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
        at = Folder::Opened(open(&at, segment, FOLDER)?);
    }
    Ok(())
}

/// What a rename did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Renamed {
    /// Done; this was the inode of the file replaced.
    Replacing(Option<u64>),
    /// Not done: a folder is there.
    FolderInTheWay,
    /// Not done: a symbolic link, a pipe or the like is there.
    Refused,
}

/// Renames over nothing or over a regular file.
pub(super) fn rename(from: impl AsFd, name: &str, to: impl AsFd, leaf: &str) -> Result<Renamed> {
    match fs::renameat_with(&from, name, &to, leaf, RenameFlags::NOREPLACE) {
        Ok(()) => return Ok(Renamed::Replacing(None)),
        // Something is there, or this file system cannot rename so.
        Err(Errno::EXIST | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
        Err(error) => return Err(error),
    }
    let replaced = match stat(&to, leaf) {
        Ok(stamp) if stamp.kind.is_file() => Some(stamp.inode),
        Ok(stamp) if stamp.kind.is_dir() => return Ok(Renamed::FolderInTheWay),
        Ok(_) => return Ok(Renamed::Refused),
        Err(Errno::NOENT) => None,
        Err(error) => return Err(error),
    };
    match fs::renameat(&from, name, &to, leaf) {
        Ok(()) => Ok(Renamed::Replacing(replaced)),
        Err(Errno::ISDIR) => Ok(Renamed::FolderInTheWay),
        Err(error) => Err(error),
    }
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) size: u64,
    /// Time of the content's last change: Unix seconds, nanoseconds.
    pub(super) modified: (i64, u32),
    /// Time of the last change of content or attributes.
    pub(super) changed: (i64, u32),
    pub(super) kind: FileType,
    /// No name leads to it any more.
    pub(super) gone: bool,
}

impl From<Stat> for Stamp {
    fn from(stat: Stat) -> Self {
        let nanoseconds = |n| u32::try_from(n).unwrap_or(0);
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: (stat.st_mtime, nanoseconds(stat.st_mtime_nsec)),
            changed: (stat.st_ctime, nanoseconds(stat.st_ctime_nsec)),
            kind: FileType::from_raw_mode(stat.st_mode),
            gone: stat.st_nlink == 0,
        }
    }
}

/// Of an open file.
pub(super) fn stamp(file: impl AsFd) -> Result<Stamp> {
    fs::fstat(file).map(Stamp::from)
}

/// Of what has this name in a folder; a link is not followed.
pub(super) fn stat(folder: impl AsFd, name: &str) -> Result<Stamp> {
    fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map(Stamp::from)
}

/// Does the error say that nothing can be at this path: it is missing, something above it is a file, or the file
/// system allows no such name?
pub(super) fn is_absent(error: Errno) -> bool {
    error == Errno::NOENT || is_impossible(error)
}

/// Does the error say that this path cannot be made?
pub(super) fn is_impossible(error: Errno) -> bool {
    matches!(error, Errno::NOTDIR | Errno::ISDIR | Errno::NAMETOOLONG | Errno::ILSEQ | Errno::INVAL)
}

impl From<Errno> for Fail {
    fn from(error: Errno) -> Self {
        match error {
            Errno::NOSPC | Errno::DQUOT => Self::new(ErrorKind::InsufficientStorage, "no room left on the file system"),
            Errno::ACCESS | Errno::PERM => Self::new(ErrorKind::AccessDenied, "the file's permissions do not allow it"),
            Errno::ROFS => Self::new(ErrorKind::AccessDenied, "the file system is read-only"),
            Errno::LOOP => Self::refused(),
            Errno::AGAIN | Errno::NOENT => {
                Self::new(ErrorKind::PathConflict, "somebody else is changing the same folders")
            }
            other => Self::new(ErrorKind::InternalError, std::io::Error::from(other).to_string()),
        }
    }
}

impl From<std::io::Error> for Fail {
    fn from(error: std::io::Error) -> Self {
        match Errno::from_io_error(&error) {
            Some(errno) => errno.into(),
            None => Self::new(ErrorKind::InternalError, error.to_string()),
        }
    }
}

impl Fail {
    /// What is there is no object, and is left alone.
    pub(super) fn refused() -> Self {
        Self::new(
            ErrorKind::AccessDenied,
            "a symbolic link or special file is in the way; none is followed or replaced",
        )
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    type Opener = fn(BorrowedFd<'_>, &str, OFlags) -> Result<OwnedFd>;

    #[test]
    fn both_ways_of_opening_stay_below_and_follow_no_link() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "s").unwrap();
        let base = outside.path().join("base");
        std::fs::create_dir_all(base.join("a/b")).unwrap();
        std::fs::write(base.join("a/b/file"), "x").unwrap();
        symlink(outside.path().join("secret"), base.join("a/out")).unwrap();
        symlink(outside.path(), base.join("up")).unwrap();
        symlink("a", base.join("inner")).unwrap();
        let base = std::fs::File::open(base).unwrap();
        let ways: [Opener; 2] = [|base, path, flags| open(base, path, flags), open_by_steps];
        for way in ways {
            for flags in [READ, LOOK] {
                assert!(way(base.as_fd(), "a/b/file", flags).is_ok());
                for link in ["a/out", "up/secret", "inner/b/file", "inner"] {
                    assert_eq!(way(base.as_fd(), link, flags).unwrap_err(), Errno::LOOP, "{link}");
                }
                for outside in ["../secret", "..", "/etc"] {
                    assert_eq!(way(base.as_fd(), outside, flags).unwrap_err(), Errno::XDEV, "{outside}");
                }
                assert_eq!(way(base.as_fd(), "a/none", flags).unwrap_err(), Errno::NOENT);
                assert_eq!(way(base.as_fd(), "a/b/file/x", flags).unwrap_err(), Errno::NOTDIR);
            }
            assert_eq!(way(base.as_fd(), "up", FOLDER).unwrap_err(), Errno::LOOP);
            assert!(way(base.as_fd(), "a/b", FOLDER).is_ok());
        }
    }

    #[test]
    fn a_rename_replaces_files_only() {
        let dir = tempfile::tempdir().unwrap();
        let at = std::fs::File::open(dir.path()).unwrap();
        let fresh = || std::fs::write(dir.path().join("new"), "n").unwrap();
        fresh();
        assert_eq!(rename(&at, "new", &at, "f"), Ok(Renamed::Replacing(None)));
        let inode = stat(&at, "f").unwrap().inode;
        fresh();
        assert_eq!(rename(&at, "new", &at, "f"), Ok(Renamed::Replacing(Some(inode))));
        fresh();
        std::fs::create_dir(dir.path().join("d")).unwrap();
        assert_eq!(rename(&at, "new", &at, "d"), Ok(Renamed::FolderInTheWay));
        symlink("nowhere", dir.path().join("l")).unwrap();
        assert_eq!(rename(&at, "new", &at, "l"), Ok(Renamed::Refused));
        assert_eq!(rename(&at, "none", &at, "g"), Err(Errno::NOENT));
    }

    #[test]
    fn errors_of_the_system_have_a_kind() {
        for (errno, kind) in [
            (Errno::NOSPC, ErrorKind::InsufficientStorage),
            (Errno::DQUOT, ErrorKind::InsufficientStorage),
            (Errno::MFILE, ErrorKind::InternalError),
            (Errno::IO, ErrorKind::InternalError),
            (Errno::ACCESS, ErrorKind::AccessDenied),
            (Errno::LOOP, ErrorKind::AccessDenied),
        ] {
            assert_eq!(Fail::from(errno).kind, kind);
            assert_eq!(Fail::from(std::io::Error::from(errno)).kind, kind);
        }
    }
}
