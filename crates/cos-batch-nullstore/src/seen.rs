//! What a store saw.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::Serialize;

use crate::faults::Fault;

/// Most buckets whose operations are told apart; others count in the sums alone.
const BUCKETS_MAX: usize = 64;

/// Where the store tells what it saw, as JSON. No bucket has such a name.
pub const SEEN_PATH: &str = "/-/seen";

/// Counts since the start.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Seen {
    /// Requests of all kinds, but for those under [`SEEN_PATH`].
    pub requests: u64,
    /// Operations on objects that were asked for, faults included: copies, deletes, tag sets, restores.
    pub operations: u64,
    /// Operations that were applied.
    pub applied: u64,
    /// Requests that only look: HEAD, GET, lists.
    pub looks: u64,
    /// Objects that were put.
    pub puts: u64,
    /// Operations that were answered with an error, or not at all.
    pub faults: u64,
    /// Operations that were applied, and of whose answers only a half was sent.
    pub truncated: u64,
    /// Operations that were applied and never answered.
    pub hung: u64,
    /// Reads of content whose answer broke off.
    pub reads_truncated: u64,
    /// Connections and requests that were turned away while the store was gone.
    pub turned_away: u64,
    /// When the last operation began, in milliseconds since 1970.
    pub last_operation_at: u64,
    /// The operations on each bucket: of a copy, the one it goes to.
    pub buckets: BTreeMap<String, OnBucket>,
    /// With [`Options::record`](crate::Options): operations that were applied to an object which had one before.
    pub again: u64,
}

/// Operations on the objects of one bucket, faults included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OnBucket {
    /// How many.
    pub operations: u64,
    /// When the first began, in milliseconds since 1970.
    pub first_at: u64,
    /// When the last began, in milliseconds since 1970.
    pub last_at: u64,
}

impl Seen {
    /// Notes an operation, and tells whether it is applied.
    pub(crate) fn operation(&mut self, bucket: &str, fault: Option<Fault>) -> bool {
        self.operations += 1;
        let now = now();
        self.last_operation_at = now;
        if self.buckets.len() < BUCKETS_MAX && !self.buckets.contains_key(bucket) {
            self.buckets.insert(bucket.to_owned(), OnBucket { first_at: now, ..OnBucket::default() });
        }
        if let Some(on) = self.buckets.get_mut(bucket) {
            on.operations += 1;
            on.last_at = now;
        }
        self.faults += u64::from(fault.is_some());
        self.truncated += u64::from(fault == Some(Fault::Truncated));
        self.hung += u64::from(fault == Some(Fault::Hang));
        let applied = fault.is_none_or(Fault::is_applied);
        self.applied += u64::from(applied);
        applied
    }
}

/// Milliseconds since 1970. The clock of the machine: what others measured on it is compared with this.
#[expect(clippy::disallowed_methods, reason = "a program of its own, which is to tell the machine's time")]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
