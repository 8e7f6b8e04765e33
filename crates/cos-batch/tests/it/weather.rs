//! A store over HTTP on a bad day: errors, refusals for haste, connections cut off before and after the work was done.

use std::{
    fmt::Write as _,
    num::NonZeroU32,
    time::{Duration, Instant},
};

use cos_batch_nullstore::{Faults, NullStore, Options};

use crate::support::{Place, Server, etag_of, figures, write_private};

/// Buckets of the store; not the ones of the data folder.
const FROM: &str = "weather-1250000000";
const TO: &str = "weather-copies-1250000000";

/// Rows of the job: enough that shares of one in a hundred come out.
const ROWS: u64 = 10_000;

/// Requests that the store may be asked for each hundred tasks: one try each, and what the faults cost.
const REQUESTS_PER_HUNDRED: u64 = 115;

/// Five of a hundred operations end in a 5xx, two in SlowDown, one is cut off before it is done and one after: no task
/// fails for that, each object is copied, and hardly more is asked than has to be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_task_fails_for_what_passes_by() {
    let faults = Faults { errors: 50, slow_downs: 20, resets: 10, lost_answers: 10, errors_in_200: 0, seed: 20 };
    let store = NullStore::start(Options { faults, record: true, ..Options::default() }).await.unwrap();
    let etag = keep_manifest(&store, ROWS);

    let place = Place::new();
    let config = config(&place, &store);
    let server = Server::start_with(&place, &["--config", config.to_str().unwrap()]);
    let job = create(&server, &etag);
    server.run(&["wait", &job]).with_code(0);
    assert_eq!(figures(&server.describe(&job)), [ROWS, 0, ROWS]);

    let (seen, applied_to) = (store.seen(), store.applied_to());
    assert!(seen.faults * 100 > ROWS * 7, "only {} faults: the weather was not bad", seen.faults);
    assert_eq!(applied_to.len() as u64, ROWS, "each object is copied");
    let twice = seen.again;
    assert!(twice * 100 <= ROWS * 2, "{twice} copies were made again: only answers that were lost are a reason");
    let asked = seen.requests;
    assert!(asked * 100 <= ROWS * REQUESTS_PER_HUNDRED, "{asked} requests for {ROWS} tasks");
    let report = store.kept(TO, &format!("reports/job-{job}/manifest.json")).expect("the report is published");
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    let rows: u64 = report["Results"].as_array().unwrap().iter().map(|file| file["Rows"].as_u64().unwrap()).sum();
    assert_eq!(rows, ROWS, "each task is reported once");
}

/// Operations in a second that a store takes, and how long each of them takes.
const RATE: u32 = 300;
const LATENCY: Duration = Duration::from_millis(20);

/// After so long the right number of operations at once is found; then it is looked at for as long again.
const SETTLES: Duration = Duration::from_secs(10);

/// Percent of what a store takes that it is given at least, and of its answers that ask for less at most. It comes to 89 to 97
/// and less than 1; this leaves room for a machine that runs other tests.
const GIVEN_PERCENT: u64 = 75;
const REFUSED_PERCENT: u64 = 2;

/// A store that takes so much and no more is given nearly that, and hardly ever more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_takes_so_much_is_given_nearly_that() {
    let options = Options { latency: LATENCY, operations_per_second: NonZeroU32::new(RATE), ..Options::default() };
    let store = NullStore::start(options).await.unwrap();
    let etag = keep_manifest(&store, 50_000);
    let place = Place::new();
    let config = config(&place, &store);
    let server = Server::start_with(&place, &["--config", config.to_str().unwrap()]);
    create(&server, &etag);
    let began = Instant::now();
    while store.seen().operations == 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing begins");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(SETTLES).await;
    let (before, begin) = (store.seen(), Instant::now());
    tokio::time::sleep(SETTLES).await;
    let (after, took) = (store.seen(), begin.elapsed());
    let (asked, applied) = (after.operations - before.operations, after.applied - before.applied);
    let refused = after.faults - before.faults;
    let takes = u64::try_from(u128::from(RATE) * took.as_millis() / 1000).unwrap();
    eprintln!("{applied} of {takes} that it takes were given to it, {refused} of {asked} refused");
    assert!(applied * 100 >= takes * GIVEN_PERCENT, "{applied} of {takes} that it takes were given to it");
    assert!(refused * 100 <= asked * REFUSED_PERCENT, "{refused} of {asked} were refused");
}

/// Keeps a manifest of so many rows, and gives its ETag.
fn keep_manifest(store: &NullStore, rows: u64) -> String {
    let manifest = (0..rows).fold(String::new(), |mut text, row| {
        writeln!(text, "{FROM},in/{row}").unwrap();
        text
    });
    let etag = etag_of(&manifest);
    store.keep(FROM, "lists/all.csv", manifest.into());
    etag
}

/// A configuration with the store's buckets.
fn config(place: &Place, store: &NullStore) -> std::path::PathBuf {
    let config = place.file("config.toml");
    let text = format!(
        "[[store]]\nname = \"null\"\nkind = \"s3\"\nstyle = \"path\"\nendpoint = \"http://{}\"\n\
         secret_id = \"AKIDEXAMPLE\"\nsecret_key = \"exampleSecret\"\n\
         [[bucket]]\nname = \"{FROM}\"\nstore = \"null\"\n[[bucket]]\nname = \"{TO}\"\nstore = \"null\"\n",
        store.address()
    );
    write_private(&config, &text);
    config
}

/// Makes a job of the manifest, and gives its id.
fn create(server: &Server, etag: &str) -> String {
    let manifest = format!("{FROM}/lists/all.csv");
    let words = ["create", "--operation", "copy", "--manifest", &manifest, "--etag", etag, "--target", TO];
    let report = ["--report-bucket", TO, "--report-prefix", "reports"];
    server.run(&[&words[..], &report].concat()).with_code(0).trim().to_owned()
}
