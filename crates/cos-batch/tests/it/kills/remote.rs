//! A job on a store over HTTP, which counts what is done to each object.

use std::{fmt::Write as _, io::Write as _, time::Duration};

use cos_batch_engine::config::WINDOW_ROWS;
use cos_batch_nullstore::{NullStore, Options};

use super::{
    plan::Plan,
    run::{Ground, Tally, run},
};
use crate::{
    remote::config,
    reported::reported,
    support::{Place, Server, etag_of, figures},
};

/// Buckets of the store.
const OBJECTS: &str = "objects-1250000000";
const REPORTS: &str = "reports-1250000000";

/// Shards at a time.
const WORKERS: u64 = 2;
/// Operations at a time.
const SLOTS: u64 = 64;

/// How long an operation takes: some are under way whenever the server is killed.
const LATENCY: Duration = Duration::from_millis(2);

#[test]
fn on_a_remote_store_nothing_is_lost_and_what_is_done_twice_is_known() {
    let plan = Plan::of(50_000, 20);
    // The store has threads of its own; the test goes on without a runtime.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let options = Options { latency: LATENCY, record: true, ..Options::default() };
    let store = runtime.block_on(NullStore::start(options)).unwrap();
    let manifest = (0..plan.rows).fold(String::new(), |mut text, row| {
        writeln!(text, "{OBJECTS},in/{row}").unwrap();
        text
    });
    let etag = etag_of(&manifest);
    store.keep(OBJECTS, "lists/all.csv", manifest.into());

    let place = Place::of_release();
    let engine = format!(
        "[engine]\nworkers = {WORKERS}\nasync_slots = {SLOTS}\ncheckpoint_millis = 100\npoll_millis = 50\n\
         operations_per_second = {}\n",
        plan.per_second()
    );
    let config = config(&place, &store, &[OBJECTS, REPORTS], "", &engine);
    let flags = ["--config", config.to_str().unwrap()];
    let tally = || {
        let seen = store.seen();
        Tally { objects: seen.applied - seen.again, again: seen.again }
    };
    let ahead_max = WORKERS * WINDOW_ROWS + SLOTS;
    let ground =
        Ground { plan, place: &place, flags: &flags, tally: &tally, tally_is_slow: false, ahead_max, late_max: SLOTS };

    let server = Server::start_with(&place, &flags);
    let manifest = format!("{OBJECTS}/lists/all.csv");
    let what = ["create", "--operation", "delete", "--manifest", &manifest, "--etag", &etag];
    let report = ["--report-bucket", REPORTS, "--report-prefix", "reports"];
    let job = server.run(&[&what[..], &report].concat()).with_code(0).trim().to_owned();
    let (server, outcome) = run(&ground, server, &job);

    assert_eq!(figures(&server.describe(&job)), [plan.rows, 0, plan.rows]);
    assert_eq!(store.applied_to().len() as u64, plan.rows, "objects whose operation was carried out");
    let rows = reported(&store, REPORTS, &job);
    assert_eq!(rows.len() as u64, plan.rows, "rows that are reported");
    assert_eq!(rows.iter().find(|(_, times)| **times > 1), None, "reported more than once");
    let again = store.seen().again;
    // For whoever looks at a long run; nobody may be there to read it.
    let _ = writeln!(std::io::stderr(), "{plan:?}: {again} operations were done again; {outcome:?}");
    assert!(again > 0 && again <= outcome.ahead, "what was not counted is done again, and nothing else");
}
