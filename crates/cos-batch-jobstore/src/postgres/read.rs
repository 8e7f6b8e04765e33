//! What is read. One statement each, so that each sees one moment.

use std::{cmp::Reverse, collections::BTreeMap};

use cos_batch_engine::{
    JobEvent, JobRecord, UnixMillis,
    store::{BriefFilter, BriefPage, FileState, JobStatus, ListFilter, ResultFile, Segment, rules},
};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    client::Connections,
    fault::Fault,
    row::{self, count, number},
    sql, text, work,
};

async fn rows<T>(
    connections: &Connections,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
    read: impl Fn(&Row) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let client = connections.lend().await?;
    let rows = client.rows(sql, values).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn get(connections: &Connections, id: Uuid) -> Result<Option<JobRecord>, Fault> {
    let found = rows(connections, sql::GET, &[&id], row::record).await?;
    Ok(found.into_iter().next().map(|(record, _)| record))
}

pub(super) async fn list(connections: &Connections, filter: &ListFilter<'_>) -> Result<(Vec<JobRecord>, bool), Fault> {
    // No job has one of these ids.
    let back = filter.newest_first;
    let after = filter.after.unwrap_or(if back { Uuid::max() } else { Uuid::nil() });
    let (tenant, limit) = (text::encode(filter.tenant), row::limit(filter.limit.saturating_add(1)));
    let found = if filter.statuses.is_empty() {
        rows(connections, if back { sql::LIST_BACK } else { sql::LIST }, &[&tenant, &after, &limit], row::record)
            .await?
    } else {
        let statuses = names(filter.statuses);
        let text = if back { sql::LIST_BY_STATUS_BACK } else { sql::LIST_BY_STATUS };
        rows(connections, text, &[&tenant, &after, &limit, &statuses], row::record).await?
    };
    let more = found.len() > filter.limit;
    Ok((found.into_iter().take(filter.limit).map(|(record, _)| record).collect(), more))
}

pub(super) async fn briefs(connections: &Connections, filter: &BriefFilter<'_>) -> Result<BriefPage, Fault> {
    // The text that comes right after this one.
    let from = filter.after.map(|after| text::encode(&format!("{after}\0")).into_owned()).unwrap_or_default();
    let live: Vec<JobStatus> = filter.statuses.iter().copied().filter(|status| !status.is_final()).collect();
    let (tenants, each) = (row::limit(filter.tenants.saturating_add(1)), row::limit(filter.each));
    let found = rows(connections, sql::BRIEFS, &[&from, &tenants, &names(&live), &each], |row| {
        let job = row.try_get::<_, Option<Uuid>>(1)?.map(|_| row::brief(row)).transpose()?;
        Ok((row::string(row, 0)?, job))
    })
    .await?;
    let mut page = BriefPage::default();
    let (mut looked, mut last) = (0, None);
    for (tenant, job) in found {
        if last.as_ref() != Some(&tenant) {
            if looked == filter.tenants {
                page.next = last;
                break;
            }
            looked += 1;
            last = Some(tenant);
        }
        page.jobs.extend(job);
    }
    Ok(page)
}

/// Each status once.
fn names(statuses: &[JobStatus]) -> Vec<&'static str> {
    let mut names: Vec<_> = statuses.iter().map(|status| status.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn id(row: &Row) -> Result<Uuid, Fault> {
    Ok(row.try_get(0)?)
}

pub(super) async fn find_token(connections: &Connections, tenant: &str, token: &str) -> Result<Option<Uuid>, Fault> {
    let found = rows(connections, sql::TOKEN, &[&text::encode(tenant), &text::encode(token)], id).await?;
    Ok(found.into_iter().next())
}

pub(super) async fn retries(connections: &Connections, job: Uuid, limit: usize) -> Result<Vec<Uuid>, Fault> {
    rows(connections, sql::RETRIES, &[&job, &row::limit(limit)], id).await
}

pub(super) async fn suspended(connections: &Connections, before: UnixMillis, limit: usize) -> Result<Vec<Uuid>, Fault> {
    rows(connections, sql::SUSPENDED, &[&before, &row::limit(limit)], id).await
}

pub(super) async fn purgeable(connections: &Connections, before: UnixMillis, limit: usize) -> Result<Vec<Uuid>, Fault> {
    rows(connections, sql::PURGEABLE, &[&before, &row::limit(limit)], id).await
}

pub(super) async fn files(
    connections: &Connections,
    job: Uuid,
    from: u32,
    limit: usize,
) -> Result<Vec<FileState>, Fault> {
    rows(connections, sql::FILES, &[&job, &i64::from(from), &row::limit(limit)], |row| {
        let outcome = row.try_get::<_, Option<&str>>(1)?.map(serde_json::from_str).transpose();
        Ok((row::listed_file(row, 0)?, outcome.map_err(|error| row::corrupt("outcome of a file", error))?))
    })
    .await
}

pub(super) async fn segments(connections: &Connections, job: Uuid, shard: u32) -> Result<Vec<Segment>, Fault> {
    rows(connections, sql::SEGMENTS, &[&job, &i64::from(shard)], row::segment).await
}

pub(super) async fn job_segments(
    connections: &Connections,
    job: Uuid,
    failed_only: bool,
    after: Option<(u32, u32)>,
    limit: usize,
) -> Result<Vec<Segment>, Fault> {
    let sql = if failed_only { sql::FAILED_SEGMENTS } else { sql::JOB_SEGMENTS };
    let (shard, number) = after.map_or((-1, -1), |(shard, number)| (i64::from(shard), i64::from(number)));
    rows(connections, sql, &[&job, &shard, &number, &row::limit(limit)], row::segment).await
}

pub(super) async fn cut_off_shards(
    connections: &Connections,
    job: Uuid,
    after: Option<u32>,
    limit: usize,
) -> Result<Vec<u32>, Fault> {
    let after = after.map_or(-1, i64::from);
    rows(connections, sql::CUT_OFF, &[&job, &after, &row::limit(limit)], |row| number(row, 0)).await
}

pub(super) async fn results(
    connections: &Connections,
    job: Uuid,
    after: Option<(u32, bool)>,
    limit: usize,
) -> Result<Vec<ResultFile>, Fault> {
    let (shard, failed) = after.map_or((-1, false), |(shard, failed)| (i64::from(shard), failed));
    rows(connections, sql::RESULTS, &[&job, &shard, &failed, &row::limit(limit)], |row| {
        Ok(ResultFile {
            shard: number(row, 0)?,
            failed: row.try_get(1)?,
            key: row::string(row, 2)?,
            md5: row.try_get(3)?,
            rows: count(row, 4)?,
        })
    })
    .await
}

pub(super) async fn codes(connections: &Connections, job: Uuid) -> Result<Vec<(String, u64)>, Fault> {
    let found = rows(connections, sql::CODES, &[&job], |row| {
        Ok((row.try_get::<_, String>(0)?, count(row, 1)?, row.try_get::<_, i64>(2)?))
    })
    .await?;
    let mut all = BTreeMap::new();
    for (kept, tasks, shard) in found {
        if shard < 0 {
            all.insert(text::decode(kept), tasks);
        } else {
            let changed = rules::add_codes(&all, &work::codes_of(Some(&kept))?);
            all.extend(changed);
        }
    }
    let mut codes: Vec<_> = all.into_iter().collect();
    // Stable: equal counts stay in the order of their names.
    codes.sort_by_key(|(_, tasks)| Reverse(*tasks));
    Ok(codes)
}

pub(super) async fn events(connections: &Connections, job: Uuid) -> Result<Vec<JobEvent>, Fault> {
    rows(connections, sql::EVENTS, &[&job], |row| {
        let reason = row.try_get::<_, Option<String>>(2)?.map(text::decode);
        Ok(JobEvent { at: row.try_get(0)?, status: row::status(row, 1)?, reason })
    })
    .await
}
