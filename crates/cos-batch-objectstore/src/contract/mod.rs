//! The cases every store has to pass.
//!
//! A store's own tests say how to get an empty store ([`Fixture`]) and name each case once through
//! [`contract_tests!`](crate::contract_tests):
//!
//! ```
//! use cos_batch_objectstore::{BoxFuture, MemoryStore, ObjectStore, contract::Fixture};
//!
//! struct InMemory(MemoryStore);
//!
//! impl Fixture for InMemory {
//!     fn store(&self) -> &dyn ObjectStore {
//!         &self.0
//!     }
//!     fn create_bucket<'a>(&'a self, name: &'a str) -> BoxFuture<'a, ()> {
//!         Box::pin(async move { self.0.create_bucket(name).expect("a legal name") })
//!     }
//!     fn set_versioning<'a>(&'a self, bucket: &'a str, on: bool) -> BoxFuture<'a, ()> {
//!         Box::pin(async move { self.0.set_versioning(bucket, on).expect("the bucket exists") })
//!     }
//! }
//!
//! cos_batch_objectstore::contract_tests!(tokio::test, InMemory(MemoryStore::new()));
//! # fn main() {}
//! ```
//!
//! Cases panic where the store is wrong. A case about something the store says it cannot do
//! ([`Capabilities`](crate::Capabilities)) passes without doing anything.
#![expect(clippy::unwrap_used, reason = "cases are tests: they panic where a store is wrong")]

mod attributes;
mod basics;
mod copies;
mod listing;
mod locks;
mod model;
mod multipart;
mod pieces;
mod version_lists;
mod versions;

use bytes::Bytes;

use crate::{
    BoxFuture, DeleteOutcome, DeleteRequest, ErrorKind, GetRequest, ListRequest, MAX_KEY_BYTES, ObjectMeta,
    ObjectStore, PutOutcome, PutRequest, StoreError, VersionSelector,
};

pub use attributes::{restore_is_for_archived_objects, tags_are_replaced_and_added, tags_have_limits};
pub use basics::{
    a_pin_holds_one_content, a_put_replaces_everything, delete_removes, get_gives_ranges, key_lengths,
    missing_things_have_their_codes, put_then_head_and_get, unusual_keys,
};
pub use copies::{
    archived_sources_need_a_restore, conditions_on_the_source, copy_onto_itself, copy_takes_content_and_metadata,
    directives_of_a_copy,
};
pub use listing::{list_continues_after_any_key, list_is_in_byte_order, list_pages_and_prefixes};
pub use locks::{
    kept_objects_are_not_removed, kept_versions_are_not_removed, retentions_get_weaker_only_where_they_may,
};
pub use model::{Step, assert_model, steps};
pub use multipart::{
    an_abort_drops_the_parts, completing_checks_the_parts, copies_have_a_size_limit, large_objects_are_copied_in_parts,
    parts_become_one_object, parts_have_numbers_and_can_be_replaced, repeated_completions_leave_one_version,
    uploads_and_parts_are_listed_in_pages, uploads_carry_attributes,
};
pub use pieces::{content_comes_in_pieces, parts_come_in_pieces, unfinished_content_leaves_nothing};
pub use version_lists::{access_lists_are_set, buckets_come_and_go, versions_are_listed, versions_are_listed_in_pages};
pub use versions::{
    delete_leaves_a_marker, null_versions, removing_the_newest_brings_back_the_one_before,
    repeated_operations_leave_one_version, versions_are_kept, versions_have_their_own_attributes,
};

/// How a case gets its store: each case is given a fixture of its own, whose store has no buckets yet.
pub trait Fixture: Send + Sync {
    /// The store under test.
    fn store(&self) -> &dyn ObjectStore;

    /// Makes an empty bucket. Cases use the names [`BUCKET`] and [`OTHER_BUCKET`].
    fn create_bucket<'a>(&'a self, name: &'a str) -> BoxFuture<'a, ()>;

    /// Bytes of a part that is not the last at least. A store that can be told a small number makes the cases quick.
    fn min_part_bytes(&self) -> u64 {
        crate::MIN_PART_BYTES
    }

    /// Bytes that one copy takes at most, if it is so few that a case can try more.
    fn max_copy_bytes(&self) -> Option<u64> {
        None
    }

    /// Switches the keeping of versions on, or suspends it.
    fn set_versioning<'a>(&'a self, bucket: &'a str, on: bool) -> BoxFuture<'a, ()>;

    /// Bytes of a key at most.
    fn max_key_bytes(&self) -> usize {
        MAX_KEY_BYTES
    }

    /// Whether the store has a place for this key: some take keys for paths.
    fn allows_key(&self, _key: &str) -> bool {
        true
    }

    /// Makes an empty bucket whose objects can be kept. Stores that allow it in every bucket make an ordinary one.
    fn create_locking_bucket<'a>(&'a self, name: &'a str) -> BoxFuture<'a, ()> {
        self.create_bucket(name)
    }

    /// What else the store cannot do; nothing for stores of one's own.
    fn lacks(&self) -> Lacks {
        Lacks::default()
    }
}

/// What a store cannot do by its nature and without a word in [`Capabilities`](crate::Capabilities), since no job asks for it
/// by itself. The cases then hold it to everything else.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lacks {
    /// [`OperationId`](crate::OperationId)s are not kept: each repeat makes a version.
    pub operation_ids: bool,
    /// Whether an object was to be encrypted is not told from whether it is.
    pub encryption: bool,
    /// There is no key below one that has an object, as there is none below a file.
    pub keys_below_keys: bool,
    /// Listings are not in the order of the keys' bytes.
    pub byte_order: bool,
    /// In a bucket that never kept versions, a version that is named is the object.
    pub version_names_in_plain_buckets: bool,
    /// What was written while no versions were kept has no id.
    pub null_versions: bool,
    /// A delete marker with the id `null` is not told from a version that is not there.
    pub null_markers: bool,
    /// Times in the conditions of a copy do not count.
    pub times_in_conditions: bool,
    /// A copy from an object without tags leaves those that the target had.
    pub tags_reset_by_copies: bool,
    /// A copy to a bucket that does not exist is an internal error.
    pub codes_of_target_buckets: bool,
    /// Which canned list was set is not told where there are grants beside it.
    pub canned_lists_beside_grants: bool,
    /// Objects are kept only in buckets that keep versions from the beginning (S3).
    pub locks_without_versions: bool,
    /// The parts that an upload is completed from have numbers without gaps (COS).
    pub gaps_between_parts: bool,
}

/// The bucket cases work in.
pub const BUCKET: &str = "contract-1250000001";
/// The second bucket of cases that need two.
pub const OTHER_BUCKET: &str = "contract-other-1250000001";

/// Calls a macro with the names of all cases behind what it is given.
#[doc(hidden)]
#[macro_export]
macro_rules! with_contract_cases {
    ($macro:path, $($given:tt)*) => {
        $macro! { $($given)*
            a_pin_holds_one_content
            a_put_replaces_everything
            access_lists_are_set
            an_abort_drops_the_parts
            archived_sources_need_a_restore
            buckets_come_and_go
            completing_checks_the_parts
            conditions_on_the_source
            content_comes_in_pieces
            copies_have_a_size_limit
            copy_onto_itself
            copy_takes_content_and_metadata
            delete_leaves_a_marker
            delete_removes
            directives_of_a_copy
            get_gives_ranges
            kept_objects_are_not_removed
            kept_versions_are_not_removed
            key_lengths
            large_objects_are_copied_in_parts
            list_continues_after_any_key
            list_is_in_byte_order
            list_pages_and_prefixes
            missing_things_have_their_codes
            null_versions
            parts_become_one_object
            parts_come_in_pieces
            parts_have_numbers_and_can_be_replaced
            put_then_head_and_get
            removing_the_newest_brings_back_the_one_before
            repeated_completions_leave_one_version
            repeated_operations_leave_one_version
            restore_is_for_archived_objects
            retentions_get_weaker_only_where_they_may
            tags_are_replaced_and_added
            tags_have_limits
            unfinished_content_leaves_nothing
            unusual_keys
            uploads_and_parts_are_listed_in_pages
            uploads_carry_attributes
            versions_are_kept
            versions_are_listed
            versions_are_listed_in_pages
            versions_have_their_own_attributes
        }
    };
}

/// One test function for each case of the contract: `contract_tests!(tokio::test, Fixture::new())`. The first argument
/// is the attribute that makes an `async fn` a test, the second is evaluated anew for each.
#[macro_export]
macro_rules! contract_tests {
    ($test:meta, $fixture:expr) => {
        $crate::with_contract_cases! { $crate::contract_tests, @each $test, $fixture; }
    };
    (@each $test:meta, $fixture:expr; $($case:ident)*) => {
        $(
            #[$test]
            async fn $case() {
                let fixture = $fixture;
                $crate::contract::$case(&fixture).await;
            }
        )*
    };
}

/// A case, to be run by hand.
pub type Case = for<'a> fn(&'a dyn Fixture) -> BoxFuture<'a, ()>;

macro_rules! named_cases {
    ($($case:ident)*) => {
        [$((stringify!($case), (|fixture| Box::pin($case(fixture))) as Case)),*].to_vec()
    };
}

/// All cases by name, for a store whose server is too slow to be started anew for each: one test then runs them all.
#[must_use]
pub fn cases() -> Vec<(&'static str, Case)> {
    crate::with_contract_cases! { named_cases, }
}

/// The keys that the store has a place for, beside each other.
fn possible<'k>(fixture: &dyn Fixture, keys: impl IntoIterator<Item = &'k str>) -> Vec<&'k str> {
    let mut keys: Vec<&str> = keys.into_iter().filter(|key| fixture.allows_key(key)).collect();
    if fixture.lacks().keys_below_keys {
        let all = keys.clone();
        let is_below = |key: &str, above: &str| key.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'));
        keys.retain(|key| !all.iter().any(|above| is_below(key, above)));
    }
    keys
}

/// Short names for what cases do all the time.
struct Bucket<'a> {
    store: &'a dyn ObjectStore,
    name: &'static str,
}

const LATEST: &VersionSelector = &VersionSelector::Latest;

fn id(version: &str) -> VersionSelector {
    VersionSelector::Id(version.to_owned())
}

impl<'a> Bucket<'a> {
    async fn new(fixture: &'a dyn Fixture) -> Self {
        Self::named(fixture, BUCKET).await
    }

    async fn named(fixture: &'a dyn Fixture, name: &'static str) -> Self {
        fixture.create_bucket(name).await;
        Self { store: fixture.store(), name }
    }

    async fn put(&self, key: &str, body: &str) -> PutOutcome {
        self.store.put(PutRequest::new(self.name, key, Bytes::copy_from_slice(body.as_bytes()))).await.unwrap()
    }

    async fn head_version(&self, key: &str, version: &VersionSelector) -> Result<ObjectMeta, StoreError> {
        self.store.head(self.name, key, version).await
    }

    async fn head(&self, key: &str) -> Result<ObjectMeta, StoreError> {
        self.head_version(key, LATEST).await
    }

    async fn get_version(&self, key: &str, version: &VersionSelector) -> Result<String, StoreError> {
        let request = GetRequest { bucket: self.name, key, version, range: 0..u64::MAX, pin: None };
        self.store.get_range(request).await.map(|body| String::from_utf8(body.to_vec()).unwrap())
    }

    async fn get(&self, key: &str) -> Result<String, StoreError> {
        self.get_version(key, LATEST).await
    }

    async fn delete(&self, key: &str) -> DeleteOutcome {
        self.delete_version(key, LATEST).await
    }

    async fn delete_version(&self, key: &str, version: &VersionSelector) -> DeleteOutcome {
        let request = DeleteRequest { bucket: self.name, key, version, operation: None };
        self.store.delete(request).await.unwrap()
    }

    /// All keys, by pages of `limit`; checks what every page has to keep.
    async fn keys(&self, prefix: &str, limit: usize) -> Vec<String> {
        let mut keys = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let request = ListRequest { bucket: self.name, prefix, after: after.as_deref(), limit };
            let page = self.store.list(request).await.unwrap();
            assert!(page.objects.len() <= limit);
            keys.extend(page.objects.into_iter().map(|(key, _)| key));
            match page.next {
                None => return keys,
                Some(next) => {
                    assert!(after.is_none_or(|after| after < next), "the listing does not advance");
                    after = Some(next);
                }
            }
        }
    }
}

/// The kind of error a call has to answer with.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, StoreError>, kind: ErrorKind) {
    assert_eq!(result.unwrap_err().kind(), kind);
}
