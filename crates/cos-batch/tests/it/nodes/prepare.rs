//! An inventory is prepared by all nodes together.

use std::{ops::Range, time::Duration};

use cos_batch_nullstore::Options;
use serde_json::Value;

use super::cluster::{Cluster, Node, REPORTS, until};

/// Many more than one node reads at once.
const FILES: u64 = 120;
const ROWS: u64 = 600;

/// Three looks for each file: a node alone takes seconds for all of them, and something can happen meanwhile.
const LOOK: Duration = Duration::from_millis(60);

/// Seconds.
const LEASE: u32 = 2;

/// Files that a node has leased so far.
fn taken(node: &Node) -> u64 {
    node.counted("cos_batch_leases_total{kind=\"file\"}")
}

fn number(cluster: &Cluster, sql: &str) -> u64 {
    cluster.database.sql(&format!("SET search_path = nodes; {sql}")).unwrap().parse().unwrap()
}

/// Shards of a job by what is in them, which depends on nothing but the inventory.
fn shards(cluster: &Cluster, job: &str) -> String {
    let of_job = format!("job = (SELECT num FROM job WHERE id = '{job}')");
    let columns = "number, first_row, row_count, source::json -> 'File' ->> 'start', source::json -> 'File' ->> 'end'";
    let sql = format!("SET search_path = nodes; SELECT {columns} FROM shard WHERE {of_job} ORDER BY number");
    cluster.database.sql(&sql).unwrap()
}

/// Texts of a report's files, in the order in which it lists them.
fn report(cluster: &Cluster, job: &str) -> Vec<String> {
    let list = cluster.store.kept(REPORTS, &format!("reports/job-{job}/manifest.json")).unwrap();
    let list: Value = serde_json::from_slice(&list).unwrap();
    let results = list["Results"].as_array().unwrap().iter();
    let text = |result: &Value| cluster.store.kept(REPORTS, result["Key"].as_str().unwrap()).unwrap();
    results.map(|result| String::from_utf8(text(result).to_vec()).unwrap()).collect()
}

/// What the shards of the inventory are: one for each file, in the order of the list.
fn expected() -> String {
    let rows = |file: u64| -> Range<u64> { ROWS * file / FILES..ROWS * (file + 1) / FILES };
    let bytes = |rows: Range<u64>| rows.map(|row| format!("photos-1250000000,same/{row}\n").len()).sum::<usize>();
    let line =
        |file| format!("{file}|{}|{}|0|{}", rows(file).start, rows(file).end - rows(file).start, bytes(rows(file)));
    (0..FILES).map(line).collect::<Vec<_>>().join("\n")
}

/// One node begins, another one helps, the first is killed in the middle: the second takes up its files and the job, and
/// nothing can be told from an inventory that one node prepared.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inventory_is_prepared_by_all_and_outlives_who_began() {
    let cluster = Cluster::start_on(Options { look_latency: LOOK, ..Options::default() }, LEASE).await;
    let api = cluster.node(&["--role", "api"]);
    let job = cluster.inventory_job(&api, "same", FILES, ROWS);
    let first = cluster.node(&["--role", "worker"]);
    until("the first one reads", || taken(&first) > 0);
    let second = cluster.node(&["--role", "worker"]);
    until("the second one helps", || taken(&second) > 10);
    let read = "SELECT count(*) FROM file WHERE state = 'done'";
    assert!(number(&cluster, read) < FILES, "it is over already");
    let by_first = taken(&first);
    first.kill();
    assert!(by_first > 8, "{by_first} files were taken by the first one");

    cluster.wait_for_jobs(1);
    cluster.assert_exact(&api, &job, "same", ROWS);
    assert_eq!(number(&cluster, read), FILES);
    let again = number(&cluster, "SELECT count(*) FROM file WHERE epoch > 1");
    assert!((1..by_first).contains(&again), "{again} of {by_first} files that the first one took were read again");
    assert!(number(&cluster, "SELECT lease_epoch FROM job") >= 3, "two prepared it, one finished it");
    // What was left behind was seen to be so: the job and each of these files.
    let reaped = second.counted("cos_batch_leases_reaped_total");
    assert!(reaped > again, "{reaped} leases ran out");
    assert_eq!(shards(&cluster, &job), expected());

    // The same once more, by one node from the beginning to the end.
    second.terminate();
    cluster.wait_for_rest();
    let alone = cluster.inventory_job(&api, "same", FILES, ROWS);
    let third = cluster.node(&["--role", "worker"]);
    cluster.wait_for_jobs(2);
    assert_eq!(taken(&third), FILES);
    assert_eq!(shards(&cluster, &alone), shards(&cluster, &job));
    assert_eq!(report(&cluster, &alone), report(&cluster, &job));
}
