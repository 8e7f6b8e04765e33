//! Twenty APPIDs with five jobs each, all at the same time: each job ends with all of its rows and nobody else's, and nobody
//! is far ahead of the others on the way.
//!
//! `cargo xtask long crowd` has more rows and a release build.

use std::{
    env,
    fmt::Write as _,
    time::{Duration, Instant},
};

use cos_batch_client::{Client, Credentials, Endpoint, JobBuilder};
use cos_batch_model::{JobId, JobStatus, ListJobsRequest};
use cos_batch_nullstore::{NullStore, Options};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    left::SECRET,
    remote,
    support::{Place, Server, etag_of, write_private},
};

/// Rows of each job, in place of those of the test.
const ROWS_VARIABLE: &str = "COS_BATCH_CROWD_ROWS";
const ROWS: u64 = 100;

const TENANTS: u64 = 20;
const JOBS_EACH: u64 = 5;

/// How long an operation of the store takes, so that some are under way whenever somebody looks.
const LATENCY: Duration = Duration::from_millis(2);

/// Operations that all have had when they are held against each other, as a part of all that there are to be: far from the
/// beginning, where some are first, and from the end, where some have nothing left to do.
const LOOKED_AT: (u64, u64) = (1, 2);

/// Between the most and the least that an APPID has had by then, jobs of one shard each: somebody's last one may have just
/// ended, and somebody else's next may not have begun. Workers are given to whoever has had least, one job at a time.
const APART_MAX: u64 = 3;

/// Longest that all of it may take: far more than it does.
const PATIENCE: Duration = Duration::from_secs(600);

struct Tenant {
    client: Client,
    from: String,
    to: String,
    etag: String,
    jobs: Vec<JobId>,
}

/// APPID and buckets of a tenant.
fn names(number: u64) -> [String; 3] {
    let appid = 1_250_000_000 + number;
    [appid.to_string(), format!("in-{appid}"), format!("out-{appid}")]
}

impl Tenant {
    fn new(server: &Server, store: &NullStore, number: u64, rows: u64) -> Self {
        let [appid, from, to] = names(number);
        let manifest = (0..rows).fold(String::new(), |mut text, row| {
            writeln!(text, "{from},in/{row}").unwrap();
            text
        });
        let etag = etag_of(&manifest);
        store.keep(&from, "lists/all.csv", manifest.into());
        let client = Client::builder().endpoint(Endpoint::url(&server.endpoint).unwrap());
        let client = client.appid(appid.parse().unwrap()).credentials(Credentials::new(format!("AKID{appid}"), SECRET));
        Self { client: client.build().unwrap(), from, to, etag, jobs: Vec::new() }
    }

    async fn create(&mut self) {
        let job = JobBuilder::new("local", &format!("{}/lists/all.csv", self.from), &self.etag).copy_to(&self.to);
        let request = job.role("qcs::cam::uin/1:roleName/r").build(&Uuid::new_v4().to_string()).unwrap();
        self.jobs.push(self.client.create_job(request).await.unwrap().job_id);
    }

    fn operations(&self, store: &NullStore) -> u64 {
        store.seen().buckets.get(&self.to).map_or(0, |bucket| bucket.operations)
    }

    /// Looks at the jobs until all have ended, and tells how long each look took.
    async fn end(&self, rows: u64) -> Vec<Duration> {
        let (begin, mut times) = (Instant::now(), Vec::new());
        for id in &self.jobs {
            loop {
                let asked = Instant::now();
                let job = self.client.describe_job(id).await.unwrap();
                times.push(asked.elapsed());
                if job.status.known().unwrap().is_final() {
                    let progress = &job.progress_summary;
                    assert_eq!(job.status.known(), Some(&JobStatus::Complete), "{job:?}");
                    assert_eq!((progress.number_of_tasks_succeeded, progress.number_of_tasks_failed), (rows, 0));
                    break;
                }
                assert!(begin.elapsed() < PATIENCE, "{job:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        times
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_jobs_of_twenty_tenants_end_with_what_is_theirs() {
    let rows = env::var(ROWS_VARIABLE).map_or(ROWS, |text| text.parse().unwrap());
    let store = NullStore::start(Options { latency: LATENCY, ..Options::default() }).await.unwrap();
    let place = Place::new();
    let (mut keys, mut buckets) = (String::new(), Vec::new());
    for number in 0..TENANTS {
        let [appid, from, to] = names(number);
        writeln!(keys, "[[key]]\nsecret_id = \"AKID{appid}\"\nsecret_key = \"{SECRET}\"\nappid = \"{appid}\"").unwrap();
        buckets.extend([from, to]);
    }
    let file = place.file("keys.toml");
    write_private(&file, &keys);
    let buckets: Vec<_> = buckets.iter().map(String::as_str).collect();
    let config = remote::config(&place, &store, &buckets, "", "");
    let server =
        Server::start_with(&place, &["--config", config.to_str().unwrap(), "--credentials", file.to_str().unwrap()]);

    let mut tenants: Vec<_> = (0..TENANTS).map(|number| Tenant::new(&server, &store, number, rows)).collect();
    let begin = Instant::now();
    // In turn, as they would come: nobody has all of his jobs before another one has any.
    for _ in 0..JOBS_EACH {
        for tenant in &mut tenants {
            tenant.create().await;
        }
    }
    let all = TENANTS * JOBS_EACH * rows;
    let had = loop {
        let had: Vec<_> = tenants.iter().map(|tenant| tenant.operations(&store)).collect();
        if had.iter().sum::<u64>() * LOOKED_AT.1 >= all * LOOKED_AT.0 {
            break had;
        }
        assert!(begin.elapsed() < PATIENCE, "{had:?}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    };

    let mut ends = JoinSet::new();
    for tenant in tenants {
        ends.spawn(async move { (tenant.end(rows).await, tenant) });
    }
    let mut times = Vec::new();
    for (took, tenant) in ends.join_all().await {
        times.extend(took);
        // No row was anybody else's, and none was done twice: nothing failed here.
        assert_eq!(tenant.operations(&store), JOBS_EACH * rows, "{}", tenant.to);
        let mut listed: Vec<_> = tenant.client.list_jobs(ListJobsRequest::default()).await.unwrap().jobs;
        listed.sort_by(|left, right| left.job_id.cmp(&right.job_id));
        let mut own = tenant.jobs.clone();
        own.sort();
        assert_eq!(listed.into_iter().map(|job| job.job_id).collect::<Vec<_>>(), own);
    }
    times.sort_unstable();
    let part = |percent| times[times.len() * percent / 100];
    let (least, most) = (had.iter().min().unwrap(), had.iter().max().unwrap());
    eprintln!("{all} rows in {:?}; DescribeJob {:?}, 99 % in {:?}", begin.elapsed(), part(50), part(99));
    eprintln!("half-way an APPID had had {least} to {most} operations");
    assert!(most - least <= APART_MAX * rows, "{had:?}");
}
