//! What one node leaves, another one takes up.

use std::time::{Duration, Instant};

use super::cluster::{Cluster, PATIENCE, until};

const ROWS: u64 = 1_500;

/// A node that is frozen past its lease is followed by another one within the lease and the time between two looks. When it
/// wakes up, none of what it still had to say gets into the books.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_node_is_followed_and_writes_nothing() {
    let cluster = Cluster::start(Duration::from_millis(10)).await;
    let api = cluster.node(&["--role", "api"]);
    let job = cluster.job(&api, "frozen", ROWS);
    let sleeper = cluster.node(&["--role", "worker"]);
    until("it has begun", || cluster.store.seen().applied > 200);
    sleeper.freeze();
    let begin = Instant::now();
    let other = cluster.node(&["--role", "worker"]);
    // On a machine that has much to do the other one may lose it as well, and take it up again.
    let epoch = || cluster.database.sql("SELECT epoch FROM nodes.shard").unwrap().parse::<u64>().unwrap();
    until("the other one has it", || epoch() > 1);
    let took = begin.elapsed();
    eprintln!("taken over after {} ms", took.as_millis());
    // The lease is two seconds; the rest is for a machine that has much to do.
    assert!(took < PATIENCE / 10, "{took:?}");
    until("it goes on", || cluster.database.sql("SELECT count(*) FROM nodes.segment WHERE epoch > 1").unwrap() != "0");

    let first = "SELECT count(*), max(number) FROM nodes.segment WHERE epoch = 1";
    let before = cluster.database.sql(first).unwrap();
    sleeper.thaw();
    until("it learns that it has lost its lease", || cluster.log().contains("lease lost"));
    assert_eq!(cluster.database.sql(first).unwrap(), before);
    cluster.wait_for_jobs(1);
    cluster.assert_exact(&api, &job, "frozen", ROWS);
    assert_eq!(cluster.database.sql(first).unwrap(), before);
    cluster.wait_for_rest();
    drop((sleeper, other));
}

/// A node that is asked to stop gives back what it holds, and nobody waits for a lease.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stops_gives_back_what_it_holds() {
    // Nothing may run out here, however long the machine lets somebody wait.
    let cluster = Cluster::start_with(Duration::from_millis(10), 60).await;
    let first = cluster.node(&[]);
    let job = cluster.job(&first, "stopped", ROWS);
    until("it has begun", || cluster.store.seen().applied > 200);
    let second = cluster.node(&[]);
    first.terminate();
    cluster.wait_for_jobs(1);
    let again = cluster.assert_exact(&second, &job, "stopped", ROWS);
    assert_eq!(again, 0, "what was done is in the books before it ends");
    assert!(!cluster.log().contains("leases ran out"), "{}", cluster.log());
}
