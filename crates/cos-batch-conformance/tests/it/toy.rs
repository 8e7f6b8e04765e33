//! The server's example, whose backend describes any job as complete and offers nothing else.

use std::{fmt::Write as _, sync::Arc};

use cos_batch_conformance::{Group, Outcome, wire};

use crate::{
    custom_server,
    world::{InProcess, World},
};

#[tokio::test]
async fn what_the_example_lacks_is_listed() {
    // Its only use here is a request that would be legal.
    let world = World::new().await;
    let setup = world.anonymous_setup().runs_jobs(false);
    let report = wire::run(Arc::new(InProcess(custom_server::service().unwrap())), &setup, Group::ALL).await;
    assert!(report.left_behind.is_empty());
    let mut lines = String::new();
    for result in &report.checks {
        let outcome = match &result.outcome {
            Outcome::Passed => "passed",
            Outcome::Failed { .. } => "FAILED",
            Outcome::Skipped { .. } => "skipped",
            other => panic!("{other:?} is not known here"),
        };
        writeln!(lines, "{outcome:<8} {}", result.check.id).unwrap();
    }
    insta::assert_snapshot!(lines);
}
