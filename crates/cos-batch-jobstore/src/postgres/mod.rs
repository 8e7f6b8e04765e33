//! A job store in PostgreSQL, for many nodes at a time.

mod client;
mod fault;
mod files;
mod jobs;
mod listen;
mod options;
mod read;
mod row;
mod schema;
mod shards;
mod sql;
mod text;
mod tls;
mod work;

use std::{fmt, sync::Arc, time::Duration};

use cos_batch_engine::{
    Clock, JobEvent, JobRecord, JobStore, UnixMillis,
    store::{
        BoxFuture, BriefFilter, BriefPage, Checkpoint, CheckpointAnswer, FileLease, FileOutcome, FileState, JobChange,
        JobLease, ListFilter, ListedFile, NewJob, ResultFile, Segment, Shard, ShardLease, StoreError,
    },
};
use uuid::Uuid;

use self::{
    client::{Connections, Time},
    fault::Fault,
    listen::Ear,
    options::Options,
};

/// How long a method may take altogether, waiting for a connection included. Longer than the database lets a statement
/// take, so that it is the database that says why.
const ANSWER_WAIT: Duration = Duration::from_secs(15);

/// How long it may take to open the store, bringing the schema up to date included.
const OPEN_WAIT: Duration = Duration::from_secs(90);

/// How often something is asked again that was undone because of others, or a read whose connection broke.
const TRIES_MAX: u32 = 5;

/// A [`JobStore`] in one schema of a PostgreSQL database, which any number of processes may have open.
///
/// Times are the database's. Connections are made when they are needed and kept; one that breaks is made anew, and what was
/// under way on it fails with [`StoreError::Failed`].
pub struct PostgresJobStore {
    connections: Connections,
    ear: Ear,
}

/// What a look at the database tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// Milliseconds that the database's clock is ahead of this machine's.
    pub ahead_millis: i64,
    /// Connections that this process has.
    pub connections: usize,
    /// How many of them nobody uses.
    pub idle: usize,
}

/// Asks again for what was undone because of others (`$undone`), and perhaps for what may or may not have been done.
macro_rules! tries {
    ($call:expr, $again:expr) => {{
        let mut tries = 1;
        loop {
            match $call.await {
                Err(fault) if tries < TRIES_MAX && $again(&fault) => tries += 1,
                result => break result.map_err(StoreError::from),
            }
        }
    }};
}

impl PostgresJobStore {
    /// Opens the store at an address such as `postgres://user:password@host:5432/database`, making its schema or bringing
    /// it up to date as needed. Nodes of the release before may be at work meanwhile.
    ///
    /// Behind a `?` may stand what `psql` knows too: `sslmode` (disable, prefer, require, verify-ca, verify-full),
    /// `sslrootcert`, `sslcert`, `sslkey`, `passfile`, `host`, `port`, `connect_timeout`, `application_name`, `options`,
    /// `target_session_attrs` and some more; and of our own `schema` (default `cos_batch`) and `pool_size` (connections at
    /// most, default 16). What the address leaves open is taken from `variable`, which tells the value of a variable of
    /// the environment: `PGHOST`, `PGPORT`, `PGUSER`, `PGDATABASE`, `PGPASSWORD`, `PGPASSFILE`, `PGSSLMODE`,
    /// `PGSSLROOTCERT`, `PGSSLCERT`, `PGSSLKEY`; a password also from `~/.pgpass`.
    ///
    /// # Errors
    /// [`StoreError::Failed`]: the address is wrong, the database cannot be reached, holds no job store or that of a newer
    /// release; it is then left as it is.
    pub async fn open(
        url: &str,
        variable: impl Fn(&str) -> Option<String>,
        local: impl Clock + 'static,
    ) -> Result<Self, StoreError> {
        Self::start(url, variable, Time::of_database(Box::new(local))).await
    }

    /// Opens the store with the time of a clock in place of the database's: for tests, in one process.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_with_clock(url: &str, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Self::start(url, |_| None, Time::of(Box::new(Shared(clock)))).await
    }

    async fn start(url: &str, variable: impl Fn(&str) -> Option<String>, time: Time) -> Result<Self, StoreError> {
        let options = Options::parse(url, variable).map_err(StoreError::Failed)?;
        let opened = tokio::time::timeout(OPEN_WAIT, Connections::open(options, time)).await;
        let connections = opened.unwrap_or_else(|_| Err(no_answer(OPEN_WAIT)))?;
        let store = Self { connections, ear: Ear::default() };
        store.check().await?;
        Ok(store)
    }

    /// Asks the database for its time: whether it answers, and how far this machine's clock is from its.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    pub async fn check(&self) -> Result<Health, StoreError> {
        let time = &self.connections.time;
        let asked = time.local();
        let look = async {
            let row = self.connections.lend().await?.row(sql::TIME, &[&time.told()]).await?;
            row.map(|row| row.try_get(0)).transpose().map_err(Fault::from)
        };
        if let Some(now) = bounded(look).await? {
            time.measured(asked, now);
        }
        let (connections, idle) = self.connections.count();
        Ok(Health { ahead_millis: time.ahead().unwrap_or(0), connections, idle })
    }

    /// Something that reads, and may be asked again at any time.
    fn read<'a, T: Send + 'a, F>(&'a self, work: impl Fn() -> F + Send + 'a) -> BoxFuture<'a, Result<T, StoreError>>
    where
        F: Future<Output = Result<T, Fault>> + Send + 'a,
    {
        Box::pin(bounded(async move {
            let again = |fault: &Fault| fault.was_undone() || fault.was_cut_off();
            tries!(work(), again).map_err(Fault::from)
        }))
    }

    /// Something that writes, and is asked again only where it is known to have been undone.
    fn write<'a, T: Send + 'a, F>(&'a self, work: impl Fn() -> F + Send + 'a) -> BoxFuture<'a, Result<T, StoreError>>
    where
        F: Future<Output = Result<T, Fault>> + Send + 'a,
    {
        Box::pin(bounded(async move { tries!(work(), Fault::was_undone).map_err(Fault::from) }))
    }
}

async fn bounded<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, StoreError> {
    let result = tokio::time::timeout(ANSWER_WAIT, work).await;
    result.unwrap_or_else(|_| Err(no_answer(ANSWER_WAIT))).map_err(StoreError::from)
}

fn no_answer(wait: Duration) -> Fault {
    Fault::Unreachable(format!("PostgreSQL did not answer within {} seconds", wait.as_secs()))
}

/// A clock that others hold as well.
#[derive(Debug)]
struct Shared(Arc<dyn Clock>);

impl Clock for Shared {
    fn now(&self) -> UnixMillis {
        self.0.now()
    }
}

impl fmt::Debug for PostgresJobStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresJobStore").field("options", &self.connections.options).finish_non_exhaustive()
    }
}

impl JobStore for PostgresJobStore {
    fn now(&self) -> UnixMillis {
        self.connections.time.now()
    }

    fn changed<'a>(&'a self) -> BoxFuture<'a, ()> {
        Box::pin(self.ear.hear(&self.connections))
    }

    fn create<'a>(&'a self, job: NewJob) -> BoxFuture<'a, Result<JobRecord, StoreError>> {
        let job = Arc::new(job);
        self.write(move || {
            let job = Arc::clone(&job);
            async move { jobs::create(&self.connections, &job).await }
        })
    }

    fn get<'a>(&'a self, id: Uuid) -> BoxFuture<'a, Result<Option<JobRecord>, StoreError>> {
        self.read(move || read::get(&self.connections, id))
    }

    fn find_token<'a>(&'a self, tenant: &'a str, token: &'a str) -> BoxFuture<'a, Result<Option<Uuid>, StoreError>> {
        self.read(move || read::find_token(&self.connections, tenant, token))
    }

    fn retries<'a>(&'a self, job: Uuid, limit: usize) -> BoxFuture<'a, Result<Vec<Uuid>, StoreError>> {
        self.read(move || read::retries(&self.connections, job, limit))
    }

    fn list<'a>(&'a self, filter: ListFilter<'a>) -> BoxFuture<'a, Result<(Vec<JobRecord>, bool), StoreError>> {
        self.read(move || {
            let filter = filter.clone();
            async move { read::list(&self.connections, &filter).await }
        })
    }

    fn transition<'a>(
        &'a self,
        id: Uuid,
        version: u64,
        change: JobChange,
    ) -> BoxFuture<'a, Result<JobRecord, StoreError>> {
        let change = Arc::new(change);
        self.write(move || {
            let change = Arc::clone(&change);
            async move { jobs::transition(&self.connections, id, version, &change).await }
        })
    }

    fn briefs<'a>(&'a self, filter: BriefFilter<'a>) -> BoxFuture<'a, Result<BriefPage, StoreError>> {
        self.read(move || async move { read::briefs(&self.connections, &filter).await })
    }

    fn suspended<'a>(&'a self, before: UnixMillis, limit: usize) -> BoxFuture<'a, Result<Vec<Uuid>, StoreError>> {
        self.read(move || read::suspended(&self.connections, before, limit))
    }

    fn lease_job<'a>(&'a self, id: Uuid, ttl: Duration) -> BoxFuture<'a, Result<Option<JobLease>, StoreError>> {
        self.write(move || jobs::lease(&self.connections, id, ttl))
    }

    fn renew_job<'a>(&'a self, lease: &'a JobLease, ttl: Duration) -> BoxFuture<'a, Result<(), StoreError>> {
        self.write(move || jobs::renew(&self.connections, lease, ttl))
    }

    fn release_job<'a>(&'a self, lease: &'a JobLease) -> BoxFuture<'a, Result<(), StoreError>> {
        self.write(move || jobs::release(&self.connections, lease))
    }

    fn clear_shards<'a>(&'a self, lease: &'a JobLease) -> BoxFuture<'a, Result<(), StoreError>> {
        self.write(move || shards::clear(&self.connections, lease))
    }

    fn add_shards<'a>(&'a self, lease: &'a JobLease, shards: Vec<Shard>) -> BoxFuture<'a, Result<(), StoreError>> {
        let shards = Arc::new(shards);
        self.write(move || {
            let shards = Arc::clone(&shards);
            async move { shards::add(&self.connections, lease, &shards).await }
        })
    }

    fn add_files<'a>(&'a self, lease: &'a JobLease, files: Vec<ListedFile>) -> BoxFuture<'a, Result<(), StoreError>> {
        let files = Arc::new(files);
        self.write(move || {
            let files = Arc::clone(&files);
            async move { files::add(&self.connections, lease, &files).await }
        })
    }

    fn claim_file<'a>(&'a self, job: Uuid, ttl: Duration) -> BoxFuture<'a, Result<Option<FileLease>, StoreError>> {
        self.write(move || files::claim(&self.connections, job, ttl))
    }

    fn renew_file<'a>(&'a self, lease: &'a FileLease, ttl: Duration) -> BoxFuture<'a, Result<(), StoreError>> {
        self.write(move || files::renew(&self.connections, lease, ttl))
    }

    fn finish_file<'a>(&'a self, lease: &'a FileLease, outcome: FileOutcome) -> BoxFuture<'a, Result<(), StoreError>> {
        let outcome = Arc::new(outcome);
        self.write(move || {
            let outcome = Arc::clone(&outcome);
            async move { files::finish(&self.connections, lease, &outcome).await }
        })
    }

    fn release_file<'a>(&'a self, lease: &'a FileLease) -> BoxFuture<'a, Result<(), StoreError>> {
        self.write(move || files::release(&self.connections, lease))
    }

    fn files<'a>(&'a self, job: Uuid, from: u32, limit: usize) -> BoxFuture<'a, Result<Vec<FileState>, StoreError>> {
        self.read(move || read::files(&self.connections, job, from, limit))
    }

    fn claim_shard<'a>(&'a self, job: Uuid, ttl: Duration) -> BoxFuture<'a, Result<Option<ShardLease>, StoreError>> {
        self.write(move || shards::claim(&self.connections, job, ttl))
    }

    fn checkpoint<'a>(
        &'a self,
        lease: &'a ShardLease,
        step: Checkpoint,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<CheckpointAnswer, StoreError>> {
        let step = Arc::new(step);
        self.write(move || {
            let step = Arc::clone(&step);
            async move { work::checkpoint(&self.connections, lease, &step, ttl).await }
        })
    }

    fn renew_shard<'a>(
        &'a self,
        lease: &'a ShardLease,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<CheckpointAnswer, StoreError>> {
        self.write(move || work::renew(&self.connections, lease, ttl))
    }

    fn finish_shard<'a>(
        &'a self,
        lease: &'a ShardLease,
        results: Vec<ResultFile>,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        let results = Arc::new(results);
        self.write(move || {
            let results = Arc::clone(&results);
            async move { work::finish(&self.connections, lease, &results).await }
        })
    }

    fn release_shard<'a>(&'a self, lease: &'a ShardLease) -> BoxFuture<'a, Result<(), StoreError>> {
        self.write(move || work::release(&self.connections, lease))
    }

    fn reap<'a>(&'a self, all: bool) -> BoxFuture<'a, Result<u64, StoreError>> {
        self.write(move || shards::reap(&self.connections, all))
    }

    fn segments<'a>(&'a self, job: Uuid, shard: u32) -> BoxFuture<'a, Result<Vec<Segment>, StoreError>> {
        self.read(move || read::segments(&self.connections, job, shard))
    }

    fn job_segments<'a>(
        &'a self,
        job: Uuid,
        failed_only: bool,
        after: Option<(u32, u32)>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Segment>, StoreError>> {
        self.read(move || read::job_segments(&self.connections, job, failed_only, after, limit))
    }

    fn cut_off_shards<'a>(
        &'a self,
        job: Uuid,
        after: Option<u32>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<u32>, StoreError>> {
        self.read(move || read::cut_off_shards(&self.connections, job, after, limit))
    }

    fn add_results<'a>(
        &'a self,
        lease: &'a JobLease,
        results: Vec<ResultFile>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let results = Arc::new(results);
        self.write(move || {
            let results = Arc::clone(&results);
            async move { work::add_results(&self.connections, lease, &results).await }
        })
    }

    fn results<'a>(
        &'a self,
        job: Uuid,
        after: Option<(u32, bool)>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<ResultFile>, StoreError>> {
        self.read(move || read::results(&self.connections, job, after, limit))
    }

    fn codes<'a>(&'a self, job: Uuid) -> BoxFuture<'a, Result<Vec<(String, u64)>, StoreError>> {
        self.read(move || read::codes(&self.connections, job))
    }

    fn events<'a>(&'a self, job: Uuid) -> BoxFuture<'a, Result<Vec<JobEvent>, StoreError>> {
        self.read(move || read::events(&self.connections, job))
    }

    fn purgeable<'a>(&'a self, before: UnixMillis, limit: usize) -> BoxFuture<'a, Result<Vec<Uuid>, StoreError>> {
        self.read(move || read::purgeable(&self.connections, before, limit))
    }

    fn purge<'a>(&'a self, id: Uuid) -> BoxFuture<'a, Result<(), StoreError>> {
        self.write(move || jobs::purge(&self.connections, id))
    }
}
