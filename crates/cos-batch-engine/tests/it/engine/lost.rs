//! A segment that is not what was committed: cut off, or gone, behind the engine's back. Trying again does not bring it back, and a
//! report without its rows would claim less than the books have.

use cos_batch_model::{Job, JobId, JobStatus, RequestedJobStatus};
use cos_batch_objectstore::{
    DeleteRequest, ErrorKind, Execution, GetRequest, ListRequest, PutRequest, VersionSelector,
};
use tokio::time::{Duration, Instant};

use super::{
    stops::{Held, faulty_world},
    world::{self, SOURCE, TARGET, World},
};

/// What becomes of a segment.
#[derive(Clone, Copy, Debug)]
enum Harm {
    /// Its last line is not there.
    LineGone,
    /// Half of its last line is not there.
    LineTorn,
    Emptied,
    Gone,
}

/// A job that has done its rows, of which some failed, and cannot write its report.
async fn unreported() -> (World, Held, JobId) {
    let (world, faulty) = faulty_world(world::config(), Execution::Async).await;
    *faulty.refuse_puts.lock().unwrap() = Some(".csv");
    *faulty.refuse_puts_so.lock().unwrap() = ErrorKind::InternalError;
    let rows = world.fill(20).await;
    let request = world.copy_request(&format!("{rows}{SOURCE},gone/1\n{SOURCE},gone/2\n{SOURCE},gone/3\n")).await;
    let id = world.create(request).await;
    let done = |job: &Job| job.progress_summary.number_of_tasks_succeeded + job.progress_summary.number_of_tasks_failed;
    world.until(&id, |job| done(job) == 23).await;
    (world, faulty, id)
}

/// Does it to the last segment of that ending, and gives its name.
async fn suffer(world: &World, id: &JobId, ending: &str, harm: Harm) -> String {
    let (store, bucket) = (world.spool.store(), world.spool.bucket());
    let prefix = &format!("{id}/");
    let list = ListRequest { bucket, prefix, after: None, limit: 100 };
    let listed = store.list(list).await.unwrap().objects;
    let key = listed.into_iter().map(|(key, _)| key).rfind(|key| key.ends_with(ending)).unwrap();
    let version = &VersionSelector::Latest;
    let request = GetRequest { bucket, key: &key, version, range: 0..1 << 20, pin: None };
    let body = store.get_range(request).await.unwrap();
    let line = body[..body.len() - 1].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let left = match harm {
        Harm::LineGone => line,
        Harm::LineTorn => line + 5,
        Harm::Emptied | Harm::Gone => 0,
    };
    if let Harm::Gone = harm {
        store.delete(DeleteRequest { bucket, key: &key, version, operation: None }).await.unwrap();
    } else {
        store.put(PutRequest::new(bucket, &key, body.slice(..left))).await.unwrap();
    }
    key
}

/// The job in the end, which is soon.
async fn ended(world: &World, id: &JobId) -> Job {
    let began = Instant::now();
    loop {
        let job = world.describe(id).await;
        if job.status.known().unwrap().is_final() {
            return job;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{job:?}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Counts are those of the books, and no list of a report says otherwise.
async fn assert_unreported(world: &World, id: &JobId, job: &Job) {
    let progress = &job.progress_summary;
    assert_eq!((progress.number_of_tasks_succeeded, progress.number_of_tasks_failed), (20, 3));
    assert_eq!(world.get(TARGET, &format!("job-{id}/manifest.json")).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_segment_that_lost_rows_ends_its_job_by_name() {
    for (ending, harm, left) in [
        (".s", Harm::LineGone, "19 rows are left where 20 were committed"),
        (".f", Harm::LineTorn, "2 rows are left where 3 were committed"),
        (".s", Harm::Emptied, "0 rows are left where 20 were committed"),
        (".f", Harm::Gone, "nothing is left"),
    ] {
        let (world, faulty, id) = unreported().await;
        let key = suffer(&world, &id, ending, harm).await;
        *faulty.refuse_puts.lock().unwrap() = None;
        let job = ended(&world, &id).await;
        let reason = format!("rows of the report are lost: {left} in the spool's {key}");
        assert_eq!(*job.status.known().unwrap(), JobStatus::Failed, "{harm:?}");
        let [failure] = &job.failure_reasons[..] else { panic!("{job:?}") };
        assert_eq!(failure.failure_code.as_str(), "ReportNotWritten");
        assert_eq!(failure.failure_reason.as_str(), reason);
        assert_unreported(&world, &id, &job).await;
    }
}

/// Nothing fails any more that was cancelled; why there is no report is said all the same.
#[tokio::test(start_paused = true)]
async fn a_cancelled_job_whose_segment_lost_rows_says_so() {
    let (world, faulty, id) = unreported().await;
    world.set_status(&id, RequestedJobStatus::Cancelled).await.unwrap();
    let key = suffer(&world, &id, ".f", Harm::LineGone).await;
    *faulty.refuse_puts.lock().unwrap() = None;
    let job = ended(&world, &id).await;
    assert_eq!(*job.status.known().unwrap(), JobStatus::Cancelled);
    let reason = job.status_update_reason.as_ref().map(|reason| reason.as_str().to_owned()).unwrap_or_default();
    assert!(reason.contains(&format!("2 rows are left where 3 were committed in the spool's {key}")), "{reason}");
    assert_unreported(&world, &id, &job).await;
}
