//! The rows of a shard that are under way, and what has been done but not yet committed. Pure.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use crate::{
    report::row,
    store::Cursor,
    task::{Outcome, Task},
};

/// Batches in the order of their rows.
#[derive(Debug)]
pub(crate) struct Window {
    batches: VecDeque<Batch>,
    /// Number of the first batch in the queue.
    first: u64,
    rows: usize,
    pending: Pending,
    /// Rows that a checkpoint under way commits.
    committing: u64,
    /// Rows of succeeded tasks are reported too.
    all_tasks: bool,
}

#[derive(Debug)]
struct Batch {
    tasks: Arc<Vec<Task>>,
    /// One for each task from the first on, once the batch is back. Fewer than tasks: it was stopped.
    outcomes: Option<Vec<Outcome>>,
}

/// What a checkpoint will commit.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) cursor: Cursor,
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    pub(crate) codes: BTreeMap<String, u64>,
    /// Report rows, and how many.
    pub(crate) succeeded_file: Vec<u8>,
    pub(crate) succeeded_rows: u64,
    pub(crate) failed_file: Vec<u8>,
}

impl Pending {
    pub(crate) fn rows(&self) -> u64 {
        self.succeeded + self.failed
    }

    fn add(&mut self, task: &Task, outcome: &Outcome, all_tasks: bool) {
        if let Some(failure) = &outcome.failure {
            self.failed += 1;
            *self.codes.entry(failure.code.to_string()).or_default() += 1;
            row::write(&mut self.failed_file, task, outcome);
        } else {
            self.succeeded += 1;
            if all_tasks {
                self.succeeded_rows += 1;
                row::write(&mut self.succeeded_file, task, outcome);
            }
        }
        self.cursor.rows += 1;
        self.cursor.offset = self.cursor.offset.max(task.end);
    }
}

impl Window {
    pub(crate) fn new(cursor: Cursor, all_tasks: bool) -> Self {
        Self {
            batches: VecDeque::new(),
            first: 0,
            rows: 0,
            pending: Pending { cursor, ..Pending::default() },
            committing: 0,
            all_tasks,
        }
    }

    /// Rows handed out that are not in the books: after a kill they are done again.
    pub(crate) fn uncommitted(&self) -> u64 {
        self.rows as u64 + self.pending.rows() + self.committing
    }

    /// Rows that a checkpoint could commit now.
    pub(crate) fn ready(&self) -> u64 {
        self.pending.rows()
    }

    /// Adds a batch behind the others; its number comes back with its outcomes.
    pub(crate) fn push(&mut self, tasks: Arc<Vec<Task>>) -> u64 {
        self.rows += tasks.len();
        self.batches.push_back(Batch { tasks, outcomes: None });
        self.first + self.batches.len() as u64 - 1
    }

    /// A batch is back. Whatever now has no gap before it becomes ready.
    pub(crate) fn complete(&mut self, number: u64, outcomes: Vec<Outcome>) {
        let place = usize::try_from(number - self.first).unwrap_or(usize::MAX);
        if let Some(batch) = self.batches.get_mut(place) {
            batch.outcomes = Some(outcomes);
        }
        while let Some(batch) = self.batches.front()
            && batch.outcomes.as_ref().is_some_and(|outcomes| outcomes.len() == batch.tasks.len())
        {
            self.take_front();
        }
    }

    fn take_front(&mut self) {
        let Some(batch) = self.batches.pop_front() else { return };
        self.first += 1;
        self.rows -= batch.tasks.len();
        for (task, outcome) in batch.tasks.iter().zip(batch.outcomes.iter().flatten()) {
            self.pending.add(task, outcome, self.all_tasks);
        }
    }

    /// After the last batch is back, the work goes on elsewhere: also the executed beginning of the first batch that
    /// was stopped is ready; what lies behind the gap will be done again.
    pub(crate) fn close_to_go_on(&mut self) {
        if self.batches.front().is_some_and(|batch| batch.outcomes.is_some()) {
            self.take_front();
        }
        self.batches.clear();
        self.rows = 0;
    }

    /// After the last batch is back, and nobody will go on: all that was executed is ready, gaps or not.
    pub(crate) fn close_for_good(&mut self) {
        while !self.batches.is_empty() {
            self.take_front();
        }
    }

    /// Takes what is ready, to commit it. What was taken before is committed by now.
    pub(crate) fn take(&mut self) -> Pending {
        let cursor = self.pending.cursor;
        self.committing = self.pending.rows();
        std::mem::replace(&mut self.pending, Pending { cursor, ..Pending::default() })
    }

    /// What was taken last is in the books.
    pub(crate) fn committed(&mut self) {
        self.committing = 0;
    }
}

#[cfg(test)]
mod tests {
    use cos_batch_objectstore::VersionSelector;

    use super::*;

    fn tasks(rows: std::ops::Range<u64>) -> Arc<Vec<Task>> {
        let task = |row| Task {
            row,
            bucket: "b-1".into(),
            key: format!("k{row}"),
            version: VersionSelector::Latest,
            listed_as: crate::manifest::ListedAs::Object,
            end: (row + 1) * 10,
        };
        Arc::new(rows.map(task).collect())
    }

    fn good(count: usize) -> Vec<Outcome> {
        vec![Outcome::success(200); count]
    }

    #[test]
    fn only_the_prefix_without_gaps_is_ready() {
        let mut window = Window::new(Cursor::default(), true);
        let (a, b, c) = (window.push(tasks(0..2)), window.push(tasks(2..4)), window.push(tasks(4..6)));
        window.complete(c, good(2));
        assert_eq!((window.ready(), window.uncommitted()), (0, 6));
        window.complete(a, vec![Outcome::success(200), Outcome::failure(404, "NoSuchKey", "gone")]);
        assert_eq!((window.ready(), window.uncommitted()), (2, 6));
        let taken = window.take();
        assert_eq!(window.uncommitted(), 6, "what is being committed is not committed yet");
        window.committed();
        assert_eq!(window.uncommitted(), 4);
        assert_eq!(taken.cursor, Cursor { rows: 2, offset: 20 });
        assert_eq!((taken.succeeded, taken.failed, taken.succeeded_rows), (1, 1, 1));
        assert_eq!(taken.codes, BTreeMap::from([("NoSuchKey".to_owned(), 1)]));
        assert_eq!(String::from_utf8(taken.failed_file).unwrap(), "b-1,k1,,failed,404,NoSuchKey,gone\n");
        window.complete(b, good(2));
        assert_eq!(window.take().cursor, Cursor { rows: 6, offset: 60 });
        assert_eq!(window.take().rows(), 0);
    }

    #[test]
    fn a_pause_keeps_the_prefix_and_a_cancel_keeps_all_that_was_done() {
        let stopped = || {
            let mut window = Window::new(Cursor { rows: 10, offset: 5 }, false);
            let (a, b) = (window.push(tasks(0..3)), window.push(tasks(3..6)));
            window.complete(b, good(2));
            window.complete(a, good(1));
            window
        };
        let mut window = stopped();
        window.close_to_go_on();
        let taken = window.take();
        assert_eq!((taken.cursor, taken.succeeded), (Cursor { rows: 11, offset: 10 }, 1));
        assert!(taken.succeeded_file.is_empty(), "only failed tasks are reported here");
        let mut window = stopped();
        window.close_for_good();
        let taken = window.take();
        assert_eq!((taken.cursor.rows, taken.succeeded, window.uncommitted()), (13, 3, 3));
    }

    #[test]
    fn a_pause_with_nothing_done_keeps_nothing() {
        let mut window = Window::new(Cursor::default(), true);
        let (_, b) = (window.push(tasks(0..3)), window.push(tasks(3..6)));
        window.complete(b, good(3));
        window.close_to_go_on();
        assert_eq!(window.take().rows(), 0);
    }
}
