//! The job store as a process sees it.

use std::{fmt, sync::Arc, time::Duration};

use cos_batch_engine::{
    JobEvent, JobRecord, JobStore, UnixMillis,
    store::{
        BoxFuture, BriefFilter, BriefPage, Checkpoint, CheckpointAnswer, FileLease, FileOutcome, FileState, JobChange,
        JobLease, JobStatus, ListFilter, ListedFile, NewJob, ResultFile, Segment, Shard, ShardLease, StoreError,
    },
};
use uuid::Uuid;

use crate::{
    Fault, Sabotage,
    leases::{Lease, Thing},
    link::{Broken as _, Link, Point},
    world::Plane,
};

pub(crate) struct LinkedJobs {
    link: Arc<Link>,
}

impl LinkedJobs {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { link }
    }

    fn name(&self, job: Uuid) -> String {
        self.link.world.witness.name(job)
    }

    fn of(&self, lease: &impl Lease) -> String {
        let (job, epoch) = (self.name(lease.thing().job()), lease.epoch());
        match lease.thing() {
            Thing::Job(_) => format!("{job} epoch {epoch}"),
            thing => format!("{job} {} epoch {epoch}", thing.name()),
        }
    }

    /// A rule that was broken is no error of the store.
    fn hold(&self, rule: Result<(), String>) {
        if let Err(rule) = rule {
            self.link.world.violated(rule);
        }
    }

    fn given(&self, lease: &impl Lease, ttl: Duration) {
        let world = &self.link.world;
        self.hold(world.leases.given(lease, world.jobs.now(), ttl));
    }

    /// What the store is told instead of the lease.
    fn claimed<L: Lease>(&self, call: &'static str, lease: &L) -> L {
        let world = &self.link.world;
        if world.plan.sabotage == Some(Sabotage::NoFencing(call)) {
            return lease.of_epoch(world.leases.newest(lease.thing()));
        }
        lease.clone()
    }

    /// Carries out a call that needs a lease. Before it the same may come from somebody who held it earlier, and whose call was
    /// long under way, or that it is given back: that must change nothing.
    async fn fenced<L: Lease, T, F>(
        &self,
        call: &'static str,
        lease: &L,
        work: impl Fn(L) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let world = &self.link.world;
        let held = world.leases.newest(lease.thing());
        if held > 0 && world.meets(Fault::StaleCall) {
            let stale = lease.of_epoch(held - 1);
            let gives_back = world.draw(0..=1) == 0;
            // It is in memory, and never fails.
            let record = world.jobs.get(lease.thing().job()).await.ok();
            let (call, answer) = if gives_back {
                let call = L::GIVE_BACK;
                (call, self.claimed(call, &stale).give_back(&world.jobs).await)
            } else {
                (call, work(self.claimed(call, &stale)).await.map(drop))
            };
            match answer {
                Err(StoreError::LeaseLost) => {}
                // Giving back what one does not hold is no error, and does nothing.
                Ok(()) if IS_NO_ERROR.contains(&call) => {}
                Ok(()) => self.hold(world.leases.written(call, &stale)),
                Err(error) => world.violated(format!("{call} of a lost lease was answered: {}", error.name())),
            }
            if world.jobs.get(lease.thing().job()).await.ok() != record {
                world.violated(format!("{call} of a lost lease changed the job of {}", lease.thing().name()));
            }
            world.was_late(call);
        }
        let done = work(self.claimed(call, lease)).await?;
        if !IS_NO_ERROR.contains(&call) {
            self.hold(world.leases.written(call, lease));
        }
        Ok(done)
    }

    /// The record as it is answered.
    fn told(&self, record: JobRecord) -> JobRecord {
        let progress = self.link.world.told(record.id, record.progress);
        JobRecord { progress, ..record }
    }

    fn renewed(&self, lease: &impl Lease, ttl: Duration) {
        self.link.world.leases.renewed(lease, self.link.world.jobs.now(), ttl);
    }
}

/// Calls that need a lease, and for which having lost it is no error.
const IS_NO_ERROR: [&str; 3] = ["release_job", "release_file", "release_shard"];

impl fmt::Debug for LinkedJobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkedJobs").field("process", &self.link.process()).finish_non_exhaustive()
    }
}

/// One more of an argument, for a request that may be carried out twice.
fn again<T: Clone>(argument: &T) -> T {
    argument.clone()
}

const CHANGES: bool = true;
const READS: bool = false;

/// Methods that go through the link and need nothing else.
macro_rules! pass_on {
    ($($changes:ident $name:ident($($argument:ident: $kind:ty),*) -> $answer:ty, $of:expr;)*) => {
        $(fn $name<'a>(&'a self, $($argument: $kind),*) -> BoxFuture<'a, Result<$answer, StoreError>> {
            Box::pin(async move {
                let of: &dyn Fn(&Self) -> String = &$of;
                let of = of(self);
                let point = Point { plane: Plane::Jobs, name: stringify!($name), of, changes: $changes };
                self.link.pass(&point, || self.link.world.jobs.$name($(again(&$argument)),*)).await
            })
        })*
    };
}

/// Methods that need a lease, and nothing else that is special.
macro_rules! pass_fenced {
    ($($name:ident($lease:ty $(, $argument:ident: $kind:ty)*) -> $answer:ty, $after:expr;)*) => {
        $(fn $name<'a>(&'a self, lease: &'a $lease, $($argument: $kind),*) -> BoxFuture<'a, Result<$answer, StoreError>> {
            Box::pin(async move {
                let name = stringify!($name);
                let point = Point { plane: Plane::Jobs, name, of: self.of(lease), changes: CHANGES };
                let ask = |lease: $lease| {
                    let jobs = &self.link.world.jobs;
                    $(let $argument = again(&$argument);)*
                    async move { jobs.$name(&lease, $($argument),*).await }
                };
                let work = async || {
                    let mut done = self.fenced(name, lease, ask).await?;
                    let after: &dyn Fn(&Self, &$lease, &mut $answer) = &$after;
                    after(self, lease, &mut done);
                    Ok(done)
                };
                self.link.pass(&point, work).await
            })
        })*
    };
}

impl JobStore for LinkedJobs {
    /// By the clock of the process: the store's own is no call's to read.
    fn now(&self) -> UnixMillis {
        self.link.world.jobs.now().saturating_add(self.link.apart())
    }

    fn create<'a>(&'a self, job: NewJob) -> BoxFuture<'a, Result<JobRecord, StoreError>> {
        Box::pin(async move {
            let point = Point { plane: Plane::Jobs, name: "create", of: job.token.clone(), changes: CHANGES };
            let world = &self.link.world;
            let create = async || {
                let record = world.jobs.create(again(&job)).await?;
                // The token of a job is its number.
                let number = record.token.parse().unwrap_or(usize::MAX);
                self.hold(world.witness.made(record.id, number));
                Ok(record)
            };
            self.link.pass(&point, create).await
        })
    }

    fn claim_shard<'a>(&'a self, job: Uuid, ttl: Duration) -> BoxFuture<'a, Result<Option<ShardLease>, StoreError>> {
        Box::pin(async move {
            let point = Point { plane: Plane::Jobs, name: "claim_shard", of: self.name(job), changes: CHANGES };
            let claim = async || {
                let lease = self.link.world.jobs.claim_shard(job, ttl).await?;
                if let Some(lease) = &lease {
                    self.link.world.note(format!("leased {}", self.of(lease)));
                    self.given(lease, ttl);
                }
                Ok(lease)
            };
            self.link.pass(&point, claim).await
        })
    }

    fn claim_file<'a>(&'a self, job: Uuid, ttl: Duration) -> BoxFuture<'a, Result<Option<FileLease>, StoreError>> {
        Box::pin(async move {
            let point = Point { plane: Plane::Jobs, name: "claim_file", of: self.name(job), changes: CHANGES };
            let claim = async || {
                let lease = self.link.world.jobs.claim_file(job, ttl).await?;
                if let Some(lease) = &lease {
                    self.link.world.note(format!("leased {}", self.of(lease)));
                    self.given(lease, ttl);
                    self.hold(self.link.world.witness.file_leased(job, lease.file.number));
                }
                Ok(lease)
            };
            self.link.pass(&point, claim).await
        })
    }

    fn lease_job<'a>(&'a self, id: Uuid, ttl: Duration) -> BoxFuture<'a, Result<Option<JobLease>, StoreError>> {
        Box::pin(async move {
            let point = Point { plane: Plane::Jobs, name: "lease_job", of: self.name(id), changes: CHANGES };
            let claim = async || {
                let lease = self.link.world.jobs.lease_job(id, ttl).await?;
                if let Some(lease) = &lease {
                    self.given(lease, ttl);
                }
                Ok(lease)
            };
            self.link.pass(&point, claim).await
        })
    }

    fn transition<'a>(
        &'a self,
        id: Uuid,
        version: u64,
        change: JobChange,
    ) -> BoxFuture<'a, Result<JobRecord, StoreError>> {
        Box::pin(async move {
            let to = change.state.as_ref().map_or_else(String::new, |state| state.status.to_string());
            let of = format!("{} {to}", self.name(id));
            let point = Point { plane: Plane::Jobs, name: "transition", of, changes: CHANGES };
            let jobs = &self.link.world.jobs;
            let transition = async || {
                let record = match &change.lease {
                    None => jobs.transition(id, version, again(&change)).await?,
                    Some(lease) => {
                        let under = |lease| {
                            let change = JobChange { lease: Some(lease), ..again(&change) };
                            async move { jobs.transition(id, version, change).await }
                        };
                        self.fenced("transition", lease, under).await?
                    }
                };
                Ok(self.told(record))
            };
            self.link.pass(&point, transition).await
        })
    }

    fn get<'a>(&'a self, id: Uuid) -> BoxFuture<'a, Result<Option<JobRecord>, StoreError>> {
        Box::pin(async move {
            let point = Point { plane: Plane::Jobs, name: "get", of: self.name(id), changes: READS };
            let get = async || Ok(self.link.world.jobs.get(id).await?.map(|record| self.told(record)));
            self.link.pass(&point, get).await
        })
    }

    fn list<'a>(&'a self, filter: ListFilter<'a>) -> BoxFuture<'a, Result<(Vec<JobRecord>, bool), StoreError>> {
        Box::pin(async move {
            let point = Point { plane: Plane::Jobs, name: "list", of: filter.tenant.to_owned(), changes: READS };
            let list = async || {
                let (jobs, more) = self.link.world.jobs.list(again(&filter)).await?;
                Ok((jobs.into_iter().map(|record| self.told(record)).collect(), more))
            };
            self.link.pass(&point, list).await
        })
    }

    fn reap<'a>(&'a self, all: bool) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move {
            let point = Point { plane: Plane::Jobs, name: "reap", of: all.to_string(), changes: CHANGES };
            let world = &self.link.world;
            let reap = async || {
                let now = world.jobs.now();
                let by_the_node = world.plan.sabotage == Some(Sabotage::LeasesByTheNodesClock);
                let apart = if by_the_node { self.link.apart() } else { 0 };
                world.clock.lean(apart);
                // In memory: it is done when it is first polled, and nothing else is asked for meanwhile.
                let ended = world.jobs.reap(all).await;
                world.clock.lean(0);
                world.leases.reaped(if all { UnixMillis::MAX } else { now });
                ended
            };
            self.link.pass(&point, reap).await
        })
    }

    pass_fenced! {
        renew_job(JobLease, ttl: Duration) -> (), |s: &Self, lease: &JobLease, _: &mut _| s.renewed(lease, ttl);
        release_job(JobLease) -> (), |s: &Self, lease: &JobLease, _: &mut _| s.link.world.leases.is_over(lease);
        clear_shards(JobLease) -> (), |_: &Self, _: &JobLease, _: &mut _| {};
        add_shards(JobLease, shards: Vec<Shard>) -> (), |_: &Self, _: &JobLease, _: &mut _| {};
        add_files(JobLease, files: Vec<ListedFile>) -> (), |_: &Self, _: &JobLease, _: &mut _| {};
        add_results(JobLease, results: Vec<ResultFile>) -> (), |_: &Self, _: &JobLease, _: &mut _| {};
        renew_file(FileLease, ttl: Duration) -> (), |s: &Self, lease: &FileLease, _: &mut _| s.renewed(lease, ttl);
        release_file(FileLease) -> (), |s: &Self, lease: &FileLease, _: &mut _| s.link.world.leases.is_over(lease);
        finish_file(FileLease, outcome: FileOutcome) -> (), |s: &Self, lease: &FileLease, _: &mut _| {
            s.link.world.leases.is_over(lease);
            s.hold(s.link.world.witness.file_read(lease, s.link.process()));
        };
        checkpoint(ShardLease, step: Checkpoint, ttl: Duration) -> CheckpointAnswer, |s: &Self, lease: &ShardLease, answer: &mut CheckpointAnswer| {
            s.link.world.count_in_memory(s.link.process(), lease.job, &step);
            answer.progress = s.link.world.told(lease.job, answer.progress);
            s.renewed(lease, ttl);
        };
        renew_shard(ShardLease, ttl: Duration) -> CheckpointAnswer, |s: &Self, lease: &ShardLease, answer: &mut CheckpointAnswer| {
            answer.progress = s.link.world.told(lease.job, answer.progress);
            s.renewed(lease, ttl);
        };
        finish_shard(ShardLease, results: Vec<ResultFile>) -> u64, |s: &Self, lease: &ShardLease, _: &mut _| {
            s.link.world.leases.is_over(lease);
        };
        release_shard(ShardLease) -> (), |s: &Self, lease: &ShardLease, _: &mut _| s.link.world.leases.is_over(lease);
    }

    pass_on! {
        READS find_token(tenant: &'a str, token: &'a str) -> Option<Uuid>, |_: &Self| token.to_owned();
        READS retries(job: Uuid, limit: usize) -> Vec<Uuid>, |s: &Self| s.name(job);
        READS tasks_of_others(tenant: &'a str, statuses: &'a [JobStatus], but: Uuid) -> u64, |s: &Self| s.name(but);
        READS briefs(filter: BriefFilter<'a>) -> BriefPage, |_: &Self| String::new();
        READS suspended(before: UnixMillis, limit: usize) -> Vec<Uuid>, |_: &Self| String::new();
        READS files(job: Uuid, from: u32, limit: usize) -> Vec<FileState>,
            |s: &Self| s.name(job);
        READS segments(job: Uuid, shard: u32) -> Vec<Segment>, |s: &Self| s.name(job);
        READS job_segments(job: Uuid, failed_only: bool, after: Option<(u32, u32)>, limit: usize) -> Vec<Segment>,
            |s: &Self| s.name(job);
        READS cut_off_shards(job: Uuid, after: Option<u32>, limit: usize) -> Vec<u32>, |s: &Self| s.name(job);
        READS results(job: Uuid, after: Option<(u32, bool)>, limit: usize) -> Vec<ResultFile>, |s: &Self| s.name(job);
        READS codes(job: Uuid) -> Vec<(String, u64)>, |s: &Self| s.name(job);
        READS events(job: Uuid) -> Vec<JobEvent>, |s: &Self| s.name(job);
        READS purgeable(before: UnixMillis, limit: usize) -> Vec<Uuid>, |_: &Self| String::new();
        CHANGES purge(id: Uuid) -> (), |s: &Self| s.name(id);
    }
}
