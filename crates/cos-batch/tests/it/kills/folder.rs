//! A job on folders, of which one keeps versions.

use std::{collections::BTreeMap, io::Write as _};

use cos_batch_engine::config::WINDOW_ROWS;
use cos_batch_objectstore::{BucketVersioning, FolderStore, ListVersionsRequest, ObjectStore as _};

use super::{
    plan::Plan,
    run::{Ground, Tally, run},
};
use crate::support::{Place, Server, TARGET, assert_exact, keys_in};

/// Versions read at once.
const PAGE: usize = 1000;

#[test]
fn on_a_folder_nothing_is_lost_and_no_version_is_there_twice() {
    let plan = Plan::of(4_000, 10);
    let place = Place::of_release();
    let rows = place.fill(usize::try_from(plan.rows).unwrap());
    let etag = place.write_manifest(&rows.text);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = FolderStore::open(place.data().join("buckets")).unwrap();
    runtime.block_on(store.put_versioning(TARGET, BucketVersioning::Enabled)).unwrap();

    let config = place.file("config.toml");
    let speed = plan.per_second();
    let engine = format!("workers = 2\ncheckpoint_millis = 50\npoll_millis = 50\noperations_per_second = {speed}\n");
    std::fs::write(&config, format!("[engine]\n{engine}")).unwrap();
    let flags = ["--config", config.to_str().unwrap()];
    // A copy that is made again replaces the first, so nothing tells which were.
    let copied = || keys_in(&place.bucket(TARGET)).iter().filter(|key| key.starts_with("in/")).count() as u64;
    let ground = Ground {
        plan,
        place: &place,
        flags: &flags,
        tally: &|| Tally { objects: copied(), again: 0 },
        tally_is_slow: true,
        ahead_max: 2 * WINDOW_ROWS,
        late_max: 0,
    };
    let server = Server::start_with(&place, &flags);
    let job = server.create_copy(&etag, &[]);
    let (server, outcome) = run(&ground, server, &job);
    assert_exact(&place, &server, &job, &rows);
    assert_eq!(server.terminate().code(), Some(0));

    let versions = runtime.block_on(versions(&store));
    let copies = versions.iter().filter(|(key, _)| key.starts_with("in/"));
    assert_eq!(copies.count() as u64, plan.rows);
    let more = versions.iter().find(|(_, number)| **number != 1);
    assert_eq!(more, None, "a copy that is made again is the same version");
    // What was copied and not counted when a server was killed has been copied again.
    assert!(outcome.ahead > 0, "no kill came between a copy and its count: {outcome:?}");
    // For whoever looks at a long run; nobody may be there to read it.
    let _ = writeln!(std::io::stderr(), "{plan:?}: {outcome:?}");
}

/// How many versions each key of the target has.
async fn versions(store: &FolderStore) -> BTreeMap<String, u32> {
    let mut found = BTreeMap::new();
    let mut after: Option<(String, String)> = None;
    loop {
        let from = after.as_ref().map(|(key, version)| (key.as_str(), version.as_str()));
        let request = ListVersionsRequest { bucket: TARGET, prefix: "", after: from, limit: PAGE };
        let page = store.list_versions(request).await.unwrap();
        for version in page.versions {
            *found.entry(version.key).or_default() += 1;
        }
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}
