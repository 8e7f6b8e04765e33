//! A store that is gone for a while in the middle of a job.

use std::time::{Duration, Instant};

use cos_batch_nullstore::{NullStore, Options};

use super::{Job, ROWS_VARIABLE, number};

const ROWS: u64 = 6_000;

/// Seconds for which the store is gone, in place of those of the test.
const SECONDS_VARIABLE: &str = "COS_BATCH_WEATHER_OUTAGE_SECONDS";
const SECONDS: u64 = 4;

/// Not so quick that all is over before the store goes.
const ENGINE: &str = "operations_per_second = 3000";

/// Longest that anything may take until it begins: far more than it does.
const PATIENCE: Duration = Duration::from_secs(60);

/// The connections are cut off, and no further one is taken. The rows that were under way wait, whatever they are tried for,
/// and the job goes on by itself once the store is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_task_fails_while_the_store_is_gone() {
    let options = Options { latency: Duration::from_millis(2), record: true, ..Options::default() };
    let store = NullStore::start(options).await.unwrap();
    let rows = number(ROWS_VARIABLE, ROWS);
    let outage = Duration::from_secs(number(SECONDS_VARIABLE, SECONDS));
    let job = Job::create(&store, rows, "", ENGINE);
    let begin = Instant::now();
    while store.seen().applied < rows / 6 {
        assert!(begin.elapsed() < PATIENCE, "nothing begins: {}", job.log());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    store.go_away(outage);
    // What was being answered is done with.
    tokio::time::sleep(outage / 4).await;
    let before = store.seen();
    tokio::time::sleep(outage / 2).await;
    let after = store.seen();
    assert!(before.applied < rows, "it went too late: {before:?}");
    assert_eq!(after.applied, before.applied, "it was not gone");
    assert!(after.turned_away > 0, "nobody noticed: {after:?}");
    tokio::time::sleep(outage / 4).await;
    let back = Instant::now();
    while store.seen().applied == before.applied {
        assert!(back.elapsed() < outage + PATIENCE, "nothing goes on: {}", job.log());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let idle = back.elapsed();
    job.ends_well(&store);
    let seen = store.seen();
    assert!(seen.again <= after.turned_away, "only what is in doubt is done again: {seen:?}");
    let (turned_away, again) = (seen.turned_away, seen.again);
    eprintln!(
        "{rows} rows, gone for {outage:?} after {} of them: {turned_away} connections and requests turned away, the next copy \
         {idle:?} after it was back, {again} copies made again",
        before.applied
    );
}
