//! What a server that was killed leaves in its job store.

use std::{fs, io, path::Path, sync::Arc};

use cos_batch_engine::{JobStore as _, SystemClock, store::Segment};
use cos_batch_jobstore::SqliteJobStore;
use uuid::Uuid;

/// Segments read at once.
const PAGE: usize = 1000;

/// Tasks that are counted. The files of outcomes that are recorded have as many rows, and follow each other in each shard.
#[track_caller]
pub(super) fn counted(data: &Path, job: &str) -> u64 {
    // A copy of it: what a kill left is for the server to find.
    let copy = tempfile::tempdir().unwrap();
    for name in ["jobs.sqlite", "jobs.sqlite-wal"] {
        match fs::copy(data.join(name), copy.path().join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("{name}: {error}"),
            _ => {}
        }
    }
    let store = SqliteJobStore::open(copy.path().join("jobs.sqlite"), Arc::new(SystemClock)).unwrap();
    let job: Uuid = job.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (progress, segments) = runtime.block_on(async {
        let record = store.get(job).await.unwrap().expect("a job that was answered is there");
        let mut segments: Vec<Segment> = Vec::new();
        loop {
            let after = segments.last().map(|last| (last.shard, last.number));
            let page = store.job_segments(job, false, after, PAGE).await.unwrap();
            segments.extend_from_slice(&page);
            if page.len() < PAGE {
                return (record.progress, segments);
            }
        }
    });
    let mut before: Option<&Segment> = None;
    for segment in &segments {
        let expected = before.filter(|before| before.shard == segment.shard).map_or(0, |before| before.number + 1);
        assert_eq!(segment.number, expected, "segments of shard {} follow each other", segment.shard);
        before = Some(segment);
    }
    let recorded: u64 = segments.iter().map(|segment| segment.succeeded_rows + segment.failed_rows).sum();
    assert_eq!(progress.executed(), recorded, "{progress:?}");
    recorded
}
