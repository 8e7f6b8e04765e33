//! Clocks that are wrong.

use std::{env, fs, path::PathBuf, process::Command, time::Duration};

use super::cluster::Cluster;

const ROWS: u64 = 1_500;

/// What puts a clock wrong, in C: it takes the place of a function of the C library.
const WRONG: &str = include_str!("clock.c");

/// Ten minutes, in seconds.
const AHEAD: i64 = 600;

fn library(cluster: &Cluster) -> PathBuf {
    let (source, library) = (cluster.place.path().join("clock.c"), cluster.place.path().join("clock.so"));
    fs::write(&source, WRONG).unwrap();
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let made = Command::new(compiler).args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).arg("-ldl").status();
    assert!(made.unwrap().success(), "a C compiler makes clock.so");
    library
}

/// Two nodes, one ten minutes ahead and one as much behind, say that they are not ready, and do a job together as any others
/// would: whose lease has run out is told by the database's clock alone. Times of the job are the database's, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_whose_clocks_are_wrong_take_nothing_from_each_other() {
    let cluster = Cluster::start_with(Duration::from_millis(5), 10).await;
    let library = library(&cluster);
    let api = cluster.node(&["--role", "api"]);
    let wrong = [AHEAD, -AHEAD].map(|ahead| {
        let environment = [("LD_PRELOAD", library.display().to_string()), ("WRONG_CLOCK_SECONDS", ahead.to_string())];
        cluster.node_in(&["--role", "worker"], &environment)
    });
    for (node, which) in wrong.iter().zip(["ahead of", "behind"]) {
        let (status, text) = node.get("/readyz");
        let near =
            [AHEAD - 1, AHEAD, AHEAD + 1].map(|off| format!("this machine's clock is {off} s {which} the database's"));
        assert!(status == 503 && near.iter().any(|said| text.starts_with(said)), "{status} {text}");
    }
    assert_eq!(api.get("/readyz").0, 200);
    // A shard for each file, so that both have some.
    let job = cluster.inventory_job(&api, "clocks", 30, ROWS);
    cluster.wait_for_jobs(1);
    let again = cluster.assert_exact(&api, &job, "clocks", ROWS);
    assert_eq!(again, 0, "nothing was taken from anybody");
    cluster.wait_for_rest();
    for node in &wrong {
        assert!(node.counted("cos_batch_checkpoints_total") > 0, "it did its part");
        assert_eq!(node.counted("cos_batch_leases_reaped_total"), 0);
        assert_eq!(node.counted("cos_batch_leases_lost_total"), 0);
    }
    let off = "SELECT count(*) FROM nodes.event WHERE abs(at - extract(epoch FROM now()) * 1000) > 300000";
    assert_eq!(cluster.database.sql(off).unwrap(), "0", "times are the database's");
}
