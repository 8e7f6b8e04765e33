//! Faults of single requests.

use cos_batch_nullstore::{Faults, NullStore, Options};

use super::{Job, ROWS_VARIABLE, number};

/// Rows of the job: enough that shares of one in a hundred come out.
const ROWS: u64 = 10_000;

/// Requests that the store may be asked for each hundred tasks: one try each, and what the faults cost.
const REQUESTS_PER_HUNDRED: u64 = 115;

/// Five of a hundred operations end in a 5xx, two in SlowDown, one is cut off before it is done and one after: no task
/// fails for that, each object is copied, and hardly more is asked than has to be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_task_fails_for_what_passes_by() {
    let faults = Faults { errors: 50, slow_downs: 20, resets: 10, lost_answers: 10, seed: 20, ..Faults::default() };
    let store = NullStore::start(Options { faults, record: true, ..Options::default() }).await.unwrap();
    let rows = number(ROWS_VARIABLE, ROWS);
    Job::create(&store, rows, "", "").ends_well(&store);

    let seen = store.seen();
    assert!(seen.faults * 100 > rows * 7, "only {} faults: the weather was not bad", seen.faults);
    let twice = seen.again;
    assert!(twice * 100 <= rows * 2, "{twice} copies were made again: only answers that were lost are a reason");
    let asked = seen.requests;
    assert!(asked * 100 <= rows * REQUESTS_PER_HUNDRED, "{asked} requests for {rows} tasks");
    eprintln!("{rows} rows: {} faults, {asked} requests, {twice} copies made again", seen.faults);
}
