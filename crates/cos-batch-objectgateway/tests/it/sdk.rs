//! The official Python SDK, unmodified, against the gateway over a folder.
//!
//! The first run makes a virtual environment under the target folder, which needs a network; `cargo xtask test` does so
//! beforehand.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
};

use cos_batch_objectgateway::ObjectGateway;
use cos_batch_objectstore::FolderStore;
use serde_json::json;
use tokio::{io::AsyncWriteExt, process::Command};

use crate::support::{APPID, FOREIGN, SECRET, SECRET_ID, keys, serve};

/// What the script tells of, in each of its two ways to reach the gateway: by its address, and as an HTTP proxy.
const STORIES: [&str; 13] = [
    "objects",
    "odd_keys",
    "listings",
    "copies",
    "copy_as_a_whole",
    "parts",
    "tagging",
    "access",
    "restore",
    "versions",
    "presigned",
    "buckets",
    "strangers",
];

/// Those that the SDK can only do through a proxy, since it leaves the address out.
const PROXY_ONLY: [&str; 2] = ["copy_as_a_whole", "presigned"];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The interpreter of the virtual environment, which is made if it is not there.
async fn interpreter() -> PathBuf {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("python");
    let script = crates().join("../xtask/python/environment.py");
    let output = Command::new(python).arg(script).arg(folder).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_sdk_is_at_home() {
    let folder = tempfile::tempdir().unwrap();
    let store = FolderStore::open(folder.path()).unwrap();
    store.create_bucket(FOREIGN).unwrap();
    let gateway = ObjectGateway::builder(Arc::new(store)).authenticate(keys()).build().unwrap();
    let gateway = serve(gateway).await;
    let plan = json!({ "address": gateway.address.to_string(), "appid": APPID, "id": SECRET_ID, "secret": SECRET });
    let mut command = Command::new(interpreter().await);
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"] {
        command.env_remove(name);
    }
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/objects.py"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(plan.to_string().as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    let by_address = STORIES.iter().filter(|story| !PROXY_ONLY.contains(story)).map(|story| format!("address {story}"));
    let expected: Vec<_> = by_address.chain(STORIES.iter().map(|story| format!("proxy {story}"))).collect();
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
}
