//! Two APPIDs side by side: one at all of its limits, with a crowd of callers, and one that does its work beside it.
//!
//! What the second is given is counted, in operations of the store. `cargo xtask long sides` has more rows and a release build,
//! and tells the times too.

use std::{
    env,
    fmt::Write as _,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use cos_batch_client::{Client, Credentials, Endpoint, Error, JobBuilder};
use cos_batch_model::{ErrorCode, JobId};
use cos_batch_nullstore::{NullStore, Options};
use rustix::process::setpriority_process;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    left::SECRET,
    remote,
    support::{Place, Server, etag_of, write_private},
};

/// Rows of the job of the calm one, in place of those of the test. Those of the crowd have ten times as many.
const ROWS_VARIABLE: &str = "COS_BATCH_SIDES_ROWS";
const ROWS: u64 = 2_000;

/// What the requests of an APPID may cost in a second, in place of what a server takes by itself.
const RATE_VARIABLE: &str = "COS_BATCH_SIDES_REQUESTS_PER_SECOND";

/// Jobs that an APPID may have at a time: the crowd has as many.
const LIVE_JOBS: usize = 3;
/// Callers of the crowd, each of which asks for one more job as soon as the last was refused, in the long form. In the short
/// one they rest between two: others test on the same processors.
const CALLERS: usize = 8;
const REST: Duration = Duration::from_millis(50);

/// How willingly the crowd leaves the processor to others, of at most 19. It is meant to be somewhere else: what its callers take
/// of these processors is not what they take from the other one.
const NICE: i32 = 19;

/// Operations at a time, and how long each takes: the store, not a processor, is what there is too little of.
const SLOTS: u64 = 8;
const LATENCY: Duration = Duration::from_millis(4);
const WORKERS: u64 = 4;

/// Operations of the crowd until the first of the calm one, at most: a worker that makes room hands out no further row, and
/// those of it that are under way end; that of a new job is found within a look at the jobs.
const BEFORE_MAX: u64 = 4_000;

/// Operations of the crowd for each of the calm one, at most. A job of one shard has one worker of these, so that three are the
/// crowd's part; one more is for workers that are not equally quick on a machine that has other things to do.
const BESIDE_TIMES_MAX: u64 = WORKERS;

/// Longest that anything may take: far more than it does.
const PATIENCE: Duration = Duration::from_secs(300);

struct Tenant {
    client: Client,
    from: &'static str,
    to: &'static str,
    etag: String,
}

impl Tenant {
    fn new(server: &Server, store: &NullStore, [appid, from, to]: [&'static str; 3], rows: u64) -> Self {
        let manifest = (0..rows).fold(String::new(), |mut text, row| {
            writeln!(text, "{from},in/{row}").unwrap();
            text
        });
        let etag = etag_of(&manifest);
        store.keep(from, "lists/all.csv", manifest.into());
        let client = Client::builder().endpoint(Endpoint::url(&server.endpoint).unwrap());
        let client = client.appid(appid.parse().unwrap()).credentials(Credentials::new(format!("AKID{appid}"), SECRET));
        Self { client: client.build().unwrap(), from, to, etag }
    }

    async fn create(&self) -> Result<JobId, Error> {
        let job = JobBuilder::new("local", &format!("{}/lists/all.csv", self.from), &self.etag).copy_to(self.to);
        let request = job.role("qcs::cam::uin/1:roleName/r").build(&Uuid::new_v4().to_string()).unwrap();
        Ok(self.client.create_job(request).await?.job_id)
    }

    fn operations(&self, store: &NullStore) -> u64 {
        store.seen().buckets.get(self.to).map_or(0, |bucket| bucket.operations)
    }
}

/// What came of one job of the calm one.
struct Came {
    took: Duration,
    /// From the first of its operations to the last.
    working: Duration,
    /// Of DescribeJob.
    median: Duration,
    p99: Duration,
    /// Operations of others until its first one, and from then to its last.
    before: u64,
    beside: u64,
    /// Seconds of a processor that the server took meanwhile.
    processor: f64,
}

/// What a process took of the processors so far, in seconds.
fn processor(id: u32) -> f64 {
    // Ticks of `/proc`, on every Linux that Rust runs on (`USER_HZ`).
    const TICKS: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    // Behind the name, which may have anything in it: user time is the 12th field, system time the 13th.
    let (_, rest) = stat.rsplit_once(')').unwrap();
    rest.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / TICKS
}

/// Runs a job to its end, and looks at it all the time.
async fn one_job(server: &Server, calm: &Tenant, store: &NullStore, rows: u64, others: impl Fn() -> u64) -> Came {
    let processor_before = processor(server.id());
    let (first, at_first, begin) = (calm.operations(store), others(), Instant::now());
    let job = calm.create().await.unwrap();
    let (mut times, mut began, mut ended) = (Vec::new(), None, None);
    loop {
        let done = calm.operations(store) - first;
        if done > 0 && began.is_none() {
            began = Some((begin.elapsed(), others()));
        }
        if done >= rows && ended.is_none() {
            ended = Some((begin.elapsed(), others()));
        }
        let asked = Instant::now();
        let seen = calm.client.describe_job(&job).await.unwrap();
        times.push(asked.elapsed());
        if seen.status.known().unwrap().is_final() {
            let progress = seen.progress_summary;
            assert_eq!((progress.number_of_tasks_succeeded, progress.number_of_tasks_failed), (rows, 0));
            break;
        }
        assert!(begin.elapsed() < PATIENCE, "{seen:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = begin.elapsed();
    let ((from, before), (to, after)) = (began.unwrap(), ended.unwrap());
    times.sort_unstable();
    let part = |percent| times[times.len() * percent / 100];
    Came {
        took,
        working: to - from,
        median: part(50),
        p99: part(99),
        before: before - at_first,
        beside: after - before,
        processor: processor(server.id()) - processor_before,
    }
}

/// Asks for one more job again and again, until it is over; each must be refused, for there are as many as there may be.
async fn one_caller(crowd: &Tenant, over: &AtomicBool, refused: &AtomicU64, rests: bool) {
    while !over.load(Ordering::SeqCst) {
        let error = crowd.create().await.expect_err("it has as many as it may have");
        assert_eq!(error.api().map(|error| &error.code), Some(&ErrorCode::TooManyJobs), "{error}");
        refused.fetch_add(1, Ordering::SeqCst);
        if rests {
            tokio::time::sleep(REST).await;
        }
    }
}

/// The crowd's callers, on a thread of their own.
fn callers(crowd: Arc<Tenant>, over: Arc<AtomicBool>, refused: Arc<AtomicU64>, rests: bool) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        // On Linux that of the calling thread.
        setpriority_process(None, NICE).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut callers = JoinSet::new();
            for _ in 0..CALLERS {
                let (crowd, over, refused) = (Arc::clone(&crowd), Arc::clone(&over), Arc::clone(&refused));
                callers.spawn(async move { one_caller(&crowd, &over, &refused, rests).await });
            }
            callers.join_all().await;
        });
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_at_its_limits_leaves_the_others_alone() {
    let wanted = env::var(ROWS_VARIABLE).ok().map(|text| text.parse::<u64>().unwrap());
    let (rows, rests) = (wanted.unwrap_or(ROWS), wanted.is_none());
    let store = NullStore::start(Options { latency: LATENCY, ..Options::default() }).await.unwrap();
    let place = Place::new();
    let keys = place.file("keys.toml");
    let key =
        |appid: &str| format!("[[key]]\nsecret_id = \"AKID{appid}\"\nsecret_key = \"{SECRET}\"\nappid = \"{appid}\"\n");
    let calm = ["1250000000", "calm-1250000000", "calm-copies-1250000000"];
    let crowd = ["1251111111", "crowd-1251111111", "crowd-copies-1251111111"];
    write_private(&keys, &(key(calm[0]) + &key(crowd[0])));
    let engine = format!("[engine]\nworkers = {WORKERS}\nasync_slots = {SLOTS}\nlive_jobs_max = {LIVE_JOBS}\n");
    let limit = env::var(RATE_VARIABLE)
        .map_or_else(|_| String::new(), |rate| format!("[serve]\nrequests_per_second = {rate}\n"));
    let engine = limit + &engine;
    let config = remote::config(&place, &store, &[calm[1], calm[2], crowd[1], crowd[2]], "", &engine);
    let flags = ["--config", config.to_str().unwrap(), "--credentials", keys.to_str().unwrap()];
    let server = Server::start_with(&place, &flags);
    let calm = Tenant::new(&server, &store, calm, rows);
    let crowd = Arc::new(Tenant::new(&server, &store, crowd, rows * 10));

    let alone = one_job(&server, &calm, &store, rows, || 0).await;

    for _ in 0..LIVE_JOBS {
        crowd.create().await.unwrap();
    }
    let (over, refused) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let callers = callers(Arc::clone(&crowd), Arc::clone(&over), Arc::clone(&refused), rests);
    let begin = Instant::now();
    while crowd.operations(&store) < rows / 2 || refused.load(Ordering::SeqCst) < CALLERS as u64 {
        assert!(begin.elapsed() < PATIENCE, "the crowd does not begin");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let refused_before = refused.load(Ordering::SeqCst);
    let beside = one_job(&server, &calm, &store, rows, || crowd.operations(&store)).await;
    let refused = refused.load(Ordering::SeqCst) - refused_before;
    over.store(true, Ordering::SeqCst);
    tokio::task::spawn_blocking(|| callers.join()).await.unwrap().unwrap();

    for (what, came) in [("alone", &alone), ("beside", &beside)] {
        let rate = rows as f64 / came.working.as_secs_f64();
        let Came { took, median, p99, processor, .. } = came;
        eprintln!("{what}: {rows} rows in {took:?}, {rate:.0} in a second; DescribeJob {median:?}, 99 % in {p99:?}");
        eprintln!("{what}: the server took {processor:.2} s of a processor");
    }
    let (before, others) = (beside.before, beside.beside);
    eprintln!("meanwhile the crowd had {before} operations and then {others}, and {refused} jobs refused");
    assert!(crowd.operations(&store) < rows * 10 * LIVE_JOBS as u64, "the crowd had nothing left to do: {others}");
    assert!(refused > 0 && others > rows / 2, "there was no crowd: {others} operations, {refused} refused");
    assert!(before <= BEFORE_MAX, "{before} operations of the crowd came first");
    assert!(others <= rows * BESIDE_TIMES_MAX + SLOTS, "{others} operations of the crowd beside {rows}");
}
