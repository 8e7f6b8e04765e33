//! What is found when the power is back.

use std::{path::Path, sync::Arc};

use cos_batch_engine::{JobStore as _, SystemClock};
use cos_batch_jobstore::SqliteJobStore;

use super::{
    journal::STORE,
    work::{State, Told},
};

/// Opens the store and says what is missing of what was `answered`. What was asked for, and would have been answered
/// later, may be there; `told` is all that was ever answered.
pub(super) fn missing(folder: &Path, answered: &Told, told: &Told) -> Vec<String> {
    let store = match SqliteJobStore::open(folder.join(STORE), Arc::new(SystemClock)) {
        Ok(store) => store,
        Err(error) => return vec![format!("the store does not open: {error}")],
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut missing = Vec::new();
    runtime.block_on(async {
        for (id, versions) in &answered.jobs {
            let job = match store.get(*id).await {
                Ok(Some(job)) => job,
                Ok(None) => {
                    missing.push(format!("job {id} is not there"));
                    continue;
                }
                Err(error) => {
                    missing.push(format!("job {id} cannot be read: {error}"));
                    continue;
                }
            };
            let last = versions.last_key_value().map_or(0, |(version, _)| *version);
            if job.version < last {
                missing.push(format!("job {id} is of version {}, {last} was answered", job.version));
            }
            let state = State { status: job.state.status.to_string(), priority: job.priority };
            // One change may have been on its way: it was never answered, or later.
            let known = told.jobs[id].get(&job.version);
            if job.version > last + 1 || known.is_some_and(|known| *known != state) {
                missing.push(format!("job {id} is {state:?} in version {}, {known:?} was answered", job.version));
            }
        }
        for (id, rows) in &answered.counted {
            match (store.get(*id).await, store.segments(*id, 0).await) {
                (Ok(Some(job)), Ok(segments)) => {
                    let (counted, segments) = (job.progress.executed(), segments.len() as u64);
                    if counted < *rows || counted > rows + 1 || counted != segments {
                        missing
                            .push(format!("{counted} rows are counted and {segments} recorded, {rows} were answered"));
                    }
                }
                (job, segments) => missing.push(format!(
                    "the rows of job {id} cannot be read: the job {:?}, segments {:?}",
                    job.map(|job| job.is_some()),
                    segments.map(|segments| segments.len())
                )),
            }
        }
    });
    missing
}
