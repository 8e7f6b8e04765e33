//! Each page with commands, as its reader carries them out.

use std::{
    fs::{self, File},
    time::{Duration, SystemTime},
};

use cos_batch_engine::{Clock as _, SystemClock};
use cos_batch_nodetest::Postgres;
use cos_batch_objectstore::{ObjectStore, PutRequest};

use super::{
    blocks_of,
    shell::{Shell, assert_shown},
};
use crate::{
    python::{interpreter, without_settings},
    scenario::backends,
    support::{Place, Server, write_private},
};

/// Waits for the server that was begun last, then goes on.
const STARTED: &str = "until grep -q '^listening on' serve.log || ! kill -0 $!; do sleep 0.1; done\n";

#[test]
fn the_tutorial() {
    let printed = Shell::new().run(&blocks_of("docs/tutorial.md", "sh").concat());
    assert_shown("docs/tutorial.md", &printed);
}

/// The commands of the README below this line of it, and of its Chinese form.
#[test]
fn a_server_of_ones_own() {
    let commands = |path| {
        let blocks = blocks_of(path, "sh");
        blocks.into_iter().find(|block| block.contains("cos-batch serve")).unwrap()
    };
    let shell = Shell::new();
    for name in ["a.jpg", "b.jpg"] {
        fs::write(shell.folder().join(name), name).unwrap();
    }
    let english = commands("README.md");
    let printed = shell.run(&english);
    assert!(printed.contains("2 of 2 succeeded, 0 failed"), "{printed}");
    assert_eq!(fs::read_to_string(shell.folder().join("here/buckets/backup-1250000000/b.jpg")).unwrap(), "b.jpg");
    let without_comments = |text: &str| {
        text.lines().map(|line| line.split(" # ").next().unwrap_or_default().trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(without_comments(&commands("README.zh-CN.md")), without_comments(&english));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_stores() {
    let (seaweed, store, port) = backends::plain_seaweedfs("AKIDEXAMPLE", "exampleSecret").await;
    for bucket in ["photos", "backup"] {
        store.put_bucket(bucket).await.unwrap();
    }
    for number in 0..40 {
        store.put(PutRequest::new("photos", &format!("{number}.jpg"), "picture".into())).await.unwrap();
    }
    store.put(PutRequest::new("photos", "notes.txt", "no picture".into())).await.unwrap();
    let page = "docs/guide-stores.md";
    let mut shell = Shell::new();
    shell.replace("127.0.0.1:8333", format!("127.0.0.1:{port}"));
    let commands = blocks_of(page, "sh").concat();
    let printed = tokio::task::spawn_blocking(move || shell.run(&commands)).await.unwrap();
    assert_shown(page, &printed);
    drop(seaweed);
}

/// Our own server, with the key and the buckets that the page has, in place of the service.
#[test]
fn tencent_cos() {
    let place = Place::new();
    fs::create_dir_all(place.bucket("backup-1250000000")).unwrap();
    let rows = place.fill(2);
    let etag = place.write_manifest(&rows.text);
    write_private(
        &place.key_file(),
        "[[key]]\nsecret_id = \"AKIDEXAMPLE\"\nsecret_key = \"exampleSecret\"\nappid = \"1250000000\"\n",
    );
    let server = Server::start(&place);
    let page = "docs/guide-cos.md";
    let mut shell = Shell::new();
    shell.set("COS_BATCH_ENDPOINT", &server.endpoint);
    shell.replace("2b31f8ebd02b469a2727c2894416825c", etag);
    assert_shown(page, &shell.run(&blocks_of(page, "sh").concat()));
}

#[test]
fn s3_control_in_ten_lines() {
    let page = "docs/s3control.md";
    let mut shell = Shell::new();
    fs::write(shell.folder().join("a.jpg"), "a").unwrap();
    let python = interpreter("python", "requirements.txt");
    let mut command = std::process::Command::new(&python);
    without_settings(&mut command);
    for (name, value) in command.get_envs() {
        let name = name.to_str().unwrap();
        match value {
            Some(value) => shell.set(name, value.to_str().unwrap()),
            None => shell.unset(name),
        }
    }
    let [commands, script] = ["sh", "python"].map(|kind| blocks_of(page, kind).concat());
    let printed = shell.run(&format!("{commands}cat > ten.py <<'PY'\n{script}PY\n{} ten.py\n", python.display()));
    assert!(printed.contains("'TotalNumberOfTasks'"), "{printed}");
}

/// A smaller job than the page's, and leases that run out sooner.
#[test]
fn two_nodes_on_one_machine() {
    let database = Postgres::start().unwrap();
    let mut shell = Shell::new();
    shell.set("PGHOST", "127.0.0.1");
    shell.set("PGPORT", database.port().to_string());
    shell.set("PGUSER", "test");
    database.sql("CREATE DATABASE cosbatch").unwrap();
    shell.replace("createdb cosbatch\n", "");
    shell.replace("seq 1 20000", "seq 1 2000");
    shell.replace("[spool]", "[engine]\nlease_seconds = 2\n\n[spool]");
    // So small a job may have ended before the node does; `nodes::prepare` counts leases that run out.
    shell.replace("grep 'leases ran out' two.log", "grep 'leases ran out' two.log || true");
    let printed = shell.run(&blocks_of("docs/operations.md", "sh").concat());
    assert!(printed.contains("2,000 of 2,000 succeeded, 0 failed"), "{printed}");
}

#[test]
fn a_backup_and_what_is_restored_from_it() {
    let commands = blocks_of("docs/operating.md", "sh");
    let both = commands.iter().find(|block| block.starts_with("cos-batch backup")).unwrap();
    let (backup, restore) = both.split_at(both.find("cos-batch restore").unwrap());
    let mut shell = Shell::new();
    shell.replace("/var/lib/cos-batch", "data");
    shell.replace("/backup/monday", "monday");
    // Brought back into a folder of its own: this one has jobs.
    let restore = restore.replace("/var/lib/cos-batch", "again");
    shell.run(&format!("cos-batch serve --data data > serve.log 2>&1 &\n{STARTED}{backup}{restore}"));
    for name in ["jobs.sqlite", "credentials.toml"] {
        assert!(shell.folder().join("again").join(name).is_file(), "{name}");
    }
}

#[test]
fn a_manifest_of_large_old_files() {
    let shell = Shell::new();
    let folder = shell.folder().join("here/buckets/photos-1250000000/2025");
    fs::create_dir_all(&folder).unwrap();
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(SystemClock.now().unsigned_abs());
    for (name, bytes, days) in [("old.jpg", 200_000_000, 31), ("new.jpg", 200_000_000, 1), ("small.jpg", 10, 31)] {
        let file = File::create(folder.join(name)).unwrap();
        file.set_len(bytes).unwrap();
        file.set_modified(now - Duration::from_secs(days * 86_400)).unwrap();
    }
    let commands = blocks_of("docs/cli.md", "sh").concat();
    shell.run(&format!(
        "cos-batch serve --data here > serve.log 2>&1 &\n{STARTED}export COS_CREDENTIALS=here/credentials.toml\n{commands}"
    ));
    let list = fs::read_to_string(shell.folder().join("here/buckets/photos-1250000000/lists/big.csv")).unwrap();
    assert_eq!(list, "photos-1250000000,2025/old.jpg\n");
}

/// A test in a shell, and the suite of conformance after it; then a test in Python.
#[test]
fn tests_that_start_a_process_of_their_own() {
    let blocks = |kind| blocks_of("docs/guide-testing.md", kind).concat();
    let printed = Shell::new().run(&blocks("bash"));
    assert!(printed.contains("1 of 1 succeeded, 0 failed") && printed.contains(" passed, 0 failed, "), "{printed}");

    let printed = Shell::new().run(&format!("cat > page.py <<'PY'\n{}PY\npython3 page.py\n", blocks("python")));
    assert_eq!(printed.trim(), "no jobs");
}

/// The command as it is, in the background; both addresses answer.
#[test]
fn a_process_for_tests_in_any_language() {
    let command = blocks_of("docs/guide-testing.md", "sh").concat();
    let command = command.trim();
    let printed = Shell::new().run(&format!(
        "{command} > serve.log 2>&1 &\n{STARTED}export COS_CREDENTIALS=here/credentials.toml\ncos-batch list\ncat serve.log\n"
    ));
    assert!(printed.contains("\nobjects on http://") || printed.starts_with("objects on http://"), "{printed}");
}
