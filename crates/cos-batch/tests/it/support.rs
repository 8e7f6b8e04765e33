//! A server process, a bucket full of files, and what a report must say about them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs::{self, File},
    io::{BufRead as _, BufReader},
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
};

use percent_encoding::percent_decode_str;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::left;

pub(crate) const SOURCE: &str = "photos-1250000000";
pub(crate) const TARGET: &str = "archive-1250000000";
/// A bucket of another account.
pub(crate) const FOREIGN: &str = "secrets-1251111111";
const MANIFEST_KEY: &str = "lists/all.csv";

/// Another build of the program, to be tested in place of the one that was built with the tests.
const PROGRAM_VARIABLE: &str = "COS_BATCH_PROGRAM";

/// The program in a release build, which `cargo xtask test` has made before it runs the tests.
const RELEASE_VARIABLE: &str = "COS_BATCH_PROGRAM_RELEASE";

/// Where the program is that is tested.
pub(crate) fn program_file() -> PathBuf {
    std::env::var_os(PROGRAM_VARIABLE).map_or_else(|| env!("CARGO_BIN_EXE_cos-batch").into(), PathBuf::from)
}

/// The program, with nothing of the environment that would steer it.
pub(crate) fn program() -> Command {
    program_at(&program_file())
}

fn program_at(file: &Path) -> Command {
    let mut command = Command::new(file);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("COS_") || name.starts_with("OTEL_") || name == "RUST_LOG" {
            command.env_remove(&*name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// Snapshots in which what differs from run to run is replaced, by something as wide where columns depend on it.
pub(crate) fn snapshots() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    let same = [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "00000000-0000-7000-8000-000000000000"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2026-01-02T03:04:05Z"),
        (r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", "Fri, 02 Jan 2026 03:04:05 GMT"),
        (r"after \d+ s", "after 1 s"),
        (r"(request id: |request-id: )[A-Za-z0-9+/]+=*", "${1}NjkyM2FhYmI="),
        (r"127\.0\.0\.1:\d{4,5}", "127.0.0.1:9450"),
        (r"(until|from|now is) \d{10}", "$1 1700000000"),
        (r"AKID[A-Za-z0-9]{32}", "AKIDEXAMPLE"),
        (r"\S*/(debug|release)/cos-batch", "cos-batch"),
    ];
    for (from, to) in same {
        settings.add_filter(from, to);
    }
    settings
}

/// What a process said and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        left::told("said", &output.stdout);
        left::told("said", &output.stderr);
        let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
        let code = output.status.code().expect("the process ended by itself");
        Self { code, out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Said {
    /// The standard output of a process that ended with this code.
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        self.out
    }
}

/// Runs to the end.
pub(crate) fn run(command: &mut Command) -> Said {
    command.output().expect("the program starts").into()
}

/// A data folder in a place of its own.
pub(crate) struct Place {
    root: TempDir,
    /// Whose servers work on it.
    pub(crate) program: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::of(program_file())
    }

    /// A place of servers as users build them, where there is such a build and no other one is to be tested.
    pub(crate) fn of_release() -> Self {
        let named = [PROGRAM_VARIABLE, RELEASE_VARIABLE].into_iter().find_map(std::env::var_os);
        Self::of(named.map_or_else(program_file, PathBuf::from))
    }

    fn of(program: PathBuf) -> Self {
        let place = Self { root: left::folder(), program };
        for bucket in [SOURCE, TARGET] {
            fs::create_dir_all(place.bucket(bucket)).unwrap();
        }
        place
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.data().join("credentials.toml")
    }

    pub(crate) fn bucket(&self, name: &str) -> PathBuf {
        self.data().join("buckets").join(name)
    }

    /// Puts numbered files into the source bucket.
    pub(crate) fn fill(&self, files: usize) -> Rows {
        let mut rows = Rows::default();
        for number in 0..files {
            let key = format!("in/{:02}/{number:05} é.txt", number / 500);
            let path = self.bucket(SOURCE).join(&key);
            if number % 500 == 0 {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
            }
            fs::write(path, format!("{number}\n").repeat(number % 61)).unwrap();
            rows.add(SOURCE, &key);
        }
        rows
    }

    /// Writes the manifest and gives its ETag.
    pub(crate) fn write_manifest(&self, text: &str) -> String {
        let path = self.bucket(SOURCE).join(MANIFEST_KEY);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        etag_of(text)
    }

    /// Each of these files has a copy with the same bytes, and there is no other copy.
    #[track_caller]
    pub(crate) fn assert_copied(&self, keys: &BTreeSet<String>) {
        let found = keys_in(&self.bucket(TARGET));
        let copied: BTreeSet<String> = found.into_iter().filter(|key| !key.starts_with("reports/")).collect();
        assert!(copied == *keys, "{} copies, expected {}", copied.len(), keys.len());
        for key in keys {
            let [source, copy] = [SOURCE, TARGET].map(|bucket| fs::read(self.bucket(bucket).join(key)).unwrap());
            assert!(source == copy, "{key} differs");
        }
    }

    /// All rows of a job's report, by bucket and key: how often each is there, and its columns from the status on.
    pub(crate) fn report(&self, job: &str) -> BTreeMap<(String, String), Vec<Vec<String>>> {
        let folder = self.bucket(TARGET).join(format!("reports/job-{job}"));
        let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
        let mut rows: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for result in manifest["Results"].as_array().unwrap() {
            assert_eq!(result["Bucket"], TARGET);
            let text = fs::read_to_string(self.bucket(TARGET).join(result["Key"].as_str().unwrap())).unwrap();
            for line in text.lines() {
                // No bucket has a comma, keys are encoded, and there are no versions: the message alone may have some.
                let fields: Vec<&str> = line.splitn(7, ',').collect();
                assert_eq!(fields.len(), 7, "{line}");
                assert_eq!(result["TaskExecutionStatus"], fields[3]);
                let key = percent_decode_str(fields[1]).decode_utf8().unwrap().into_owned();
                let rest = fields[3..].iter().map(|field| (*field).to_owned()).collect();
                rows.entry((fields[0].to_owned(), key)).or_default().push(rest);
            }
        }
        rows
    }
}

/// Keys of all files below a folder, the store's own aside.
pub(crate) fn keys_in(folder: &Path) -> Vec<String> {
    let mut keys = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                if entry.file_name() != ".cos-batch" {
                    folders.push(entry.path());
                }
            } else {
                keys.push(entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    keys
}

/// The ETag of an object with this text.
pub(crate) fn etag_of(text: &str) -> String {
    use md5::Digest as _;
    md5::Md5::digest(text).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

/// Writes a file that only its owner may read.
pub(crate) fn write_private(path: &Path, text: &str) {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// The rows of a manifest.
#[derive(Clone, Default)]
pub(crate) struct Rows {
    pub(crate) text: String,
    pub(crate) keys: BTreeSet<String>,
    pub(crate) count: usize,
}

impl Rows {
    /// A row that is to be copied.
    pub(crate) fn add(&mut self, bucket: &str, key: &str) {
        self.add_failing(bucket, key);
        self.keys.insert(key.to_owned());
    }

    /// A row that is to fail.
    pub(crate) fn add_failing(&mut self, bucket: &str, key: &str) {
        let encoded = key.replace('%', "%25").replace(' ', "%20").replace(',', "%2C");
        writeln!(self.text, "{bucket},{encoded}").unwrap();
        self.count += 1;
    }
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    pub(crate) endpoint: String,
    /// Lines before the one that says where it listens.
    pub(crate) usage: String,
    key_file: PathBuf,
}

impl Server {
    /// Begins to start one. It is the caller's to end.
    pub(crate) fn begin(place: &Place, flags: &[&str]) -> Child {
        let log = File::options().create(true).append(true).open(place.file("serve.log")).unwrap();
        let mut command = program_at(&place.program);
        let anywhere: &[_] = if flags.contains(&"--listen") { &[] } else { &["--listen", "127.0.0.1:0"] };
        command.arg("serve").arg("--data").arg(place.data()).args(anywhere).args(flags);
        command.stdout(Stdio::piped()).stderr(log).spawn().expect("the server starts")
    }

    /// Starts one on the place's folder and waits until it listens.
    pub(crate) fn start(place: &Place) -> Self {
        Self::start_with(place, &[])
    }

    pub(crate) fn start_with(place: &Place, flags: &[&str]) -> Self {
        let mut child = Self::begin(place, flags);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut usage = String::new();
        let endpoint = loop {
            let Some(line) = lines.next() else {
                let log = fs::read_to_string(place.file("serve.log")).unwrap();
                panic!("the server ended: {:?}\n{usage}{log}", child.wait());
            };
            let line = line.unwrap();
            if let Some(endpoint) = line.strip_prefix("listening on ") {
                break endpoint.to_owned();
            }
            usage.push_str(&line);
            usage.push('\n');
        };
        left::told("usage", usage.as_bytes());
        Self { child, endpoint, usage, key_file: place.key_file() }
    }

    /// Where its metrics are, if anywhere.
    pub(crate) fn metrics(&self) -> Option<&str> {
        self.usage.lines().find_map(|line| line.strip_prefix("metrics on http://")?.strip_suffix("/metrics"))
    }

    /// Host and port of the object endpoint, where there is one.
    pub(crate) fn objects(&self) -> Option<&str> {
        self.usage.lines().find_map(|line| line.strip_prefix("objects on http://"))
    }

    /// The server's own key: its id and its secret.
    pub(crate) fn key(&self) -> (String, String) {
        let file: toml::Table = toml::from_str(&fs::read_to_string(&self.key_file).unwrap()).unwrap();
        let key = &file["key"].as_array().unwrap()[0];
        let text = |name: &str| key[name].as_str().unwrap().to_owned();
        (text("secret_id"), text("secret_key"))
    }

    /// A command to this server, signed with its own key.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = program();
        command.env("COS_BATCH_ENDPOINT", &self.endpoint).env("COS_CREDENTIALS", &self.key_file).args(words);
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Said {
        run(&mut self.command(words))
    }

    /// Makes a job that copies what the manifest names, and gives its id.
    pub(crate) fn create_copy(&self, etag: &str, flags: &[&str]) -> String {
        let said = self.try_create_copy(etag, flags);
        said.with_code(0).trim().to_owned()
    }

    pub(crate) fn try_create_copy(&self, etag: &str, flags: &[&str]) -> Said {
        let manifest = format!("{SOURCE}/{MANIFEST_KEY}");
        let mut words = vec!["create", "--operation", "copy", "--manifest", &manifest, "--etag", etag];
        words.extend(["--report-bucket", TARGET, "--report-prefix", "reports"]);
        if !flags.contains(&"--target") {
            words.extend(["--target", TARGET]);
        }
        words.extend(flags);
        self.run(&words)
    }

    /// A job as DescribeJob has it.
    pub(crate) fn describe(&self, job: &str) -> Value {
        serde_json::from_str(&self.run(&["describe", job, "--output", "json"]).with_code(0)).unwrap()
    }

    /// Looks at a job until `enough` says so; gives what it saw then.
    pub(crate) fn look_until(&self, job: &str, enough: impl Fn(&Value) -> bool) -> Value {
        loop {
            let seen = self.describe(job);
            if enough(&seen) {
                return seen;
            }
        }
    }

    /// Number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// As a loss of power would do it, as far as the process is concerned.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        assert_eq!(self.child.wait().unwrap().signal(), Some(9));
    }

    /// Asks it to read its files again.
    pub(crate) fn hang_up(&self) {
        kill_process(Pid::from_child(&self.child), Signal::HUP).unwrap();
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        left::metrics(self.metrics());
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Most tests are done with it before it is done.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Number of tasks that succeeded, that failed, and of all.
pub(crate) fn figures(job: &Value) -> [u64; 3] {
    let progress = &job["ProgressSummary"];
    ["NumberOfTasksSucceeded", "NumberOfTasksFailed", "TotalNumberOfTasks"].map(|name| progress[name].as_u64().unwrap())
}

/// The job is complete, its figures add up, and its report has exactly one row for each row of the manifest.
#[track_caller]
pub(crate) fn assert_exact(place: &Place, server: &Server, job: &str, rows: &Rows) {
    let described = server.describe(job);
    assert_eq!(described["Status"], "Complete", "{described:#}");
    let (all, good) = (rows.count as u64, rows.keys.len() as u64);
    assert_eq!(figures(&described), [good, all - good, all]);
    let report = place.report(job);
    let named: BTreeSet<(String, String)> = rows
        .text
        .lines()
        .map(|line| {
            let (bucket, key) = line.split_once(',').unwrap();
            (bucket.to_owned(), percent_decode_str(key).decode_utf8().unwrap().into_owned())
        })
        .collect();
    assert!(report.keys().eq(named.iter()), "the report names other objects than the manifest");
    for ((bucket, key), outcomes) in &report {
        let [columns] = &outcomes[..] else { panic!("{bucket}/{key} is reported {} times", outcomes.len()) };
        let [word, status, code, message] = &columns[..] else { panic!("{columns:?}") };
        if rows.keys.contains(key) && bucket == SOURCE {
            assert_eq!([word, status, code, message], ["succeeded", "200", "", ""], "{key}");
        } else {
            assert_eq!(word, "failed", "{key}");
            assert!(status.starts_with('4') && !code.is_empty() && !message.is_empty(), "{columns:?}");
        }
    }
    place.assert_copied(&rows.keys);
}
