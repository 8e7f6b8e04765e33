//! Whether everything came out as it had to.

use bytes::{Bytes, BytesMut};
use cos_batch_model::{Job, JobStatus};
use cos_batch_objectstore::{FolderStore, GetRequest, ObjectStore as _, VersionSelector};

use super::{SOURCE, TARGET, fill::Filled, report::Rows};
use crate::{exit::Error, text::count};

/// Differences that are named; of more only the number.
const NAMED: usize = 5;

/// The whole of an object.
pub(super) async fn read(store: &FolderStore, bucket: &str, key: &str) -> Result<Bytes, Error> {
    let version = &VersionSelector::Latest;
    let mut whole = BytesMut::new();
    loop {
        // One answer is bounded; a larger object comes in pieces.
        let range = whole.len() as u64..u64::MAX;
        let piece = store.get_range(GetRequest { bucket, key, version, range, pin: None }).await;
        let piece = piece.map_err(|error| Error::other(format!("{bucket}/{key}: {error}")))?;
        if piece.is_empty() {
            return Ok(whole.freeze());
        }
        whole.extend_from_slice(&piece);
    }
}

/// What is wrong with the copies, if anything.
pub(super) async fn copies(store: &FolderStore, filled: &Filled) -> Result<Vec<String>, Error> {
    let mut wrong = Vec::new();
    let mut number = 0_u64;
    for key in &filled.keys {
        let source = read(store, SOURCE, key).await?;
        let difference = match read(store, TARGET, key).await {
            Ok(copy) if copy == source => continue,
            Ok(copy) => format!("{key}: its copy has {} other bytes", copy.len()),
            Err(error) => format!("{key}: its copy cannot be read: {error}"),
        };
        number += 1;
        if wrong.len() < NAMED {
            wrong.push(difference);
        }
    }
    if number > wrong.len() as u64 {
        wrong.push(format!("{} copies differ in all", count(number)));
    }
    Ok(wrong)
}

/// What is wrong with status, counts and report, if anything.
pub(super) fn books(job: &Job, filled: &Filled, report: &Rows) -> Vec<String> {
    let progress = job.progress_summary;
    let mut wrong = Vec::new();
    if job.status != JobStatus::Complete {
        wrong.push(format!("the job is {}", job.status));
    }
    let expected = [
        ("TotalNumberOfTasks", progress.total_number_of_tasks, filled.rows),
        ("NumberOfTasksSucceeded", progress.number_of_tasks_succeeded, filled.rows - filled.must_fail),
        ("NumberOfTasksFailed", progress.number_of_tasks_failed, filled.must_fail),
        ("the number of the report's rows", report.rows, filled.rows),
        ("the number of the report's failed rows", report.failed, filled.must_fail),
    ];
    for (what, found, expected) in expected {
        if found != expected {
            wrong.push(format!("{what} is {found}, and should be {expected}"));
        }
    }
    wrong
}
