//! A disk that is full: jobs wait and say why, nothing fails and nothing is lost, and all goes on once there is room.
//!
//! The disk is a file system in memory, in a name space of the server's own. Where such a thing may not be made the test says
//! that it was skipped.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    left::{self, SECRET},
    ready::until_ready_says,
    support::{SOURCE, Said, TARGET, etag_of, figures, program, run, write_private},
};

/// Bytes of the file system.
const DISK: &str = "size=40m";

const FILES: usize = 600;
const FILE_BYTES: usize = 16 << 10;

/// What is left for the copies until somebody makes room: less than they need.
const ROOM: u64 = 4 << 20;

/// Longest that anything may take: far more than it does.
const PATIENCE: Duration = Duration::from_secs(120);

/// Puts a file system at `$1`, and becomes the rest.
const MOUNT: &str = "mount -t tmpfs -o \"$2\" tmpfs \"$1\" && shift 2 && exec \"$@\"";

/// A command that sees a small file system at this place.
fn with_disk(at: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", MOUNT, "sh"]).arg(at).arg(DISK);
    command
}

/// A server whose data is on that disk.
struct Server {
    child: Child,
    endpoint: String,
    place: TempDir,
}

impl Server {
    fn start(place: TempDir) -> Self {
        let (data, keys) = (place.path().join("data"), place.path().join("keys.toml"));
        let key = format!("[[key]]\nsecret_id = \"AKIDFULL\"\nsecret_key = \"{SECRET}\"\nappid = \"1250000000\"\n");
        write_private(&keys, &key);
        let built = program();
        let mut command = with_disk(&data);
        command.arg(built.get_program()).args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
        command.arg("--credentials").arg(&keys).stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(File::create(place.path().join("serve.log")).unwrap());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let endpoint =
            lines.map_while(Result::ok).find_map(|line| Some(line.strip_prefix("listening on ")?.to_owned()));
        let endpoint = endpoint.unwrap_or_else(|| panic!("the server ended: {:?}", child.wait()));
        Self { child, endpoint, place }
    }

    /// A path of the data folder, as it is seen from here.
    fn data(&self, name: &str) -> PathBuf {
        let inside = self.place.path().join("data").join(name);
        PathBuf::from(format!("/proc/{}/root{}", self.child.id(), inside.display()))
    }

    fn ask(&self, words: &[&str]) -> Said {
        let mut command = program();
        command.env("COS_BATCH_ENDPOINT", &self.endpoint).env("COS_APPID", "1250000000");
        command.env("COS_SECRET_ID", "AKIDFULL").env("COS_SECRET_KEY", SECRET);
        run(command.args(words))
    }

    fn describe(&self, job: &str) -> Value {
        serde_json::from_str(&self.ask(&["describe", job, "--output", "json"]).with_code(0)).unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.place.path().join("serve.log")).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Fills the disk but for this many bytes.
fn fill(ballast: &Path, but: u64) {
    let mut file = File::create(ballast).unwrap();
    let piece = vec![1; 64 << 10];
    while file.write_all(&piece).is_ok() {}
    let all = file.metadata().unwrap().len();
    file.set_len(all - but).unwrap();
}

#[test]
fn a_job_waits_for_room_and_says_so() {
    let place = left::folder();
    fs::create_dir(place.path().join("data")).unwrap();
    if !with_disk(&place.path().join("data")).arg("true").output().is_ok_and(|output| output.status.success()) {
        let _ = writeln!(std::io::stderr(), "SKIPPED: no file system can be made here");
        return;
    }
    let server = Server::start(place);
    until_ready_says(&server.endpoint, 200, "ok\n");
    let mut manifest = String::new();
    for bucket in [SOURCE, TARGET] {
        fs::create_dir_all(server.data("buckets").join(bucket)).unwrap();
    }
    let source = server.data("buckets").join(SOURCE);
    fs::create_dir(source.join("in")).unwrap();
    for number in 0..FILES {
        fs::write(source.join(format!("in/{number}")), vec![b'x'; FILE_BYTES]).unwrap();
        manifest.push_str(&format!("{SOURCE},in/{number}\n"));
    }
    fs::write(source.join("all.csv"), &manifest).unwrap();
    let (ballast, at, etag) = (server.data("ballast"), format!("{SOURCE}/all.csv"), etag_of(&manifest));
    fill(&ballast, ROOM);

    let words = ["create", "--operation", "copy", "--manifest", &at, "--etag", &etag, "--target", TARGET];
    let report = ["--report-bucket", TARGET, "--report-prefix", "reports"];
    let create = [&words[..], &report].concat();
    let job = server.ask(&create).with_code(0).trim().to_owned();
    let begin = Instant::now();
    // The log says which job waits, and for what.
    while !server.log().lines().any(|line| line.contains(&job) && line.contains("no room left")) {
        assert!(begin.elapsed() < PATIENCE, "{:#}\n{}", server.describe(&job), server.log());
    }
    let waits = server.describe(&job);
    let [done, failed, total] = figures(&waits);
    assert!(waits["Status"] == "Active" && failed == 0 && done < total, "{waits:#}");
    // Nothing at all is left; what is asked for now is done, or refused.
    fill(&server.data("more"), 0);
    let asked: Vec<Said> = (0..5).map(|_| server.ask(&create)).collect();
    let full = "cannot be written: no storage space";
    until_ready_says(&server.endpoint, 503, &format!("the folder of buckets {full}\nthe spool {full}\n"));

    fs::remove_file(server.data("more")).unwrap();
    fs::remove_file(&ballast).unwrap();
    until_ready_says(&server.endpoint, 200, "ok\n");
    let answered: Vec<String> =
        asked.iter().filter(|said| said.code == 0).map(|said| said.out.trim().to_owned()).collect();
    for job in answered.iter().chain([&job]) {
        let begin = Instant::now();
        while server.describe(job)["Status"] != "Complete" {
            assert!(begin.elapsed() < PATIENCE, "{:#}\n{}", server.describe(job), server.log());
        }
        assert_eq!(figures(&server.describe(job)), [FILES as u64, 0, FILES as u64]);
    }
    for number in 0..FILES {
        let copy = fs::read(server.data("buckets").join(TARGET).join(format!("in/{number}"))).unwrap();
        assert!(copy == vec![b'x'; FILE_BYTES], "{number}");
    }
}
