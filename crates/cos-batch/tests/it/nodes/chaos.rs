//! Nodes that are killed, frozen and cut off at random, with a database that is killed too: no object's operation is left
//! out, no count is wrong, no row is reported twice, and no job is stuck.

use std::{
    env,
    io::Write as _,
    time::{Duration, Instant},
};

use cos_batch_nodetest::Way;

use super::cluster::{Cluster, Node, pause, until};
use crate::dice::Dice;

/// Runs for so many seconds instead, round after round, each with another seed.
const SECONDS_VARIABLE: &str = "COS_BATCH_TORTURE_SECONDS";
/// The seed of the first round.
const SEED_VARIABLE: &str = "COS_BATCH_TORTURE_SEED";

const NODES: usize = 3;
const JOBS: u64 = 20;
const ROWS: u64 = 1_500;

/// Every so many-th job is an inventory, of so many files: more than a node reads at once.
const INVENTORY_EACH: usize = 5;
const FILES: u64 = 15;

/// Nodes killed in a round.
const KILLS: u32 = 50;

/// Longer than a lease of the nodes lasts.
const PAST_THE_LEASE: Duration = Duration::from_millis(2_500);

/// Where all that is left is held by nodes that are gone, nothing moves; then the next thing happens after so long.
const STEP: Duration = Duration::from_millis(200);

/// How long an operation takes: rows are under way whenever something happens.
const LATENCY: Duration = Duration::from_millis(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_counted_twice() {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let mut seed = number(SEED_VARIABLE).unwrap_or(1);
    let begin = Instant::now();
    let time = Duration::from_secs(number(SECONDS_VARIABLE).unwrap_or(0));
    loop {
        round(seed).await;
        if begin.elapsed() >= time {
            return;
        }
        seed += 1;
    }
}

fn node(dice: &mut Dice) -> usize {
    usize::try_from(dice.below(NODES as u64)).unwrap()
}

/// For whoever looks at a failure, or at a long run.
fn say(text: &str) {
    // Nobody may be there to read it.
    let _ = writeln!(std::io::stderr(), "{text}");
}

async fn round(seed: u64) {
    say(&format!("seed {seed}"));
    let mut dice = Dice(seed);
    let mut cluster = Cluster::start(LATENCY).await;
    // Jobs are made while nobody works, so that all that follows happens to them.
    let api = cluster.node(&["--role", "api"]);
    let names: Vec<String> = (0..JOBS).map(|number| format!("job-{number}")).collect();
    let jobs: Vec<String> = names
        .iter()
        .zip(0..)
        .map(|(name, number)| match number % INVENTORY_EACH {
            0 => cluster.inventory_job(&api, name, FILES, ROWS),
            _ => cluster.job(&api, name, ROWS),
        })
        .collect();
    let mut nodes: Vec<Node> = (0..NODES).map(|_| cluster.node(&[])).collect();

    let mut kills = 0;
    while kills < KILLS {
        let (before, enough) = (cluster.store.seen().operations, dice.below(300));
        let begin = Instant::now();
        until("something happens", || cluster.store.seen().operations >= before + enough || begin.elapsed() > STEP);
        match kills {
            8 | 30 => frozen(&cluster, &nodes[node(&mut dice)]),
            15 => {
                cluster.database.kill().unwrap();
                cluster.database.resume().unwrap();
            }
            22 => rolled(&cluster, &mut nodes),
            35 => {
                cluster.database.stop().unwrap();
                pause(Duration::from_millis(300));
                cluster.database.resume().unwrap();
            }
            40 => {
                cluster.proxy.set(Way::Silent);
                pause(PAST_THE_LEASE);
                cluster.proxy.set(Way::Open);
            }
            44 => cluster.proxy.set(Way::Slow(Duration::from_millis(5))),
            48 => cluster.proxy.set(Way::Open),
            _ if kills % 5 == 0 => cluster.proxy.cut(),
            _ => {}
        }
        let place = node(&mut dice);
        nodes.push(cluster.node(&[]));
        nodes.swap_remove(place).kill();
        kills += 1;
    }

    let mut again = 0;
    cluster.wait_for_jobs(JOBS);
    for (job, name) in jobs.iter().zip(&names) {
        again += cluster.assert_exact(&api, job, name, ROWS);
    }
    cluster.wait_for_rest();
    say(&format!("{again} operations of {} were done again", JOBS * ROWS));
    // Some ten rows are beyond the books of each of four shards when a node goes, unless the database is away; were all that
    // was lost with a node done again from the beginning, it would be a multiple of all rows.
    assert!(again < JOBS * ROWS, "{again} operations were done again");
}

/// A node that sleeps past its leases and wakes up writes nothing for them: the books say so in the end.
fn frozen(cluster: &Cluster, node: &Node) {
    node.freeze();
    pause(PAST_THE_LEASE);
    // What the frozen one had begun has ended by now.
    let before = cluster.store.seen().operations;
    let left = "SELECT count(*) FROM nodes.job WHERE status NOT IN ('Complete', 'Completing')";
    until("the others go on meanwhile", || {
        cluster.store.seen().operations > before || cluster.database.sql(left).unwrap() == "0"
    });
    node.thaw();
}

/// One after the other, each node is replaced.
fn rolled(cluster: &Cluster, nodes: &mut Vec<Node>) {
    for _ in 0..NODES {
        nodes.push(cluster.node(&[]));
        nodes.remove(0).terminate();
    }
}
