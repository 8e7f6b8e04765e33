//! The schema and its migrations.

use rusqlite::{Connection, TransactionBehavior};

use crate::fault::Fault;

/// Every step of the schema, in order. A step that was released is never changed; what is new becomes another file.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_jobs.sql"),
    include_str!("migrations/0002_shares.sql"),
    include_str!("migrations/0003_links.sql"),
    include_str!("migrations/0004_report_bytes.sql"),
    include_str!("migrations/0005_files.sql"),
];

/// Marks a database as ours (`PRAGMA application_id`): "COSB".
const APPLICATION_ID: i32 = 0x434f_5342;

/// Brings the database to the newest schema. One that is of a newer release, or not a job store, is left alone.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let missing = missing(&transaction, tables == 0)?;
    if missing.is_empty() {
        return Ok(());
    }
    for migration in missing {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX))?;
    transaction.commit()?;
    Ok(())
}

/// Refuses a database that is no job store, or one of a newer release.
pub(super) fn known(connection: &Connection) -> Result<(), Fault> {
    missing(connection, false).map(drop)
}

/// The migrations that the database has not seen; `fresh`: it may be no job store yet.
fn missing(connection: &Connection, fresh: bool) -> Result<&'static [&'static str], Fault> {
    let number = |pragma: &str| connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i32>(0));
    let application = number("application_id")?;
    if application != APPLICATION_ID && (application != 0 || !fresh) {
        return Err(Fault::Corrupt("the file is a database, but not a job store".to_owned()));
    }
    let version = number("user_version")?;
    usize::try_from(version).ok().and_then(|version| MIGRATIONS.get(version..)).ok_or_else(|| {
        Fault::Corrupt(format!(
            "the job store has schema {version}, this release knows schemas up to {}: use the release that wrote it, or \
             a newer one",
            MIGRATIONS.len()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrating_twice_is_migrating_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        let schema = |connection: &Connection| {
            let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            rows.collect::<Result<Vec<(String, Option<String>)>, _>>().unwrap()
        };
        let first = schema(&connection);
        migrate(&mut connection).unwrap();
        assert_eq!(schema(&connection), first);
    }

    #[test]
    fn a_newer_schema_is_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        let error = migrate(&mut connection).unwrap_err().to_string();
        assert!(error.contains("has schema 99"), "{error}");
        connection.pragma_update(None, "user_version", -1).unwrap();
        assert!(migrate(&mut connection).unwrap_err().to_string().contains("has schema -1"));
    }

    #[test]
    fn a_foreign_database_is_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE theirs (a)").unwrap();
        let error = migrate(&mut connection).unwrap_err().to_string();
        assert!(error.contains("not a job store"), "{error}");
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
        assert_eq!(tables, 1);
    }
}
