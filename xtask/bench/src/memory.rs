//! Memory at its peak.

use anyhow::Context as _;
use cos_batch_figures::{Chart, Goal, Row, Scale, Series, Spread};

use crate::{
    Outcome, Settings,
    copy::{null, peers::Store},
    growth::{count, runs},
    job::{self, TARGET, Taken},
    python,
};

const MIB: f64 = 1024.0 * 1024.0;

/// Most that the server may have.
const PEAK_MIB_MAX: f64 = 100.0;

/// How much more for the largest job than for one of a hundred times fewer rows.
const FLAT: f64 = 1.05;

fn peaks((_, taken): &(u64, Vec<Taken>)) -> Spread {
    Spread::new(taken.iter().map(|taken| taken.peak_memory as f64 / MIB).collect::<Vec<_>>())
}

/// Measures the group.
///
/// # Errors
///
/// If a job fails, or a peer.
pub fn measure(settings: &Settings) -> anyhow::Result<Outcome> {
    let runs = runs(settings)?;
    let mut outcome = Outcome::default();
    let base = runs.get(1).context("there are four sizes")?;
    let name = format!("{} rows", count(base.0));
    for run in runs.iter().skip(1) {
        let row = Row::new(format!("The server's peak, a job of {} rows", count(run.0)), "MiB", peaks(run));
        let row = row.goal(Goal::AtMost(PEAK_MIB_MAX));
        outcome.rows.push(match run.0 > base.0 {
            true => row.limit(name.clone(), peaks(base)).goal(Goal::at_most_times(FLAT, name.clone())),
            false => row,
        });
    }
    let peers = peers(settings)?;
    if let Some(row) = outcome.rows.first_mut() {
        let with = peers.into_iter().fold(row.clone(), |row, (name, spread)| row.peer(name, spread));
        *row = with;
    }
    outcome.charts.push(Chart {
        file: "memory-rows".to_owned(),
        title: "Peak memory by the number of rows".to_owned(),
        across: "rows of the job".to_owned(),
        up: "MiB".to_owned(),
        across_scale: Scale::Logarithmic,
        up_scale: Scale::Linear,
        series: vec![Series {
            name: "server".to_owned(),
            points: runs.iter().map(|run| (run.0 as f64, peaks(run).median())).collect(),
        }],
    });
    let folder = python::programs(settings)?;
    for package in ["s5cmd", "boto3"] {
        outcome.versions.push(python::version_of(&folder, package)?);
    }
    Ok(outcome)
}

/// What the programs of others take for a tenth of the objects: they do not need the time of a whole list here.
fn peers(settings: &Settings) -> anyhow::Result<Vec<(String, Spread)>> {
    let objects: u64 = settings.pick(10_000, 500);
    let programs = settings.programs(&["cos-batch-nullstore"])?;
    let folder = python::programs(settings)?;
    let null = null::store(&programs)?;
    let scratch = tempfile::tempdir()?;
    let store = Store { programs: &folder, address: &null.address, scratch: scratch.path() };
    let script = settings.file("xtask/bench/python/copies.py");
    let keys = || (0..objects).map(job::key);
    let (mut s5cmd, mut boto3) = (Vec::new(), Vec::new());
    for _ in 0..settings.rounds.min(3) {
        s5cmd.push(store.s5cmd_run(256, TARGET, keys())?.peak_memory as f64 / MIB);
        boto3.push(store.boto3(&script, 32, TARGET, keys())?.peak_memory as f64 / MIB);
    }
    let of = count(objects);
    Ok(vec![
        (format!("`s5cmd run`, 256 workers, {of} objects"), Spread::new(s5cmd)),
        (format!("boto3, 32 threads, {of} objects"), Spread::new(boto3)),
    ])
}
