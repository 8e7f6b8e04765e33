//! What a row takes, and how much memory the server has, by the number of rows: from jobs that run to their end.

use std::sync::Mutex;

use anyhow::Context as _;
use cos_batch_figures::{Chart, Goal, Row, Scale, Series, Spread};

use crate::{
    Outcome, Settings,
    copy::null,
    job::{self, MANIFEST, SOURCE, Serving, TARGET, Taken},
};

/// Rows of the jobs.
const ROWS: [u64; 4] = [10_000, 100_000, 1_000_000, 10_000_000];

/// Rows of the jobs of a short run.
const QUICK_ROWS: [u64; 4] = [100, 1_000, 10_000, 100_000];

/// Rounds: the largest job takes minutes.
const ROUNDS_MAX: usize = 3;

/// One job of each size in each round, on a server of its own.
type Runs = Vec<(u64, Vec<Taken>)>;

/// Memory and growth are told from the same runs.
static DONE: Mutex<Option<Runs>> = Mutex::new(None);

/// The runs of this process, made where they were not yet.
///
/// # Errors
///
/// If a job fails.
pub fn runs(settings: &Settings) -> anyhow::Result<Runs> {
    // Consistent after every statement.
    let mut done = DONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(runs) = &*done {
        return Ok(runs.clone());
    }
    let programs = settings.programs(&["cos-batch", "cos-batch-nullstore"])?;
    let mut runs: Runs = settings.pick(ROWS, QUICK_ROWS).map(|rows| (rows, Vec::new())).into();
    for _ in 0..settings.rounds.min(ROUNDS_MAX) {
        for (rows, taken) in &mut runs {
            let scratch = tempfile::tempdir_in(&settings.target)?;
            let null = null::store(&programs)?;
            let manifest = job::manifest(*rows, job::key);
            null::put(&null.address, SOURCE, MANIFEST, &manifest)?;
            let config = job::config_of(&null.address, &[SOURCE, TARGET]);
            let serving = Serving::start(&programs, &scratch.path().join("data"), Some(&config))?;
            taken.push(serving.copy(TARGET, &job::etag(&manifest))?);
        }
    }
    *done = Some(runs.clone());
    Ok(runs)
}

fn costs((rows, taken): &(u64, Vec<Taken>)) -> Spread {
    Spread::new(taken.iter().map(|taken| taken.cpu_seconds * 1e6 / *rows as f64).collect::<Vec<_>>())
}

/// How a number of rows is written.
///
/// ```
/// assert_eq!(cos_batch_bench::growth::count(1_000_000), "1,000,000");
/// ```
pub fn count(rows: u64) -> String {
    let digits = rows.to_string();
    let places = digits.len();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (places - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Measures the group.
///
/// # Errors
///
/// If a job fails.
pub fn measure(settings: &Settings) -> anyhow::Result<Outcome> {
    let runs = runs(settings)?;
    // The smallest job is short beside what it takes to begin and to end one.
    let base = runs.get(1).context("there are four sizes")?;
    let name = format!("{} rows", count(base.0));
    let mut outcome = Outcome::default();
    for run in &runs {
        let row = Row::new(format!("A row of a job of {}", count(run.0)), "µs CPU", costs(run));
        outcome.rows.push(match run.0 > base.0 {
            true => row.limit(name.clone(), costs(base)).goal(Goal::at_most_times(1.1, name.clone())),
            false => row,
        });
    }
    outcome.charts.push(Chart {
        file: "growth-rows".to_owned(),
        title: "Processor time of a row by the number of rows".to_owned(),
        across: "rows of the job".to_owned(),
        up: "µs CPU a row".to_owned(),
        across_scale: Scale::Logarithmic,
        up_scale: Scale::Linear,
        series: vec![Series {
            name: "copies, the store answers at once".to_owned(),
            points: runs.iter().map(|run| (run.0 as f64, costs(run).median())).collect(),
        }],
    });
    Ok(outcome)
}
