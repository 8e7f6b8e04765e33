//! Opening connections.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::private;
use crate::fault::Fault;

/// How long to wait for another process that holds the database (a backup, or somebody looking at it).
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Prepared statements kept by each connection: all that there are, and some for lists of statuses.
const STATEMENTS_KEPT: usize = 96;

/// The log is cut back to this size, in bytes, after it was written into the database.
const LOG_SIZE_KEPT: i64 = 64 << 20;

/// The connection that writes. Makes the database if there is none.
pub(super) fn writer(path: &Path) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // Where this cannot be done SQLite says why.
    let _ = private::make(path);
    let connection = open(path, flags)?;
    keep_log(&connection)?;
    // NORMAL may lose the last commits when power is lost; exact counts are promised.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "journal_size_limit", LOG_SIZE_KEPT)?;
    Ok(connection)
}

/// Has commits go into a write-ahead log.
pub(super) fn keep_log(connection: &Connection) -> Result<(), Fault> {
    let mut statement = connection.prepare("PRAGMA journal_mode = WAL")?;
    let mut rows = statement.query([])?;
    let mode: String = rows.next()?.map_or(Ok(String::new()), |row| row.get(0))?;
    // The answer comes before the change is committed, and that may fail. Then there would be no log, and a commit could
    // come undone when power is lost.
    while rows.next()?.is_some() {}
    if mode != "wal" {
        return Err(Fault::Corrupt(format!("the database cannot keep a write-ahead log here (journal mode {mode})")));
    }
    Ok(())
}

/// A connection that reads.
pub(super) fn reader(path: &Path) -> Result<Connection, Fault> {
    open(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, Fault> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // What a statement may have to undo is kept in memory, and not in a file of the system's folder for such: that may be read-only,
    // full or not there (a container), and then a large job could be neither made nor deleted. It is at most what one statement
    // changes, the shards of a job.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Without it, a statement is prepared anew whenever a value is bound that the plan might depend on, which is nearly
    // each time, and takes more than all else that a look-up does. No plan here depends on values: tests hold them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;
    use crate::sqlite::{schema, sql};

    #[test]
    fn a_statement_is_prepared_once_whatever_is_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.sqlite");
        let mut writing = writer(&path).unwrap();
        schema::migrate(&mut writing).unwrap();
        for connection in [writing, reader(&path).unwrap()] {
            for text in [sql::GET, sql::LIST, sql::BRIEFS, sql::JOB_LEASE, sql::TASKS] {
                let mut statement = connection.prepare(text).unwrap();
                for round in 0..3 {
                    for index in 1..=statement.parameter_count() {
                        statement.raw_bind_parameter(index, round).unwrap();
                    }
                    assert!(statement.raw_query().next().unwrap().is_none());
                }
                assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{text}");
            }
        }
    }

    #[test]
    fn commits_are_durable_and_what_hangs_on_a_job_goes_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let connection = writer(&folder.path().join("jobs.sqlite")).unwrap();
        let pragma = |name: &str| {
            connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, rusqlite::types::Value>(0)).unwrap()
        };
        assert_eq!(pragma("journal_mode"), "wal".to_owned().into());
        assert_eq!(pragma("synchronous"), 2.into(), "FULL");
        assert_eq!(pragma("foreign_keys"), 1.into());
        assert_eq!(pragma("busy_timeout"), 10_000.into());
        assert_eq!(pragma("temp_store"), 2.into(), "MEMORY");
    }
}
