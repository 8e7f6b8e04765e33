//! Durable job stores for the COS batch engine: SQLite.
