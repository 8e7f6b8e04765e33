//! Many nodes are as one.

use std::time::Duration;

use super::cluster::{Cluster, Node, SOURCE};
use crate::{
    history::{OPEN, Plan, Team, assert_one_after_the_other, one_token_makes_one_job, request},
    left::SECRET,
    support::etag_of,
};

/// Three nodes, and clients that ask any of them.
async fn team() -> (Cluster, Vec<Node>, Team) {
    let cluster = Cluster::start(Duration::ZERO).await;
    let manifest = (0..5).map(|row| format!("{SOURCE},in/{row}\n")).collect::<String>();
    let etag = etag_of(&manifest);
    cluster.store.keep(SOURCE, "lists/all.csv", manifest.into());
    let nodes: Vec<Node> = (0..3).map(|_| cluster.node(&OPEN)).collect();
    let endpoints: Vec<String> = nodes.iter().map(|node| format!("http://{}", node.address)).collect();
    let team = Team::new(&endpoints, "AKIDNODE", SECRET, request(SOURCE, &etag));
    (cluster, nodes, team)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_nodes_are_as_if_one_served_one_client_at_a_time() {
    let (_cluster, _nodes, team) = team().await;
    one_token_makes_one_job(&team).await;
    let events = team.act(Plan::of(8, 100)).await;
    assert_one_after_the_other(&events);
}
