//! An object store that can be slowed down, held, counted and made to fail.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use cos_batch_objectstore::{
    BoxFuture, Capabilities, CopyOutcome, CopyRequest, DeleteOutcome, DeleteRequest, ErrorKind, Execution, GetRequest,
    ListPage, ListRequest, ObjectMeta, ObjectStore, PutOutcome, PutRequest, RestoreOutcome, RestoreRequest, StoreError,
    Tag, TagRequest, VersionSelector,
};
use tokio::{sync::Semaphore, time::Instant};

#[derive(Debug)]
pub(super) struct Faulty {
    inner: Arc<dyn ObjectStore>,
    execution: Execution,
    /// The most operations that it can have under way, as it says, and the most copies that there were.
    most: Option<usize>,
    under_way: AtomicU64,
    pub(super) most_under_way: AtomicU64,
    /// Copies that may begin.
    pub(super) gate: Semaphore,
    pub(super) gated: AtomicBool,
    pub(super) copies: AtomicU64,
    pub(super) last_copy: Mutex<Option<Instant>>,
    /// When each copy began, and of what.
    pub(super) begun: Mutex<Vec<(Instant, String)>>,
    /// How long a copy takes.
    pub(super) copies_take: Mutex<Duration>,
    /// There is no room for a copy.
    pub(super) full: AtomicBool,
    /// No copy is answered.
    pub(super) unreachable: AtomicBool,
    /// The next so many copies fail in passing.
    pub(super) failing: AtomicU64,
    pub(super) panics: AtomicBool,
    pub(super) puts: AtomicU64,
    /// Puts whose key ends so fail, in this way.
    pub(super) refuse_puts: Mutex<Option<&'static str>>,
    pub(super) refuse_puts_so: Mutex<ErrorKind>,
    /// Reads from before this byte of an object are refused, because the server's key has expired.
    pub(super) refuse_reads_before: AtomicU64,
    pub(super) barriers: AtomicU64,
    /// Copies begun when each barrier ended.
    pub(super) copies_at_barriers: Mutex<Vec<u64>>,
    /// How long a barrier takes.
    pub(super) barrier_takes: Mutex<Duration>,
    /// How long a put takes.
    pub(super) puts_take: Mutex<Duration>,
    /// Whether a bucket exists cannot be told, for this reason; and how often that was asked.
    pub(super) refuse_exists: Mutex<Option<ErrorKind>>,
    pub(super) exists: AtomicU64,
    /// Listings of prefixes that begin so fail.
    pub(super) refuse_lists: Mutex<Option<String>>,
    /// How long a listing takes.
    pub(super) lists_take: Mutex<Duration>,
    pub(super) lists: AtomicU64,
    /// The next so many reads fail in passing.
    pub(super) failing_reads: AtomicU64,
    /// Reads wait at a gate of their own.
    pub(super) read_gate: Semaphore,
    pub(super) reads_gated: AtomicBool,
    /// Only those of keys that begin so.
    pub(super) gated_begin: Mutex<&'static str>,
    pub(super) reads: AtomicU64,
    /// Questions about objects of this bucket wait at the gate of reads; and how many came.
    pub(super) heads_gated: Mutex<Option<&'static str>>,
    pub(super) heads: AtomicU64,
}

impl Faulty {
    pub(super) fn new(inner: Arc<dyn ObjectStore>, execution: Execution) -> Self {
        Self {
            inner,
            execution,
            most: None,
            under_way: AtomicU64::new(0),
            most_under_way: AtomicU64::new(0),
            gate: Semaphore::new(0),
            gated: AtomicBool::new(false),
            copies: AtomicU64::new(0),
            last_copy: Mutex::new(None),
            begun: Mutex::default(),
            copies_take: Mutex::new(Duration::from_micros(1)),
            full: AtomicBool::new(false),
            unreachable: AtomicBool::new(false),
            failing: AtomicU64::new(0),
            panics: AtomicBool::new(false),
            puts: AtomicU64::new(0),
            refuse_puts: Mutex::new(None),
            refuse_puts_so: Mutex::new(ErrorKind::AccessDenied),
            refuse_reads_before: AtomicU64::new(0),
            barriers: AtomicU64::new(0),
            copies_at_barriers: Mutex::default(),
            barrier_takes: Mutex::default(),
            puts_take: Mutex::default(),
            refuse_lists: Mutex::default(),
            lists_take: Mutex::default(),
            lists: AtomicU64::new(0),
            refuse_exists: Mutex::default(),
            exists: AtomicU64::new(0),
            failing_reads: AtomicU64::new(0),
            read_gate: Semaphore::new(0),
            reads_gated: AtomicBool::new(false),
            gated_begin: Mutex::default(),
            reads: AtomicU64::new(0),
            heads_gated: Mutex::default(),
            heads: AtomicU64::new(0),
        }
    }

    /// With so many operations under way at most, as it says.
    pub(super) fn of_most(inner: Arc<dyn ObjectStore>, most: usize) -> Self {
        Self { most: Some(most), ..Self::new(inner, Execution::Async) }
    }
}

impl ObjectStore for Faulty {
    fn execution(&self) -> Execution {
        self.execution
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn operations_max(&self) -> Option<usize> {
        self.most
    }

    fn bucket_exists<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.exists.fetch_add(1, Ordering::SeqCst);
        if let Some(kind) = *self.refuse_exists.lock().unwrap() {
            return Box::pin(async move { Err(StoreError::new(kind, "no word about buckets")) });
        }
        self.inner.bucket_exists(bucket)
    }

    fn head<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<ObjectMeta, StoreError>> {
        Box::pin(async move {
            if *self.heads_gated.lock().unwrap() == Some(bucket) {
                self.heads.fetch_add(1, Ordering::SeqCst);
                if let Ok(permit) = self.read_gate.acquire().await {
                    permit.forget();
                }
            }
            self.inner.head(bucket, key, version).await
        })
    }

    fn get_range<'a>(&'a self, request: GetRequest<'a>) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        Box::pin(async move {
            self.reads.fetch_add(1, Ordering::SeqCst);
            if self.reads_gated.load(Ordering::SeqCst)
                && request.key.starts_with(*self.gated_begin.lock().unwrap())
                && let Ok(permit) = self.read_gate.acquire().await
            {
                permit.forget();
            }
            if self.failing_reads.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                return Err(StoreError::new(ErrorKind::ServiceUnavailable, "in passing"));
            }
            if request.range.start < self.refuse_reads_before.load(Ordering::SeqCst) {
                let error = StoreError::new(ErrorKind::AccessDenied, "the key has expired");
                return Err(error.reported(403, "ExpiredToken"));
            }
            self.inner.get_range(request).await
        })
    }

    fn put<'a>(&'a self, request: PutRequest<'a>) -> BoxFuture<'a, Result<PutOutcome, StoreError>> {
        self.puts.fetch_add(1, Ordering::SeqCst);
        if self.refuse_puts.lock().unwrap().is_some_and(|end| request.key.ends_with(end)) {
            let kind = *self.refuse_puts_so.lock().unwrap();
            return Box::pin(async move { Err(StoreError::new(kind, "no writing here")) });
        }
        let takes = *self.puts_take.lock().unwrap();
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            self.inner.put(request).await
        })
    }

    fn copy<'a>(&'a self, request: CopyRequest<'a>) -> BoxFuture<'a, Result<CopyOutcome, StoreError>> {
        Box::pin(async move {
            if self.gated.load(Ordering::SeqCst) {
                // A closed gate is open.
                if let Ok(permit) = self.gate.acquire().await {
                    permit.forget();
                }
            }
            self.copies.fetch_add(1, Ordering::SeqCst);
            *self.last_copy.lock().unwrap() = Some(Instant::now());
            self.begun.lock().unwrap().push((Instant::now(), request.source.key.to_owned()));
            let takes = *self.copies_take.lock().unwrap();
            assert!(!self.panics.load(Ordering::SeqCst), "a store that breaks off");
            if self.failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                return Err(StoreError::new(ErrorKind::ServiceUnavailable, "in passing"));
            }
            if self.full.load(Ordering::SeqCst) {
                return Err(StoreError::new(ErrorKind::InsufficientStorage, "no room left"));
            }
            if self.unreachable.load(Ordering::SeqCst) {
                return Err(StoreError::new(ErrorKind::Unreachable, "nobody is there"));
            }
            // Others get a turn in the middle of every operation.
            let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_under_way.fetch_max(now, Ordering::SeqCst);
            tokio::time::sleep(takes).await;
            self.under_way.fetch_sub(1, Ordering::SeqCst);
            self.inner.copy(request).await
        })
    }

    fn list<'a>(&'a self, request: ListRequest<'a>) -> BoxFuture<'a, Result<ListPage, StoreError>> {
        self.lists.fetch_add(1, Ordering::SeqCst);
        if self.refuse_lists.lock().unwrap().as_deref().is_some_and(|begin| request.prefix.starts_with(begin)) {
            return Box::pin(async { Err(StoreError::new(ErrorKind::AccessDenied, "no listing here")) });
        }
        let takes = *self.lists_take.lock().unwrap();
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            self.inner.list(request).await
        })
    }

    fn barrier<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.barriers.fetch_add(1, Ordering::SeqCst);
        let takes = *self.barrier_takes.lock().unwrap();
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            self.copies_at_barriers.lock().unwrap().push(self.copies.load(Ordering::SeqCst));
            self.inner.barrier(bucket).await
        })
    }

    passes_on! {
        delete(request: DeleteRequest<'a>) -> DeleteOutcome;
        put_tags(request: TagRequest<'a>) -> ();
        get_tags(bucket: &'a str, key: &'a str, version: &'a VersionSelector) -> Vec<Tag>;
        restore(request: RestoreRequest<'a>) -> RestoreOutcome;
    }
}
