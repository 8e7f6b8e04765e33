//! Five hundred hostile names, as keys, in manifests, in reports, in buckets: nothing outside the data folder is opened, made,
//! changed or gone, and nothing in it lies beside the buckets.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use cos_batch_objectstore::{FolderStore, ObjectStore as _, PutRequest};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{seen::Seen, traps::leaves};
use crate::{
    raw::Caller,
    support::{FOREIGN, Place, SOURCE, Server, TARGET, figures, write_private},
};

/// Every so many names, one is put into each field of a job.
pub(super) const EACH: usize = 23;

/// Names that lead out of a folder, if anything does.
pub(super) fn hostile() -> BTreeSet<String> {
    let parts =
        ["..", ".", "", "a", ".cos-batch", "/", "\\..\\", "%2e%2e", "..%2f", "~", "C:", "..;", "\u{202e}", "..\n"];
    let mut names = BTreeSet::new();
    for one in parts {
        for two in parts {
            for three in ["..", "canary", "etc/passwd", ""] {
                names.insert([one, two, three].join("/"));
            }
        }
    }
    for depth in 1..40 {
        names.insert(format!("{}canary", "../".repeat(depth)));
        names.insert(format!("/{}etc/passwd", "../".repeat(depth)));
    }
    names.retain(|name| !name.is_empty() && name != "/");
    names
}

/// Every file and folder below this one, with what is in it; what is below `but` is left out.
fn tree(root: &Path, but: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path == but {
                continue;
            }
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            let content = if kind.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
            found.insert(path.to_str().unwrap().to_owned(), content);
            if kind.is_dir() {
                folders.push(path);
            }
        }
    }
    found
}

/// Names of what lies in a folder.
pub(super) fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Files of the machine that a name leads to from anywhere: how they are now, or that they are not there.
pub(super) fn of_the_machine() -> Vec<Option<(u64, SystemTime)>> {
    let temporary = std::env::temp_dir();
    let files =
        [PathBuf::from("/etc/passwd"), PathBuf::from("/canary"), temporary.join("canary"), temporary.join("etc")];
    files.iter().map(|file| fs::metadata(file).ok().map(|about| (about.len(), about.modified().unwrap()))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_names_reach_nothing_outside() {
    let mut place = Place::new();
    let seen = Seen::of(&mut place);
    let hostile = hostile();
    assert!(hostile.len() > 500, "{}", hostile.len());
    // What a name could lead to, at every height.
    let root = place.file("");
    fs::create_dir_all(root.join("etc")).unwrap();
    let canaries = ["canary", "data/canary", "data/buckets/canary", "etc/passwd"].map(|canary| root.join(canary));
    canaries.iter().for_each(|canary| fs::write(canary, "sings").unwrap());

    let config = place.file("config.toml");
    write_private(&config, "");
    let data = place.data();
    let (before, beside, machine) = (tree(&root, &data), names(&data), of_the_machine());

    let store = FolderStore::open(place.data().join("buckets")).unwrap();
    let mut manifest = String::new();
    for name in &hostile {
        store.put(PutRequest::new(SOURCE, name, name.clone().into_bytes().into())).await.unwrap();
        manifest.push_str(&format!("{SOURCE},{}\n", utf8_percent_encode(name, NON_ALPHANUMERIC)));
    }
    let etag = place.write_manifest(&manifest);
    let flags = ["--config", config.to_str().unwrap()];
    let server = Server::start_with(&place, &flags);
    let of_its_own = seen.as_ref().map_or_else(BTreeSet::new, Seen::opened);
    // The server has made its own files by now.
    let beside: BTreeSet<_> = beside.union(&names(&data)).cloned().collect();
    let buckets = names(&data.join("buckets"));
    let rows = hostile.len() as u64;

    // A copy of each, with reports at hostile places; then each copy is deleted.
    let at = format!("{SOURCE}/lists/all.csv");
    let words = ["create", "--operation", "copy", "--manifest", &at, "--etag", &etag, "--target", TARGET];
    let report = ["--report-bucket", TARGET, "--report-prefix", "../../../reports/../canary"];
    let job = server.run(&[&words[..], &report].concat()).with_code(0).trim().to_owned();
    server.run(&["wait", &job]).with_code(0);
    assert_eq!(figures(&server.describe(&job)), [rows, 0, rows]);
    let mut copies = 0;
    for name in &hostile {
        let read = |bucket| cos_batch_objectstore::GetRequest {
            bucket,
            key: name,
            version: &cos_batch_objectstore::VersionSelector::Latest,
            range: 0..1 << 20,
            pin: None,
        };
        copies += usize::from(store.get_range(read(TARGET)).await.unwrap() == name.as_bytes());
    }
    assert_eq!(copies, hostile.len());
    let deletes = manifest.replace(SOURCE, TARGET);
    let manifest_key = "lists/deletes.csv";
    fs::write(place.bucket(SOURCE).join(manifest_key), &deletes).unwrap();
    let of_deletes = crate::support::etag_of(&deletes);
    let at = format!("{SOURCE}/{manifest_key}");
    let words = ["create", "--operation", "delete", "--manifest", &at, "--etag", &of_deletes];
    let report = ["--report-bucket", TARGET, "--report-prefix", "/etc/"];
    let job = server.run(&[&words[..], &report].concat()).with_code(0).trim().to_owned();
    server.run(&["wait", &job]).with_code(0);
    assert_eq!(figures(&server.describe(&job)), [rows, 0, rows]);

    // A bucket is a name and no path, whoever names it.
    for bucket in ["..", "../../etc", "..-1250000000", "a/../b-1250000000", ".cos-batch-1250000000", FOREIGN] {
        let said = server.try_create_copy(&etag, &["--target", bucket]);
        assert!([1, 2, 6].contains(&said.code), "{bucket}: {said:?}");
        let listed = server.run(&["manifest", "--bucket", bucket, "--to", &at]);
        assert!([1, 2, 6].contains(&listed.code) && !listed.err.contains("Usage:"), "{bucket}: {listed:?}");
    }
    // Each field of a job has one of them, however a client would refuse it: buckets, keys of manifests, beginnings of reports.
    let words = ["create", "--dry-run", "--operation", "delete", "--manifest", &at, "--etag", &of_deletes];
    let report = ["--report-bucket", TARGET, "--report-prefix", "reports"];
    let document = server.run(&[&words[..], &report].concat()).with_code(0);
    let (caller, mut made, mut refused) = (Caller::new(&server, &place), Vec::new(), 0);
    for (number, leaf) in leaves(&document).into_iter().enumerate() {
        for (of_leaf, name) in hostile.iter().step_by(EACH).enumerate() {
            let field = &document[leaf.clone()];
            // A name of the cloud's has a bucket and a key in it.
            let named = field.strip_prefix("qcs::cos:local::").map_or_else(
                || vec![name.clone()],
                |rest| vec![format!("qcs::cos:local::{name}"), format!("qcs::cos:local::{rest}/{name}")],
            );
            for (form, named) in named.into_iter().enumerate() {
                let mut body = document.clone();
                body.replace_range(leaf.clone(), &named.replace('\n', "&#10;"));
                let token = format!("<ClientRequestToken>{number}-{of_leaf}-{form}-");
                let mut request = caller.request("POST", "/jobs", &body.replace("<ClientRequestToken>", &token));
                caller.sign(&mut request);
                let answer = caller.send(request);
                match answer.status {
                    200 => made.push(answer.job()),
                    400 | 403 => refused += 1,
                    _ => panic!("{named}: {} {}", answer.status, answer.body),
                }
            }
        }
    }
    assert!(made.len() > 20 && refused > 100, "{} jobs were made, {refused} refused", made.len());
    for job in &made {
        let waited = server.run(&["wait", job]);
        assert!([0, 3, 4].contains(&waited.code), "{waited:?}");
    }
    // Reports at hostile places are reports: their rows are read there.
    let reported = made.iter().filter(|job| server.run(&["report", job]).code == 0).count();
    assert!(reported > 10, "{reported} of {} jobs have reports", made.len());
    drop(server);
    if let Some(seen) = seen {
        assert!(of_its_own.contains(&config), "the server has opened its own files: {of_its_own:?}");
        let in_data = seen.assert_within(&of_its_own, &data, &canaries);
        assert!(in_data > hostile.len(), "it has opened an object for each name: {in_data}");
    }

    let after = tree(&root, &data);
    let differ = |name: &&String| before.get(*name) != after.get(*name) && !name.ends_with("serve.log");
    let changed: BTreeSet<&String> = before.keys().chain(after.keys()).filter(differ).collect();
    assert_eq!(changed, BTreeSet::new(), "made, changed or gone");
    assert_eq!(of_the_machine(), machine, "something outside was made, changed or is gone");
    assert_eq!((names(&data), names(&data.join("buckets"))), (beside, buckets));
    canaries.iter().for_each(|canary| assert_eq!(fs::read(canary).unwrap(), b"sings", "{}", canary.display()));
}
