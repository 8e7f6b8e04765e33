//! Each group of `api` checks finds the backends that are wrong about it. The snapshots say which checks do.

use cos_batch_conformance::Group;

use crate::{
    world::{Found, World},
    wrong_backend::{Fault, Wrong},
};

async fn found(group: Group, faults: &[Fault]) -> String {
    let world = World::new().await;
    let mut found = Found::default();
    for fault in faults {
        found.by(fault, &world.check_api(Wrong::new(world.api(), *fault), group).await);
    }
    found.table()
}

#[tokio::test]
async fn basic() {
    let faults = [
        Fault::NoDescription,
        Fault::UnescapesTwice,
        Fault::UnquotesETags,
        Fault::ForgetsPriority,
        Fault::DeletesNothing,
        Fault::OneId,
    ];
    insta::assert_snapshot!(found(Group::Basic, &faults).await);
}

#[tokio::test]
async fn errors() {
    let faults = [
        Fault::AnswersForeignJobs,
        Fault::TellsForeignJobs,
        Fault::ListsForeignJobs,
        Fault::IgnoresTokens,
        Fault::UnknownIsInternal,
        Fault::RepairsRequests,
        Fault::DeletesNothing,
    ];
    insta::assert_snapshot!(found(Group::Errors, &faults).await);
}

#[tokio::test]
async fn paging() {
    let faults = [
        Fault::TokenOnTheLastPage,
        Fault::PagesOnePast,
        Fault::IgnoresMaxResults,
        Fault::IgnoresStatuses,
        Fault::IgnoresTheToken,
    ];
    insta::assert_snapshot!(found(Group::Paging, &faults).await);
}

#[tokio::test]
async fn lifecycle() {
    let faults = [
        Fault::FinishedJobsChange,
        Fault::NeverSuspends,
        Fault::ConfirmsNothing,
        Fault::CancelsLate,
        Fault::NoReason,
        Fault::NoTerminationDate,
        Fault::NoFailureReasons,
    ];
    insta::assert_snapshot!(found(Group::Lifecycle, &faults).await);
}
