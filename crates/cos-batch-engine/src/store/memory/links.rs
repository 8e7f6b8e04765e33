//! What leads from one job to others, and through all its shards.

use std::ops::Bound;

use uuid::Uuid;

use super::books::Books;
use crate::store::Segment;

impl Books {
    pub(super) fn find_token(&self, tenant: &str, token: &str) -> Option<Uuid> {
        self.tenants.get(tenant)?.tokens.get(token).copied()
    }

    pub(super) fn retries(&self, job: Uuid, limit: usize) -> Vec<Uuid> {
        let tenant = self.jobs.get(&job).and_then(|entry| self.tenants.get(&entry.record.tenant));
        let Some(tenant) = tenant else { return Vec::new() };
        let later = tenant.jobs.range((Bound::Excluded(job), Bound::Unbounded));
        let records = later.filter_map(|id| self.jobs.get(id)).map(|entry| &entry.record);
        let found = records.filter(|record| record.spec.retry_of == Some(job) && !record.deleted);
        found.map(|record| record.id).take(limit).collect()
    }

    pub(super) fn job_segments(
        &self,
        job: Uuid,
        failed_only: bool,
        after: Option<(u32, u32)>,
        limit: usize,
    ) -> Vec<Segment> {
        let Some(entry) = self.jobs.get(&job) else { return Vec::new() };
        let first = after.map_or(0, |(shard, _)| shard);
        let segments = entry.shards.range(first..).flat_map(|(_, piece)| &piece.segments);
        segments
            .filter(|segment| after.is_none_or(|after| (segment.shard, segment.number) > after))
            .filter(|segment| !failed_only || segment.failed_rows > 0)
            .take(limit)
            .cloned()
            .collect()
    }
}
