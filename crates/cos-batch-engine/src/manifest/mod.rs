//! Manifests: which objects a job works on.
//!
//! [`coding`] tells what the bytes of a file are, [`inflate`] decompresses them, [`records`] splits them into records,
//! [`row`] gives a record its meaning, [`index`] checks a whole file once and cuts it into pieces; [`inventory`] reads
//! the list of an inventory's files. All of it is pure: bytes come in as slices, in pieces of any size.

pub mod coding;
pub mod index;
pub mod inflate;
pub mod inventory;
pub mod records;
pub mod row;

pub use coding::Coding;
pub use index::{Cut, Indexer, Piece, Step};
pub use inflate::{InflateError, Inflated, Inflater};
pub use inventory::{DataFile, Inventory};
pub use records::{Record, Records};
pub use row::{BucketRef, Columns, ListedAs, Row};

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
