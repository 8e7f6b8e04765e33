//! Who may read a database.
//!
//! Jobs tell who has which objects. SQLite makes files that everybody may read whom the process's umask does not keep off, and gives
//! its log and the log's index the permissions that the database has: so the database is made before SQLite opens it.

use std::{fs::OpenOptions, io, os::unix::fs::OpenOptionsExt as _, path::Path};

/// The owner's to read and write, and nobody else's.
const OWNERS: u32 = 0o600;

/// Makes an empty file for its owner alone. What is there already is left as it is.
pub(super) fn make(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(OWNERS).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, sync::Arc};

    use cos_batch_engine::SystemClock;

    use super::*;
    use crate::{SqliteJobStore, copy_store};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// The test's own umask does not matter: what it takes away is nothing of the owner's.
    #[test]
    fn a_store_and_its_log_and_a_copy_are_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.sqlite");
        let store = SqliteJobStore::open(&path, Arc::new(SystemClock)).unwrap();
        let copy = folder.path().join("copy.sqlite");
        copy_store(&path, &copy).unwrap();
        for end in ["jobs.sqlite", "jobs.sqlite-wal", "jobs.sqlite-shm", "copy.sqlite"] {
            assert_eq!(mode(&folder.path().join(end)), OWNERS, "{end}");
        }
        drop(store);
        // Where the log of a database that somebody removed is left, it is made in its place.
        fs::remove_file(&path).unwrap();
        fs::write(folder.path().join("jobs.sqlite-wal"), "").unwrap();
        let _store = SqliteJobStore::open(&path, Arc::new(SystemClock)).unwrap();
        assert_eq!(mode(&path), OWNERS);
    }

    #[test]
    fn what_is_there_keeps_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.sqlite");
        drop(SqliteJobStore::open(&path, Arc::new(SystemClock)).unwrap());
        fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        drop(SqliteJobStore::open(&path, Arc::new(SystemClock)).unwrap());
        assert_eq!(mode(&path), 0o640, "an operator may let a group read it");
    }
}
