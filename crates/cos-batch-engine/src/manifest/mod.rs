//! Manifests: which objects a job works on.
//!
//! [`records`] splits bytes into records, [`row`] gives a record its meaning, [`index`] checks a whole manifest once
//! and cuts it into shards. All of it is pure: bytes come in as slices, in pieces of any size.

pub mod index;
pub mod records;
pub mod row;

pub use index::{Indexer, Step};
pub use records::{Record, Records};
pub use row::{Columns, Row};

/// What is wrong with a manifest, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {record}{}: {rule}", .column.map(|column| format!(", column {column}")).unwrap_or_default())]
pub struct ManifestError {
    /// Record of the file, from 1, a header counted.
    pub record: u64,
    /// Column of the record, from 1, where one is to blame.
    pub column: Option<usize>,
    /// The rule that is broken.
    pub rule: String,
}
