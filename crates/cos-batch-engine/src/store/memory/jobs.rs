//! Jobs as wholes: making, finding, changing, forgetting.

use std::{cmp::Reverse, ops::Bound, sync::Arc, time::Duration};

use cos_batch_model::JobStatus;
use uuid::Uuid;

use super::books::{Books, Entry};
use crate::{
    clock::UnixMillis,
    job::{JobEvent, JobRecord, JobState, Progress, ShardTally},
    store::{BriefFilter, BriefPage, EVENTS_MAX, JobBrief, JobChange, JobLease, ListFilter, NewJob, StoreError, rules},
};

impl Books {
    pub(super) fn create(&mut self, job: NewJob, now: UnixMillis) -> Result<JobRecord, StoreError> {
        let live = match self.tenants.get(&job.tenant) {
            Some(tenant) => {
                if let Some(job) = tenant.tokens.get(&job.token) {
                    return Err(StoreError::TokenUsed { job: *job });
                }
                tenant.live
            }
            None => 0,
        };
        if live >= job.live_jobs_max {
            return Err(StoreError::TooManyJobs { limit: job.live_jobs_max });
        }
        let id = self.ids.next(now);
        let record = JobRecord {
            id,
            tenant: job.tenant,
            token: job.token,
            spec: Arc::new(job.spec),
            priority: job.priority,
            state: JobState::new(),
            version: 0,
            created_at: now,
            progress: Progress::default(),
            shards: ShardTally::default(),
            deleted: false,
        };
        let tenant = self.tenants.entry(record.tenant.clone()).or_default();
        tenant.jobs.insert(id);
        tenant.tokens.insert(record.token.clone(), id);
        tenant.live += 1;
        tenant.queue.insert(place(&record));
        let mut entry = Entry {
            record: record.clone(),
            epoch: 0,
            leased_until: None,
            shards: Default::default(),
            ready: Default::default(),
            files: Default::default(),
            files_ready: Default::default(),
            files_held: Default::default(),
            codes: Default::default(),
            events: Vec::new(),
            results: Default::default(),
            report_bytes: 0,
        };
        entry.add_event(now);
        self.jobs.insert(id, entry);
        Ok(record)
    }

    pub(super) fn get(&self, id: Uuid) -> Option<JobRecord> {
        self.jobs.get(&id).map(|entry| entry.record.clone())
    }

    pub(super) fn list(&self, filter: &ListFilter<'_>) -> (Vec<JobRecord>, bool) {
        let Some(tenant) = self.tenants.get(filter.tenant) else { return (Vec::new(), false) };
        let after = filter.after.map_or(Bound::Unbounded, Bound::Excluded);
        let ids: Box<dyn Iterator<Item = &Uuid>> = match filter.newest_first {
            false => Box::new(tenant.jobs.range((after, Bound::Unbounded))),
            true => Box::new(tenant.jobs.range((Bound::Unbounded, after)).rev()),
        };
        let mut found = ids
            .filter_map(|id| self.jobs.get(id))
            .map(|entry| &entry.record)
            .filter(|record| !record.deleted)
            .filter(|record| filter.statuses.is_empty() || filter.statuses.contains(&record.state.status));
        let jobs = found.by_ref().take(filter.limit).cloned().collect();
        (jobs, found.next().is_some())
    }

    pub(super) fn tasks_of_others(&self, tenant: &str, statuses: &[JobStatus], but: Uuid) -> u64 {
        let Some(tenant) = self.tenants.get(tenant) else { return 0 };
        let jobs = tenant.jobs.iter().filter(|id| **id != but).filter_map(|id| self.jobs.get(id));
        let counted =
            jobs.map(|entry| &entry.record).filter(|record| !record.deleted && statuses.contains(&record.state.status));
        counted.map(|record| record.progress.total).fold(0, u64::saturating_add)
    }

    pub(super) fn transition(
        &mut self,
        id: Uuid,
        version: u64,
        change: JobChange,
        now: UnixMillis,
    ) -> Result<JobRecord, StoreError> {
        let entry = self.entry(id)?;
        let holds = |lease: &JobLease| lease.job == id && entry.leased_until.is_some() && entry.epoch == lease.epoch;
        if !change.lease.as_ref().is_none_or(holds) {
            return Err(StoreError::LeaseLost);
        }
        if entry.record.version != version {
            return Err(StoreError::Conflict);
        }
        rules::check_change(&change)?;
        let (before, waited) = (place(&entry.record), waits(&entry.record));
        let record = &mut entry.record;
        record.version += 1;
        if let Some(priority) = change.priority {
            record.priority = priority;
        }
        if let Some(total) = change.total {
            record.progress.total = total;
        }
        record.deleted |= change.delete;
        if let Some(state) = change.state {
            record.state = state;
        }
        if change.tags.is_some() {
            record.state.tags = change.tags;
        }
        if entry.record.state.status != before.0 {
            entry.add_event(now);
        }
        let record = entry.record.clone();
        if let Some(waited) = waited {
            self.suspended.remove(&waited);
        }
        self.suspended.extend(waits(&record));
        if let Some(tenant) = self.tenants.get_mut(&record.tenant) {
            tenant.queue.remove(&before);
            tenant.queue.insert(place(&record));
            match (before.0.is_final(), record.state.status.is_final()) {
                (false, true) => tenant.live -= 1,
                (true, false) => tenant.live += 1,
                _ => {}
            }
        }
        Ok(record)
    }

    pub(super) fn briefs(&self, filter: &BriefFilter<'_>) -> BriefPage {
        let mut statuses = filter.statuses.to_vec();
        statuses.sort_unstable();
        statuses.dedup();
        let after = filter.after.map_or(Bound::Unbounded, Bound::Excluded);
        let range = (after, Bound::Unbounded);
        let mut live = self.tenants.range::<str, _>(range).filter(|(_, tenant)| tenant.live > 0);
        let mut page = BriefPage::default();
        for (name, tenant) in live.by_ref().take(filter.tenants) {
            let mut places = Vec::new();
            for &status in statuses.iter().filter(|status| !status.is_final()) {
                let from = (status, Reverse(u32::MAX), Uuid::nil());
                let of_status = tenant.queue.range(from..).take_while(|place| place.0 == status);
                places.extend(of_status.take(filter.each).map(|place| (place.1, place.2)));
            }
            places.sort_unstable();
            page.jobs.extend(places.into_iter().filter_map(|(_, id)| self.jobs.get(&id)).map(Entry::brief));
            page.next = Some(name.clone());
        }
        if live.next().is_none() {
            page.next = None;
        }
        page
    }

    pub(super) fn suspended(&self, before: UnixMillis, limit: usize) -> Vec<Uuid> {
        self.suspended.range(..=(before, Uuid::max())).take(limit).map(|(_, id)| *id).collect()
    }

    pub(super) fn lease_job(
        &mut self,
        id: Uuid,
        ttl: Duration,
        now: UnixMillis,
    ) -> Result<Option<JobLease>, StoreError> {
        let entry = self.entry(id)?;
        if entry.leased_until.is_some() {
            return Ok(None);
        }
        entry.epoch += 1;
        entry.leased_until = Some(rules::deadline(now, ttl));
        Ok(Some(JobLease { job: id, epoch: entry.epoch }))
    }

    pub(super) fn renew_job(&mut self, lease: &JobLease, ttl: Duration, now: UnixMillis) -> Result<(), StoreError> {
        self.held_job(lease)?.leased_until = Some(rules::deadline(now, ttl));
        Ok(())
    }

    pub(super) fn release_job(&mut self, lease: &JobLease) {
        if let Ok(entry) = self.held_job(lease) {
            entry.leased_until = None;
        }
    }

    pub(super) fn codes(&self, job: Uuid) -> Vec<(String, u64)> {
        let Some(entry) = self.jobs.get(&job) else { return Vec::new() };
        let mut codes: Vec<_> = entry.codes.iter().map(|(code, tasks)| (code.clone(), *tasks)).collect();
        // Stable: equal counts stay in the order of their names.
        codes.sort_by_key(|(_, tasks)| Reverse(*tasks));
        codes
    }

    pub(super) fn events(&self, job: Uuid) -> Vec<JobEvent> {
        self.jobs.get(&job).map(|entry| entry.events.clone()).unwrap_or_default()
    }

    pub(super) fn purgeable(&self, before: UnixMillis, limit: usize) -> Vec<Uuid> {
        let mut ended: Vec<_> = self
            .jobs
            .values()
            .map(|entry| &entry.record)
            .filter(|job| job.state.status.is_final())
            .filter_map(|job| Some((job.state.terminated_at?, job.id)))
            .filter(|(ended, _)| *ended < before)
            .collect();
        ended.sort_unstable();
        ended.into_iter().take(limit).map(|(_, id)| id).collect()
    }

    pub(super) fn purge(&mut self, id: Uuid) -> Result<(), StoreError> {
        if !self.entry(id)?.record.state.status.is_final() {
            return Err(StoreError::Misuse("only a job that has ended can be forgotten"));
        }
        let Some(entry) = self.jobs.remove(&id) else { return Err(StoreError::NoSuchJob) };
        if let Some(tenant) = self.tenants.get_mut(&entry.record.tenant) {
            tenant.queue.remove(&place(&entry.record));
            tenant.jobs.remove(&id);
            tenant.tokens.remove(&entry.record.token);
            if tenant.jobs.is_empty() {
                self.tenants.remove(&entry.record.tenant);
            }
        }
        Ok(())
    }
}

/// Where a job stands in the queue: by status, highest priority first, oldest first.
fn place(record: &JobRecord) -> (JobStatus, Reverse<u32>, Uuid) {
    (record.state.status, Reverse(record.priority), record.id)
}

/// Where a Suspended job stands among those that wait for their confirmation.
fn waits(record: &JobRecord) -> Option<(UnixMillis, Uuid)> {
    let suspended = record.state.status == JobStatus::Suspended;
    Some((record.state.suspended_at.filter(|_| suspended)?, record.id))
}

impl Entry {
    fn add_event(&mut self, at: UnixMillis) {
        if self.events.len() == EVENTS_MAX {
            self.events.remove(1);
        }
        let state = &self.record.state;
        self.events.push(JobEvent { at, status: state.status, reason: state.reason.clone() });
    }

    fn brief(&self) -> JobBrief {
        let record = &self.record;
        JobBrief {
            id: record.id,
            tenant: record.tenant.clone(),
            status: record.state.status,
            priority: record.priority,
            shards: record.shards,
            job_leased: self.leased_until.is_some(),
            deleted: record.deleted,
        }
    }
}
