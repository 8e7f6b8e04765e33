//! `cargo xtask long nodes`: how much faster a job goes on more nodes when the object store's latency bounds it, and what it
//! costs the database.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use cos_batch_figures::{Chart, Scale, Series};
use cos_batch_nodetest::Postgres;
use md5::{Digest as _, Md5};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::{listener::Listener, target};

const SOURCE: &str = "photos-1250000000";
const REPORTS: &str = "reports-1250000000";

/// The drawing of what was found.
const CHART: &str = "docs/scaling.svg";

/// Shards that a node works on at once.
const WORKERS: usize = 4;

/// Rows of a shard (`SHARD_ROWS`).
const SHARD_ROWS: u64 = 10_000;

/// How long anything may take before the run counts as failed.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many nodes, one run for each.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1, 2, 4, 8])]
    nodes: Vec<usize>,
    /// How long an operation takes, in milliseconds.
    #[arg(long, value_name = "N", default_value_t = 20)]
    latency: u64,
    /// Operations in flight on each node.
    #[arg(long, value_name = "N", default_value_t = 16)]
    slots: u64,
    /// How long each run is measured, in seconds.
    #[arg(long, value_name = "N", default_value_t = 20)]
    seconds: u64,
    /// Build nothing, and measure the programs in this folder.
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// Draw `docs/scaling.svg` of what is found.
    #[arg(long)]
    chart: bool,
}

impl Arguments {
    /// As `cargo xtask bench nodes` has it: what is measured is drawn, unless it is only to be seen that it works.
    pub(crate) fn of_bench(is_quick: bool) -> Self {
        let (nodes, seconds) = if is_quick { (vec![1, 2], 5) } else { (vec![1, 2, 4, 8], 20) };
        Self { nodes, latency: 20, slots: 16, seconds, programs: None, chart: !is_quick }
    }
}

/// What a run came to.
struct Taken {
    objects: u64,
    seconds: f64,
    transactions: u64,
    database_seconds: f64,
    node_seconds: f64,
}

/// Runs a job for each number of nodes, and prints what it came to.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    let programs = match &arguments.programs {
        Some(folder) => folder.canonicalize().with_context(|| folder.display().to_string())?,
        None => {
            cmd!(shell, "cargo build --release --quiet -p cos-batch -p cos-batch-nullstore").run()?;
            target(root).join("release")
        }
    };
    println!(
        "{:>6} {:>10} {:>9} {:>14} {:>14} {:>14}",
        "nodes", "objects/s", "of linear", "commits/10^6", "DB CPU s/10^6", "node µs/object"
    );
    let mut first = None;
    let (mut found, mut linear) = (Vec::new(), Vec::new());
    for &nodes in &arguments.nodes {
        let taken = measure(&programs, arguments, nodes)?;
        let rate = taken.objects as f64 / taken.seconds;
        let each = *first.get_or_insert(rate / nodes as f64);
        found.push((nodes as f64, rate));
        linear.push((nodes as f64, each * nodes as f64));
        let million = taken.objects as f64 / 1e6;
        println!(
            "{nodes:>6} {rate:>10.0} {:>8.1}% {:>14.0} {:>14.1} {:>14.0}",
            100.0 * rate / (each * nodes as f64),
            taken.transactions as f64 / million,
            taken.database_seconds / million,
            taken.node_seconds * 1e6 / taken.objects as f64
        );
    }
    if arguments.chart {
        fs::write(root.join(CHART), chart(arguments, found, linear).svg())?;
    }
    Ok(())
}

fn chart(arguments: &Arguments, found: Vec<(f64, f64)>, linear: Vec<(f64, f64)>) -> Chart {
    let (latency, slots) = (arguments.latency, arguments.slots);
    let series = [("measured", found), ("nodes times one node", linear)];
    Chart {
        file: "scaling".to_owned(),
        title: format!("Objects a second; an operation takes {latency} ms, {slots} in flight on each node"),
        across: "nodes".to_owned(),
        up: "objects a second".to_owned(),
        across_scale: Scale::Linear,
        up_scale: Scale::Linear,
        series: series.map(|(name, points)| Series { name: name.to_owned(), points }).into(),
    }
}

fn measure(programs: &Path, arguments: &Arguments, nodes: usize) -> anyhow::Result<Taken> {
    let database = Postgres::start_durable()?;
    let place = tempfile::tempdir()?;
    let mut store = Command::new(programs.join("cos-batch-nullstore"));
    let store = Listener::start(store.args(["--latency", &arguments.latency.to_string()]))?;
    // Enough for the run and its beginning, and a shard for each worker.
    let rate = arguments.slots * 1000 / arguments.latency.max(1);
    let rows = (nodes as u64 * (rate * (arguments.seconds + 30)).max(WORKERS as u64 * SHARD_ROWS)).max(SHARD_ROWS);
    let text = (0..rows).fold(String::new(), |mut text, row| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{SOURCE},in/{row}.txt");
        text
    });
    store.put(&format!("/{SOURCE}/all.csv"), text.as_bytes())?;
    let etag = Md5::digest(&text).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    private(
        &place.path().join("nodes.toml"),
        &format!(
            "[engine]\nworkers = {WORKERS}\nasync_slots = {}\n[[store]]\nname = \"null\"\nkind = \"s3\"\nstyle = \"path\"\n\
             endpoint = \"http://{}\"\nsecret_id = \"id\"\nsecret_key = \"secret\"\n[spool]\nstore = \"null\"\n\
             bucket = \"spool\"\n[[bucket]]\nname = \"{SOURCE}\"\nstore = \"null\"\n[[bucket]]\nname = \"{REPORTS}\"\n\
             store = \"null\"\n",
            arguments.slots, store.address
        ),
    )?;
    let key = "[[key]]\nsecret_id = \"AKID\"\nsecret_key = \"secret\"\nappid = \"1250000000\"\n";
    private(&place.path().join("keys.toml"), key)?;
    let program = programs.join("cos-batch");
    let all: Vec<Listener> = (0..nodes)
        .map(|_| {
            let mut serve = Command::new(&program);
            serve.args(["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--jobs", &database.url("nodes")]);
            serve.arg("--config").arg(place.path().join("nodes.toml"));
            serve.arg("--credentials").arg(place.path().join("keys.toml"));
            Listener::start(&mut serve)
        })
        .collect::<anyhow::Result<_>>()?;
    let mut create = Command::new(&program);
    create.env("COS_BATCH_ENDPOINT", format!("http://{}", all[0].address)).env("COS_APPID", "1250000000");
    create.env("COS_SECRET_ID", "AKID").env("COS_SECRET_KEY", "secret").current_dir(place.path());
    create.args(["create", "--operation", "delete", "--manifest", &format!("{SOURCE}/all.csv"), "--etag", &etag]);
    create.args(["--report-bucket", REPORTS, "--report-prefix", "r"]);
    let output = create.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    // Every node has as many shards as it works on.
    let leased = "SELECT count(*) FROM nodes.shard WHERE state = 'leased'";
    let begin = Instant::now();
    while database.sql(leased)? != (nodes * WORKERS).to_string() {
        ensure!(begin.elapsed() < PATIENCE, "not every node got to work: {}", database.sql(leased)?);
        rest(Duration::from_millis(100));
    }
    rest(Duration::from_secs(3));
    let look = || -> anyhow::Result<(Instant, u64, u64, f64, f64)> {
        let seen: Value = serde_json::from_str(&store.get("/-/seen")?)?;
        let now = Instant::now();
        let objects = seen["buckets"][SOURCE]["operations"].as_u64().context("no operations")?;
        // Sessions tell what they did at the latest after a second of doing nothing, or with their next statement.
        let commits = database.sql("SELECT xact_commit FROM pg_stat_database WHERE datname = 'postgres'")?.parse()?;
        let cpu = database.processor_seconds().context("no /proc")?;
        let nodes = all.iter().map(Listener::processor_seconds).sum::<anyhow::Result<f64>>()?;
        Ok((now, objects, commits, cpu, nodes))
    };
    let before = look()?;
    rest(Duration::from_secs(arguments.seconds));
    let after = look()?;
    ensure!(database.sql("SELECT status FROM nodes.job")? == "Active", "the job was over too soon");
    Ok(Taken {
        objects: after.1 - before.1,
        seconds: (after.0 - before.0).as_secs_f64(),
        transactions: after.2 - before.2,
        database_seconds: after.3 - before.3,
        node_seconds: after.4 - before.4,
    })
}

#[expect(clippy::disallowed_methods, reason = "it measures what happens in a time")]
fn rest(time: Duration) {
    std::thread::sleep(time);
}

/// Writes a file with keys in it, which must be for its owner alone.
fn private(path: &PathBuf, text: &str) -> anyhow::Result<()> {
    fs::write(path, text)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o600))?)
}
