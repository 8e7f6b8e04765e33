//! Answers that break off, and answers that never come.

use std::time::Duration;

use cos_batch_nullstore::{Faults, NullStore, Options};

use super::{Job, ROWS_VARIABLE, number};

const ROWS: u64 = 3_000;

/// How long a copy may take before the server gives up on its answer.
const PATIENCE: &str = "copy_timeout = 1";

/// One copy in fifty has half an answer, one in two hundred none at all although its connection stays open, and every third
/// read of the manifest breaks off. All that is known of such a copy is that it may have been made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_task_fails_for_half_an_answer_or_for_none() {
    let faults = Faults { truncated: 20, hangs: 5, reads_truncated: 333, seed: 5, ..Faults::default() };
    let options = Options { faults, record: true, latency: Duration::from_millis(1), ..Options::default() };
    let store = NullStore::start(options).await.unwrap();
    let rows = number(ROWS_VARIABLE, ROWS);
    Job::create(&store, rows, PATIENCE, "").ends_well(&store);

    let seen = store.seen();
    assert!(seen.truncated * 100 > rows, "{seen:?}");
    assert!(seen.hung * 500 > rows && seen.reads_truncated > 0, "{seen:?}");
    assert!(seen.again <= seen.truncated + seen.hung, "only what is in doubt is done again: {seen:?}");
    let (truncated, hung, reads, again) = (seen.truncated, seen.hung, seen.reads_truncated, seen.again);
    eprintln!(
        "{rows} rows: {truncated} half answers, {hung} that never came, {reads} reads cut, {again} copies made again"
    );
}
