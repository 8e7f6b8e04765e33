//! DescribeJob and ListJobs.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use cos_batch_figures::{Goal, Row};
use cos_batch_load::Message;

use super::{Bed, bed::Measured, spread};
use crate::{Settings, child::Server};

/// Connections that ask at a time.
const CONNECTIONS: &str = "32";

/// Jobs that are looked at again and again: the ones that somebody waits for.
const WATCHED: usize = 1000;

/// Jobs of a list.
const LISTED: u16 = 1000;

/// The layers of the server, from the bottom: each does what the one before does, and more.
const LAYERS: [(&str, &str); 4] = [
    ("hyper", "bare hyper"),
    ("listener", "with the listener: timeouts, bounds"),
    ("service", "with the service: limits, routing, ids"),
    ("signed", "with the signature, strictly"),
];

const OURS: &str = "cos-batch serve";
const UNKEPT: &str = "every job in turn";

pub(super) fn rows(settings: &Settings, bed: &Bed) -> anyhow::Result<Vec<Row>> {
    let server = bed.serve()?;
    let signer = bed.signer(&server)?;
    let answer = answer(bed, &server)?;
    let mut servers = BTreeMap::new();
    for (layer, _) in LAYERS {
        servers.insert(layer, bed.layer(layer, &answer)?);
    }
    let describe = |signer: &cos_batch_load::jobs::Signer, ids: &[String]| {
        ids.iter().map(|id| signer.describe(id)).collect::<anyhow::Result<Vec<Message>>>()
    };
    // Spread over all of the store.
    let step = (bed.ids.len() / WATCHED).max(1);
    let watched: Vec<String> = bed.ids.iter().step_by(step).take(WATCHED).cloned().collect();
    let mut contenders = vec![(OURS, &server, bed.requests(OURS, &describe(&signer, &watched)?)?)];
    contenders.push((UNKEPT, &server, bed.requests(UNKEPT, &describe(&signer, &shuffled(&bed.ids))?)?));
    for (layer, server) in &servers {
        // A signature is for one host.
        let requests = describe(&bed.signer(server)?, &watched)?;
        contenders.push((*layer, server, bed.requests(layer, &requests)?));
    }
    let seconds = settings.pick("2", "0.5");
    let options = ["--connections", CONNECTIONS, "--seconds", seconds, "--warm-up", "0.3"];
    let mut found: BTreeMap<&str, Vec<Measured>> = BTreeMap::new();
    for round in 0..settings.rounds {
        for step in 0..contenders.len() {
            let index = if round % 2 == 0 { step } else { contenders.len() - 1 - step };
            let (name, server, requests) = &contenders[index];
            found.entry(*name).or_default().push(bed.load(server, requests, &options)?.0);
        }
    }
    let of = |name: &str, quantity: fn(&Measured) -> f64| spread(&found[name], quantity);
    let bare = LAYERS[0].1;
    let what = format!("DescribeJob, {CONNECTIONS} connections, {} jobs stored", bed.ids.len());
    let mut rows = vec![
        Row::new(format!("{what}: {WATCHED} of them asked for again and again"), "requests/s", of(OURS, |m| m.rate))
            .limit(bare, of("hyper", |m| m.rate))
            .goal(Goal::at_least_times(0.8, bare)),
        Row::new(format!("{what}: 99 of 100 answers within"), "µs", of(OURS, |m| m.p99))
            .limit(bare, of("hyper", |m| m.p99))
            .goal(Goal::at_most_times(1.5, bare)),
        Row::new(format!("{what}: all of them in turn"), "requests/s", of(UNKEPT, |m| m.rate))
            .limit(bare, of("hyper", |m| m.rate)),
    ];
    let mut layers = Row::new(format!("{what}: the server's work"), "µs CPU", of(OURS, |m| m.cpu));
    for (layer, name) in LAYERS {
        layers = layers.limit(name, of(layer, |m| m.cpu));
    }
    rows.push(layers);
    rows.push(
        Row::new(format!("{what}: the server's work, all of them in turn"), "µs CPU", of(UNKEPT, |m| m.cpu))
            .limit(bare, of("hyper", |m| m.cpu)),
    );
    let list = bed.requests("list", &[signer.list(LISTED)?])?;
    let mut lists = Vec::new();
    for _ in 0..settings.rounds {
        lists.push(bed.load(&server, &list, &["--connections", "4", "--seconds", seconds, "--warm-up", "0.3"])?.0);
    }
    let what = format!("ListJobs of {LISTED}, 4 connections");
    rows.push(Row::new(what.clone(), "requests/s", spread(&lists, |m| m.rate)));
    rows.push(Row::new(format!("{what}: the server's work"), "µs CPU", spread(&lists, |m| m.cpu)));
    Ok(rows)
}

/// The ids in an order that has nothing to do with the store's, but is the same each time.
fn shuffled(ids: &[String]) -> Vec<String> {
    let mut ids = ids.to_vec();
    // The end of an id is random.
    ids.sort_unstable_by(|left, right| left.bytes().rev().cmp(right.bytes().rev()));
    ids
}

/// What the server answers for a job, for others to give as well.
fn answer(bed: &Bed, server: &Server) -> anyhow::Result<Message> {
    let id = bed.ids.first().context("there are jobs")?;
    let (headers, body) = cos_batch_load::run::ask(&server.address, &bed.signer(server)?.describe(id)?)?;
    ensure!(body.contains(id.as_str()), "{headers:?} {body}");
    // What hyper writes itself, it writes for them too.
    let own = ["content-length", "date"];
    let headers = headers.into_iter().filter(|(name, _)| !own.contains(&name.as_str())).collect();
    Ok(Message { method: String::new(), path: String::new(), headers, body })
}
