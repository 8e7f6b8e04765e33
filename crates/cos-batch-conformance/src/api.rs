//! Checks of a [`BatchApi`]: an engine in process, a client in front of a server, anything.

mod basic;
mod errors;
mod lifecycle;
mod paging;

use std::sync::Arc;

use cos_batch_model::BatchApi;

use crate::{
    bench::Bench,
    check::{self, Check},
    report::{CheckInfo, Group, Report},
    setup::Setup,
};

/// The checks, group by group.
pub(crate) const CHECKS: [&[Check<Bench>]; 4] = [basic::CHECKS, errors::CHECKS, paging::CHECKS, lifecycle::CHECKS];

/// What is checked.
///
/// ```
/// use cos_batch_conformance::{Group, api};
///
/// assert!(api::checks().iter().any(|check| check.group() == Group::Paging));
/// ```
pub fn checks() -> Vec<CheckInfo> {
    CHECKS.into_iter().flatten().map(Check::info).collect()
}

/// Runs the checks of these groups, one after the other. Groups that are for the wire alone have none here.
///
/// A call that never ends holds the run up: whoever implements `api` sees to time limits.
///
/// See the [front page](crate) for an example. Source: each check names its own.
pub async fn run(api: Arc<dyn BatchApi>, setup: &Setup, groups: &[Group]) -> Report {
    let bench = Bench::new(api, setup);
    let mut report = Report::new("api");
    for checks in CHECKS {
        check::run(checks, &bench, &bench, groups, &mut report).await;
    }
    report
}
