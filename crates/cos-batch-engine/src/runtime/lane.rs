//! Running the rows of a shard, with their retries, one after another in each lane.
//!
//! A lane is one operation in flight. It lives for as long as there are rows for it and its slot is not wanted elsewhere,
//! so that a row costs neither a future of its own nor a hop to another thread.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use cos_batch_objectstore::{ErrorKind, Execution, StoreError};
use futures_util::FutureExt as _;
use tokio::time::Instant;

use super::{
    gate::{Gate, Slot},
    line::Line,
    parts::{Copied, Large, Why, may_be_too_large},
    stop::{Level, Stop},
};
use crate::{
    store::JobStore,
    task::{
        Attempt, Outcome, Runner, Task, give_up,
        retry::{self, Class, Tries},
    },
};

/// A worker that is asked to make room waits no longer for a row that fails and fails: the row is done again later.
const YIELD_PATIENCE: Duration = Duration::from_secs(5);

/// What the rows of a shard are run with.
#[derive(Debug)]
pub(crate) struct Hands {
    pub(crate) runner: Arc<Runner>,
    pub(crate) gate: Gate,
    pub(crate) stop: Arc<Stop>,
    pub(crate) jobs: Arc<dyn JobStore>,
    pub(crate) large: Large,
    pub(crate) line: Arc<Line>,
    /// So many rows from the first one on may have been done under an earlier lease, without getting into the books. They are
    /// done without asking: the store would name as done what was done then, and if a sync failed since, that does not last,
    /// and no later sync says so.
    pub(crate) perhaps_done: u64,
}

/// Runs rows from this one on until there is none to take, or somebody else waits for the slot.
pub(crate) async fn run(hands: Arc<Hands>, slot: Slot, first: (u64, Task)) {
    match hands.runner.store().execution() {
        Execution::Async => hands.lane(slot, first).await,
        Execution::Blocking => {
            let runtime = tokio::runtime::Handle::current();
            let work = tokio::task::spawn_blocking(move || runtime.block_on(hands.lane(slot, first)));
            // It cannot panic (see `attempt`); when the runtime goes down nothing more counts as done.
            let _ = work.await;
        }
    }
}

/// What is known of a task between two tries.
struct Between {
    began: Instant,
    tries: Tries,
    /// How the last try failed.
    last: Option<StoreError>,
    /// Whether it may be asked about at all.
    asks: bool,
    /// A try was made of which nobody knows whether it was carried out.
    doubt: bool,
    /// The next thing to do is to ask about it.
    ask: bool,
}

/// What comes of one try.
enum Tried {
    Over(Outcome),
    /// The next thing to do is a try.
    Again,
    Failed(StoreError),
    /// It was broken off, and somebody goes on later.
    Left,
}

impl Hands {
    async fn lane(&self, slot: Slot, first: (u64, Task)) {
        let mut slot = Some(slot);
        let mut row = Some(first);
        while let Some((number, task)) = row.take() {
            let (outcome, answered) = self.run_one(number, &task, &mut slot).await;
            // Under a cap each row asks anew, without a slot.
            slot = slot.filter(|_| !self.gate.is_capped()).and_then(|slot| self.gate.keep(slot));
            row = self.line.exchange(number, task, outcome, answered, slot.is_some());
            // A store that never waits must not keep others of this thread from their turn.
            tokio::task::coop::consume_budget().await;
        }
    }

    /// One task to its end; none if it was interrupted between two tries and somebody goes on later. The slot is that of
    /// the first try, and comes back as that of the last. Tells whether the store has answered it.
    async fn run_one(&self, number: u64, task: &Task, slot: &mut Option<Slot>) -> (Option<Outcome>, bool) {
        let Some(tried) = self.attempt(task).await else { return (None, false) };
        match tried {
            Attempt::Done(outcome) => {
                done(slot, None);
                (Some(outcome), true)
            }
            // Seldom needed, and large.
            Attempt::Failed(error) => {
                let began = slot.as_ref().map_or_else(Instant::now, Slot::began);
                let asks = number >= self.perhaps_done && self.runner.asks(task);
                let tries = Tries::new(task.row);
                let between = Between { began, tries, last: None, asks, doubt: false, ask: false };
                Box::pin(self.go_on(task, slot, between, error)).await
            }
        }
    }

    /// After a first try that failed like this.
    async fn go_on(
        &self,
        task: &Task,
        slot: &mut Option<Slot>,
        mut between: Between,
        error: StoreError,
    ) -> (Option<Outcome>, bool) {
        let mut took = between.began.elapsed();
        let mut tried = self.judge(&mut between, error);
        loop {
            let wait = match tried {
                Tried::Over(outcome) => {
                    done(slot, None);
                    return (Some(outcome), true);
                }
                Tried::Left => return (self.left(&between), false),
                Tried::Again => {
                    done(slot, None);
                    Duration::ZERO
                }
                Tried::Failed(error) => {
                    if let Some(why) = self.why_in_parts(&error, took) {
                        // Its slot is for one part at a time; a part says nothing about how long operations take here.
                        match self.copy_in_parts(task, why).await {
                            Copied::Over(outcome) => return (Some(outcome), true),
                            Copied::Refused(error, tries) => return self.give_up(&error, tries).await,
                            Copied::NoSpool(error) => {
                                self.line.no_spool(&error);
                                return (None, false);
                            }
                            Copied::Stopped => return (None, false),
                            Copied::Small => {}
                        }
                    }
                    let class = retry::classify(&error);
                    done(slot, Some(class));
                    let wait = between.tries.failed(class, error.retry_after(), took);
                    let Some(wait) = wait else { return self.give_up(&error, between.tries.count).await };
                    self.gate.retried(class);
                    between.last = Some(error);
                    wait
                }
            };
            let again = async {
                self.let_go(slot);
                tokio::time::sleep(wait).await;
                self.again(slot).await;
            };
            tokio::select! {
                biased;
                // First of all whether the job goes on: an operation that could begin at once must not.
                () = self.leave(between.began) => return (self.left(&between), false),
                () = again => {}
            }
            let begins = Instant::now();
            tried = self.try_once(task, &mut between).await;
            took = begins.elapsed();
        }
    }

    /// What comes of a row that is not tried again: rows do not fail for a store that is full, or gone.
    async fn give_up(&self, error: &StoreError, tries: u32) -> (Option<Outcome>, bool) {
        let class = retry::classify(error);
        let lost = matches!(class, Class::Unreachable | Class::Throttled);
        if self.is_full(error) || lost && self.is_gone().await {
            self.line.trouble(error);
            return (None, false);
        }
        (Some(give_up(error, tries)), class == Class::Permanent)
    }

    /// Whether somebody has to make room first; nobody does so for a job that is cancelled.
    fn is_full(&self, error: &StoreError) -> bool {
        error.kind() == ErrorKind::InsufficientStorage && self.stop.level() < Level::Cancel
    }

    /// Whether nothing can be got from the store, when no row is answered: something else is asked of it once.
    async fn is_gone(&self) -> bool {
        if self.stop.level() >= Level::Cancel || !self.line.is_quiet() {
            return false;
        }
        self.gate.pass().await;
        let asked = AssertUnwindSafe(self.runner.store().bucket_exists(self.runner.changed_bucket()));
        let class = asked.catch_unwind().await.ok().and_then(Result::err).map(|error| retry::classify(&error));
        matches!(class, Some(Class::Unreachable | Class::Throttled))
    }

    /// Whoever waits on a network waits without a slot; a thread that waits is taken all the same.
    fn let_go(&self, slot: &mut Option<Slot>) {
        if self.runner.store().execution() == Execution::Async {
            *slot = None;
        }
    }

    /// What a repeat passes before it begins.
    async fn again(&self, slot: &mut Option<Slot>) {
        match slot {
            Some(_) => self.gate.pass().await,
            None => *slot = Some(self.gate.enter().await),
        }
    }

    /// Ends when a row that has failed must not be waited for any longer.
    async fn leave(&self, began: Instant) {
        tokio::select! {
            biased;
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

    /// One try. None: it was broken off.
    async fn attempt(&self, task: &Task) -> Option<Attempt> {
        if !self.runner.only_reads() {
            return Some(attempt(&self.runner, task).await);
        }
        // It may take as long as an object is large, and nothing is lost when it ends in the middle.
        let breakable = async {
            tokio::select! {
                biased;
                () = self.leave(Instant::now()) => None,
                tried = attempt(&self.runner, task) => Some(tried),
            }
        };
        Box::pin(breakable).await
    }

    /// One try, or one question.
    async fn try_once(&self, task: &Task, between: &mut Between) -> Tried {
        if !between.ask {
            return match self.attempt(task).await {
                None => Tried::Left,
                Some(Attempt::Done(outcome)) => Tried::Over(outcome),
                Some(Attempt::Failed(error)) => self.judge(between, error),
            };
        }
        match self.ask(task, between.began).await {
            // The question is refused; the operation may be allowed all the same.
            Err(error) if retry::classify(&error) == Class::Permanent => {
                between.ask = false;
                Tried::Again
            }
            Ok(answer) => {
                between.ask = false;
                answer.map_or(Tried::Again, Tried::Over)
            }
            Err(error) => Tried::Failed(error),
        }
    }

    /// What a try that failed means after those before it.
    fn judge(&self, between: &mut Between, error: StoreError) -> Tried {
        if between.doubt
            && let Some(outcome) = self.runner.means_done(&error)
        {
            return Tried::Over(outcome);
        }
        if error.kind() == ErrorKind::Unreachable {
            between.doubt = true;
            between.ask = between.asks;
        }
        Tried::Failed(error)
    }

    /// Whether an object should be copied in parts after a try that failed like this and took so long.
    fn why_in_parts<'e>(&self, error: &'e StoreError, took: Duration) -> Option<Why<'e>> {
        if !self.runner.copies() {
            None
        } else if may_be_too_large(error) {
            Some(Why::Refused(error))
        } else {
            (error.kind() == ErrorKind::Unreachable && took >= self.large.slow_copy).then_some(Why::Slow)
        }
    }

    /// An object that one request cannot copy.
    async fn copy_in_parts(&self, task: &Task, why: Why<'_>) -> Copied {
        let copy =
            AssertUnwindSafe(self.large.copy(&self.runner, task, &self.stop, &self.line, why)).catch_unwind().await;
        copy.unwrap_or_else(|_| Copied::Over(broken_off(&self.runner, task)))
    }

    /// Was it done?
    async fn ask(&self, task: &Task, began: Instant) -> Result<Option<Outcome>, StoreError> {
        let spent = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        let since = self.jobs.now().saturating_sub(spent).div_euclid(1000);
        AssertUnwindSafe(self.runner.ask(task, since)).catch_unwind().await.unwrap_or(Ok(None))
    }
}

/// What the store's answer says about how much it copes with.
fn done(slot: &mut Option<Slot>, class: Option<Class>) {
    if let Some(slot) = slot {
        slot.done(class);
    }
}

/// A store that panics fails the task, not the engine.
async fn attempt(runner: &Runner, task: &Task) -> Attempt {
    let attempt = AssertUnwindSafe(runner.attempt(task)).catch_unwind().await;
    attempt.unwrap_or_else(|_| Attempt::Done(broken_off(runner, task)))
}

fn broken_off(runner: &Runner, task: &Task) -> Outcome {
    tracing::error!(job = %runner.job(), row = task.row, "an object store panicked");
    Outcome::failure(500, "InternalError", "the object store broke off in the middle of the operation")
}
