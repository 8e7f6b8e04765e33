//! Work in this process that several contenders do, to be timed and to have its allocations counted.

use std::{collections::BTreeMap, hint::black_box, process::Command};

use anyhow::{Context as _, ensure};
use cos_batch_figures::Spread;

use crate::{
    Settings, codec,
    rounds::{Round, alternate, calls},
    signature,
};

/// The name of our own contender.
pub const OURS: &str = "ours";

/// One piece of work, and those who do it.
pub struct Contest {
    /// What is done.
    pub what: &'static str,
    /// Ours first.
    pub contenders: Vec<Contender>,
}

/// One of those who do the work.
pub struct Contender {
    /// Its name.
    pub name: &'static str,
    work: Box<dyn FnMut()>,
}

impl Contender {
    /// One that does this. What it makes is dropped within the call: it belongs to the work.
    pub fn new<T>(name: &'static str, mut work: impl FnMut() -> T + 'static) -> Self {
        Self { name, work: Box::new(move || drop(black_box(work()))) }
    }

    /// Does the work once.
    pub fn call(&mut self) {
        (self.work)();
    }
}

/// Everything that is measured so.
///
/// # Errors
///
/// If something that all are given cannot be made.
pub fn all() -> anyhow::Result<Vec<Contest>> {
    let mut all = codec::contests()?;
    all.extend(signature::contests()?);
    Ok(all)
}

/// What a call takes each contender, by name, in microseconds of processor time.
///
/// # Errors
///
/// None of its own.
pub fn times(rounds: usize, contest: &mut Contest) -> anyhow::Result<BTreeMap<&'static str, Spread>> {
    let names: Vec<_> = contest.contenders.iter().map(|contender| contender.name).collect();
    let mut runs: Vec<Round<'_>> = contest.contenders.iter_mut().map(|contender| calls(|| contender.call())).collect();
    Ok(names.into_iter().zip(alternate(rounds, &mut runs)?).collect())
}

/// How many allocations a call takes each contender, by what is done and by name.
///
/// # Errors
///
/// If the program that counts is not there, or fails.
pub fn allocations(settings: &Settings) -> anyhow::Result<BTreeMap<String, BTreeMap<String, f64>>> {
    let program = settings.target.join("release/allocations");
    let output = Command::new(&program).output().with_context(|| format!("starting {}", program.display()))?;
    ensure!(output.status.success(), "{} failed: {}", program.display(), output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}
