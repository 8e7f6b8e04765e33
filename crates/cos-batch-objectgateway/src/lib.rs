//! The COS object API over any [`ObjectStore`](cos_batch_objectstore::ObjectStore): buckets, objects, versions, tags,
//! access lists, restores and uploads in parts, for the SDKs that people have.
//!
//! ```
//! use std::{collections::BTreeMap, sync::Arc};
//! use cos_batch_objectgateway::{Key, ObjectGateway};
//! use cos_batch_objectstore::MemoryStore;
//! use cos_signature::SecretKey;
//!
//! let keys = BTreeMap::from([("AKIDEXAMPLE".to_owned(), Key::new(SecretKey::new("exampleSecret"), "1250000000"))]);
//! let gateway = ObjectGateway::builder(Arc::new(MemoryStore::new())).authenticate(keys).build()?;
//! // `gateway` is a service of hyper and of tower.
//! # Ok::<(), cos_batch_objectgateway::BuildError>(())
//! ```
//!
//! A bucket is named by the host (`photos-1250000000.cos.ap-guangzhou.myqcloud.com`, also as an absolute address, as a
//! client sends it to an HTTP proxy) or by the first segment of the path, where the host is an address, `localhost` or
//! any other. Requests are signed (`q-sign`, in the header or in the query), and a bucket belongs to the APPID that ends
//! its name unless [`Authorize`] says otherwise.
//!
//! Objects go through in pieces: what one request takes of memory does not depend on the size of the object.
//!
//! What is answered where COS has no documented answer, and what is left out, stands in `docs/objects.md`.

mod access;
mod action;
mod body;
mod case;
mod conditions;
mod crc;
mod error;
mod headers;
mod limits;
mod offload;
mod query;
mod range;
mod request_id;
mod route;
mod service;
mod target;
mod time;
mod xml;

pub use access::{Authenticate, Authorize, Key, OwnBuckets, Right};
pub use body::{AnswerBody, BodyError};
pub use limits::{
    BODY_BYTES_PER_SECOND_MIN, BODY_GRACE, BODY_IDLE, CHECKSUMS_KEPT, COMPLETE_GRACE, COMPLETE_GRACE_UNKNOWN,
    COMPLETE_SPACE_EVERY, DELETE_KEYS_MAX, DELETE_MANY_TIME, DRAIN_TIMEOUT, DRAINED_BYTES_MAX, HEADER_BYTES_MAX,
    HEADER_COUNT_MAX, LIST_TIME, LISTED_ETAG_BYTES_MAX, PIECE_BYTES, STORE_TIMEOUT, URI_BYTES_MAX, WINDOW_SECONDS_MAX,
    XML_BYTES_MAX,
};
pub use service::{BuildError, Builder, ObjectGateway};

/// The example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
