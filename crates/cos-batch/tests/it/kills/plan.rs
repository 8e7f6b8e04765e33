//! How many rows, how many kills, which seed.

use std::env;

/// Rows of the job, in place of those of the test.
const ROWS_VARIABLE: &str = "COS_BATCH_TORTURE_ROWS";
/// Kills, in place of those of the test.
const KILLS_VARIABLE: &str = "COS_BATCH_TORTURE_KILLS";
/// Where the moments of the kills come from.
const SEED_VARIABLE: &str = "COS_BATCH_TORTURE_SEED";

/// What is done to one job.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) rows: u64,
    pub(super) kills: u64,
    pub(super) seed: u64,
}

impl Plan {
    /// This, unless the environment wants something else.
    pub(super) fn of(rows: u64, kills: u64) -> Self {
        let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
        Self {
            rows: number(ROWS_VARIABLE).unwrap_or(rows),
            kills: number(KILLS_VARIABLE).unwrap_or(kills),
            seed: number(SEED_VARIABLE).unwrap_or(1),
        }
    }

    /// Operations in a second at most: what there is between two kills takes half a second, so that the quickest server is
    /// killed in the middle of the job each time, and not once it is done.
    pub(super) fn per_second(&self) -> u64 {
        (self.rows * 2 / self.kills).max(1)
    }

    /// Rows between two kills at most: on average half of it, so that three fifths of the job are over before the last.
    pub(super) fn stride(&self) -> u64 {
        (self.rows * 6 / 5 / self.kills).max(1)
    }
}
