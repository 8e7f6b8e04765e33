//! The rows of a shard that are under way, and what has been done but not yet committed. Pure.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    report::row,
    store::Cursor,
    task::{Outcome, Task},
};

/// Rows in the order of the manifest.
#[derive(Debug)]
pub(crate) struct Window {
    /// From the first row on that is not ready: what came of each, once it is back. None: it is under way, or was stopped.
    rows: VecDeque<Option<(Task, Outcome)>>,
    /// Number of the first row in the queue.
    first: u64,
    pending: Pending,
    /// Rows that a checkpoint under way commits.
    committing: u64,
    /// Rows of succeeded tasks are reported too.
    all_tasks: bool,
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
            match self.codes.get_mut(&*failure.code) {
                Some(count) => *count += 1,
                None => {
                    self.codes.insert(failure.code.to_string(), 1);
                }
            }
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
            rows: VecDeque::new(),
            first: 0,
            pending: Pending { cursor, ..Pending::default() },
            committing: 0,
            all_tasks,
        }
    }

    /// Rows that were begun and are not in the books: after a kill they are done again.
    pub(crate) fn uncommitted(&self) -> u64 {
        self.rows.len() as u64 + self.pending.rows() + self.committing
    }

    /// Rows that a checkpoint could commit now.
    pub(crate) fn ready(&self) -> u64 {
        self.pending.rows()
    }

    /// Adds a row behind the others; its number comes back with its outcome.
    pub(crate) fn begin(&mut self) -> u64 {
        self.rows.push_back(None);
        self.first + self.rows.len() as u64 - 1
    }

    /// A row is back. Whatever now has no gap before it becomes ready.
    pub(crate) fn complete(&mut self, number: u64, task: Task, outcome: Outcome) {
        let place = usize::try_from(number - self.first).unwrap_or(usize::MAX);
        if place == 0 {
            self.rows.pop_front();
            self.first += 1;
            self.pending.add(&task, &outcome, self.all_tasks);
        } else if let Some(row) = self.rows.get_mut(place) {
            *row = Some((task, outcome));
            return;
        }
        while let Some(Some((task, outcome))) = self.rows.front() {
            self.pending.add(task, outcome, self.all_tasks);
            self.rows.pop_front();
            self.first += 1;
        }
    }

    /// After the last row is back, the work goes on elsewhere: what lies behind a row that was stopped will be done again.
    pub(crate) fn close_to_go_on(&mut self) {
        self.first += self.rows.len() as u64;
        self.rows.clear();
    }

    /// After the last row is back, and nobody will go on: all that was executed is ready, gaps or not.
    pub(crate) fn close_for_good(&mut self) {
        self.first += self.rows.len() as u64;
        for (task, outcome) in self.rows.drain(..).flatten() {
            self.pending.add(&task, &outcome, self.all_tasks);
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

    fn task(row: u64) -> Task {
        Task {
            row,
            bucket: "b-1".into(),
            key: format!("k{row}"),
            version: VersionSelector::Latest,
            listed_as: crate::manifest::ListedAs::Object,
            end: (row + 1) * 10,
        }
    }

    fn good(window: &mut Window, row: u64) {
        window.complete(row, task(row), Outcome::success(200));
    }

    fn begun(cursor: Cursor, all_tasks: bool, rows: u64) -> Window {
        let mut window = Window::new(cursor, all_tasks);
        assert!((0..rows).all(|row| window.begin() == row));
        window
    }

    #[test]
    fn only_the_prefix_without_gaps_is_ready() {
        let mut window = begun(Cursor::default(), true, 4);
        good(&mut window, 2);
        assert_eq!((window.ready(), window.uncommitted()), (0, 4));
        good(&mut window, 0);
        assert_eq!((window.ready(), window.uncommitted()), (1, 4));
        window.complete(1, task(1), Outcome::failure(404, "NoSuchKey", "gone"));
        assert_eq!((window.ready(), window.uncommitted()), (3, 4));
        let taken = window.take();
        assert_eq!(window.uncommitted(), 4, "what is being committed is not committed yet");
        window.committed();
        assert_eq!(window.uncommitted(), 1);
        assert_eq!(taken.cursor, Cursor { rows: 3, offset: 30 });
        assert_eq!((taken.succeeded, taken.failed, taken.succeeded_rows), (2, 1, 2));
        assert_eq!(taken.codes, BTreeMap::from([("NoSuchKey".to_owned(), 1)]));
        assert_eq!(String::from_utf8(taken.failed_file).unwrap(), "b-1,k1,,failed,404,NoSuchKey,gone\n");
        good(&mut window, 3);
        assert_eq!(window.take().cursor, Cursor { rows: 4, offset: 40 });
        assert_eq!(window.take().rows(), 0);
        assert_eq!(window.begin(), 4, "numbers go on");
    }

    #[test]
    fn a_pause_keeps_the_prefix_and_a_cancel_keeps_all_that_was_done() {
        // Rows 1 and 2 were stopped.
        let stopped = || {
            let mut window = begun(Cursor { rows: 10, offset: 5 }, false, 5);
            good(&mut window, 3);
            good(&mut window, 0);
            good(&mut window, 4);
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
        let mut window = begun(Cursor::default(), true, 4);
        good(&mut window, 2);
        good(&mut window, 3);
        window.close_to_go_on();
        assert_eq!((window.take().rows(), window.uncommitted()), (0, 0));
    }
}
