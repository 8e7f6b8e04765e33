//! The schema and its migrations.
//!
//! Nodes of the release before go on working while a new one brings the schema up to date: a migration adds what is new,
//! and takes away nothing that the release before still uses.

use tokio_postgres::Client;

use super::fault::Fault;

/// Every step of the schema, in order. A step that was released is never changed; what is new becomes another file.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_jobs.sql"), include_str!("migrations/0002_files.sql")];

/// One node migrates a schema at a time: the first key of PostgreSQL's advisory lock ("COSB"); the second is the schema's.
const LOCK: i32 = 0x434f_5342;

/// Brings the schema up to date. One of a newer release, or with tables of somebody else, is left alone.
pub(super) async fn migrate(client: &mut Client, schema: &str) -> Result<(), Fault> {
    let transaction = client.transaction().await?;
    // Others may be at it, and a new index takes its time.
    transaction.batch_execute("SET LOCAL statement_timeout = '60s'").await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", &[&LOCK, &schema]).await?;
    let present = transaction.query_opt("SELECT 1 FROM pg_namespace WHERE nspname = $1", &[&schema]).await?;
    if present.is_none() {
        // Its name was checked, and has no character that would need quoting.
        transaction.batch_execute(&format!("CREATE SCHEMA {schema}")).await?;
    }
    let tables =
        "SELECT count(*), count(*) FILTER (WHERE tablename = 'migration') FROM pg_tables WHERE schemaname = $1";
    let row = transaction.query_one(tables, &[&schema]).await?;
    let (tables, ours): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    if ours == 0 {
        if tables > 0 {
            return Err(Fault::Corrupt(format!("the schema {schema} has tables, but is not a job store")));
        }
        let table = "CREATE TABLE migration (number integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())";
        transaction.batch_execute(table).await?;
    }
    let row = transaction.query_one("SELECT coalesce(max(number), 0) FROM migration", &[]).await?;
    let version: i32 = row.try_get(0)?;
    let Some(missing) = usize::try_from(version).ok().and_then(|version| MIGRATIONS.get(version..)) else {
        return Err(Fault::Corrupt(format!(
            "the job store has schema {version}, this release knows schemas up to {}: use the release that wrote it, or \
             a newer one",
            MIGRATIONS.len()
        )));
    };
    for (migration, number) in missing.iter().zip(version + 1..) {
        transaction.batch_execute(migration).await?;
        transaction.execute("INSERT INTO migration (number) VALUES ($1)", &[&number]).await?;
    }
    transaction.commit().await?;
    Ok(())
}
