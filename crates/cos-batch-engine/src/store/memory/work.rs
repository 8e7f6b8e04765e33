//! Shards of jobs: leasing, checkpoints, results.

use std::{collections::BTreeSet, ops::Bound, time::Duration};

use cos_batch_model::JobStatus;
use uuid::Uuid;

use super::books::{Books, Entry, Piece, PieceState};
use crate::{
    clock::UnixMillis,
    store::{
        Checkpoint, CheckpointAnswer, Cursor, JobLease, ResultFile, Segment, Shard, ShardLease, StoreError, rules,
    },
};

impl Books {
    pub(super) fn clear_shards(&mut self, lease: &JobLease) -> Result<(), StoreError> {
        let entry = self.held_job(lease)?;
        if entry.shards.values().any(|piece| piece.epoch > 0) {
            return Err(StoreError::Misuse("shards that were leased are not forgotten"));
        }
        entry.shards.clear();
        entry.ready.clear();
        entry.record.shards = Default::default();
        Ok(())
    }

    pub(super) fn add_shards(&mut self, lease: &JobLease, shards: Vec<Shard>) -> Result<(), StoreError> {
        let entry = self.held_job(lease)?;
        let mut new = BTreeSet::new();
        for shard in &shards {
            rules::check_shard(shard)?;
            if entry.shards.contains_key(&shard.index) || !new.insert(shard.index) {
                return Err(StoreError::Misuse("there is already a shard of this index"));
            }
        }
        for shard in shards {
            let index = shard.index;
            let piece =
                Piece { shard, state: PieceState::Ready, epoch: 0, cursor: Cursor::default(), segments: Vec::new() };
            entry.shards.insert(index, piece);
            entry.ready.insert(index);
            entry.record.shards.ready += 1;
        }
        Ok(())
    }

    pub(super) fn claim_shard(&mut self, job: Uuid, ttl: Duration, now: UnixMillis) -> Option<ShardLease> {
        let entry = self.jobs.get_mut(&job)?;
        if entry.record.state.status != JobStatus::Active {
            return None;
        }
        let index = entry.ready.pop_first()?;
        let piece = entry.shards.get_mut(&index)?;
        piece.state = PieceState::Leased { until: rules::deadline(now, ttl) };
        piece.epoch += 1;
        entry.record.shards.ready -= 1;
        entry.record.shards.leased += 1;
        Some(ShardLease {
            job,
            shard: piece.shard.clone(),
            epoch: piece.epoch,
            cursor: piece.cursor,
            next_segment: piece.next_segment(),
        })
    }

    pub(super) fn checkpoint(
        &mut self,
        lease: &ShardLease,
        step: Checkpoint,
        ttl: Duration,
        now: UnixMillis,
    ) -> Result<CheckpointAnswer, StoreError> {
        let (entry, index) = self.held_shard(lease)?;
        let Some(piece) = entry.shards.get_mut(&index) else { return Err(StoreError::LeaseLost) };
        rules::check_step(&piece.shard, piece.epoch, piece.cursor, piece.next_segment(), &step)?;
        piece.cursor = step.cursor;
        piece.segments.extend(step.segment);
        piece.state = PieceState::Leased { until: rules::deadline(now, ttl) };
        let changed = rules::add_codes(&entry.codes, &step.codes);
        entry.codes.extend(changed);
        let progress = &mut entry.record.progress;
        // Only shards that overlap could overflow these.
        progress.succeeded = progress.succeeded.saturating_add(step.succeeded);
        progress.failed = progress.failed.saturating_add(step.failed);
        entry.report_bytes = entry.report_bytes.saturating_add(step.report_bytes);
        Ok(entry.answer(step.cursor))
    }

    pub(super) fn renew_shard(
        &mut self,
        lease: &ShardLease,
        ttl: Duration,
        now: UnixMillis,
    ) -> Result<CheckpointAnswer, StoreError> {
        let (entry, index) = self.held_shard(lease)?;
        let Some(piece) = entry.shards.get_mut(&index) else { return Err(StoreError::LeaseLost) };
        piece.state = PieceState::Leased { until: rules::deadline(now, ttl) };
        let cursor = piece.cursor;
        Ok(entry.answer(cursor))
    }

    pub(super) fn finish_shard(&mut self, lease: &ShardLease, results: Vec<ResultFile>) -> Result<u64, StoreError> {
        let (entry, index) = self.held_shard(lease)?;
        let Some(piece) = entry.shards.get_mut(&index) else { return Err(StoreError::LeaseLost) };
        if piece.cursor.rows != piece.shard.rows {
            return Err(StoreError::Misuse("a shard with rows left is not finished"));
        }
        rules::check_results(&results, Some(index))?;
        piece.state = PieceState::Done;
        entry.replace_results(results, [index].into());
        entry.record.shards.leased -= 1;
        entry.record.shards.done += 1;
        Ok(entry.record.shards.left())
    }

    pub(super) fn release_shard(&mut self, lease: &ShardLease) {
        if let Ok((entry, index)) = self.held_shard(lease) {
            entry.make_ready(index);
        }
    }

    /// Ends every lease that lasts no longer than `now`.
    pub(super) fn reap(&mut self, now: UnixMillis) -> u64 {
        let mut ended = 0;
        for entry in self.jobs.values_mut() {
            if entry.leased_until.is_some_and(|until| until <= now) {
                entry.leased_until = None;
                ended += 1;
            }
            ended += entry.reap_files(now);
            if entry.record.shards.leased == 0 {
                continue;
            }
            let over = |piece: &Piece| matches!(piece.state, PieceState::Leased { until } if until <= now);
            let over: Vec<u32> =
                entry.shards.iter().filter(|(_, piece)| over(piece)).map(|(index, _)| *index).collect();
            for index in over {
                entry.make_ready(index);
                ended += 1;
            }
        }
        ended
    }

    pub(super) fn segments(&self, job: Uuid, shard: u32) -> Vec<Segment> {
        let piece = self.jobs.get(&job).and_then(|entry| entry.shards.get(&shard));
        piece.map(|piece| piece.segments.clone()).unwrap_or_default()
    }

    pub(super) fn cut_off_shards(&self, job: Uuid, after: Option<u32>, limit: usize) -> Vec<u32> {
        let Some(entry) = self.jobs.get(&job) else { return Vec::new() };
        entry
            .shards
            .range((after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded))
            .filter(|(_, piece)| piece.state != PieceState::Done && !piece.segments.is_empty())
            .map(|(index, _)| *index)
            .take(limit)
            .collect()
    }

    pub(super) fn add_results(&mut self, lease: &JobLease, results: Vec<ResultFile>) -> Result<(), StoreError> {
        let entry = self.held_job(lease)?;
        rules::check_results(&results, None)?;
        let shards: BTreeSet<u32> = results.iter().map(|result| result.shard).collect();
        let open = |index: &u32| entry.shards.get(index).is_some_and(|piece| piece.state != PieceState::Done);
        if !shards.iter().all(open) {
            return Err(StoreError::Misuse("report files are added to shards that were cut off only"));
        }
        entry.replace_results(results, shards);
        Ok(())
    }

    pub(super) fn results(&self, job: Uuid, after: Option<(u32, bool)>, limit: usize) -> Vec<ResultFile> {
        let Some(entry) = self.jobs.get(&job) else { return Vec::new() };
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        entry.results.range((after, Bound::Unbounded)).map(|(_, result)| result.clone()).take(limit).collect()
    }
}

impl Entry {
    fn answer(&self, cursor: Cursor) -> CheckpointAnswer {
        let (status, progress) = (self.record.state.status, self.record.progress);
        CheckpointAnswer { status, progress, cursor, report_bytes: self.report_bytes }
    }

    /// Ends the lease of a shard that is held.
    fn make_ready(&mut self, index: u32) {
        if let Some(piece) = self.shards.get_mut(&index) {
            piece.state = PieceState::Ready;
            self.ready.insert(index);
            self.record.shards.leased -= 1;
            self.record.shards.ready += 1;
        }
    }

    fn replace_results(&mut self, results: Vec<ResultFile>, shards: BTreeSet<u32>) {
        for shard in shards {
            self.results.remove(&(shard, false));
            self.results.remove(&(shard, true));
        }
        self.results.extend(results.into_iter().map(|result| ((result.shard, result.failed), result)));
    }
}
