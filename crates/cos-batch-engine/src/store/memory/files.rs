//! Files that manifests list: who reads which, and what came of them.

use std::{collections::btree_map, time::Duration};

use cos_batch_model::JobStatus;
use uuid::Uuid;

use super::books::{Books, Entry, OfFile};
use crate::{
    clock::UnixMillis,
    store::{FileLease, FileOutcome, FileState, JobLease, ListedFile, StoreError, rules},
};

impl Books {
    pub(super) fn add_files(&mut self, lease: &JobLease, files: Vec<ListedFile>) -> Result<(), StoreError> {
        let entry = self.held_job(lease)?;
        for file in files {
            let number = file.number;
            if let btree_map::Entry::Vacant(place) = entry.files.entry(number) {
                place.insert(OfFile { file, epoch: 0, outcome: None });
                entry.files_ready.insert(number);
            }
        }
        Ok(())
    }

    pub(super) fn claim_file(&mut self, job: Uuid, ttl: Duration, now: UnixMillis) -> Option<FileLease> {
        let entry = self.jobs.get_mut(&job)?;
        if entry.record.state.status != JobStatus::Preparing {
            return None;
        }
        let number = entry.files_ready.pop_first()?;
        let of_file = entry.files.get_mut(&number)?;
        of_file.epoch += 1;
        entry.files_held.insert(number, rules::deadline(now, ttl));
        Some(FileLease { job, file: of_file.file.clone(), epoch: of_file.epoch })
    }

    /// The job, if this lease of its file still holds.
    fn held_file(&mut self, lease: &FileLease) -> Result<&mut Entry, StoreError> {
        let number = lease.file.number;
        let entry = self.jobs.get_mut(&lease.job).ok_or(StoreError::LeaseLost)?;
        let is_newest = entry.files.get(&number).is_some_and(|of_file| of_file.epoch == lease.epoch);
        if is_newest && entry.files_held.contains_key(&number) { Ok(entry) } else { Err(StoreError::LeaseLost) }
    }

    pub(super) fn renew_file(&mut self, lease: &FileLease, ttl: Duration, now: UnixMillis) -> Result<(), StoreError> {
        self.held_file(lease)?.files_held.insert(lease.file.number, rules::deadline(now, ttl));
        Ok(())
    }

    pub(super) fn finish_file(&mut self, lease: &FileLease, outcome: FileOutcome) -> Result<(), StoreError> {
        let entry = self.held_file(lease)?;
        rules::check_outcome(&outcome)?;
        entry.files_held.remove(&lease.file.number);
        if let Some(of_file) = entry.files.get_mut(&lease.file.number) {
            of_file.outcome = Some(outcome);
        }
        Ok(())
    }

    pub(super) fn release_file(&mut self, lease: &FileLease) {
        if let Ok(entry) = self.held_file(lease) {
            entry.files_held.remove(&lease.file.number);
            entry.files_ready.insert(lease.file.number);
        }
    }

    pub(super) fn files(&self, job: Uuid, from: u32, limit: usize) -> Vec<FileState> {
        let Some(entry) = self.jobs.get(&job) else { return Vec::new() };
        let files = entry.files.range(from..).take(limit);
        files.map(|(_, of_file)| (of_file.file.clone(), of_file.outcome.clone())).collect()
    }
}

impl Entry {
    /// Ends leases of files that last no longer than `now`; tells how many.
    pub(super) fn reap_files(&mut self, now: UnixMillis) -> u64 {
        let (over, held): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.files_held).into_iter().partition(|(_, until)| *until <= now);
        self.files_held = held.into_iter().collect();
        self.files_ready.extend(over.iter().map(|(number, _)| *number));
        over.len() as u64
    }
}
