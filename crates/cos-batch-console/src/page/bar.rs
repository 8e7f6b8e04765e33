//! A bar that shows how far a job is.

use cos_batch_engine::view::ProgressView;

use crate::{format::per_mille, words::Words};

/// Where a bar is drawn, and what it says to those who do not see it. Lengths are in thousandths.
pub(super) struct Bar {
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    pub(super) percent: String,
    pub(super) label: String,
}

impl Bar {
    pub(super) fn new(progress: &ProgressView, words: &Words) -> Self {
        let (total, good, bad) =
            (progress.total_number_of_tasks, progress.number_of_tasks_succeeded, progress.number_of_tasks_failed);
        let done = per_mille(good.saturating_add(bad), total);
        let mut failed = per_mille(bad, total);
        // What failed is seen, however little it is.
        if bad > 0 {
            failed = failed.max(8);
        }
        let label = match total {
            0 => words.no_tasks_yet.to_owned(),
            _ => words.done(good.saturating_add(bad), total, bad),
        };
        Self { succeeded: done.max(failed) - failed, failed, percent: format!("{}.{}", done / 10, done % 10), label }
    }
}

/// The color of a status: how somebody looks at it.
pub(super) fn tone(status: &str) -> &'static str {
    match status {
        "Complete" => "good",
        "Failed" | "Failing" => "bad",
        "Suspended" => "ask",
        "Cancelled" | "Cancelling" => "off",
        "Paused" | "Pausing" => "idle",
        _ => "busy",
    }
}

/// Whether a job in this status will change by itself.
pub(super) fn moves(status: &str) -> bool {
    !matches!(status, "Complete" | "Failed" | "Cancelled" | "Suspended")
}

/// Whether a job in this status has ended.
pub(super) fn is_over(status: &str) -> bool {
    matches!(status, "Complete" | "Failed" | "Cancelled")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Lang;

    fn bar(total: u64, good: u64, bad: u64) -> Bar {
        let progress =
            ProgressView { total_number_of_tasks: total, number_of_tasks_succeeded: good, number_of_tasks_failed: bad };
        Bar::new(&progress, Lang::En.words())
    }

    #[test]
    fn a_single_failure_is_seen_and_a_bar_is_full_only_at_the_end() {
        let one = bar(1_000_000, 999_998, 1);
        assert_eq!((one.succeeded + one.failed, one.failed, one.percent.as_str()), (999, 8, "99.9"));
        assert_eq!(one.label, "999,999 of 1,000,000 tasks, 1 failed");
        let end = bar(10, 10, 0);
        assert_eq!((end.succeeded, end.failed, end.percent.as_str()), (1000, 0, "100.0"));
        let none = bar(0, 0, 0);
        assert_eq!((none.succeeded, none.failed, none.label.as_str()), (0, 0, "not counted yet"));
        let bad = bar(10_000, 0, 1);
        assert_eq!((bad.succeeded, bad.failed), (0, 8));
    }
}
