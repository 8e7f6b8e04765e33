//! A database that is not there yet.
//!
//! Step by step SQLite would sync half a dozen times before anybody can be answered. Nothing in a new database is anybody's, so
//! it is made beside its place without any sync, and put there when it is whole and on the disk: a loss of power leaves it
//! out, and never half of it.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rusqlite::Connection;

use super::{connection, private, schema};
use crate::fault::Fault;

/// What is behind the name of a database in the making. What a crash leaves of one is removed before the next is made.
const UNFINISHED: &str = ".new";

/// Makes an empty job store, if nothing is there.
///
/// Where this cannot be done nothing is, and whoever opens the database makes it in its place, or says why it cannot. Nor is
/// it where a log was left whose database somebody removed: beside another database SQLite would write its pages into
/// that, and SQLite itself throws such a log away when it makes the database.
pub(super) fn make(path: &Path) {
    if ["", "-wal", "-journal"].iter().any(|end| fs::exists(with_end(path, end)).unwrap_or(true)) {
        return;
    }
    let beside = with_end(path, UNFINISHED);
    if let Err(fault) = make_beside(path, &beside) {
        tracing::debug!(path = %path.display(), %fault, "the new database is made in its place");
    }
    remove(&beside);
}

fn make_beside(path: &Path, beside: &Path) -> Result<(), Fault> {
    remove(beside);
    private::make(beside).map_err(|error| Fault::Corrupt(error.to_string()))?;
    let mut database = Connection::open(beside)?;
    database.pragma_update(None, "synchronous", "OFF")?;
    schema::migrate(&mut database)?;
    // It is kept in the file, and opening the database has nothing left to change.
    connection::keep_log(&database)?;
    database.close().map_err(|(_, error)| error)?;
    let placed = || {
        File::open(beside)?.sync_all()?;
        // It takes nothing's place: nothing was there, and no other process has the store open.
        fs::rename(beside, path)?;
        // The folder of a bare name is the present one.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    };
    placed().map_err(|error: io::Error| Fault::Corrupt(error.to_string()))
}

/// Removes what there is of it.
fn remove(beside: &Path) {
    for end in ["", "-journal", "-wal", "-shm"] {
        // Most of these are never there.
        let _ = fs::remove_file(with_end(beside, end));
    }
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    #[test]
    fn it_is_whole_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.sqlite");
        fs::write(with_end(&path, ".new"), "what a crash left").unwrap();
        make(&path);
        assert_eq!(names(folder.path()), ["jobs.sqlite"]);
        let mut made = connection::writer(&path).unwrap();
        let log = fs::metadata(with_end(&path, "-wal")).map_or(0, |log| log.len());
        schema::migrate(&mut made).unwrap();
        assert_eq!(fs::metadata(with_end(&path, "-wal")).map_or(0, |log| log.len()), log, "nothing is left to be done");
    }

    #[test]
    fn a_log_whose_database_was_removed_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.sqlite");
        let before = {
            make(&path);
            let made = connection::writer(&path).unwrap();
            made.execute_batch("CREATE TABLE of_before (a); INSERT INTO of_before VALUES (1), (2)").unwrap();
            let log = fs::read(with_end(&path, "-wal")).unwrap();
            drop(made);
            log
        };
        fs::remove_file(&path).unwrap();
        fs::write(with_end(&path, "-wal"), before).unwrap();
        make(&path);
        let mut made = connection::writer(&path).unwrap();
        schema::migrate(&mut made).unwrap();
        let sound: String = made.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok");
        let left: u32 = made
            .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'of_before'", [], |row| row.get(0))
            .unwrap();
        assert_eq!(left, 0, "what was removed stays removed");
    }

    #[test]
    fn what_is_there_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.sqlite");
        fs::write(&path, "").unwrap();
        make(&path);
        assert_eq!(fs::read(&path).unwrap(), b"");
        make(&folder.path().join("no folder/jobs.sqlite"));
        assert_eq!(names(folder.path()), ["jobs.sqlite"]);
    }
}
