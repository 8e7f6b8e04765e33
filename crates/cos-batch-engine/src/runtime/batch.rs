//! Running a few tasks, with their retries.

use std::{panic::AssertUnwindSafe, sync::Arc};

use cos_batch_objectstore::{Execution, StoreError};
use futures_util::FutureExt as _;
use tokio::sync::Semaphore;

use super::{
    parts::{Large, may_be_too_large},
    stop::{Level, Stop},
};
use crate::task::{Attempt, Outcome, Runner, Task, give_up, retry};

/// Tasks handed at once to a thread that may block. A hop to such a thread costs as much as copying a small file, so
/// it is shared; yet a batch must be over quickly.
const BLOCKING_BATCH_MAX: usize = 32;

/// How many tasks a batch should have on a store like this, with `rows` left and `slots` to fill.
pub(crate) fn size(execution: Execution, rows: u64, slots: usize) -> usize {
    match execution {
        Execution::Async => 1,
        Execution::Blocking => {
            let share = usize::try_from(rows).unwrap_or(usize::MAX) / slots.max(1) / 4;
            share.clamp(1, BLOCKING_BATCH_MAX)
        }
    }
}

/// Runs tasks in order and gives the outcome of each; fewer if it was stopped.
pub(crate) async fn run(
    runner: Arc<Runner>,
    tasks: Arc<Vec<Task>>,
    stop: Arc<Stop>,
    slots: Arc<Semaphore>,
    large: Arc<Large>,
) -> Vec<Outcome> {
    // The semaphore is never closed; if it were, nothing would run, which is what a stopped batch is.
    let Ok(permit) = slots.acquire_owned().await else { return Vec::new() };
    match runner.store().execution() {
        Execution::Async => run_here(&runner, &tasks, &stop, &large).await,
        Execution::Blocking => {
            let runtime = tokio::runtime::Handle::current();
            let work = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                runtime.block_on(run_here(&runner, &tasks, &stop, &large))
            });
            // It cannot panic (see `attempt`); when the runtime goes down nothing counts as done.
            work.await.unwrap_or_default()
        }
    }
}

async fn run_here(runner: &Runner, tasks: &[Task], stop: &Stop, large: &Large) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(tasks.len());
    for task in tasks {
        if stop.level() >= Level::Halt {
            break;
        }
        match run_one(runner, task, stop, large).await {
            Some(outcome) => outcomes.push(outcome),
            None => break,
        }
    }
    outcomes
}

/// One task to its end; none if it was interrupted between two tries and somebody goes on later.
async fn run_one(runner: &Runner, task: &Task, stop: &Stop, large: &Large) -> Option<Outcome> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let error = match attempt(runner, task).await {
            Attempt::Done(outcome) => return Some(outcome),
            Attempt::Failed(error) if runner.copy_of(task).is_some() && may_be_too_large(&error) => {
                return copy_in_parts(large, runner, task, stop, &error).await;
            }
            Attempt::Failed(error) => error,
        };
        let Some(wait) = retry::wait(error.kind(), attempts) else { return Some(give_up(&error, attempts)) };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.above(Level::Yield) => {}
        }
        match stop.level() {
            Level::Run | Level::Yield => {}
            Level::Halt => return None,
            Level::Cancel => return Some(give_up(&error, attempts)),
        }
    }
}

/// A store that panics fails the task, not the engine.
async fn attempt(runner: &Runner, task: &Task) -> Attempt {
    let attempt = AssertUnwindSafe(runner.attempt(task)).catch_unwind().await;
    attempt.unwrap_or_else(|_| Attempt::Done(broken_off(task)))
}

/// The same for an object that one request cannot copy.
async fn copy_in_parts(
    large: &Large,
    runner: &Runner,
    task: &Task,
    stop: &Stop,
    refused: &StoreError,
) -> Option<Outcome> {
    let copy = AssertUnwindSafe(large.copy(runner, task, stop, refused)).catch_unwind().await;
    copy.unwrap_or_else(|_| Some(broken_off(task)))
}

fn broken_off(task: &Task) -> Outcome {
    tracing::error!(row = task.row, "an object store panicked");
    Outcome::failure(500, "InternalError", "the object store broke off in the middle of the operation")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_small_for_small_jobs() {
        assert_eq!(size(Execution::Async, 1_000_000, 8), 1);
        assert_eq!(size(Execution::Blocking, 0, 8), 1);
        assert_eq!(size(Execution::Blocking, 100, 8), 3);
        assert_eq!(size(Execution::Blocking, 10_000, 8), BLOCKING_BATCH_MAX);
    }
}
