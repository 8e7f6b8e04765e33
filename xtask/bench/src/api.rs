//! The API over HTTP: DescribeJob beside bare hyper, ListJobs, CreateJob beside SQLite.

mod bed;
mod create;
mod describe;

use cos_batch_figures::Spread;

use crate::{Outcome, Settings};

pub use bed::Bed;

/// Jobs in the store.
const JOBS: usize = 100_000;

/// Measures the group.
///
/// # Errors
///
/// What cannot be built, started or measured.
pub fn measure(settings: &Settings) -> anyhow::Result<Outcome> {
    let bed = Bed::new(settings, settings.pick(JOBS, 2000))?;
    let mut rows = describe::rows(settings, &bed)?;
    rows.extend(create::rows(settings)?);
    let versions = ["hyper", "rusqlite", "libsqlite3-sys"].map(|package| settings.version_of(package));
    Ok(Outcome { rows, versions: versions.into_iter().collect::<Result<_, _>>()?, ..Outcome::default() })
}

/// What several rounds measured, of one quantity.
fn spread<T>(values: &[T], of: impl Fn(&T) -> f64) -> Spread {
    Spread::new(values.iter().map(of).collect::<Vec<_>>())
}
