//! Spans for whoever traces: one for each job, each try at preparing it, each time that one of its shards is worked on, and its
//! end. None for a single object: a job has billions.
//!
//! They are of the level of traces, so that a program which does not ask for them pays for a comparison each. They are never
//! entered: what is known of the work is in their fields.

use tracing::{
    Span,
    field::{Empty, display},
    trace_span,
};

use super::{fault::ShardError, prepare::Prepared};
use crate::{job::JobRecord, store::ShardLease};

/// The target of the engine's spans for whoever traces. Each has a field `job`, the job's id.
///
/// | span | is | further fields |
/// |---|---|---|
/// | `job` | a job as a whole, made when it has ended; it began at `began`, in milliseconds since 1970 | `appid`, `status`, `rows`, `succeeded`, `failed` |
/// | `prepare` | one try at preparing it | `appid`, `rows`, `error` |
/// | `shard` | one shard, by one worker, until it lets go of it | `shard`, `rows` (committed meanwhile), `error` |
/// | `finish` | the end: the report, and the last status | `appid`, `rows`, `error` |
///
/// They have the level `TRACE` and no parent, and are not entered.
///
/// Source: ours.
pub const TRACE_TARGET: &str = "cos_batch_engine::trace";

/// A job that has ended just now.
pub(crate) fn job(job: &JobRecord) {
    drop(trace_span!(
        target: TRACE_TARGET,
        parent: None,
        "job",
        job = %job.id,
        began = job.created_at,
        appid = job.tenant,
        status = job.state.status.as_str(),
        rows = job.progress.total,
        succeeded = job.progress.succeeded,
        failed = job.progress.failed,
    ));
}

/// A try at preparing a job, for as long as it is held.
pub(crate) fn prepare(job: &JobRecord) -> Span {
    trace_span!(target: TRACE_TARGET, parent: None, "prepare", job = %job.id, appid = job.tenant, rows = Empty, error = Empty)
}

/// The end of such a try: with so many rows, or with a reason.
pub(crate) fn prepared(span: &Span, result: Result<u64, &Prepared>) {
    match result {
        Ok(rows) => {
            span.record("rows", rows);
        }
        Err(Prepared::Unfit(failure)) => {
            span.record("error", failure.code.as_str());
        }
        Err(Prepared::Later(fault)) => {
            span.record("error", display(fault));
        }
        Err(Prepared::Stopped) => {}
    }
}

/// Work on a shard, for as long as it is held.
pub(crate) fn shard(lease: &ShardLease) -> Shard {
    let (job, shard, rows) = (lease.job, lease.shard.index, lease.cursor.rows);
    Shard {
        span: trace_span!(target: TRACE_TARGET, parent: None, "shard", %job, shard, rows = Empty, error = Empty),
        began_at: rows,
    }
}

/// The end of a job, for as long as it is held.
pub(crate) fn finish(job: &JobRecord) -> Span {
    let rows = job.progress.total;
    trace_span!(target: TRACE_TARGET, parent: None, "finish", job = %job.id, appid = job.tenant, rows, error = Empty)
}

/// The span of work on a shard.
pub(crate) struct Shard {
    span: Span,
    /// Rows that were committed before.
    began_at: u64,
}

impl Shard {
    /// It ended so, with so many rows committed.
    pub(crate) fn end(self, committed: u64, result: &Result<(), ShardError>) {
        self.span.record("rows", committed.saturating_sub(self.began_at));
        if let Err(error) = result {
            self.span.record("error", display(error));
        }
    }
}
