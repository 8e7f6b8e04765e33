//! Object stores that a batch job works on.
//!
//! [`ObjectStore`] has one method for each operation a batch job can run (copy, delete, tag, restore) and what the
//! engine needs around them (head, ranged get, put, list, a durability barrier). Backends: [`MemoryStore`] for tests,
//! and [`FolderStore`], a local folder where an ordinary object is an ordinary file.
//!
//! This crate knows objects and buckets; it knows nothing of jobs.
//!
//! ```
//! use bytes::Bytes;
//! use cos_batch_objectstore::{ListRequest, MemoryStore, ObjectStore, PutRequest, StoreError};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), StoreError> {
//! let store = MemoryStore::new();
//! store.create_bucket("photos-1250001111")?;
//! store.put(PutRequest::new("photos-1250001111", "in/a.jpg", Bytes::from_static(b"hello"))).await?;
//! let page = store.list(ListRequest { bucket: "photos-1250001111", prefix: "in/", after: None, limit: 10 }).await?;
//! assert_eq!(page.objects[0].0, "in/a.jpg");
//! assert_eq!(page.objects[0].1.etag, "5d41402abc4b2a76b9719d911017c592");
//! # Ok(())
//! # }
//! ```
//!
//! With the feature `http` there is `HttpStore`, for COS and for stores that speak S3. With the feature `testing`, the module `contract` holds the cases every store has to pass.

mod attributes;
mod clock;
mod codes;
#[cfg(feature = "testing")]
pub mod contract;
mod error;
mod fail;
#[cfg(target_os = "linux")]
mod folder;
#[cfg(feature = "http")]
mod http;
mod lock;
mod memory;
mod meta;
mod multipart;
mod request;
mod rules;
mod store;
mod upload;

pub use codes::ERROR_CODES;
pub use error::{ErrorKind, StoreError};
#[cfg(target_os = "linux")]
pub use folder::FolderStore;
#[cfg(feature = "http")]
pub use http::{
    CommandCredentials, CredentialsSource, Fetched, FileCredentials, HttpDialect, HttpSettings, HttpStore,
    HttpStoreBuilder, HttpStoreError, StaticCredentials, Style, UrlCredentials,
};
pub use lock::{LegalHoldRequest, ObjectLock, Retention, RetentionMode, RetentionRequest};
pub use memory::MemoryStore;
pub use meta::{Acl, Grant, Metadata, ObjectMeta, Pin, RestoreState, StorageClass, Tag};
pub use multipart::{
    CompleteRequest, CompletedPart, ListUploadsRequest, MAX_PART_NUMBER, MultipartRequest, Part, PartCopyRequest,
    PartOutcome, PartRequest, Upload, UploadId, UploadPage,
};
pub use request::{
    AclRequest, BucketInfo, BucketVersioning, Conditions, CopyOutcome, CopyRequest, CopySource, DeleteOutcome,
    DeleteRequest, Directive, GetRequest, ListPage, ListRequest, ListVersionsRequest, ObjectVersion, OperationId,
    PutOutcome, PutRequest, RestoreOutcome, RestoreRequest, RestoreTier, TagRequest, VersionKind, VersionPage,
    VersionSelector,
};
pub use rules::{
    MAX_BUCKET_NAME_BYTES, MAX_COPY_BYTES, MAX_GRANT_BYTES, MAX_GRANTS, MAX_HEADER_BYTES, MAX_KEY_BYTES,
    MAX_LIST_LIMIT, MAX_PUT_BYTES, MAX_RANGE_BYTES, MAX_RESTORE_DAYS, MAX_TAG_KEY_BYTES, MAX_TAG_VALUE_BYTES, MAX_TAGS,
    MAX_USER_METADATA_BYTES, MIN_PART_BYTES,
};
pub use store::{BoxFuture, Capabilities, Execution, ObjectStore, ObjectWriter};
