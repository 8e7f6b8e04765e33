//! Many stores on one database, and what lies between.

use std::{sync::Arc, time::Duration};

use cos_batch_engine::{
    Clock, JobStore, ShardTally, SystemClock, UnixMillis,
    store::{
        Checkpoint, JobLease, JobStatus, ShardLease, StoreError,
        contract::{new_job, set_status, shard},
    },
};
use cos_batch_jobstore::PostgresJobStore;
use cos_batch_nodetest::{Postgres, Proxy, Way};
use tokio::time::timeout;
use uuid::Uuid;

use crate::open;

const TENANT: &str = "1250000000";
const TTL: Duration = Duration::from_secs(30);

/// Longer than anything here takes.
const GUARD: Duration = Duration::from_secs(60);

/// One server for all of these: starting one takes longer than they do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stores() {
    let mut server = Postgres::start().unwrap();
    changes_are_heard_of_elsewhere(&server).await;
    the_time_is_the_databases(&server).await;
    a_job_that_ended_has_its_counts_in_one_place(&server).await;
    a_large_job_is_cleared_in_pieces(&server).await;
    claims_stay_fast_among_finished_shards(&server).await;
    no_lease_begins_once_a_job_is_stopped(&server).await;
    claims_do_not_touch_the_job(&server).await;
    a_node_that_stops_in_a_transaction_is_cut_off(&server).await;
    connections_that_break_are_made_anew(&server).await;
    a_server_that_was_killed_has_lost_nothing(&mut server).await;
}

async fn active(store: &dyn JobStore, token: &str, shards: u32, rows: u64) -> Uuid {
    let id = store.create(new_job(TENANT, token)).await.unwrap().id;
    let lease = store.lease_job(id, TTL).await.unwrap().unwrap();
    let list = (0..shards).map(|index| shard(index, u64::from(index) * rows, rows)).collect();
    store.add_shards(&lease, list).await.unwrap();
    store.release_job(&lease).await.unwrap();
    set_status(store, id, JobStatus::Active).await.unwrap();
    id
}

/// A step of one row that succeeded, or failed.
fn step(lease: &ShardLease, failed: bool) -> Checkpoint {
    let mut cursor = lease.cursor;
    cursor.rows += 1;
    cursor.offset += 10;
    let failed = u64::from(failed);
    Checkpoint {
        cursor,
        succeeded: 1 - failed,
        failed,
        codes: (failed > 0).then(|| ("SlowDown".to_owned(), failed)).into_iter().collect(),
        segment: None,
        report_bytes: 7,
    }
}

async fn changes_are_heard_of_elsewhere(server: &Postgres) {
    let (one, other) = (open(server, "heard").await, open(server, "heard").await);
    // Whoever begins to listen may have missed what came before.
    let job = one.create(new_job(TENANT, "first")).await.unwrap();
    let mut heard = Box::pin(other.changed());
    assert!(timeout(Duration::from_millis(300), &mut heard).await.is_err(), "nobody said anything");
    // How long it takes until somebody listens is the machine's business.
    let deadline = std::time::Instant::now() + GUARD;
    for number in 0.. {
        one.create(new_job(TENANT, &format!("again {number}"))).await.unwrap();
        if timeout(Duration::from_millis(300), &mut heard).await.is_ok() {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "nobody listens");
    }
    drop(heard);
    while timeout(Duration::from_millis(300), other.changed()).await.is_ok() {}
    set_status(&one, job.id, JobStatus::Preparing).await.unwrap();
    timeout(GUARD, other.changed()).await.unwrap();
    one.create(new_job(TENANT, "second")).await.unwrap();
    timeout(GUARD, other.changed()).await.unwrap();
}

/// A clock that is wrong by so much.
#[derive(Debug)]
struct Skewed(i64);

impl Clock for Skewed {
    fn now(&self) -> UnixMillis {
        SystemClock.now() + self.0
    }
}

async fn the_time_is_the_databases(server: &Postgres) {
    let right = open(server, "time").await;
    let job = active(&right, "1", 3, 2).await;
    for (skew, ahead) in [(600_000, -600_000), (-600_000, 600_000i64)] {
        let wrong = PostgresJobStore::open(&server.url("time"), |_| None, Skewed(skew)).await.unwrap();
        let health = wrong.check().await.unwrap();
        assert!((health.ahead_millis - ahead).abs() < 5_000, "{health:?}");
        assert!((wrong.now() - SystemClock.now()).abs() < 5_000, "its time is the database's all the same");
        let made = wrong.create(new_job(TENANT, &skew.to_string())).await.unwrap();
        assert!((made.created_at - SystemClock.now()).abs() < 5_000);
        let lease = wrong.claim_shard(job, TTL).await.unwrap().unwrap();
        assert_eq!(right.reap(false).await.unwrap(), 0, "its lease lasts as long as anybody's");
        assert_eq!(wrong.reap(false).await.unwrap(), 0);
        wrong.release_shard(&lease).await.unwrap();
    }
    let short = right.claim_shard(job, Duration::ZERO).await.unwrap().unwrap();
    assert_eq!(right.reap(false).await.unwrap(), 1);
    assert!(matches!(right.renew_shard(&short, TTL).await, Err(StoreError::LeaseLost)));
}

async fn a_job_that_ended_has_its_counts_in_one_place(server: &Postgres) {
    let store = open(server, "ended").await;
    let job = active(&store, "1", 4, 2).await;
    for failed in [false, true, true] {
        let lease = store.claim_shard(job, TTL).await.unwrap().unwrap();
        store.checkpoint(&lease, step(&lease, failed), TTL).await.unwrap();
    }
    let before = store.get(job).await.unwrap().unwrap();
    assert_eq!((before.progress.succeeded, before.progress.failed), (1, 2));
    set_status(&store, job, JobStatus::Cancelled).await.unwrap();
    assert_eq!(store.get(job).await.unwrap().unwrap().progress, before.progress);
    assert_eq!(store.codes(job).await.unwrap(), [("SlowDown".to_owned(), 2)]);
    assert_eq!(server.sql("SELECT count(*) FROM ended.shard WHERE counted").unwrap(), "0");
    assert_eq!(server.sql("SELECT succeeded, failed, report_bytes FROM ended.job").unwrap(), "1|2|21");
}

async fn a_large_job_is_cleared_in_pieces(server: &Postgres) {
    let store = open(server, "pieces").await;
    let job = store.create(new_job(TENANT, "1")).await.unwrap().id;
    let lease = store.lease_job(job, TTL).await.unwrap().unwrap();
    let many = "SET search_path = pieces; UPDATE job SET shards = 25000; INSERT INTO shard (job, number, source, bytes, first_row, \
                row_count) SELECT num, n, '{\"Bytes\":{\"start\":0,\"end\":10}}', 10, n, 1 FROM job, \
                generate_series(0, 24999) n";
    server.sql(many).unwrap();
    // What hangs on a lease that was lost is not touched.
    let lost = JobLease { epoch: lease.epoch + 1, ..lease.clone() };
    assert!(matches!(store.clear_shards(&lost).await, Err(StoreError::LeaseLost)));
    let shards = "SELECT (SELECT shards FROM pieces.job), (SELECT count(*) FROM pieces.shard)";
    assert_eq!(server.sql(shards).unwrap(), "25000|25000");
    store.clear_shards(&lease).await.unwrap();
    assert_eq!(server.sql(shards).unwrap(), "0|0");
}

/// The plan of a claim neither walks over finished shards nor sorts those that wait.
async fn claims_stay_fast_among_finished_shards(server: &Postgres) {
    let store = open(server, "fast").await;
    let job = active(&store, "1", 10, 1).await;
    server
        .sql(
            "SET search_path = fast; UPDATE job SET shards = 20000; INSERT INTO shard (job, number, source, bytes, \
             first_row, row_count, state, epoch, cursor_rows) SELECT 1, n, '{\"Bytes\":{\"start\":0,\"end\":10}}', 10, n, 1, \
             'done', 1, 1 FROM generate_series(10, 10000) n; INSERT INTO shard (job, number, source, bytes, first_row, \
             row_count) SELECT 1, n, '{\"Bytes\":{\"start\":0,\"end\":10}}', 10, n, 1 FROM generate_series(10001, 20000) n; \
             DELETE FROM shard WHERE number < 10; ANALYZE shard",
        )
        .unwrap();
    // What a session read is counted when it ends.
    let others = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'psql' AND pid <> pg_backend_pid()";
    let deadline = std::time::Instant::now() + GUARD;
    while server.sql(others).unwrap() != "0" {
        assert!(std::time::Instant::now() < deadline, "somebody else is at work");
    }
    server.sql("SELECT pg_stat_reset()").unwrap();
    for number in 10_001..10_051 {
        assert_eq!(store.claim_shard(job, TTL).await.unwrap().unwrap().shard.index, number);
    }
    drop(store);
    // Counters of a session are added up when it has ended, or after a second.
    let read = "SELECT sum(idx_tup_fetch), sum(seq_tup_read) FROM pg_stat_user_tables WHERE schemaname = 'fast' AND relname = 'shard'";
    let deadline = std::time::Instant::now() + GUARD;
    loop {
        let told = server.sql(read).unwrap();
        let (fetched, scanned) = told.split_once('|').unwrap();
        let fetched: u64 = fetched.parse().unwrap_or(0);
        if fetched > 0 {
            assert_eq!(scanned, "0", "rows that were read without an index");
            assert!(fetched < 50 * 200, "{fetched} rows were looked at for 50 claims");
            return;
        }
        assert!(std::time::Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
}

/// A claim that saw an Active job, and is there for all to see only after its status has changed, comes to nothing: whoever
/// changes the status and then looks who is at work sees all that were let in. A trigger holds claims up in between.
async fn no_lease_begins_once_a_job_is_stopped(server: &Postgres) {
    let store = Arc::new(open(server, "race").await);
    let job = active(&*store, "1", 3, 2).await;
    let early = store.claim_shard(job, TTL).await.unwrap().unwrap();
    let trigger = "SET search_path = race; CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS \
                   $$ BEGIN PERFORM pg_advisory_xact_lock_shared(7); RETURN NEW; END $$; \
                   CREATE TRIGGER hold BEFORE UPDATE ON shard FOR EACH ROW EXECUTE FUNCTION race.hold();";
    server.sql(trigger).unwrap();
    let mut holding = psql_session(server);
    tell(&mut holding, "SELECT 1 FROM pg_advisory_lock(7);\n");
    let claims: Vec<_> = (0..4)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.claim_shard(job, TTL).await })
        })
        .collect();
    // Two have a shard each, which the others find taken.
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    let deadline = std::time::Instant::now() + GUARD;
    while server.sql(waiting).unwrap() != "2" {
        assert!(std::time::Instant::now() < deadline, "they do not wait");
    }
    let changed = set_status(&*store, job, JobStatus::Cancelling).await.unwrap();
    assert_eq!(changed.shards.leased, 1, "the one that was let in");
    std::io::Write::write_all(holding.stdin.as_mut().unwrap(), b"SELECT pg_advisory_unlock(7);\n").unwrap();
    for claim in claims {
        assert_eq!(claim.await.unwrap().unwrap(), None);
    }
    assert_eq!(store.get(job).await.unwrap().unwrap().shards, ShardTally { ready: 2, leased: 1, done: 0 });
    store.release_shard(&early).await.unwrap();
    holding.kill().unwrap();
    holding.wait().unwrap();
}

/// Many who claim do not make each other wait at the job's row, and leave nothing behind in it.
async fn claims_do_not_touch_the_job(server: &Postgres) {
    let store = open(server, "apart").await;
    let job = active(&store, "1", 2, 2).await;
    let mut changing = psql_session(server);
    tell(&mut changing, "BEGIN; SELECT 1 FROM apart.job FOR UPDATE;\n");
    assert!(timeout(GUARD, store.claim_shard(job, TTL)).await.unwrap().unwrap().is_some());
    std::io::Write::write_all(changing.stdin.as_mut().unwrap(), b"ROLLBACK;\n").unwrap();
    changing.kill().unwrap();
    changing.wait().unwrap();
}

/// A node whose machine falls asleep between two statements keeps its connection, and the row that it has locked. Its session
/// was told to end then, when the store made it; nobody else could say so.
async fn a_node_that_stops_in_a_transaction_is_cut_off(server: &Postgres) {
    let awake = open(server, "stops").await;
    let proxy = Proxy::start(server.port()).unwrap();
    let url = server.url_at(proxy.port(), "stops");
    let asleep = PostgresJobStore::open(&url, |_| None, SystemClock).await.unwrap();
    let mut holding = psql_session(server);
    tell(&mut holding, "BEGIN; SELECT 1 FROM stops.store FOR UPDATE;\n");
    let stopped = tokio::spawn(async move { asleep.create(new_job(TENANT, "1")).await });
    sessions_become(server, "wait_event_type = 'Lock'").await;
    // It gets the row, and never hears of it.
    proxy.set(Way::Silent);
    std::io::Write::write_all(holding.stdin.as_mut().unwrap(), b"ROLLBACK;\n").unwrap();
    sessions_become(server, "state = 'idle in transaction'").await;
    // Whoever waits for the row is served once the sleeper is cut off, before its own statement has taken too long.
    timeout(GUARD, awake.create(new_job(TENANT, "2"))).await.unwrap().unwrap();
    proxy.set(Way::Closed);
    assert!(stopped.await.unwrap().is_err(), "it made a job after it was cut off");
    holding.kill().unwrap();
    holding.wait().unwrap();
}

/// Waits until there is a session of which this can be said.
async fn sessions_become(server: &Postgres, what: &str) {
    let count = format!("SELECT count(*) FROM pg_stat_activity WHERE {what} AND query LIKE '%last_job_id%'");
    let deadline = std::time::Instant::now() + GUARD;
    while server.sql(&count).unwrap() != "1" {
        assert!(std::time::Instant::now() < deadline, "no session has {what}");
        tokio::task::yield_now().await;
    }
}

/// Says something to a session, and waits for the row that comes of it.
fn tell(session: &mut std::process::Child, text: &str) {
    std::io::Write::write_all(session.stdin.as_mut().unwrap(), text.as_bytes()).unwrap();
    std::io::Read::read_exact(session.stdout.as_mut().unwrap(), &mut [0]).unwrap();
}

fn psql_session(server: &Postgres) -> std::process::Child {
    let url = server.url("any");
    let host = url.split("host=").nth(1).unwrap().split('&').next().unwrap();
    let mut command = std::process::Command::new("psql");
    command.args(["-X", "-q", "-A", "-t", "-U", "test", "-d", "postgres", "-h", host]);
    command.args(["-p", &server.port().to_string()]);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap()
}

async fn connections_that_break_are_made_anew(server: &Postgres) {
    let proxy = Proxy::start(server.port()).unwrap();
    let url = server.url_at(proxy.port(), "cut");
    let store = Arc::new(PostgresJobStore::open(&url, |_| None, SystemClock).await.unwrap());
    let job = active(&*store, "1", 1, 1000).await;
    let mut lease = store.claim_shard(job, TTL).await.unwrap().unwrap();
    for round in 0..20 {
        // What is read is asked again without a word.
        proxy.cut();
        assert!(store.get(job).await.unwrap().is_some());
        // What is written may be told to have failed; then the books say whether it did.
        if round % 2 == 0 {
            proxy.cut();
        }
        let next = step(&lease, round % 3 == 0);
        if let Err(error) = store.checkpoint(&lease, next.clone(), TTL).await {
            assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
            match store.checkpoint(&lease, next.clone(), TTL).await {
                Ok(_) => {}
                Err(StoreError::Misuse(_)) => {
                    assert_eq!(store.renew_shard(&lease, TTL).await.unwrap().cursor, next.cursor);
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        lease.cursor = next.cursor;
    }
    assert_eq!(store.get(job).await.unwrap().unwrap().progress.executed(), 20);
    proxy.set(Way::Closed);
    let error = store.get(job).await.unwrap_err().to_string();
    assert!(error.contains("PostgreSQL cannot be reached"), "{error}");
    proxy.set(Way::Open);
    store.get(job).await.unwrap();
}

async fn a_server_that_was_killed_has_lost_nothing(server: &mut Postgres) {
    let store = open(server, "killed").await;
    let job = active(&store, "1", 1, 100).await;
    let mut lease = store.claim_shard(job, TTL).await.unwrap().unwrap();
    for _ in 0..3 {
        let next = step(&lease, false);
        store.checkpoint(&lease, next.clone(), TTL).await.unwrap();
        lease.cursor = next.cursor;
        server.kill().unwrap();
        assert!(matches!(store.renew_shard(&lease, TTL).await, Err(StoreError::Failed(_))));
        server.resume().unwrap();
        // The pool throws away what broke.
        let answer = timeout(GUARD, async {
            loop {
                match store.renew_shard(&lease, TTL).await {
                    Ok(answer) => return answer,
                    Err(StoreError::Failed(_)) => tokio::task::yield_now().await,
                    Err(error) => panic!("{error:?}"),
                }
            }
        });
        assert_eq!(answer.await.unwrap().cursor, lease.cursor);
    }
}
