//! How much a request may be, and how long it may take.

use std::time::Duration;

/// Most bytes of a path with its query. A key of 850 bytes, all percent-encoded, has 2,550; a signature in the query,
/// with the token of a temporary key, adds some 2,000.
pub const URI_BYTES_MAX: usize = 8 * 1024;

/// Most headers: an object may have some dozens of `x-cos-meta-`. Less than the 100 that hyper reads, so that ordinary
/// excess is answered here.
pub const HEADER_COUNT_MAX: usize = 90;

/// Most bytes of all header names and values together.
pub const HEADER_BYTES_MAX: usize = 32 * 1024;

/// Most bytes of a body that is XML. Completing an upload of 10,000 parts takes about one MB, deleting 1,000 keys of 850
/// bytes as well; references may make of it some more.
pub const XML_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How much of an object is in memory for one request at a time, bytes. It is read, and written, in pieces of this size.
pub const PIECE_BYTES: usize = 512 * 1024;

/// How much of the body of a refused request is read all the same: what clients send without waiting for an answer.
pub const DRAINED_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// How long the rest of the body of a refused request may take to arrive.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a body may send nothing.
pub const BODY_IDLE: Duration = Duration::from_secs(30);

/// How many bytes in a second a body must bring on average of the time that was waited for it, once [`BODY_GRACE`] is over. Slower than any real line; it
/// bounds how long a client can hold a connection by drips.
pub const BODY_BYTES_PER_SECOND_MIN: u64 = 4 * 1024;

/// How long a body may take whatever its speed.
pub const BODY_GRACE: Duration = Duration::from_secs(60);

/// How long the store may take for one call: putting a large object together from its parts takes as long as copying it.
pub const STORE_TIMEOUT: Duration = Duration::from_secs(600);

/// How long the store may take to put an object together before the answer begins: with its status and with spaces, and
/// with how it ended in its body, as COS does it. What is done earlier has a status of its own. Clients give up a silent
/// answer after half a minute (the official Python SDK) or more.
pub const COMPLETE_GRACE: Duration = Duration::from_secs(5);

/// The same where the checksum of some part is not known: once the answer has begun it cannot tell that of the object, which
/// the official Go SDK wants to compare. It also bounds for how long the object is then read to compute it. Less than the
/// half minute that clients wait.
pub const COMPLETE_GRACE_UNKNOWN: Duration = Duration::from_secs(25);

/// How often a space is sent while an object is put together.
pub const COMPLETE_SPACE_EVERY: Duration = Duration::from_secs(5);

/// For how many objects and parts the checksum is remembered, at least: those that came last. Each takes some 60 bytes.
pub const CHECKSUMS_KEPT: usize = 32 * 1024;

/// How long it may be looked for what a page of a listing has; then the page ends with what was found, and says that there
/// is more. Half of what the official Python SDK waits for an answer.
pub const LIST_TIME: Duration = Duration::from_secs(15);

/// How long a DELETE of many may go on to the next key; what is left then is answered as not deleted.
pub const DELETE_MANY_TIME: Duration = Duration::from_secs(20);

/// Most keys of one DELETE of many (COS Object API, Delete Multiple Objects).
pub const DELETE_KEYS_MAX: usize = 1000;

/// Longest window of time of a signature, seconds: presigned URLs are often good for days.
pub const WINDOW_SECONDS_MAX: i64 = 7 * 24 * 3600;

/// Bytes of files read for one page of a listing, to compute ETags that the store does not know; beyond it an ETag is
/// left empty.
pub const LISTED_ETAG_BYTES_MAX: u64 = 64 * 1024 * 1024;
