//! What must hold at every step.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cos_batch_engine::{JobRecord, store::FileLease};
use uuid::Uuid;

/// Looks at every change of a job.
#[derive(Default)]
pub(crate) struct Witness {
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    jobs: BTreeMap<Uuid, Known>,
    /// Which process read which listed file.
    files: BTreeMap<(Uuid, u32), usize>,
    /// How often each row was worked on: by number of the job, and row.
    operations: BTreeMap<(usize, u32), u64>,
}

struct Known {
    /// Number of the job in the plan.
    number: usize,
    last: Option<JobRecord>,
    /// When its cancel was answered, since the story began.
    cancelled: Option<Duration>,
    gone: bool,
}

impl Witness {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        // One thread, and nothing panics under it.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A job was made.
    pub(crate) fn made(&self, id: Uuid, number: usize) -> Result<(), String> {
        let mut seen = self.lock();
        if let Some((other, _)) = seen.jobs.iter().find(|(other, known)| known.number == number && **other != id) {
            return Err(format!("one token made two jobs: {other} and {id}"));
        }
        seen.jobs.entry(id).or_insert(Known { number, last: None, cancelled: None, gone: false });
        Ok(())
    }

    pub(crate) fn known(&self) -> Vec<Uuid> {
        self.lock().jobs.iter().filter(|(_, known)| !known.gone).map(|(id, _)| *id).collect()
    }

    /// What to call a job in the trace: its id has chance in it.
    pub(crate) fn name(&self, id: Uuid) -> String {
        self.lock().jobs.get(&id).map_or_else(|| "?".to_owned(), |known| format!("j{}", known.number))
    }

    /// A cancel or a delete was answered.
    pub(crate) fn cancelled(&self, id: Uuid, at: Duration) {
        if let Some(known) = self.lock().jobs.get_mut(&id) {
            known.cancelled.get_or_insert(at);
        }
    }

    /// When the cancel of a job was answered.
    pub(crate) fn cancelled_at(&self, number: usize) -> Option<Duration> {
        self.lock().jobs.values().find(|known| known.number == number)?.cancelled
    }

    /// A row was worked on.
    pub(crate) fn worked(&self, number: usize, row: u32) {
        *self.lock().operations.entry((number, row)).or_default() += 1;
    }

    pub(crate) fn times(&self, number: usize, row: u32) -> u64 {
        self.lock().operations.get(&(number, row)).copied().unwrap_or(0)
    }

    /// A listed file was leased.
    pub(crate) fn file_leased(&self, job: Uuid, file: u32) -> Result<(), String> {
        match self.lock().files.get(&(job, file)) {
            Some(process) => Err(format!("file {file} was leased after process {process} had read it")),
            None => Ok(()),
        }
    }

    /// What came of a listed file was taken.
    pub(crate) fn file_read(&self, lease: &FileLease, process: usize) -> Result<(), String> {
        match self.lock().files.insert((lease.job, lease.file.number), process) {
            Some(_) => Err(format!("file {} was read twice", lease.file.number)),
            None => Ok(()),
        }
    }

    /// How many jobs had listed files that were read by more than one process.
    pub(crate) fn shared(&self) -> u64 {
        let mut readers = BTreeMap::<Uuid, BTreeSet<usize>>::new();
        for ((job, _), process) in &self.lock().files {
            readers.entry(*job).or_default().insert(*process);
        }
        readers.values().filter(|processes| processes.len() > 1).count() as u64
    }

    /// Holds a job against what it was before.
    pub(crate) fn look(&self, id: Uuid, now: Option<&JobRecord>) -> Result<(), String> {
        let mut seen = self.lock();
        let Some(known) = seen.jobs.get_mut(&id) else { return Ok(()) };
        let number = known.number;
        let Some(now) = now else {
            known.gone = true;
            let was_final = known.last.as_ref().is_some_and(|last| last.state.status.is_final());
            return if was_final { Ok(()) } else { Err(format!("job {number} is gone before it ended")) };
        };
        let progress = now.progress;
        if progress.executed() > progress.total {
            return Err(format!("job {number}: more is done than there is: {progress:?}"));
        }
        let result = match &known.last {
            None => Ok(()),
            Some(last) => follows(number, last, now),
        };
        known.last = Some(now.clone());
        result
    }
}

/// Whether one look at a job can follow another.
fn follows(number: usize, last: &JobRecord, now: &JobRecord) -> Result<(), String> {
    let (from, to) = (last.state.status, now.state.status);
    if from != to && !from.can_become(to) {
        // Looks are at every write, so nothing was in between.
        return Err(format!("job {number}: {from} became {to}"));
    }
    if now.version < last.version {
        return Err(format!("job {number}: version {} follows {}", now.version, last.version));
    }
    let (before, after) = (last.progress, now.progress);
    if after.succeeded < before.succeeded || after.failed < before.failed {
        return Err(format!("job {number}: counters went back: {before:?}, {after:?}"));
    }
    if from.is_final() && before != after {
        return Err(format!("job {number} had ended, and its counters changed: {before:?}, {after:?}"));
    }
    if before.total != after.total && before.executed() > 0 {
        return Err(format!("job {number}: its total changed from {} to {}", before.total, after.total));
    }
    if last.deleted && !now.deleted {
        return Err(format!("job {number} was deleted, and is back"));
    }
    Ok(())
}
