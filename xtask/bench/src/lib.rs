//! Everything that is measured, side by side with what others make and with the least that the work can take.
//!
//! A group is a module with a function that takes the [`Settings`] and gives an [`Outcome`]; it stands in [`GROUPS`], and
//! what is to be said about its figures in `text/<group>.md`. The helpers: [`rounds`] measures contenders in turn, [`cpu`]
//! reads processor times, [`child`] runs programs, [`python`] brings in those that come as Python packages.
#![expect(clippy::print_stderr, reason = "a command line tool: it says what it is at")]

pub mod api;
pub mod child;
pub mod codec;
pub mod contender;
pub mod copy;
pub mod cpu;
pub mod folder;
pub mod growth;
pub mod job;
pub mod machine;
pub mod manifest;
pub mod memory;
pub mod python;
pub mod rounds;
pub mod settings;
pub mod signature;
pub mod start;
pub mod stored;

use anyhow::{Context as _, bail};
use cos_batch_figures::{Chart, Group, Report, Row};

pub use settings::Settings;

/// What a group found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Its figures.
    pub rows: Vec<Row>,
    /// Its drawings.
    pub charts: Vec<Chart>,
    /// What was compared with: name and version.
    pub versions: Vec<(String, String)>,
}

/// How a group is measured.
pub type Measure = fn(&Settings) -> anyhow::Result<Outcome>;

/// The groups that can be measured, by name.
pub const GROUPS: &[(&str, Measure)] = &[
    ("codec", codec::measure),
    ("signature", signature::measure),
    ("copy", copy::measure),
    ("folder", folder::measure),
    ("manifest", manifest::measure),
    ("memory", memory::measure),
    ("growth", growth),
    ("api", api::measure),
    ("start", start::measure),
];

/// By rows of a job, and by jobs in the store.
fn growth(settings: &Settings) -> anyhow::Result<Outcome> {
    let (mut all, stored) = (growth::measure(settings)?, stored::measure(settings)?);
    all.rows.extend(stored.rows);
    all.charts.extend(stored.charts);
    all.versions.extend(stored.versions);
    Ok(all)
}

/// Measures the groups of these names, or all.
///
/// # Errors
///
/// A name that is no group's, or what a group could not do.
pub fn run(settings: &Settings, names: &[String]) -> anyhow::Result<Report> {
    let known: Vec<&str> = GROUPS.iter().map(|(name, _)| *name).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("there is no group {name}; there are: {}", known.join(", "));
    }
    let machine = machine::describe()?;
    let mut report = Report::default();
    for (name, measure) in GROUPS.iter().filter(|(name, _)| names.is_empty() || names.iter().any(|n| n == name)) {
        eprintln!("== {name}");
        let outcome = measure(settings).with_context(|| format!("measuring {name}"))?;
        report.groups.push(Group {
            name: (*name).to_owned(),
            machine: machine.clone(),
            versions: outcome.versions,
            rounds: settings.rounds,
            quick: settings.quick,
            rows: outcome.rows,
            charts: outcome.charts,
        });
    }
    Ok(report)
}
