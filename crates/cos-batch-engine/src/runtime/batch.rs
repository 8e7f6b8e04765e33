//! Running a few tasks, with their retries.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use cos_batch_objectstore::{ErrorKind, Execution, StoreError};
use futures_util::FutureExt as _;
use tokio::time::Instant;

use super::{
    gate::{Gate, Slot},
    parts::{Large, may_be_too_large},
    stop::{Level, Stop},
};
use crate::{
    store::JobStore,
    task::{
        Attempt, Outcome, Runner, Task, give_up,
        retry::{self, Class, Tries},
    },
};

/// Tasks handed at once to a thread that may block. A hop to such a thread costs as much as copying a small file, so
/// it is shared; yet a batch must be over quickly.
const BLOCKING_BATCH_MAX: usize = 32;

/// A worker that is asked to make room waits no longer for a row that fails and fails: the row is done again later.
const YIELD_PATIENCE: Duration = Duration::from_secs(5);

/// How many tasks a batch should have behind this gate, with `rows` left.
pub(crate) fn size(execution: Execution, rows: u64, gate: &Gate) -> usize {
    match execution {
        Execution::Blocking if !gate.is_capped() => blocking_size(rows, gate.most()),
        _ => 1,
    }
}

fn blocking_size(rows: u64, slots: usize) -> usize {
    let share = usize::try_from(rows).unwrap_or(usize::MAX) / slots.max(1) / 4;
    share.clamp(1, BLOCKING_BATCH_MAX)
}

/// What the tasks of a shard are run with.
#[derive(Clone, Debug)]
pub(crate) struct Hands {
    pub(crate) runner: Arc<Runner>,
    pub(crate) gate: Gate,
    pub(crate) stop: Arc<Stop>,
    pub(crate) jobs: Arc<dyn JobStore>,
    pub(crate) large: Arc<Large>,
}

/// Runs tasks in order and gives the outcome of each; fewer if it was stopped. The slot is that of the first try.
pub(crate) async fn run(hands: Hands, tasks: Arc<Vec<Task>>, slot: Slot) -> Vec<Outcome> {
    match hands.runner.store().execution() {
        Execution::Async => {
            let mut first = Some(slot);
            let mut outcomes = Vec::with_capacity(tasks.len());
            for task in &*tasks {
                if hands.stop.level() >= Level::Halt {
                    break;
                }
                match hands.run_one(task, Slots::Each(first.take())).await {
                    Some(outcome) => outcomes.push(outcome),
                    None => break,
                }
            }
            outcomes
        }
        Execution::Blocking => {
            let runtime = tokio::runtime::Handle::current();
            let work = tokio::task::spawn_blocking(move || {
                let _slot = slot;
                let mut outcomes = Vec::with_capacity(tasks.len());
                for task in &*tasks {
                    if hands.stop.level() >= Level::Halt {
                        break;
                    }
                    match runtime.block_on(hands.run_one(task, Slots::Thread)) {
                        Some(outcome) => outcomes.push(outcome),
                        None => break,
                    }
                }
                outcomes
            });
            // It cannot panic (see `attempt`); when the runtime goes down nothing counts as done.
            work.await.unwrap_or_default()
        }
    }
}

/// Where the slots of a task's tries come from.
enum Slots {
    /// Each try has its own; this is the first one's.
    Each(Option<Slot>),
    /// The whole batch has the thread it runs on, and its slot.
    Thread,
}

/// What is known of a task between two tries.
struct Between {
    began: Instant,
    tries: Tries,
    /// How the last try failed.
    last: Option<StoreError>,
    /// A try was made of which nobody knows whether it was carried out.
    doubt: bool,
    /// The next thing to do is to ask about it.
    ask: bool,
}

impl Hands {
    /// One task to its end; none if it was interrupted between two tries and somebody goes on later.
    async fn run_one(&self, task: &Task, mut slots: Slots) -> Option<Outcome> {
        let mut between =
            Between { began: Instant::now(), tries: Tries::new(task.row), last: None, doubt: false, ask: false };
        loop {
            let slot = match &mut slots {
                Slots::Each(first) if first.is_some() => first.take(),
                // The first of a batch has passed already.
                Slots::Thread if between.last.is_none() => None,
                _ => {
                    let each = matches!(slots, Slots::Each(_));
                    tokio::select! {
                        slot = self.again(each) => slot,
                        () = self.leave(between.began) => return self.left(&between),
                    }
                }
            };
            let tried = self.try_once(task, &mut between).await;
            if let Err(refused) = &tried
                && self.runner.copy_of(task).is_some()
                && may_be_too_large(refused)
            {
                // Its slot is for one part at a time; a part says nothing about how long operations take here.
                return self.copy_in_parts(task, refused).await;
            }
            let class = tried.as_ref().err().map(retry::classify);
            if let Some(slot) = slot {
                slot.done(class);
            }
            let error = match tried {
                Ok(Some(outcome)) => return Some(outcome),
                Ok(None) => continue,
                Err(error) => error,
            };
            let class = class.unwrap_or(Class::Permanent);
            let wait = between.tries.failed(class, error.retry_after(), between.began.elapsed());
            let Some(wait) = wait else { return Some(give_up(&error, between.tries.count)) };
            between.last = Some(error);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.leave(between.began) => return self.left(&between),
            }
        }
    }

    /// What a repeat passes before it begins.
    async fn again(&self, slot: bool) -> Option<Slot> {
        if slot {
            return Some(self.gate.enter().await);
        }
        self.gate.pass().await;
        None
    }

    /// Ends when a row that has failed must not be waited for any longer.
    async fn leave(&self, began: Instant) {
        tokio::select! {
            () = self.stop.above(Level::Yield) => {}
            () = async {
                self.stop.above(Level::Run).await;
                tokio::time::sleep_until(began + YIELD_PATIENCE).await;
            } => {}
        }
    }

    fn left(&self, between: &Between) -> Option<Outcome> {
        // With nobody to go on later, what is known is how the last try failed.
        let last = between.last.as_ref().filter(|_| self.stop.level() == Level::Cancel);
        last.map(|error| give_up(error, between.tries.count))
    }

    /// One try, or one question. Neither: the next thing to do is a try.
    async fn try_once(&self, task: &Task, between: &mut Between) -> Result<Option<Outcome>, StoreError> {
        if between.ask {
            let asked = self.ask(task, between.began).await;
            return match asked {
                // The question is refused; the operation may be allowed all the same.
                Err(error) if retry::classify(&error) == Class::Permanent => {
                    between.ask = false;
                    Ok(None)
                }
                Ok(answer) => {
                    between.ask = false;
                    Ok(answer)
                }
                Err(error) => Err(error),
            };
        }
        match attempt(&self.runner, task).await {
            Attempt::Done(outcome) => Ok(Some(outcome)),
            Attempt::Failed(error) => {
                if between.doubt
                    && let Some(outcome) = self.runner.means_done(&error)
                {
                    return Ok(Some(outcome));
                }
                if error.kind() == ErrorKind::Unreachable {
                    between.doubt = true;
                    between.ask = self.runner.asks(task);
                }
                Err(error)
            }
        }
    }

    /// An object that one request cannot copy.
    async fn copy_in_parts(&self, task: &Task, refused: &StoreError) -> Option<Outcome> {
        let copy = AssertUnwindSafe(self.large.copy(&self.runner, task, &self.stop, refused)).catch_unwind().await;
        copy.unwrap_or_else(|_| Some(broken_off(task)))
    }

    /// Was it done?
    async fn ask(&self, task: &Task, began: Instant) -> Result<Option<Outcome>, StoreError> {
        let spent = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        let since = self.jobs.now().saturating_sub(spent).div_euclid(1000);
        AssertUnwindSafe(self.runner.ask(task, since)).catch_unwind().await.unwrap_or(Ok(None))
    }
}

/// A store that panics fails the task, not the engine.
async fn attempt(runner: &Runner, task: &Task) -> Attempt {
    let attempt = AssertUnwindSafe(runner.attempt(task)).catch_unwind().await;
    attempt.unwrap_or_else(|_| Attempt::Done(broken_off(task)))
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
        assert_eq!(blocking_size(0, 8), 1);
        assert_eq!(blocking_size(100, 8), 3);
        assert_eq!(blocking_size(10_000, 8), BLOCKING_BATCH_MAX);
    }
}
