//! A store over HTTP on a bad day: errors, refusals for haste, connections cut off before and after the work was done.

use std::{fmt::Write as _, fs, os::unix::fs::PermissionsExt as _};

use cos_batch_nullstore::{Faults, NullStore, Options};
use md5::Digest as _;

use crate::support::{Place, Server, figures};

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
    let manifest = (0..ROWS).fold(String::new(), |mut text, row| {
        writeln!(text, "{FROM},in/{row}").unwrap();
        text
    });
    let etag = md5::Md5::digest(&manifest).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    store.keep(FROM, "lists/all.csv", manifest.into());

    let place = Place::new();
    let config = place.file("config.toml");
    let text = format!(
        "[[store]]\nname = \"null\"\nkind = \"s3\"\nstyle = \"path\"\nendpoint = \"http://{}\"\n\
         secret_id = \"AKIDEXAMPLE\"\nsecret_key = \"exampleSecret\"\n\
         [[bucket]]\nname = \"{FROM}\"\nstore = \"null\"\n[[bucket]]\nname = \"{TO}\"\nstore = \"null\"\n",
        store.address()
    );
    fs::write(&config, text).unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o600)).unwrap();
    let server = Server::start_with(&place, &["--config", config.to_str().unwrap()]);
    let manifest = format!("{FROM}/lists/all.csv");
    let words = ["create", "--operation", "copy", "--manifest", &manifest, "--etag", &etag, "--target", TO];
    let report = ["--report-bucket", TO, "--report-prefix", "reports"];
    let job = server.run(&[&words[..], &report].concat()).with_code(0).trim().to_owned();
    server.run(&["wait", &job]).with_code(0);
    assert_eq!(figures(&server.describe(&job)), [ROWS, 0, ROWS]);

    let seen = store.seen();
    assert!(seen.faults * 100 > ROWS * 7, "only {} faults: the weather was not bad", seen.faults);
    assert_eq!(seen.applied_to.len() as u64, ROWS, "each object is copied");
    let twice: u64 = seen.applied_to.values().map(|times| u64::from(*times) - 1).sum();
    assert!(twice * 100 <= ROWS * 2, "{twice} copies were made again: only answers that were lost are a reason");
    let asked = seen.requests;
    assert!(asked * 100 <= ROWS * REQUESTS_PER_HUNDRED, "{asked} requests for {ROWS} tasks");
    let report = store.kept(TO, &format!("reports/job-{job}/manifest.json")).expect("the report is published");
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    let rows: u64 = report["Results"].as_array().unwrap().iter().map(|file| file["Rows"].as_u64().unwrap()).sum();
    assert_eq!(rows, ROWS, "each task is reported once");
}
