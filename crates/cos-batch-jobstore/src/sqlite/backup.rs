//! Copies of a store that may be in use.

use std::{fs::File, path::Path};

use cos_batch_engine::store::{FileOutcome, ShardSource, StoreError};
use rusqlite::Connection;
use uuid::Uuid;

use super::{connection, files, private, row, schema};
use crate::fault::Fault;

/// Copies a store into a file that is not there yet, as it is at one moment. A process that works on it is neither stopped
/// nor slowed, and what it commits meanwhile is in the copy or not. Blocks.
///
/// # Errors
/// [`StoreError::Failed`]: no job store, one of a newer release, a file that is there already, a disk that is full.
pub fn copy_store(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<(), StoreError> {
    let (from, to) = (from.as_ref(), to.as_ref());
    copy(from, to).map_err(|fault| StoreError::Failed(format!("{}: {fault}", from.display())))
}

/// Jobs of a store that have not ended, deleted ones included. The store may be in use. Blocks.
///
/// # Errors
/// As [`copy_store`].
pub fn unfinished_jobs(path: impl AsRef<Path>) -> Result<Vec<Uuid>, StoreError> {
    let path = path.as_ref();
    let found = open(path).and_then(|connection| {
        let mut statement = connection.prepare("SELECT id FROM job WHERE terminated_at IS NULL")?;
        let ids = statement.query_map([], |row| row::id(row, 0))?;
        Ok(ids.collect::<Result<Vec<_>, _>>()?)
    });
    found.map_err(|fault| StoreError::Failed(format!("{}: {fault}", path.display())))
}

/// The first file of rows that a store's jobs still have to read and for which this holds: the job's id and the file's name
/// in the spool. The store may be in use. Blocks.
///
/// # Errors
/// As [`copy_store`].
pub fn find_rows(
    path: impl AsRef<Path>,
    mut holds: impl FnMut(Uuid, &str) -> bool,
) -> Result<Option<(Uuid, String)>, StoreError> {
    let path = path.as_ref();
    let mut find = || {
        let connection = open(path)?;
        let mut statement = connection.prepare(
            "SELECT job.id, shard.source FROM job JOIN shard ON shard.job = job.num
             WHERE job.terminated_at IS NULL AND shard.state <> 'done'",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let job = row::id(row, 0)?;
            if let ShardSource::Spooled { name, .. } = row::source(job, row, 1)?
                && holds(job, &name)
            {
                return Ok(Some((job, name)));
            }
        }
        // What was read of a manifest's files becomes shards once all are read.
        let mut statement = connection.prepare(
            "SELECT job.id, file.source, file.outcome FROM job JOIN file ON file.job = job.num
             WHERE job.terminated_at IS NULL AND job.status = 'Preparing' AND file.state = 'done'",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let job = row::id(row, 0)?;
            let (file, outcome) = files::read(job, row, 1)?;
            let Some(FileOutcome::Index(index)) = outcome else { continue };
            for (source, _) in index.sources(&file) {
                if let ShardSource::Spooled { name, .. } = source
                    && holds(job, &name)
                {
                    return Ok(Some((job, name)));
                }
            }
        }
        Ok(None)
    };
    find().map_err(|fault: Fault| StoreError::Failed(format!("{}: {fault}", path.display())))
}

fn open(path: &Path) -> Result<Connection, Fault> {
    let connection = connection::reader(path)?;
    schema::known(&connection)?;
    Ok(connection)
}

fn copy(from: &Path, to: &Path) -> Result<(), Fault> {
    let connection = open(from)?;
    let name = to.to_str().ok_or_else(|| Fault::Corrupt("the copy's name is not UTF-8".to_owned()))?;
    private::make(to).map_err(|error| Fault::Corrupt(error.to_string()))?;
    // One read transaction; the file must be empty or not there.
    connection.execute("VACUUM INTO ?1", [name])?;
    File::open(to).and_then(|file| file.sync_all()).map_err(|error| Fault::Corrupt(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cos_batch_engine::{
        JobStore as _,
        store::contract::{START, new_job},
    };

    use super::*;
    use crate::SqliteJobStore;

    #[derive(Debug)]
    struct Fixed;

    impl cos_batch_engine::Clock for Fixed {
        fn now(&self) -> i64 {
            START
        }
    }

    #[tokio::test]
    async fn a_store_in_use_is_copied_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("jobs.sqlite"), folder.path().join("copy.sqlite"));
        let store = SqliteJobStore::open(&path, Arc::new(Fixed)).unwrap();
        let first = store.create(new_job("1", "a")).await.unwrap();
        copy_store(&path, &copy).unwrap();
        let second = store.create(new_job("1", "b")).await.unwrap();
        assert_eq!(unfinished_jobs(&path).unwrap(), [first.id, second.id]);
        assert_eq!(unfinished_jobs(&copy).unwrap(), [first.id]);
        // A copy is a store like any other.
        let copied = SqliteJobStore::open(&copy, Arc::new(Fixed)).unwrap();
        assert_eq!(copied.get(first.id).await.unwrap(), store.get(first.id).await.unwrap());
        assert!(copied.get(second.id).await.unwrap().is_none());
        let error = copy_store(&path, &copy).unwrap_err().to_string();
        assert!(error.contains("already exists"), "{error}");
    }

    #[test]
    fn what_is_no_store_is_not_copied() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("theirs.sqlite"), folder.path().join("copy.sqlite"));
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (a)").unwrap();
        let error = copy_store(&path, &copy).unwrap_err().to_string();
        assert!(error.contains("not a job store"), "{error}");
        assert!(!copy.exists());
    }
}
