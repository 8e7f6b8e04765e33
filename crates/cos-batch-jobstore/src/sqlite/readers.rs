//! Connections for reading, lent to whoever asks, on the asker's own thread.

use std::{
    path::PathBuf,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use cos_batch_engine::store::StoreError;
use rusqlite::Connection;

use super::connection;
use crate::fault::Fault;

/// Connections at most. A read takes microseconds and holds its thread; more than there are cores would not help.
const READERS_MAX: usize = 16;

#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    pool: Mutex<Pool>,
    returned: Condvar,
}

#[derive(Debug, Default)]
struct Pool {
    idle: Vec<Connection>,
    /// Idle and lent ones together.
    open: usize,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, pool: Mutex::default(), returned: Condvar::new() }
    }

    /// Reads with one of the connections. Waits for one when all are lent: nobody keeps one over an await, so that the
    /// wait is as short as the reads of others.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, StoreError> {
        let connection = self.lend()?;
        let mut place = Place { readers: self, kept: false };
        let answer = read(&connection);
        place.kept = true;
        self.pool().idle.push(connection);
        self.returned.notify_one();
        Ok(answer?)
    }

    fn lend(&self) -> Result<Connection, Fault> {
        let mut pool = self.pool();
        loop {
            if let Some(connection) = pool.idle.pop() {
                return Ok(connection);
            }
            if pool.open < READERS_MAX {
                break;
            }
            pool = self.returned.wait(pool).unwrap_or_else(PoisonError::into_inner);
        }
        // Opened under the lock, which is rare and short; so a failure leaves nothing to be undone.
        let connection = connection::reader(&self.path)?;
        pool.open += 1;
        Ok(connection)
    }

    /// The pool is whole between any two statements, also where a thread panicked.
    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a connection that is lent. Where the reader panics its connection is closed, and somebody else may open one.
struct Place<'a> {
    readers: &'a Readers,
    kept: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.readers.pool().open -= 1;
            self.readers.returned.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn more_readers_than_connections_take_turns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.sqlite");
        connection::writer(&path).unwrap().execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (7)").unwrap();
        let readers = Readers::new(path);
        let full = Barrier::new(READERS_MAX);
        std::thread::scope(|scope| {
            for number in 0..READERS_MAX * 3 {
                let (readers, full) = (&readers, &full);
                scope.spawn(move || {
                    let value: i64 = readers
                        .read(|connection| {
                            if number < READERS_MAX {
                                full.wait();
                            }
                            Ok(connection.query_row("SELECT a FROM t", [], |row| row.get(0))?)
                        })
                        .unwrap();
                    assert_eq!(value, 7);
                });
            }
        });
        let pool = readers.pool();
        assert_eq!((pool.open, pool.idle.len()), (READERS_MAX, READERS_MAX));
    }

    #[test]
    fn a_reader_that_panics_takes_no_connection_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.sqlite");
        connection::writer(&path).unwrap();
        let readers = Readers::new(path);
        std::thread::scope(|scope| {
            for _ in 0..READERS_MAX + 1 {
                let panics = scope.spawn(|| readers.read(|_| -> Result<(), Fault> { panic!("a row nobody expected") }));
                panics.join().unwrap_err();
            }
        });
        readers.read(|_| Ok(())).unwrap();
        assert_eq!(readers.pool().open, 1);
    }

    #[test]
    fn readers_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.sqlite");
        connection::writer(&path).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
        let readers = Readers::new(path);
        let refused = readers.read(|connection| Ok(connection.execute_batch("INSERT INTO t VALUES (7)")?));
        assert!(refused.unwrap_err().to_string().contains("may not be written"));
    }

    #[test]
    fn a_database_that_cannot_be_opened_is_an_error_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let readers = Readers::new(folder.path().join("missing.sqlite"));
        for _ in 0..READERS_MAX + 1 {
            let refused = readers.read(|_| Ok(())).unwrap_err().to_string();
            assert!(refused.contains("cannot be opened"), "{refused}");
        }
    }
}
