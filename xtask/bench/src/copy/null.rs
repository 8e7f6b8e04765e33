//! A store that answers at once: what is measured is the client.

use std::{
    cell::RefCell,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::Command,
};

use anyhow::{Context as _, ensure};
use cos_batch_figures::{Goal, Row, Spread};

use super::{
    bare::{self, Signs},
    client,
    peers::Store,
};
use crate::{
    Settings,
    child::{READY, Server, Usage},
    job::{self, MANIFEST, SOURCE, Serving, TARGET},
    rounds::{Round, alternate},
};

/// Starts the store.
///
/// # Errors
///
/// If it cannot be started.
pub fn store(programs: &Path) -> anyhow::Result<Server> {
    Server::start(&mut Command::new(programs.join("cos-batch-nullstore")), READY)
}

/// Puts an object into it; it does not look at signatures.
///
/// # Errors
///
/// If it is not taken.
pub fn put(address: &str, bucket: &str, key: &str, body: &[u8]) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    let length = body.len();
    let head = format!(
        "PUT /{bucket}/{key} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "a PUT was answered: {}", answer.lines().next().unwrap_or("nothing"));
    Ok(())
}

/// The same runs in two units: processor time, and objects a second.
#[derive(Default)]
struct Rates(RefCell<Vec<f64>>);

impl Rates {
    /// Keeps the rate and gives the processor time of an object.
    fn note(&self, objects: u64, seconds: f64, cpu_seconds: f64) -> f64 {
        self.0.borrow_mut().push(objects as f64 / seconds);
        cpu_seconds * 1e6 / objects as f64
    }

    fn spread(self) -> Spread {
        Spread::new(self.0.into_inner())
    }
}

/// Measures what a copy takes.
pub(super) fn rows(settings: &Settings, programs: &Path, peers: &Path) -> anyhow::Result<Vec<Row>> {
    let objects: u64 = settings.pick(100_000, 5_000);
    // They take many times as long; what one object takes them does not depend on the number.
    let peers_objects: u64 = settings.pick(10_000, 500);
    let scratch = tempfile::tempdir()?;
    let null = store(programs)?;
    let manifest = job::manifest(objects, job::key);
    put(&null.address, SOURCE, MANIFEST, &manifest)?;
    let config = job::config_of(&null.address, &[SOURCE, TARGET]);
    let serving = Serving::start(programs, &scratch.path().join("data"), Some(&config))?;
    let etag = job::etag(&manifest);
    let store = Store { programs: peers, address: &null.address, scratch: scratch.path() };
    let script = settings.file("xtask/bench/python/copies.py");
    let keys = || (0..peers_objects).map(job::key);
    let rates: [Rates; 7] = std::array::from_fn(|_| Rates::default());
    let [of_ours, of_bare_16, of_bare_64, of_s5cmd_32, of_s5cmd_256, of_boto3, of_client] = &rates;
    let bare = |connections: usize, rates: &Rates| -> anyhow::Result<f64> {
        let signs = Signs::new(&null.address);
        let requests = (0..objects).map(|row| signs.copy(SOURCE, TARGET, &job::key(row))).collect::<Result<_, _>>()?;
        let spent = bare::run(&null.address, connections, requests)?;
        Ok(rates.note(objects, spent.seconds, spent.cpu_seconds))
    };
    let peer = |used: Usage, rates: &Rates| rates.note(peers_objects, used.seconds, used.cpu_seconds);
    let mut contenders: Vec<Round<'_>> = vec![
        Box::new(|| {
            let taken = serving.copy(TARGET, &etag)?;
            Ok(of_ours.note(objects, taken.seconds, taken.cpu_seconds))
        }),
        Box::new(|| bare(16, of_bare_16)),
        Box::new(|| bare(64, of_bare_64)),
        Box::new(|| Ok(peer(store.s5cmd_run(32, TARGET, keys())?, of_s5cmd_32))),
        Box::new(|| Ok(peer(store.s5cmd_run(256, TARGET, keys())?, of_s5cmd_256))),
        Box::new(|| Ok(peer(store.boto3(&script, 32, TARGET, keys())?, of_boto3))),
        Box::new(|| {
            let spent = client::run(&null.address, 64, objects)?;
            Ok(of_client.note(objects, spent.seconds, spent.cpu_seconds))
        }),
    ];
    let costs = alternate(settings.rounds, &mut contenders)?;
    drop(contenders);
    let names = ["bare loop, 16 connections", "bare loop, 64 connections"];
    let peer_names = ["`s5cmd run`, 32 workers", "`s5cmd run`, 256 workers", "boto3, 32 threads"];
    let rates = rates.map(Rates::spread);
    let row = |what: &str, unit: &str, spreads: &[Spread]| {
        let [ours, first, second, a, b, c, _] = spreads else { return None };
        let row = Row::new(what, unit, ours.clone());
        let row = names.iter().zip([first, second]).fold(row, |row, (name, spread)| row.limit(*name, spread.clone()));
        Some(peer_names.iter().zip([a, b, c]).fold(row, |row, (name, spread)| row.peer(*name, spread.clone())))
    };
    let alone = Row::new("Of that, our client of stores alone, 64 requests in flight", "µs CPU", costs[6].clone())
        .limit(names[1], costs[2].clone());
    let costs = row("Copy an object, the store answers at once", "µs CPU", &costs).context("costs")?;
    let rates = row("Objects a second in these runs", "objects/s", &rates).context("rates")?;
    let costs = costs
        .goal(Goal::at_most_times(1.5, names[1]))
        .goal(Goal::times_less(50.0, peer_names[0]))
        .goal(Goal::times_less(50.0, peer_names[1]));
    let rates = rates.goal(Goal::at_least_times(15.0, peer_names[0])).goal(Goal::at_least_times(15.0, peer_names[1]));
    Ok(vec![costs, alone, rates])
}
