//! Five hundred hostile names, as keys, in manifests, in reports, in buckets: nothing outside the data folder is opened, made,
//! changed or gone, and nothing in it lies beside the buckets.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    mem::MaybeUninit,
    os::{fd::OwnedFd, unix::fs::PermissionsExt as _},
    path::{Component, Path, PathBuf},
    time::SystemTime,
};

use cos_batch_calls::{Calls, What};
use cos_batch_objectstore::{FolderStore, ObjectStore as _, PutRequest};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rustix::{
    fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags},
    io::Errno,
};

use super::traps::leaves;
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

/// Sees which files in some folders are opened, whoever does it: a look at the server from outside of it.
pub(super) struct Watch {
    events: OwnedFd,
    folders: BTreeMap<i32, PathBuf>,
}

impl Watch {
    pub(super) fn begin(folders: &[PathBuf]) -> Self {
        let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
        let watched = |folder: &PathBuf| {
            (inotify::add_watch(&events, folder.as_path(), WatchFlags::OPEN).unwrap(), folder.clone())
        };
        let folders = folders.iter().map(watched).collect();
        Self { events, folders }
    }

    /// What was opened since the last time.
    pub(super) fn opened(&self) -> BTreeSet<PathBuf> {
        let mut room = [const { MaybeUninit::uninit() }; 4096];
        let mut reader = inotify::Reader::new(&self.events, &mut room);
        let mut found = BTreeSet::new();
        loop {
            match reader.next() {
                Ok(event) => {
                    assert!(!event.events().contains(ReadFlags::QUEUE_OVERFLOW), "too much was opened to be told of");
                    let name = event.file_name().map_or("", |name| name.to_str().unwrap());
                    found.insert(self.folders[&event.wd()].join(name));
                }
                Err(error) => {
                    assert_eq!(error, Errno::WOULDBLOCK);
                    return found;
                }
            }
        }
    }

    /// Whether it sees this file being opened.
    pub(super) fn sees(&self, file: &Path) -> bool {
        fs::read(file).unwrap();
        self.opened().contains(file)
    }
}

/// The calls of a server to the system, seen from outside of it: whatever it opens, wherever that is.
struct Opened {
    place: tempfile::TempDir,
    calls: Calls,
}

impl Opened {
    /// Has the programs of this place seen. None where the system lets nobody see.
    fn of(place: &mut Place) -> Option<Self> {
        let here = tempfile::tempdir().unwrap();
        let calls = Calls::in_folder(here.path())?;
        let nothing = What::Nothing;
        let tried = calls.command(here.path(), nothing, "", false).arg("/bin/true").status().unwrap();
        calls.seen(nothing, tried)?;
        // What is begun is a script that begins the program under its eyes.
        let mut command = calls.command(&place.data(), nothing, "", true);
        command.arg(&place.program);
        let words: Vec<String> = [command.get_program()]
            .into_iter()
            .chain(command.get_args())
            .map(|word| format!("'{}'", word.to_str().unwrap()))
            .collect();
        let script = here.path().join("seen");
        fs::write(&script, format!("#!/bin/sh\nexec {} \"$@\"\n", words.join(" "))).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
        place.program = script;
        Some(Self { place: here, calls })
    }

    /// Every path so far.
    fn paths(&self) -> BTreeSet<PathBuf> {
        let text = fs::read_to_string(self.calls.opens()).unwrap();
        assert!(text.ends_with('\n') && self.place.path().exists(), "a path is a line");
        text.lines().map(PathBuf::from).collect()
    }
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
    let seen = Opened::of(&mut place);
    let hostile = hostile();
    assert!(hostile.len() > 500, "{}", hostile.len());
    // What a name could lead to, at every height.
    let root = place.file("");
    for folder in ["", "data", "data/buckets"] {
        fs::write(root.join(folder).join("canary"), "sings").unwrap();
    }
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::write(root.join("etc/passwd"), "nobody").unwrap();

    let config = place.file("config.toml");
    write_private(&config, "");
    let data = place.data();
    let (before, beside, machine) = (tree(&root, &data), names(&data), of_the_machine());
    let watch = Watch::begin(&[root.clone(), root.join("etc"), data.clone(), data.join("buckets")]);
    assert!(watch.sees(&root.join("etc/passwd")), "whoever opens a file is seen");

    let store = FolderStore::open(place.data().join("buckets")).unwrap();
    let mut manifest = String::new();
    for name in &hostile {
        store.put(PutRequest::new(SOURCE, name, name.clone().into_bytes().into())).await.unwrap();
        manifest.push_str(&format!("{SOURCE},{}\n", utf8_percent_encode(name, NON_ALPHANUMERIC)));
    }
    let etag = place.write_manifest(&manifest);
    let flags = ["--config", config.to_str().unwrap()];
    let server = Server::start_with(&place, &flags);
    let of_its_own = seen.as_ref().map_or_else(BTreeSet::new, Opened::paths);
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
    // Between two, so that not too many wait to be read.
    let mut opened = watch.opened();
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
    opened.extend(watch.opened());
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

    opened.extend(watch.opened());
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
                opened.extend(watch.opened());
            }
        }
    }
    assert!(made.len() > 20 && refused > 100, "{} jobs were made, {refused} refused", made.len());
    for job in &made {
        let waited = server.run(&["wait", job]);
        assert!([0, 3, 4].contains(&waited.code), "{waited:?}");
        opened.extend(watch.opened());
    }
    // Reports at hostile places are reports: their rows are read there.
    let reported = made.iter().filter(|job| server.run(&["report", job]).code == 0).count();
    assert!(reported > 10, "{reported} of {} jobs have reports", made.len());
    drop(server);
    opened.extend(watch.opened());
    let forbidden = |path: &&PathBuf| path.ends_with("canary") || path.starts_with(root.join("etc"));
    assert_eq!(opened.iter().filter(forbidden).collect::<Vec<_>>(), Vec::<&PathBuf>::new(), "opened");
    assert!(opened.contains(&config), "the server has opened its own files: {opened:?}");
    // The same for whatever there is, where it can be seen.
    if let Some(seen) = seen {
        let paths = seen.paths();
        let in_data =
            |path: &Path| path.starts_with(&data) && !path.components().any(|part| part == Component::ParentDir);
        // Asked by the C library's allocator before it gives memory back.
        let of_the_library = Path::new("/proc/sys/vm/overcommit_memory");
        let outside: Vec<_> =
            paths.difference(&of_its_own).filter(|path| !in_data(path) && *path != of_the_library).collect();
        assert_eq!(outside, Vec::<&PathBuf>::new(), "opened outside the data folder since it listens");
        let canary = |path: &PathBuf| path.ends_with("canary") && !path.starts_with(data.join("buckets"));
        assert!(of_its_own.contains(&config) && !of_its_own.iter().any(canary), "{of_its_own:?}");
        assert!(paths.len() > hostile.len(), "it has opened an object for each name: {}", paths.len());
    } else {
        eprintln!("SKIPPED: the system does not let anybody see what a program opens");
    }

    let after = tree(&root, &data);
    let differ = |name: &&String| before.get(*name) != after.get(*name) && !name.ends_with("serve.log");
    let changed: BTreeSet<&String> = before.keys().chain(after.keys()).filter(differ).collect();
    assert_eq!(changed, BTreeSet::new(), "made, changed or gone");
    assert_eq!(of_the_machine(), machine, "something outside was made, changed or is gone");
    assert_eq!((names(&data), names(&data.join("buckets"))), (beside, buckets));
    for folder in ["", "data", "data/buckets"] {
        assert_eq!(fs::read(root.join(folder).join("canary")).unwrap(), b"sings", "{folder}");
    }
}
