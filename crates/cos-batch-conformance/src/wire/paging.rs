//! Lists as addresses and documents.

use cos_batch_model::{JobListMember, JobStatus, ListJobsResult};
use http::Method;

use super::{
    body::has_element,
    line::{WireBench, read},
};
use crate::{
    check::{Check, checks},
    verdict::{Miss, Verdict, ensure, failed, succeeds},
};

pub(super) const CHECKS: &[Check<WireBench>] = checks! {
    "paging/statuses-with-commas-and-repeats", Settled "how several jobStatuses are joined is not documented",
    "jobStatuses takes several statuses with commas, percent-encoded or not, and may be repeated" => several_statuses;
    "paging/empty-list-has-jobs", Documented "clients of the API",
    "ListJobs has Jobs even where there is nothing to list" => empty_list;
    "paging/empty-parameters", Documented "official Go SDK leaves them out, others leave them empty",
    "an empty parameter counts as absent" => empty_parameters;
};

async fn list(wire: &WireBench, query: &str) -> Result<ListJobsResult, Miss> {
    let answer = wire.ask(&Method::GET, &format!("/jobs?{query}"), "").await?;
    succeeds(&format!("GET /jobs?{query}"), read(&answer))
}

async fn several_statuses(wire: &WireBench) -> Verdict {
    wire.bench.create(|_| {}).await?;
    let fits = |row: &JobListMember| matches!(row.status.known(), Some(JobStatus::Complete | JobStatus::Failed));
    for query in
        ["jobStatuses=Complete,Failed", "jobStatuses=Complete%2CFailed", "jobStatuses=Complete&jobStatuses=Failed"]
    {
        let page = list(wire, query).await?;
        if let Some(strange) = page.jobs.iter().find(|row| !fits(row)) {
            return Err(failed(format!("{query}: only Complete and Failed jobs"), &strange.status));
        }
    }
    let statuses: Vec<&str> = JobStatus::ALL.iter().map(|status| status.as_str()).collect();
    let page = list(wire, &format!("jobStatuses={}&maxResults=1", statuses.join(","))).await?;
    ensure(!page.jobs.is_empty(), "a job for all 13 statuses together", "none")
}

async fn empty_list(wire: &WireBench) -> Verdict {
    wire.bench.create(|_| {}).await?;
    let pages = wire.bench.walk().await?;
    let last = pages.iter().flat_map(|page| &page.jobs).last();
    let last = last.ok_or_else(|| failed("a job in the list", "none"))?;
    let answer = wire.ask(&Method::GET, &format!("/jobs?nextToken={}", last.job_id), "").await?;
    ensure(has_element(answer.body(), "Jobs"), "Jobs", String::from_utf8_lossy(answer.body()))
}

async fn empty_parameters(wire: &WireBench) -> Verdict {
    wire.bench.create(|_| {}).await?;
    let page = list(wire, "jobStatuses=&maxResults=&nextToken=").await?;
    ensure(!page.jobs.is_empty(), "the first page of all jobs", "an empty page")
}
