//! What the cases are built from.

use std::{any::Any, collections::BTreeMap, fmt, sync::Arc, time::Duration};

use cos_batch_model::JobStatus;
use uuid::Uuid;

use crate::{
    clock::{Clock, ManualClock, UnixMillis},
    job::JobRecord,
    spec::{Column, Dialect, JobSpec, ManifestFormat, ManifestSpec, SPEC_VERSION, TaskOperation},
    store::{
        BriefFilter, Checkpoint, Cursor, JobBrief, JobChange, JobLease, JobStore, ListFilter, NewJob, ResultFile,
        Segment, Shard, ShardLease, ShardSource, StoreError,
    },
};

/// What a fixture's clock shows at first.
pub const START: UnixMillis = 1_700_000_000_000;

/// How long leases last in the cases.
pub(super) const TTL: Duration = Duration::from_secs(30);

/// Bytes of a row in the cases.
pub(super) const ROW: u64 = 10;

/// A store that is under test, empty, and the clock it reads.
pub struct Fixture {
    /// The store.
    pub store: Arc<dyn JobStore>,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    keep: Option<Box<dyn Any + Send + Sync>>,
}

impl Fixture {
    /// A store made with a clock that shows [`START`].
    pub fn new<S: JobStore + 'static>(make: impl FnOnce(Arc<dyn Clock>) -> Arc<S>) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let store = make(clock.clone());
        Self::with(store, clock)
    }

    /// A store that reads this clock, which shows [`START`].
    #[must_use]
    pub fn with(store: Arc<dyn JobStore>, clock: Arc<ManualClock>) -> Self {
        Self { store, clock, keep: None }
    }

    /// Drops something (a temporary folder, say) when the case is over, after the store.
    #[must_use]
    pub fn keeping(mut self, thing: impl Any + Send + Sync) -> Self {
        self.keep = Some(Box::new(thing));
        self
    }
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keeps = self.keep.is_some();
        f.debug_struct("Fixture")
            .field("store", &self.store)
            .field("clock", &self.clock)
            .field("keeps", &keeps)
            .finish()
    }
}

/// A small job: delete what a CSV manifest names.
#[must_use]
pub fn spec() -> JobSpec {
    JobSpec {
        version: SPEC_VERSION,
        confirmation_required: false,
        description: None,
        manifest: ManifestSpec {
            bucket: "list-1250000000".to_owned(),
            key: "manifest.csv".to_owned(),
            version: None,
            etag: "d41d8cd98f00b204e9800998ecf8427e".to_owned(),
            format: ManifestFormat::Csv { columns: vec![Column::Bucket, Column::Key] },
        },
        operation: TaskOperation::Delete,
        report: None,
        role_arn: "qcs::cam::uin/100000000001:roleName/batch".to_owned(),
        tags: Vec::new(),
        dialect: Dialect::Cos,
        retry_of: None,
        request: "<CreateJobRequest></CreateJobRequest>".to_owned(),
    }
}

/// A small job of a tenant, of priority 0, hardly limited in number.
#[must_use]
pub fn new_job(tenant: &str, token: &str) -> NewJob {
    NewJob { tenant: tenant.to_owned(), token: token.to_owned(), spec: spec(), priority: 0, live_jobs_max: 1_000_000 }
}

/// A shard of so many rows.
#[must_use]
pub fn shard(index: u32, first_row: u64, rows: u64) -> Shard {
    let start = first_row * ROW;
    Shard { index, source: ShardSource::Bytes { start, end: start + rows * ROW }, first_row, rows }
}

/// Gives a job another status and leaves all else of its state.
///
/// # Errors
/// Those of [`JobStore::transition`].
pub async fn set_status(store: &dyn JobStore, id: Uuid, status: JobStatus) -> Result<JobRecord, StoreError> {
    let job = store.get(id).await?.ok_or(StoreError::NoSuchJob)?;
    let mut state = job.state;
    state.status = status;
    store.transition(id, job.version, JobChange { state: Some(state), ..JobChange::default() }).await
}

/// Briefs of all tenants.
pub async fn briefs(store: &dyn JobStore, statuses: &[JobStatus], each: usize) -> Vec<JobBrief> {
    let page = store.briefs(BriefFilter { statuses, after: None, tenants: 1000, each }).await.unwrap();
    assert_eq!(page.next, None);
    page.jobs
}

pub(super) async fn create(store: &dyn JobStore, tenant: &str, token: &str) -> JobRecord {
    store.create(new_job(tenant, token)).await.unwrap()
}

pub(super) async fn get(store: &dyn JobStore, id: Uuid) -> JobRecord {
    store.get(id).await.unwrap().unwrap()
}

/// Ids of all jobs of a tenant that are listed.
pub(super) async fn listed(store: &dyn JobStore, tenant: &str) -> Vec<Uuid> {
    let filter = ListFilter { tenant, statuses: &[], after: None, limit: 1000, newest_first: false };
    let (jobs, more) = store.list(filter).await.unwrap();
    assert!(!more);
    jobs.iter().map(|job| job.id).collect()
}

/// A job that is Active, with shards of so many rows each, and the lease that prepared it.
pub(super) async fn active(store: &dyn JobStore, token: &str, shards: &[u64]) -> (Uuid, JobLease) {
    let id = create(store, "1250000000", token).await.id;
    let lease = store.lease_job(id, TTL).await.unwrap().unwrap();
    let mut first_row = 0;
    let mut list = Vec::new();
    for (index, rows) in (0..).zip(shards) {
        list.push(shard(index, first_row, *rows));
        first_row += rows;
    }
    store.add_shards(&lease, list).await.unwrap();
    set_status(store, id, JobStatus::Active).await.unwrap();
    (id, lease)
}

pub(super) async fn claim(store: &dyn JobStore, job: Uuid) -> ShardLease {
    store.claim_shard(job, TTL).await.unwrap().unwrap()
}

/// A step from `cursor` on; failed tasks have the code `AccessDenied`.
pub(super) fn step(cursor: Cursor, succeeded: u64, failed: u64) -> Checkpoint {
    let rows = succeeded + failed;
    let mut codes = BTreeMap::new();
    if failed > 0 {
        codes.insert("AccessDenied".to_owned(), failed);
    }
    Checkpoint {
        cursor: Cursor { rows: cursor.rows + rows, offset: cursor.offset + rows * ROW },
        succeeded,
        failed,
        codes,
        segment: None,
        report_bytes: rows * ROW,
    }
}

/// The same with its segment.
pub(super) fn recorded(lease: &ShardLease, number: u32, step: Checkpoint) -> Checkpoint {
    let segment = Segment {
        shard: lease.shard.index,
        epoch: lease.epoch,
        number,
        succeeded_rows: step.succeeded,
        failed_rows: step.failed,
    };
    Checkpoint { segment: Some(segment), ..step }
}

pub(super) fn file(shard: u32, failed: bool, rows: u64) -> ResultFile {
    let key = format!("results/{shard}{}.csv", if failed { "-failed" } else { "" });
    ResultFile { shard, failed, key, md5: "d41d8cd98f00b204e9800998ecf8427e".to_owned(), rows }
}

/// Everything of a job that a write without right must leave as it is.
pub(super) async fn photograph(store: &dyn JobStore, job: Uuid) -> impl PartialEq + fmt::Debug + use<> {
    let shards = get(store, job).await.shards;
    let mut segments = Vec::new();
    for shard in 0..u32::try_from(shards.left() + shards.done).unwrap() {
        segments.push(store.segments(job, shard).await.unwrap());
    }
    (
        store.get(job).await.unwrap(),
        segments,
        store.results(job, None, 1000).await.unwrap(),
        store.codes(job).await.unwrap(),
        store.events(job).await.unwrap(),
        store.cut_off_shards(job, None, 1000).await.unwrap(),
    )
}

macro_rules! assert_refused {
    ($answer:expr, $error:pat $(if $guard:expr)?) => {
        match $answer {
            Err($error) $(if $guard)? => {}
            other => panic!("expected {}, got {other:?}", stringify!($error)),
        }
    };
}
pub(super) use assert_refused;
