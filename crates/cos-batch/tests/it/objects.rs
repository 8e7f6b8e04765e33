//! The object endpoint of the server: a team with the SDK that it has.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::json;

use crate::support::{Place, SOURCE, Server, TARGET, figures};

/// The interpreter of the virtual environment with the SDK, which is made if it is not there.
fn interpreter() -> PathBuf {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../xtask/python/environment.py");
    let output = Command::new(python).arg(script).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().into()
}

/// Runs one half of the round trip; gives what it printed.
fn sdk(half: &str, plan: &serde_json::Value) -> String {
    let mut command = Command::new(interpreter());
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"] {
        command.env_remove(name);
    }
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/round_trip.py")).arg(half);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("python starts");
    child.stdin.take().unwrap().write_all(plan.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{half}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn objects_go_in_and_copies_come_out_through_the_sdk() {
    let place = Place::new();
    for bucket in [SOURCE, TARGET] {
        fs::remove_dir(place.bucket(bucket)).unwrap();
    }
    let server = Server::start_with(&place, &["--objects-listen", "127.0.0.1:0"]);
    let (id, secret) = server.key();
    let plan = |job: &str| {
        json!({
            "address": server.objects().unwrap(), "id": id, "secret": secret,
            "source": SOURCE, "target": TARGET, "job": job,
        })
    };
    let etag = sdk("upload", &plan(""));
    let job = server.create_copy(&etag, &[]);
    server.run(&["wait", &job]).with_code(4);
    assert_eq!(figures(&server.describe(&job)), [42, 1, 43]);
    assert_eq!(sdk("download", &plan(&job)), "the same");
    // What came through the endpoint are ordinary files, where a key can be a path.
    assert!(place.bucket(TARGET).join("in/large.bin").is_file());
    assert!(server.terminate().success());
}

#[test]
fn there_is_no_object_endpoint_unless_it_is_asked_for() {
    let place = Place::new();
    let server = Server::start(&place);
    assert!(server.objects().is_none(), "{}", server.usage);
}
