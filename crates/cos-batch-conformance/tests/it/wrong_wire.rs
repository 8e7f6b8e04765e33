//! Each group of `wire` checks finds the servers that are wrong about it. The snapshots say which checks do.

use std::sync::Arc;

use cos_batch_conformance::{Group, Report, Wire, wire};
use cos_signature::Strictness;

use crate::{
    twisted::{Twist, Twisted},
    world::{Found, InProcess, World, anonymous, keyed},
    wrong_backend::{Fault, Wrong},
};

async fn found(group: Group, twists: &[Twist]) -> String {
    let world = World::new().await;
    let mut found = Found::default();
    for twist in twists {
        let inner = InProcess(anonymous(world.api()));
        found.by(twist, &world.check_wire(Twisted { inner, twist: *twist }, group).await);
    }
    found.table()
}

#[tokio::test]
async fn basic() {
    let twists = [Twist::NoRequestId, Twist::SameRequestId, Twist::PlainText, Twist::LeavesDefaultsOut];
    insta::assert_snapshot!(found(Group::Basic, &twists).await);
}

#[tokio::test]
async fn errors() {
    let twists = [Twist::OtherRequestId, Twist::ClampsPriority, Twist::BadBodiesAreInternal];
    insta::assert_snapshot!(found(Group::Errors, &twists).await);
}

#[tokio::test]
async fn errors_that_are_no_errors() {
    let world = World::new().await;
    let inner = InProcess(anonymous(world.api()));
    let report = world.check_wire(Twisted { inner, twist: Twist::ErrorsAreOk }, Group::Errors).await;
    // Left are those that are about a success.
    let passed = report.checks.iter().filter(|result| result.outcome == cos_batch_conformance::Outcome::Passed);
    let passed: Vec<_> = passed.map(|result| result.check.id).collect();
    assert_eq!(
        passed,
        ["errors/used-token-makes-no-job", "errors/tokens-are-each-accounts-own", "errors/foreign-jobs-are-not-listed"]
    );
}

#[tokio::test]
async fn paging() {
    insta::assert_snapshot!(found(Group::Paging, &[Twist::NoEmptyJobs]).await);
}

#[tokio::test]
async fn lifecycle() {
    insta::assert_snapshot!(found(Group::Lifecycle, &[Twist::PlusIsPlus]).await);
}

#[tokio::test]
async fn limits() {
    insta::assert_snapshot!(found(Group::Limits, &[Twist::CountsCharacters, Twist::CutsDescriptions]).await);
}

#[tokio::test]
async fn hostile() {
    let twists = [Twist::SkipsDoctype, Twist::BadBodiesAreInternal, Twist::NoEscapes];
    insta::assert_snapshot!(found(Group::Hostile, &twists).await);
}

#[tokio::test]
async fn wrong_backends_are_found_over_the_wire_too() {
    let world = World::new().await;
    let mut found = Found::default();
    for (fault, group) in [
        (Fault::ForgetsPriority, Group::Basic),
        (Fault::AnswersForeignJobs, Group::Errors),
        (Fault::TokenOnTheLastPage, Group::Paging),
        (Fault::FinishedJobsChange, Group::Lifecycle),
    ] {
        let service = anonymous(Wrong::new(world.api(), fault));
        found.by(&fault, &world.check_wire(InProcess(service), group).await);
    }
    insta::assert_snapshot!(found.table());
}

async fn checked(world: &World, wire: impl Wire + 'static) -> Report {
    wire::run(Arc::new(wire), &world.setup(), &[Group::Auth]).await
}

#[tokio::test]
async fn auth() {
    let world = World::new().await;
    let mut found = Found::default();
    for twist in
        [Twist::NeverExpires, Twist::SignsAnew, Twist::IgnoresTokens, Twist::NoTokenInQuery, Twist::SkipsDigests]
    {
        let inner = InProcess(keyed(world.api()).build().unwrap());
        found.by(&twist, &checked(&world, Twisted { inner, twist }).await);
    }
    let compatible = InProcess(keyed(world.api()).strictness(Strictness::CosCompatible).build().unwrap());
    found.by(&"NotStrict", &checked(&world, compatible).await);
    found.by(&"ServesEverybody", &checked(&world, InProcess(anonymous(world.api()))).await);
    insta::assert_snapshot!(found.table());
}

/// A check that no server can fail checks nothing.
#[tokio::test]
async fn every_check_can_fail() {
    let world = World::new().await;
    let mut never: Vec<&str> = wire::checks().iter().map(|info| info.id).collect();
    for twist in [Twist::ErrorsAreOk, Twist::RefusesAll, Twist::NoEscapes] {
        let inner = InProcess(keyed(world.api()).build().unwrap());
        let report = wire::run(Arc::new(Twisted { inner, twist }), &world.setup(), Group::ALL).await;
        never.retain(|id| report.failed_ids().all(|failed| failed != *id));
    }
    assert_eq!(never, [""; 0]);
}
