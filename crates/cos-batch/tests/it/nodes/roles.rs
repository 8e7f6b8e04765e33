//! What a node is for, and what it says of itself.

use std::time::Duration;

use cos_batch_nodetest::Way;

use super::cluster::{Cluster, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_and_probes() {
    let mut cluster = Cluster::start(Duration::ZERO).await;
    let api = cluster.node(&["--role", "api"]);
    let job = cluster.job(&api, "roles", 10);
    assert_eq!(api.get("/livez"), (200, "ok\n".to_owned()));
    assert_eq!(api.get("/readyz"), (200, "ok\n".to_owned()));

    // Nobody works on it; who answers elsewhere knows of it all the same.
    let other = cluster.node(&["--role", "api"]);
    assert_eq!(cluster.describe(&other, &job)["Status"], "New");
    let worker = cluster.node(&["--role", "worker"]);
    until("the job is done", || cluster.describe(&other, &job)["Status"] == "Complete");
    cluster.assert_exact(&api, &job, "roles", 10);
    assert_eq!(worker.get("/readyz").0, 200);
    let (status, text) = worker.get("/jobs");
    assert_eq!((status, text.as_str()), (404, "this node works on jobs and answers no API (--role worker)\n"));

    // Without its database a node lives, and is not ready.
    cluster.database.kill().unwrap();
    until("it is not ready", || api.get("/readyz").0 == 503);
    assert_eq!(api.get("/livez").0, 200);
    assert!(api.get("/readyz").1.contains("the job store failed"));
    cluster.database.resume().unwrap();
    until("it is ready", || api.get("/readyz").0 == 200);
    cluster.proxy.set(Way::Silent);
    until("nobody answers", || worker.get("/readyz").1.contains("did not answer within 2 seconds"));
    cluster.proxy.set(Way::Open);
    until("it is ready", || worker.get("/readyz").0 == 200);
    worker.terminate();
    api.terminate();
}
