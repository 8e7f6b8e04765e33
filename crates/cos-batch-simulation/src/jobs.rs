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
    Sabotage,
    link::{Link, Point},
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

    fn of_shard(&self, lease: &ShardLease) -> String {
        format!("{} shard {} epoch {}", self.name(lease.job), lease.shard.index, lease.epoch)
    }

    fn of_file(&self, lease: &FileLease) -> String {
        format!("{} file {} epoch {}", self.name(lease.job), lease.file.number, lease.epoch)
    }

    fn of_job(&self, lease: &JobLease) -> String {
        format!("{} epoch {}", self.name(lease.job), lease.epoch)
    }

    /// A rule that was broken is no error of the store.
    fn hold(&self, rule: Result<(), String>) {
        if let Err(rule) = rule {
            self.link.world.violated(rule);
        }
    }

    /// What the store is told instead of the lease.
    fn claimed(&self, lease: &ShardLease) -> ShardLease {
        let mut lease = lease.clone();
        if self.link.world.plan.sabotage == Some(Sabotage::NoFencing) {
            lease.epoch = self.link.world.witness.newest(lease.job, lease.shard.index);
        }
        lease
    }
}

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

impl JobStore for LinkedJobs {
    fn now(&self) -> UnixMillis {
        self.link.world.jobs.now()
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
                    self.link.world.note(format!("leased {}", self.of_shard(lease)));
                    self.hold(self.link.world.witness.leased(job, lease.shard.index, lease.epoch));
                }
                Ok(lease)
            };
            self.link.pass(&point, claim).await
        })
    }

    fn checkpoint<'a>(
        &'a self,
        lease: &'a ShardLease,
        step: Checkpoint,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<CheckpointAnswer, StoreError>> {
        Box::pin(async move {
            let of = format!("{} to row {}", self.of_shard(lease), step.cursor.rows);
            let point = Point { plane: Plane::Jobs, name: "checkpoint", of, changes: CHANGES };
            let claimed = self.claimed(lease);
            let commit = async || {
                let answer = self.link.world.jobs.checkpoint(&claimed, again(&step), ttl).await?;
                self.link.world.count_in_memory(self.link.process(), lease.job, &step);
                self.hold(self.link.world.witness.written(lease.job, lease.shard.index, lease.epoch));
                Ok(answer)
            };
            self.link.pass(&point, commit).await
        })
    }

    fn finish_shard<'a>(
        &'a self,
        lease: &'a ShardLease,
        results: Vec<ResultFile>,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move {
            let of = self.of_shard(lease);
            let point = Point { plane: Plane::Jobs, name: "finish_shard", of, changes: CHANGES };
            let claimed = self.claimed(lease);
            let finish = async || {
                let left = self.link.world.jobs.finish_shard(&claimed, again(&results)).await?;
                self.hold(self.link.world.witness.written(lease.job, lease.shard.index, lease.epoch));
                Ok(left)
            };
            self.link.pass(&point, finish).await
        })
    }

    fn claim_file<'a>(&'a self, job: Uuid, ttl: Duration) -> BoxFuture<'a, Result<Option<FileLease>, StoreError>> {
        Box::pin(async move {
            let point = Point { plane: Plane::Jobs, name: "claim_file", of: self.name(job), changes: CHANGES };
            let claim = async || {
                let lease = self.link.world.jobs.claim_file(job, ttl).await?;
                if let Some(lease) = &lease {
                    self.link.world.note(format!("leased {}", self.of_file(lease)));
                    self.hold(self.link.world.witness.file_leased(job, lease.file.number, lease.epoch));
                }
                Ok(lease)
            };
            self.link.pass(&point, claim).await
        })
    }

    fn finish_file<'a>(&'a self, lease: &'a FileLease, outcome: FileOutcome) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let point = Point { plane: Plane::Jobs, name: "finish_file", of: self.of_file(lease), changes: CHANGES };
            let finish = async || {
                self.link.world.jobs.finish_file(lease, again(&outcome)).await?;
                self.hold(self.link.world.witness.file_read(lease, self.link.process()));
                Ok(())
            };
            self.link.pass(&point, finish).await
        })
    }

    pass_on! {
        READS get(id: Uuid) -> Option<JobRecord>, |s: &Self| s.name(id);
        READS find_token(tenant: &'a str, token: &'a str) -> Option<Uuid>, |_: &Self| token.to_owned();
        READS retries(job: Uuid, limit: usize) -> Vec<Uuid>, |s: &Self| s.name(job);
        READS tasks_of_others(tenant: &'a str, statuses: &'a [JobStatus], but: Uuid) -> u64, |s: &Self| s.name(but);
        READS list(filter: ListFilter<'a>) -> (Vec<JobRecord>, bool), |_: &Self| filter.tenant.to_owned();
        CHANGES transition(id: Uuid, version: u64, change: JobChange) -> JobRecord, |s: &Self| {
            let to = change.state.as_ref().map_or_else(String::new, |state| state.status.to_string());
            format!("{} {to}", s.name(id))
        };
        READS briefs(filter: BriefFilter<'a>) -> BriefPage, |_: &Self| String::new();
        READS suspended(before: UnixMillis, limit: usize) -> Vec<Uuid>, |_: &Self| String::new();
        CHANGES lease_job(id: Uuid, ttl: Duration) -> Option<JobLease>, |s: &Self| s.name(id);
        CHANGES renew_job(lease: &'a JobLease, ttl: Duration) -> (), |s: &Self| s.of_job(lease);
        CHANGES release_job(lease: &'a JobLease) -> (), |s: &Self| s.of_job(lease);
        CHANGES clear_shards(lease: &'a JobLease) -> (), |s: &Self| s.of_job(lease);
        CHANGES add_shards(lease: &'a JobLease, shards: Vec<Shard>) -> (), |s: &Self| s.of_job(lease);
        CHANGES add_files(lease: &'a JobLease, files: Vec<ListedFile>) -> (), |s: &Self| s.of_job(lease);
        CHANGES renew_file(lease: &'a FileLease, ttl: Duration) -> (), |s: &Self| s.of_file(lease);
        CHANGES release_file(lease: &'a FileLease) -> (), |s: &Self| s.of_file(lease);
        READS files(job: Uuid, from: u32, limit: usize) -> Vec<FileState>,
            |s: &Self| s.name(job);
        CHANGES renew_shard(lease: &'a ShardLease, ttl: Duration) -> CheckpointAnswer, |s: &Self| s.of_shard(lease);
        CHANGES release_shard(lease: &'a ShardLease) -> (), |s: &Self| s.of_shard(lease);
        CHANGES reap(all: bool) -> u64, |_: &Self| all.to_string();
        READS segments(job: Uuid, shard: u32) -> Vec<Segment>, |s: &Self| s.name(job);
        READS job_segments(job: Uuid, failed_only: bool, after: Option<(u32, u32)>, limit: usize) -> Vec<Segment>,
            |s: &Self| s.name(job);
        READS cut_off_shards(job: Uuid, after: Option<u32>, limit: usize) -> Vec<u32>, |s: &Self| s.name(job);
        CHANGES add_results(lease: &'a JobLease, results: Vec<ResultFile>) -> (), |s: &Self| s.of_job(lease);
        READS results(job: Uuid, after: Option<(u32, bool)>, limit: usize) -> Vec<ResultFile>, |s: &Self| s.name(job);
        READS codes(job: Uuid) -> Vec<(String, u64)>, |s: &Self| s.name(job);
        READS events(job: Uuid) -> Vec<JobEvent>, |s: &Self| s.name(job);
        READS purgeable(before: UnixMillis, limit: usize) -> Vec<Uuid>, |_: &Self| String::new();
        CHANGES purge(id: Uuid) -> (), |s: &Self| s.name(id);
    }
}
