//! Object stores that a batch job works on.
//!
//! [`ObjectStore`] has one method for each operation a batch job can run (copy, delete, tag, restore) and what the
//! engine needs around them (head, ranged get, put, list, a durability barrier). Backends: a store in memory, and
//! a local folder, where an ordinary object is an ordinary file.
//!
//! This crate knows objects and buckets; it knows nothing of jobs.

mod error;
mod meta;
mod request;
mod store;

pub use error::{ErrorKind, StoreError};
pub use meta::{Grant, Metadata, ObjectMeta, Pin, RestoreState, StorageClass, Tag};
pub use request::{
    Conditions, CopyOutcome, CopyRequest, CopySource, DeleteOutcome, DeleteRequest, Directive, GetRequest, ListPage,
    ListRequest, OperationId, PutOutcome, PutRequest, RestoreOutcome, RestoreRequest, RestoreTier, TagRequest,
    VersionSelector,
};
pub use store::{BoxFuture, Capabilities, Execution, ObjectStore};
