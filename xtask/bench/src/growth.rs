//! What grows with what.

mod jobs;

use crate::{Outcome, Settings};

/// Measures the group.
///
/// # Errors
///
/// What cannot be built, started or run.
pub fn measure(settings: &Settings) -> anyhow::Result<Outcome> {
    let (row, chart) = jobs::measure(settings)?;
    Ok(Outcome { rows: vec![row], charts: vec![chart], ..Outcome::default() })
}
