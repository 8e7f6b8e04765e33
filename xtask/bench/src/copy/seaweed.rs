//! SeaweedFS: what is measured is how much of what it can do a client gets out of it.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use cos_batch_figures::{Goal, Row};

use super::{
    bare::{self, Signs},
    peers::Store,
};
use crate::{
    Settings,
    job::{self, KEY, MANIFEST, SOURCE, Serving},
    rounds::{Round, alternate},
};

/// Time for it to come up on a machine that is busy: a guard, not an expectation.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// How often it is asked whether it has come up.
const LOOK: Duration = Duration::from_millis(200);

/// Connections of the load generator, and requests in flight of those who can be told.
const CONNECTIONS: usize = 64;

/// Where each contender copies to: everybody replaces what it wrote in the round before.
const TARGETS: [&str; 5] =
    ["to-1250000000", "ceiling-1250000000", "run-1250000000", "wildcard-1250000000", "rclone-1250000000"];

/// What the source keys begin with, for those who list.
const PREFIX: &str = "in/";

fn key(row: u64) -> String {
    format!("{PREFIX}{row:08}")
}

/// A running SeaweedFS, ended with the value.
struct Seaweed {
    child: Child,
    address: String,
}

impl Seaweed {
    fn start(programs: &Path, folder: &Path) -> anyhow::Result<Self> {
        // All are held at once, so that they differ.
        let held: Vec<TcpListener> = (0..8).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
        let ports: Vec<u16> = held.iter().map(|l| Ok(l.local_addr()?.port())).collect::<std::io::Result<_>>()?;
        drop(held);
        let identities = format!(
            r#"{{"identities":[{{"name":"bench","credentials":[{{"accessKey":"{}","secretKey":"{}"}}],
               "actions":["Admin","Read","Write","List","Tagging"]}}]}}"#,
            KEY.0, KEY.1
        );
        let config = folder.join("identities.json");
        fs::write(&config, identities)?;
        let mut command = Command::new(programs.join("weed"));
        command.current_dir(folder).arg("server").arg(format!("-dir={}", folder.display()));
        // It reports to its makers otherwise.
        command.args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false"]);
        // Each bucket takes several volumes.
        command.args([
            "-master.volumeSizeLimitMB=64",
            "-volume.max=1000",
            "-filer",
            "-s3",
            "-s3.autoCreateBucket=false",
        ]);
        command.args(["-s3.port.iceberg=0", "-s3.port.lance=0"]).arg(format!("-s3.config={}", config.display()));
        let names = ["master", "master.grpc", "volume", "volume.grpc", "filer", "filer.grpc", "s3", "s3.grpc"];
        for (name, port) in names.iter().zip(&ports) {
            let (server, grpc) = name.split_once('.').unwrap_or((name, ""));
            let option = if grpc.is_empty() { format!("{server}.port") } else { format!("{server}.port.{grpc}") };
            command.arg(format!("-{option}={port}"));
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.context("starting weed")?;
        Ok(Self { child, address: format!("127.0.0.1:{}", ports[6]) })
    }

    /// Makes the buckets, as soon as that works, and the objects.
    #[expect(clippy::disallowed_methods, reason = "looks at another program from time to time; nothing tells when to")]
    fn fill(&self, objects: u64, manifest: Vec<u8>) -> anyhow::Result<()> {
        let begin = Instant::now();
        let ready = || {
            let signs = Signs::new(&self.address);
            let object = signs.put("ready-1250000000", "object", &Bytes::from_static(b"x"))?;
            bare::run(&self.address, 1, vec![signs.put("ready-1250000000", "", &Bytes::new())?])?;
            bare::run(&self.address, 1, vec![object])
        };
        while let Err(error) = ready() {
            ensure!(begin.elapsed() < READY_WITHIN, "SeaweedFS does not come up: {error:#}");
            thread::sleep(LOOK);
        }
        let signs = Signs::new(&self.address);
        let buckets = TARGETS.iter().chain([&SOURCE]).map(|bucket| signs.put(bucket, "", &Bytes::new()));
        bare::run(&self.address, 1, buckets.collect::<Result<_, _>>()?)?;
        let body = Bytes::from(vec![b'x'; 1024]);
        let puts = (0..objects).map(|row| signs.put(SOURCE, &key(row), &body));
        bare::run(&self.address, CONNECTIONS, puts.collect::<Result<_, _>>()?)?;
        bare::run(&self.address, 1, vec![signs.put(SOURCE, MANIFEST, &Bytes::from(manifest))?])?;
        Ok(())
    }
}

impl Drop for Seaweed {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Measures objects a second.
pub(super) fn rows(settings: &Settings, programs: &Path, peers: &Path) -> anyhow::Result<Vec<Row>> {
    let objects: u64 = settings.pick(20_000, 1_000);
    let scratch = tempfile::tempdir_in(&settings.target)?;
    let seaweed = Seaweed::start(peers, scratch.path())?;
    let manifest = job::manifest(objects, key);
    let etag = job::etag(&manifest);
    seaweed.fill(objects, manifest)?;
    let [ours, ceiling, run, wildcard, rclone] = TARGETS;
    let config = job::config_of(&seaweed.address, &[SOURCE, ours]);
    let serving = Serving::start(programs, &scratch.path().join("data"), Some(&config))?;
    let store = Store { programs: peers, address: &seaweed.address, scratch: scratch.path() };
    let rate = |seconds: f64| objects as f64 / seconds;
    let mut contenders: Vec<Round<'_>> = vec![
        Box::new(|| Ok(rate(serving.copy(ours, &etag)?.seconds))),
        Box::new(|| {
            let signs = Signs::new(&seaweed.address);
            let copies = (0..objects).map(|row| signs.copy(SOURCE, ceiling, &key(row))).collect::<Result<_, _>>()?;
            Ok(rate(bare::run(&seaweed.address, CONNECTIONS, copies)?.seconds))
        }),
        Box::new(|| Ok(rate(store.s5cmd_run(64, run, (0..objects).map(key))?.seconds))),
        Box::new(|| Ok(rate(store.s5cmd_wildcard(wildcard, PREFIX)?.seconds))),
        Box::new(|| Ok(rate(store.rclone(64, rclone, PREFIX)?.seconds))),
    ];
    let rounds = settings.rounds.min(5);
    let mut rates = alternate(rounds, &mut contenders)?.into_iter();
    let mut next = || rates.next().context("one figure for each contender");
    let row = Row::new("Copy 1 KiB objects in SeaweedFS", "objects/s", next()?)
        .limit("bare loop, 64 connections", next()?)
        .peer("`s5cmd run`, 64 workers", next()?)
        .peer("`s5cmd cp` of a prefix", next()?)
        .peer("rclone, 64 transfers", next()?)
        .goal(Goal::at_least_times(0.9, "bare loop, 64 connections"));
    let peers = ["`s5cmd run`, 64 workers", "`s5cmd cp` of a prefix", "rclone, 64 transfers"];
    Ok(vec![peers.iter().fold(row, |row, peer| row.goal(Goal::at_least_times(1.0, *peer)))])
}
