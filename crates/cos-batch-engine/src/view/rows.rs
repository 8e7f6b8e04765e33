//! Tasks and how they ended, from the spool: while a job runs, and of failed ones for as long as the job is kept.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use cos_batch_model::{ApiError, ErrorCode, RequestContext};
use cos_batch_objectstore::ErrorKind;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    api::store_error,
    engine::Engine,
    report::{row::ReportRow, spool::Rows},
    runtime::offload,
    store::Segment,
};

/// Most rows of a page: with the longest keys and messages some 4 MB, which a client takes in at once.
pub const ROWS_LIMIT_MAX: usize = 1000;

/// Segments looked into for one page; a filter that nothing passes must not read a whole job at once.
const SEGMENTS_PER_PAGE: usize = 64;

/// A task and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TaskRow {
    /// Bucket of the object.
    pub bucket: String,
    /// Its key, as it is.
    pub key: String,
    /// Its version, if the manifest named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// `succeeded` or `failed`.
    pub task_status: String,
    /// HTTP status of the operation.
    #[serde(rename = "HTTPStatusCode")]
    pub http_status_code: u16,
    /// The error's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// A sentence about the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_message: Option<String>,
}

impl From<&ReportRow<'_>> for TaskRow {
    fn from(row: &ReportRow<'_>) -> Self {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self {
            bucket: row.bucket.to_string(),
            key: row.plain_key().into_owned(),
            version_id: given(&row.version),
            task_status: row.task_status.to_string(),
            http_status_code: row.status,
            error_code: given(&row.code),
            result_message: given(&row.message),
        }
    }
}

/// Which tasks are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowFilter {
    /// Also those that succeeded; else failed ones only.
    pub succeeded: bool,
    /// Only those with this error code.
    pub code: Option<String>,
}

/// Where a page begins: a file of the spool and a line in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowPlace {
    shard: u32,
    segment: u32,
    succeeded: bool,
    line: u32,
}

impl fmt::Display for RowPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}-{}", self.shard, self.segment, u8::from(self.succeeded), self.line)
    }
}

impl FromStr for RowPlace {
    type Err = ApiError;

    fn from_str(text: &str) -> Result<Self, ApiError> {
        let refused = || ApiError::new(ErrorCode::InvalidArgument, "after is not a place that this server gave out");
        let mut numbers = text.split('-').map(str::parse::<u32>);
        let mut next = || numbers.next().and_then(Result::ok).ok_or_else(refused);
        let (shard, segment, succeeded, line) = (next()?, next()?, next()?, next()?);
        let place = Self { shard, segment, succeeded: succeeded == 1, line };
        // One place, one spelling: what does not come out as it went in was not given out.
        if place.to_string() == text { Ok(place) } else { Err(refused()) }
    }
}

/// A page of tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TaskPage {
    /// The tasks: by shard, each in the order of the manifest, failed ones of a checkpoint before others.
    pub rows: Vec<TaskRow>,
    /// Where the next page begins; none on the last. There may be a next page after one without rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Engine {
    /// A page of a job's tasks that are in the books, from `after` on, at most `limit` (up to [`ROWS_LIMIT_MAX`]).
    ///
    /// Tasks that succeeded are in the spool only of jobs that report all tasks, and only until the report is published.
    ///
    /// # Errors
    /// NoSuchJob; those of the stores.
    pub async fn task_rows(
        &self,
        context: &RequestContext,
        id: &str,
        filter: &RowFilter,
        after: Option<RowPlace>,
        limit: usize,
    ) -> Result<TaskPage, ApiError> {
        let job = self.find(context, id).await?.id;
        let limit = limit.clamp(1, ROWS_LIMIT_MAX);
        let place = after.unwrap_or_default();
        let failed_only = !filter.succeeded;
        let before = before(place);
        let segments = self.core.store.job_segments(job, failed_only, before, SEGMENTS_PER_PAGE).await;
        let segments = segments.map_err(store_error)?;
        let mut page = TaskPage::default();
        for segment in &segments {
            for kind in [Rows::Failed, Rows::Succeeded] {
                let here = RowPlace {
                    shard: segment.shard,
                    segment: segment.number,
                    succeeded: kind == Rows::Succeeded,
                    line: 0,
                };
                let skipped = here.succeeded && failed_only || here < RowPlace { line: 0, ..place };
                if skipped || kind.count(segment) == 0 {
                    continue;
                }
                let first = if here == (RowPlace { line: 0, ..place }) { place.line } else { 0 };
                let body = self.segment(job, segment, kind, u64::MAX).await?;
                for (line, row) in (0..).zip(lines(&body)).skip(first as usize) {
                    if page.rows.len() == limit {
                        page.next = Some(RowPlace { line, ..here }.to_string());
                        return Ok(page);
                    }
                    if filter.code.as_ref().is_none_or(|code| *code == row.code) {
                        page.rows.push(TaskRow::from(&row));
                    }
                }
            }
        }
        if segments.len() == SEGMENTS_PER_PAGE {
            page.next = segments.last().and_then(next_after).map(|place| place.to_string());
        }
        Ok(page)
    }

    /// The beginning of one file of a segment; of tasks that succeeded nothing where the file is gone, since it goes
    /// when the report is published.
    pub(super) async fn segment(
        &self,
        job: Uuid,
        segment: &Segment,
        rows: Rows,
        bytes: u64,
    ) -> Result<Bytes, ApiError> {
        let (spool, named) = (self.core.spool.clone(), segment.clone());
        let read = async move { spool.read_start(job, &named, rows, bytes).await };
        match offload(self.core.spool.store().execution(), read).await {
            Err(error) if rows == Rows::Succeeded && error.kind() == ErrorKind::NoSuchKey => Ok(Bytes::new()),
            result => result.map_err(|error| {
                tracing::error!(%job, %error, "spool");
                ApiError::new(ErrorCode::ServiceUnavailable, "outcomes of tasks could not be read; try again")
            }),
        }
    }
}

/// The rows of a segment's file; a last line that is cut off is left out.
pub(super) fn lines(body: &[u8]) -> impl Iterator<Item = ReportRow<'_>> {
    let lines = body.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"));
    lines.filter_map(|line| ReportRow::parse(std::str::from_utf8(line).ok()?))
}

/// The segment before the one at this place: stores give what comes after.
fn before(place: RowPlace) -> Option<(u32, u32)> {
    match (place.shard.checked_sub(1), place.segment.checked_sub(1)) {
        (_, Some(segment)) => Some((place.shard, segment)),
        (Some(shard), None) => Some((shard, u32::MAX)),
        (None, None) => None,
    }
}

fn next_after(segment: &Segment) -> Option<RowPlace> {
    let (shard, segment) = match segment.number.checked_add(1) {
        Some(next) => (segment.shard, next),
        None => (segment.shard.checked_add(1)?, 0),
    };
    Some(RowPlace { shard, segment, succeeded: false, line: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_written() {
        let place = RowPlace { shard: 3, segment: 0, succeeded: true, line: u32::MAX };
        assert_eq!(place.to_string().parse::<RowPlace>().unwrap(), place);
        for wrong in ["", "1-2-3", "1-2-0-4-5", "1-2-2-4", "+1-2-0-4", "01-2-0-4", "1-2-0-4294967296", "a-b-c-d"] {
            assert!(wrong.parse::<RowPlace>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_place_before() {
        let at = |shard, segment| before(RowPlace { shard, segment, succeeded: true, line: 7 });
        assert_eq!([at(0, 0), at(0, 1), at(2, 0)], [None, Some((0, 0)), Some((1, u32::MAX))]);
    }
}
