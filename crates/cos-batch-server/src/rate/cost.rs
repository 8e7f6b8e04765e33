//! What requests cost, counted in the work of the cheapest one.

use cos_batch_model::ActionName;

use crate::router::Route;

/// What a request costs that looks at one job: the unit.
///
/// Source: ours.
pub const COST_OF_A_LOOK: u32 = 1;

/// What a request costs that makes or changes a job: some nine times the work of a look, with the commit to the disk, and what
/// is begun with a job.
///
/// Source: ours.
pub const COST_OF_A_CHANGE: u32 = 10;

/// What a request to the extension costs, whose work depends on what it asks for.
///
/// Source: ours.
pub const COST_BESIDE: u32 = 10;

/// Bytes of a list at the cost of a look: a list of 1,000 jobs has some hundred thousands, and is some five hundred times the
/// work of a look.
const LISTED_BYTES_AT_THE_COST_OF_A_LOOK: usize = 512;

/// What a list costs besides being a look, by the bytes of its answer: how many jobs there are nobody knows before.
///
/// Source: ours.
#[must_use]
pub fn cost_of_a_list(bytes: usize) -> u32 {
    u32::try_from(bytes / LISTED_BYTES_AT_THE_COST_OF_A_LOOK).unwrap_or(u32::MAX)
}

/// What a request of this dialect costs before it is answered.
pub(crate) fn of(route: Route) -> u32 {
    match route {
        Route::Action(ActionName::DescribeJob | ActionName::ListJobs) => COST_OF_A_LOOK,
        Route::Action(_) => COST_OF_A_CHANGE,
        Route::Extension => COST_BESIDE,
    }
}
