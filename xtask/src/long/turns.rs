//! `cargo xtask long turns`: while a job of very many rows runs, how soon a job of another APPID ends, a change of priority
//! acts, and a cancel. What began when is read from the object store's own log.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, ensure};
use md5::{Digest as _, Md5};
use serde_json::Value;
use xshell::{Shell, cmd};

use super::rows::config_of;
use crate::listener::Listener;

/// A job of one row of another APPID ends within this.
const SMALL_JOB: Duration = Duration::from_secs(2);

/// An order is obeyed within this: no operation of the job begins later.
const OBEYED: Duration = Duration::from_secs(1);

/// How long the store's log is looked at after an order, for an operation that begins too late.
const WATCHED: Duration = Duration::from_secs(4);

/// How long anything may take before the run counts as failed.
const PATIENCE: Duration = Duration::from_secs(120);

const SOURCE: &str = "photos-1250000000";
const FIRST: &str = "first-1250000000";
const SECOND: &str = "second-1250000000";
const THEIRS: &str = "small-1251111111";
const THEIR_COPIES: &str = "smallcopies-1251111111";
const MANIFEST: &str = "lists/all.csv";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Rows of the large jobs.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    rows: u64,
}

/// Runs the jobs, prints how long it took to obey, and fails if it took too long.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    cmd!(shell, "cargo build --release --quiet -p cos-batch -p cos-batch-nullstore").run()?;
    let bench = Bench::start(&crate::target(root).join("release"), arguments.rows)?;

    let first = bench.create("1250000000", SOURCE, FIRST, 1)?;
    bench.until(|bench| Ok(bench.operations(FIRST)? >= 10_000))?;

    let begin = Instant::now();
    let small = bench.create("1251111111", THEIRS, THEIR_COPIES, 0)?;
    bench.command("1251111111", &["wait", &small])?;
    say("a job of one row of another APPID ends", begin.elapsed(), SMALL_JOB)?;
    ensure!(bench.status(&first)? == "Active", "the large job was over too soon: give it more --rows");

    let second = bench.create("1250000000", SOURCE, SECOND, 0)?;
    bench.until(|bench| Ok(bench.status(&second)? == "Ready"))?;
    bench.command("1250000000", &["priority", &second, "2"])?;
    let ordered = now();
    bench.until(|bench| Ok(bench.operations(SECOND)? > 0))?;
    say("a job that was made more urgent begins", after(ordered, bench.at(SECOND, "first_at")?), OBEYED)?;
    rest(WATCHED);
    say("the job that it goes before begins its last operation", after(ordered, bench.at(FIRST, "last_at")?), OBEYED)?;
    ensure!(bench.status(&second)? == "Active", "the second job was over too soon: give it more --rows");

    bench.command("1250000000", &["cancel", &second])?;
    let ordered = now();
    rest(WATCHED);
    say("a cancelled job begins its last operation", after(ordered, bench.at(SECOND, "last_at")?), OBEYED)?;

    // It comes back by itself.
    let before = bench.operations(FIRST)?;
    bench.until(|bench| Ok(bench.operations(FIRST)? > before + 1000))?;
    bench.command("1250000000", &["cancel", &first])?;
    let ordered = now();
    rest(WATCHED);
    say("the other one, cancelled too, begins its last operation", after(ordered, bench.at(FIRST, "last_at")?), OBEYED)
}

/// Prints how long something took, and fails if that was too long.
fn say(what: &str, took: Duration, most: Duration) -> anyhow::Result<()> {
    println!("{what} after {} ms", took.as_millis());
    ensure!(took <= most, "{what} after {took:?}, later than {most:?}");
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "there is nothing to wait for: that nothing happens is what is looked at"
)]
fn rest(time: Duration) {
    std::thread::sleep(time);
}

/// Milliseconds since 1970, on the clock that the store's log goes by.
#[expect(clippy::disallowed_methods, reason = "it is compared with what another process says")]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// From one moment to another; nothing if that was before.
fn after(from: u64, to: u64) -> Duration {
    Duration::from_millis(to.saturating_sub(from))
}

/// A server with a store that answers at once and does nothing.
struct Bench {
    program: PathBuf,
    place: tempfile::TempDir,
    store: Listener,
    server: Listener,
    etags: [(&'static str, String); 2],
}

impl Bench {
    fn start(programs: &Path, rows: u64) -> anyhow::Result<Self> {
        let place = tempfile::tempdir()?;
        let store = Listener::start(&mut Command::new(programs.join("cos-batch-nullstore")))?;
        let large = (0..rows).fold(String::new(), |mut text, row| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{SOURCE},in/{row}.txt");
            text
        });
        let lists = [(SOURCE, large), (THEIRS, format!("{THEIRS},one.txt\n"))];
        for (bucket, text) in &lists {
            store.put(&format!("/{bucket}/{MANIFEST}"), text.as_bytes())?;
        }
        let etags = lists.map(|(bucket, text)| {
            let etag = Md5::digest(text).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
            (bucket, etag)
        });
        private(
            &place.path().join("config.toml"),
            &config_of(&store.address, &[SOURCE, FIRST, SECOND, THEIRS, THEIR_COPIES]),
        )?;
        let keys = ["1250000000", "1251111111"].map(|appid| {
            format!("[[key]]\nsecret_id = \"AKID{appid}\"\nsecret_key = \"secret\"\nappid = \"{appid}\"\n")
        });
        private(&place.path().join("keys.toml"), &keys.concat())?;
        let program = programs.join("cos-batch");
        let mut serve = Command::new(&program);
        serve.args(["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--data"]).arg(place.path().join("data"));
        serve.arg("--config").arg(place.path().join("config.toml"));
        serve.arg("--credentials").arg(place.path().join("keys.toml"));
        let server = Listener::start(&mut serve)?;
        Ok(Self { program, place, store, server, etags })
    }

    /// What a command of this APPID says.
    fn command(&self, appid: &str, words: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(&self.program);
        command.env("COS_BATCH_ENDPOINT", format!("http://{}", self.server.address)).env("COS_APPID", appid);
        command.env("COS_SECRET_ID", format!("AKID{appid}")).env("COS_SECRET_KEY", "secret");
        let output = command.current_dir(self.place.path()).args(words).output()?;
        let complained = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "cos-batch {}: {complained}", words.join(" "));
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Makes a job and gives its id.
    fn create(&self, appid: &str, source: &str, target: &str, priority: u32) -> anyhow::Result<String> {
        let (_, etag) = self.etags.iter().find(|(bucket, _)| *bucket == source).context("a source has a manifest")?;
        let (manifest, priority) = (format!("{source}/{MANIFEST}"), priority.to_string());
        let words = ["create", "--operation", "copy", "--manifest", &manifest, "--etag", etag, "--target", target];
        self.command(appid, &[&words[..], &["--priority", &priority]].concat())
    }

    fn status(&self, job: &str) -> anyhow::Result<String> {
        let text = self.command("1250000000", &["describe", job, "--output", "json"])?;
        let job: Value = serde_json::from_str(&text)?;
        Ok(job["Status"].as_str().unwrap_or_default().to_owned())
    }

    /// A figure of a bucket from the store's log; 0 while there is none.
    fn at(&self, bucket: &str, what: &str) -> anyhow::Result<u64> {
        let seen: Value = serde_json::from_str(&self.store.get("/-/seen")?)?;
        Ok(seen["buckets"][bucket][what].as_u64().unwrap_or_default())
    }

    fn operations(&self, bucket: &str) -> anyhow::Result<u64> {
        self.at(bucket, "operations")
    }

    /// Waits until something is so.
    fn until(&self, is_so: impl Fn(&Self) -> anyhow::Result<bool>) -> anyhow::Result<()> {
        let begin = Instant::now();
        while !is_so(self)? {
            ensure!(begin.elapsed() < PATIENCE, "nothing came of it within {PATIENCE:?}");
            rest(Duration::from_millis(20));
        }
        Ok(())
    }
}

/// Writes a file with keys in it, which must be for its owner alone.
fn private(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o600))?)
}
