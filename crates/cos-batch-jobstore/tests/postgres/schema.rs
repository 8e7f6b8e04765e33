//! The schema: made once, by whoever comes first, and left alone where it is not ours or too new.

use std::time::Duration;

use cos_batch_engine::{
    JobStore as _, SystemClock,
    store::{
        JobStatus, ListFilter,
        contract::{new_job, set_status, shard},
    },
};
use cos_batch_jobstore::PostgresJobStore;
use cos_batch_nodetest::Postgres;
use tokio::task::JoinSet;

use crate::open;

const TENANT: &str = "1250000000";
const TTL: Duration = Duration::from_secs(30);

async fn refusal(server: &Postgres, schema: &str) -> String {
    PostgresJobStore::open(&server.url(schema), |_| None, SystemClock).await.unwrap_err().to_string()
}

/// One server for all of these: starting one takes longer than they do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemas() {
    let server = Postgres::start().unwrap();
    many_nodes_may_begin_at_once(&server).await;
    an_older_schema_is_brought_up_to_date(&server).await;
    a_newer_schema_is_left_alone(&server).await;
    tables_of_others_are_left_alone(&server).await;
    rights_that_lack_are_named(&server).await;
}

async fn many_nodes_may_begin_at_once(server: &Postgres) {
    let mut nodes = JoinSet::new();
    for number in 0..8 {
        let url = server.url("race");
        nodes.spawn(async move {
            let store = PostgresJobStore::open(&url, |_| None, SystemClock).await.unwrap();
            store.create(new_job(TENANT, &number.to_string())).await.unwrap();
        });
    }
    nodes.join_all().await;
    let store = open(server, "race").await;
    let all = ListFilter { tenant: TENANT, statuses: &[], after: None, limit: 100, newest_first: false };
    assert_eq!(store.list(all).await.unwrap().0.len(), 8);
    assert_eq!(server.sql("SELECT count(*) FROM race.migration").unwrap(), "2");
}

/// A store of the first release is brought up to date while a node of that release is at work: what that node asks for is
/// still there, and what it does not know does not matter to it.
async fn an_older_schema_is_brought_up_to_date(server: &Postgres) {
    let old = open(server, "older").await;
    server.sql("SET search_path = older; DROP TABLE file; DELETE FROM migration WHERE number > 1").unwrap();
    let job = old.create(new_job(TENANT, "1")).await.unwrap().id;
    let lease = old.lease_job(job, TTL).await.unwrap().unwrap();
    set_status(&old, job, JobStatus::Preparing).await.unwrap();
    let new = open(server, "older").await;
    assert_eq!(server.sql("SELECT max(number) FROM older.migration").unwrap(), "2");
    assert_eq!(new.claim_file(job, TTL).await.unwrap(), None);
    old.add_shards(&lease, vec![shard(0, 0, 1)]).await.unwrap();
    set_status(&old, job, JobStatus::Active).await.unwrap();
    assert!(new.claim_shard(job, TTL).await.unwrap().is_some());
}

async fn a_newer_schema_is_left_alone(server: &Postgres) {
    drop(open(server, "newer").await);
    server.sql("INSERT INTO newer.migration (number) VALUES (99)").unwrap();
    let error = refusal(server, "newer").await;
    assert!(error.contains("has schema 99, this release knows schemas up to"), "{error}");
    assert_eq!(server.sql("SELECT max(number) FROM newer.migration").unwrap(), "99");
}

async fn tables_of_others_are_left_alone(server: &Postgres) {
    server.sql("CREATE SCHEMA theirs; CREATE TABLE theirs.job (a integer)").unwrap();
    let error = refusal(server, "theirs").await;
    assert!(error.contains("the schema theirs has tables, but is not a job store"), "{error}");
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'theirs'";
    assert_eq!(server.sql(tables).unwrap(), "1");
}

async fn rights_that_lack_are_named(server: &Postgres) {
    server.sql("CREATE ROLE small LOGIN").unwrap();
    let url = server.url("small").replace("test@", "small@");
    let error = PostgresJobStore::open(&url, |_| None, SystemClock).await.unwrap_err().to_string();
    assert!(error.contains("the user may not do this in PostgreSQL: permission denied"), "{error}");
    let url = server.url("small").replace("test@", "nobody@");
    let error = PostgresJobStore::open(&url, |_| None, SystemClock).await.unwrap_err().to_string();
    assert!(error.contains("does not let this user in"), "{error}");
    let url = server.url("small").replace("/postgres?", "/missing?");
    let error = PostgresJobStore::open(&url, |_| None, SystemClock).await.unwrap_err().to_string();
    assert!(error.contains("make it with createdb"), "{error}");
}
