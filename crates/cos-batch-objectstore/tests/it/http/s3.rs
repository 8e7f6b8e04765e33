//! Stores in the dialect of S3 as fixtures of the contract.

use std::{
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicU32, Ordering},
};

use cos_batch_objectstore::{
    BoxFuture, BucketVersioning, Capabilities, HttpDialect, HttpStore, ObjectStore, StaticCredentials,
    contract::{self, BUCKET, Fixture, Lacks, OTHER_BUCKET},
};
use futures_util::FutureExt as _;

use http::Method;

use super::{python::Server, signed};

/// A running server, and what it cannot do.
pub(super) struct S3Server {
    pub(super) address: String,
    pub(super) capabilities: Capabilities,
    pub(super) lacks: Lacks,
    pub(super) allows_key: fn(&str) -> bool,
    /// Cases that the server does not pass, and why. They are run all the same: one that it passes now has no place here.
    pub(super) breaks: &'static [(&'static str, &'static str)],
    pub(super) _server: Server,
}

impl S3Server {
    /// Runs all cases, each with buckets of its own, and tells all that failed.
    pub(super) async fn hold_to_the_contract(&self) {
        // To look at one alone.
        let only = std::env::var("CONTRACT_CASE").ok();
        let mut failed = Vec::new();
        for (name, case) in contract::cases() {
            if only.as_deref().is_some_and(|only| only != name) {
                continue;
            }
            let fixture = self.fixture();
            let result = AssertUnwindSafe(case(&fixture)).catch_unwind().await;
            if result.is_err() {
                failed.push(name);
            }
        }
        let known =
            self.breaks.iter().map(|(name, _)| *name).filter(|name| only.as_deref().is_none_or(|only| only == *name));
        assert_eq!(failed, known.collect::<Vec<_>>(), "what is wrong stands above, in this order");
    }

    pub(super) fn fixture(&self) -> Bucketed {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let names = [(BUCKET, format!("case{number}-a")), (OTHER_BUCKET, format!("case{number}-b"))];
        let builder = HttpStore::builder(HttpDialect::S3, format!("http://{}", self.address))
            .credentials(StaticCredentials::new(signed::credentials()))
            .capabilities(self.capabilities);
        let builder = names.iter().fold(builder, |builder, (name, there)| builder.rename(*name, there.as_str()));
        let [(_, locking), _] = names;
        let (address, lacks, allows_key) = (self.address.clone(), self.lacks, self.allows_key);
        Bucketed { store: builder.build().unwrap(), address, locking, lacks, allows_key }
    }
}

/// The buckets of one case.
pub(super) struct Bucketed {
    pub(super) store: HttpStore,
    address: String,
    /// What the server calls [`BUCKET`], in which cases about locks work.
    locking: String,
    lacks: Lacks,
    allows_key: fn(&str) -> bool,
}

impl Fixture for Bucketed {
    fn store(&self) -> &dyn ObjectStore {
        &self.store
    }

    fn create_bucket<'a>(&'a self, name: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move { assert!(self.store.put_bucket(name).await.unwrap()) })
    }

    fn create_locking_bucket<'a>(&'a self, name: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            assert_eq!(name, BUCKET);
            let target = format!("/{}", self.locking);
            let header = [("x-amz-bucket-object-lock-enabled", "true")];
            let made = signed::send_with(&self.address, Method::PUT, &target, &header, "").await;
            assert_eq!(made.map(|(status, _)| status), Some(200));
        })
    }

    fn set_versioning<'a>(&'a self, bucket: &'a str, on: bool) -> BoxFuture<'a, ()> {
        let state = if on { BucketVersioning::Enabled } else { BucketVersioning::Suspended };
        Box::pin(async move { self.store.put_versioning(bucket, state).await.unwrap() })
    }

    fn min_part_bytes(&self) -> u64 {
        5 * 1024 * 1024
    }

    fn max_key_bytes(&self) -> usize {
        1024
    }

    fn allows_key(&self, key: &str) -> bool {
        (self.allows_key)(key)
    }

    fn lacks(&self) -> Lacks {
        self.lacks
    }
}
