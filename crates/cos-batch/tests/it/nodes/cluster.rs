//! Nodes, their database, the way to it, and their object store.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    ops::Range,
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use cos_batch_nodetest::{Postgres, Proxy};
use cos_batch_nullstore::{NullStore, Options};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    left::{self, SECRET},
    reported::reported,
    support::{etag_of, figures, program, write_private},
};

/// The bucket that all jobs work on.
pub(super) const SOURCE: &str = "photos-1250000000";
/// Where reports go.
pub(super) const REPORTS: &str = "reports-1250000000";

/// Longest that anything may take: far more than it does.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// How often to look whether something is so.
const LOOK: Duration = Duration::from_millis(30);

/// How nodes are set: little in flight, checkpoints often.
const ENGINE: &str = "[engine]\npoll_millis = 100\ncheckpoint_millis = 100\nworkers = 4\nasync_slots = 4\n";

/// Seconds after which leases run out where somebody is to take up what another one left.
const LEASE: u32 = 2;

/// All but the nodes.
pub(super) struct Cluster {
    pub(super) place: TempDir,
    pub(super) database: Postgres,
    pub(super) proxy: Proxy,
    pub(super) store: NullStore,
}

/// A node.
pub(super) struct Node {
    child: Child,
    pub(super) address: String,
    /// Where its metrics are.
    metrics: String,
}

impl Cluster {
    /// A store whose operations take so long, and an empty database. Leases run out soon.
    pub(super) async fn start(latency: Duration) -> Self {
        Self::start_with(latency, LEASE).await
    }

    /// The same with leases of so many seconds.
    pub(super) async fn start_with(latency: Duration, lease: u32) -> Self {
        Self::start_on(Options { latency, ..Options::default() }, lease).await
    }

    /// The same with a store that is set so.
    pub(super) async fn start_on(options: Options, lease: u32) -> Self {
        let database = Postgres::start().unwrap();
        let proxy = Proxy::start(database.port()).unwrap();
        let store = NullStore::start(Options { record: true, ..options }).await.unwrap();
        let place = left::folder();
        let config = format!(
            "{ENGINE}lease_seconds = {lease}\n[[store]]\nname = \"null\"\nkind = \"s3\"\nstyle = \"path\"\nendpoint = \"http://{}\"\n\
             secret_id = \"AKIDEXAMPLE\"\nsecret_key = \"exampleSecret\"\n[spool]\nstore = \"null\"\nbucket = \"spool\"\n\
             [[bucket]]\nname = \"{SOURCE}\"\nstore = \"null\"\n[[bucket]]\nname = \"{REPORTS}\"\nstore = \"null\"\n",
            store.address()
        );
        write_private(&place.path().join("config.toml"), &config);
        let key = format!("[[key]]\nsecret_id = \"AKIDNODE\"\nsecret_key = \"{SECRET}\"\nappid = \"1250000000\"\n");
        write_private(&place.path().join("keys.toml"), &key);
        Self { place, database, proxy, store }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// How a node is started.
    fn serve(&self, flags: &[&str]) -> Command {
        let log = File::options().create(true).append(true).open(self.file("nodes.log")).unwrap();
        let url = self.database.url_at(self.proxy.port(), "nodes");
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0", "--jobs", &url, "--credentials"]).arg(self.file("keys.toml"));
        command.arg("--config").arg(self.file("config.toml")).args(["--metrics-listen", "127.0.0.1:0"]);
        command.args(flags).stdout(Stdio::piped()).stderr(log);
        command
    }

    /// Starts a node and waits until it listens.
    pub(super) fn node(&self, flags: &[&str]) -> Node {
        self.node_in(flags, &[])
    }

    /// The same in this environment.
    pub(super) fn node_in(&self, flags: &[&str], environment: &[(&str, String)]) -> Node {
        let variables = environment.iter().map(|(name, value)| (*name, value.as_str()));
        let mut child = self.serve(flags).envs(variables).spawn().unwrap();
        let mut metrics = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
            if let Some(address) = line.strip_prefix("metrics on http://") {
                metrics = address.strip_suffix("/metrics").unwrap().to_owned();
            }
            if let Some(address) = line.strip_prefix("listening on http://") {
                return Node { child, address: address.to_owned(), metrics };
            }
        }
        panic!("the node ended: {:?}\n{}", child.wait(), self.log());
    }

    /// What the nodes said.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.file("nodes.log")).unwrap_or_default()
    }

    /// What a command to a node says.
    #[track_caller]
    pub(super) fn ask(&self, node: &Node, words: &[&str]) -> String {
        let mut command = program();
        command.env("COS_BATCH_ENDPOINT", format!("http://{}", node.address)).env("COS_APPID", "1250000000");
        command.env("COS_SECRET_ID", "AKIDNODE").env("COS_SECRET_KEY", SECRET).args(words);
        let output = command.current_dir(self.place.path()).output().unwrap();
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cos-batch {}: {complained}\n{}", words.join(" "), self.log());
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Makes a job that deletes so many objects, named for it, and reports on all; gives its id.
    pub(super) fn job(&self, node: &Node, name: &str, rows: u64) -> String {
        let key = format!("lists/{name}.csv");
        let etag = self.keep(&key, lines(name, 0..rows));
        self.create(node, &key, &etag, "COSBatchOperations_CSV_V1")
    }

    /// The same by an inventory of so many files, in which the rows are.
    pub(super) fn inventory_job(&self, node: &Node, name: &str, files: u64, rows: u64) -> String {
        let listed: Vec<Value> = (0..files)
            .map(|file| {
                let key = format!("lists/{name}/{file}.csv");
                let md5 = self.keep(&key, lines(name, rows * file / files..rows * (file + 1) / files));
                json!({ "key": key, "md5Checksum": md5 })
            })
            .collect();
        let (bucket, appid) = SOURCE.rsplit_once('-').unwrap();
        let list = json!({
            "sourceBucket": bucket, "sourceAppid": appid, "fileFormat": "CSV", "fileSchema": "Bucket, Key",
            "files": listed,
        });
        let key = format!("lists/{name}/manifest.json");
        let etag = self.keep(&key, list.to_string());
        // The store pretends that whatever it was not given is there.
        self.keep(&format!("lists/{name}/manifest.checksum"), etag.clone());
        self.create(node, &key, &etag, "COSInventoryReport_CSV_V1")
    }

    /// Keeps a text; gives its MD5.
    fn keep(&self, key: &str, text: String) -> String {
        let md5 = etag_of(&text);
        self.store.keep(SOURCE, key, text.into());
        md5
    }

    fn create(&self, node: &Node, key: &str, etag: &str, format: &str) -> String {
        let manifest = format!("{SOURCE}/{key}");
        let what = ["create", "--operation", "delete", "--manifest", &manifest, "--etag", etag, "--format", format];
        let report = ["--report-bucket", REPORTS, "--report-prefix", "reports"];
        self.ask(node, &[&what[..], &report].concat())
    }

    pub(super) fn describe(&self, node: &Node, job: &str) -> Value {
        serde_json::from_str(&self.ask(node, &["describe", job, "--output", "json"])).unwrap()
    }

    /// The job is complete, each object's operation was performed, the counts are exact, and each row is reported once.
    /// Gives how many operations were done again.
    #[track_caller]
    pub(super) fn assert_exact(&self, node: &Node, job: &str, name: &str, rows: u64) -> u64 {
        let described = self.describe(node, job);
        assert_eq!(described["Status"], "Complete", "{described:#}\n{}", self.log());
        assert_eq!(figures(&described), [rows, 0, rows], "{described:#}");
        let applied_to = self.store.applied_to();
        let prefix = format!("{SOURCE}/{name}/");
        let done = applied_to.range(prefix.clone()..).take_while(|(object, _)| object.starts_with(&prefix));
        let (mut objects, mut operations) = (0, 0);
        for (_, times) in done {
            objects += 1;
            operations += u64::from(*times);
        }
        assert_eq!(objects, rows, "objects of {name} whose operation was performed");
        let reported = reported(&self.store, REPORTS, job);
        assert_eq!(reported.len() as u64, rows, "rows of {name} that are reported");
        let twice = reported.iter().find(|(_, times)| **times > 1);
        assert_eq!(twice, None, "reported more than once");
        operations - rows
    }

    /// Waits until so many jobs are complete. The database is asked, which costs less than a request.
    #[track_caller]
    pub(super) fn wait_for_jobs(&self, jobs: u64) {
        let complete = "SELECT count(*) FROM nodes.job WHERE status = 'Complete'";
        until("the jobs end", || self.database.sql(complete).unwrap() == jobs.to_string());
    }

    /// Waits until nobody holds anything; then counters are where they belong.
    #[track_caller]
    pub(super) fn wait_for_rest(&self) {
        let held = "SELECT (SELECT count(*) FROM nodes.job WHERE leased) + \
                    (SELECT count(*) FROM nodes.file WHERE state = 'leased') + \
                    (SELECT count(*) FROM nodes.shard WHERE state = 'leased')";
        until("leases are given back", || self.database.sql(held).unwrap() == "0");
        let left = "SET search_path = nodes; SELECT (SELECT count(*) FROM shard WHERE state <> 'done'), \
                    (SELECT count(*) FROM shard WHERE counted), (SELECT count(*) FROM tenant)";
        assert_eq!(self.database.sql(left).unwrap(), "0|0|0");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !left::is_looked_at() {
            return;
        }
        // The database goes away with its folder. A test that has failed may have stopped it.
        let names = "SELECT quote_ident(table_name) FROM information_schema.tables WHERE table_schema = 'nodes'";
        let Ok(tables) = self.database.sql(names) else { return };
        for table in tables.lines() {
            left::told("database", self.database.sql(&format!("TABLE nodes.{table};")).unwrap_or_default().as_bytes());
        }
    }
}

impl Node {
    /// As a loss of power would do it, as far as the process is concerned.
    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        assert_eq!(self.child.wait().unwrap().signal(), Some(9));
    }

    /// Stops it in the middle of whatever it does, as a machine does that falls asleep.
    pub(super) fn freeze(&self) {
        kill_process(Pid::from_child(&self.child), Signal::STOP).unwrap();
    }

    /// Lets it go on.
    pub(super) fn thaw(&self) {
        kill_process(Pid::from_child(&self.child), Signal::CONT).unwrap();
    }

    /// Asks it to stop, and waits until it has.
    pub(super) fn terminate(mut self) {
        left::metrics(Some(&self.metrics));
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }

    /// Status and text of the answer to a GET.
    pub(super) fn get(&self, path: &str) -> (u16, String) {
        Self::get_at(&self.address, path)
    }

    /// What it counted so far, by the name of a metric with its labels.
    pub(super) fn counted(&self, name: &str) -> u64 {
        let (status, text) = Self::get_at(&self.metrics, "/metrics");
        assert_eq!(status, 200);
        let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        found.unwrap_or_else(|| panic!("{name} is not told:\n{text}"))
    }

    fn get_at(address: &str, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Rows of a manifest, of objects that are named so.
fn lines(name: &str, rows: Range<u64>) -> String {
    rows.fold(String::new(), |mut text, row| {
        writeln!(text, "{SOURCE},{name}/{row}").unwrap();
        text
    })
}

/// Looks until something is so.
#[track_caller]
pub(super) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        pause(LOOK);
    }
}

/// Lets so much time pass: between two looks, or while something that lasts so long is over.
pub(super) fn pause(time: Duration) {
    // Nobody sends on it.
    let (_sender, receiver) = std::sync::mpsc::channel::<()>();
    let _ = receiver.recv_timeout(time);
}
