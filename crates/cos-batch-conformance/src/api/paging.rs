//! Lists come in pages.

use cos_batch_model::{BoxFuture, JobId, JobStatus, ListJobsRequest, ListJobsResult, MaxResults, NextToken};

use crate::{
    bench::Bench,
    check::{Check, checks},
    verdict::{Miss, Verdict, ensure, equal, failed, skipped},
};

/// How often a check that somebody else's deletions can disturb is tried.
const TRIES: usize = 3;

/// Most pages on which a check that made a handful of jobs looks for them: others may be made in between.
const NEAR_PAGES_MAX: usize = 50;

pub(crate) const CHECKS: &[Check<Bench>] = checks! {
    "paging/default-page", Documented "ListJobs, maxResults",
    "without maxResults a page has at most 1000 jobs" => default_page;
    "paging/max-results", Documented "ListJobs, maxResults",
    "a page has at most maxResults jobs" => max_results;
    "paging/token-is-the-last-id", Documented "ListJobs, nextToken",
    "NextToken is the JobId of the page's last job" => token_is_last_id;
    "paging/no-token-on-the-last-page", Settled "clients page while there is a token",
    "the last page has no NextToken" => no_token_at_the_end;
    "paging/after-the-last-job", Documented "ListJobs, nextToken",
    "after the last job comes an empty page without NextToken" => after_the_last;
    "paging/every-job-once", Documented "ListJobs",
    "small pages have every job once, in the order of large ones" => every_job_once;
    "paging/status-filter", Documented "ListJobs, jobStatuses",
    "jobStatuses lets through the jobs in one of these statuses and no others" => status_filter;
    "paging/filtered-pages", Documented "ListJobs",
    "pages of a filtered list are as those of the whole" => filtered_pages;
    "paging/token-of-a-deleted-job", Settled "jobs can go while somebody pages",
    "a NextToken is good after its job was deleted" => token_of_deleted;
};

async fn default_page(bench: &Bench) -> Verdict {
    bench.create(|_| {}).await?;
    let page = bench.list(ListJobsRequest::default()).await?;
    ensure(!page.jobs.is_empty(), "at least the job that was just made", "an empty page")?;
    ensure(page.jobs.len() <= usize::from(MaxResults::MAX), "at most 1000 jobs", page.jobs.len())
}

async fn max_results(bench: &Bench) -> Verdict {
    bench.create_several(4).await?;
    for max in [1, 2, 3] {
        let page = bench.list(from(None, max)?).await?;
        equal(
            &format!("jobs on a page, for maxResults={max} and at least 4 jobs"),
            &usize::from(max),
            &page.jobs.len(),
        )?;
    }
    Ok(())
}

async fn token_is_last_id(bench: &Bench) -> Verdict {
    bench.create_several(3).await?;
    let page = bench.list(from(None, 2)?).await?;
    let last = page.jobs.last().map(|row| row.job_id.as_str());
    let Some(token) = &page.next_token else {
        return Err(failed("a NextToken, since there are more jobs", "none"));
    };
    equal("NextToken", &last, &Some(token.as_str()))
}

async fn no_token_at_the_end(bench: &Bench) -> Verdict {
    bench.create_several(3).await?;
    tried(bench, |bench| Box::pin(full_last_page(bench))).await
}

async fn full_last_page(bench: &Bench) -> Verdict {
    let all = all_ids(bench).await?;
    let [.., before, _, _] = &all[..] else { return Err(failed("3 jobs in the list", all.len())) };
    // A page that is full to the last place: only a look further tells that it is the last.
    let page = bench.list(from(Some(before), 2)?).await?;
    equal("jobs on the last page", &2, &page.jobs.len())?;
    ensure(page.next_token.is_none(), "no NextToken on the last page", format_args!("{:?}", page.next_token))
}

async fn after_the_last(bench: &Bench) -> Verdict {
    bench.create_several(1).await?;
    tried(bench, |bench| Box::pin(empty_last_page(bench))).await
}

async fn empty_last_page(bench: &Bench) -> Verdict {
    let all = all_ids(bench).await?;
    let Some(last) = all.last() else { return Err(failed("a job in the list", "none")) };
    let page = bench.list(from(Some(last), 2)?).await?;
    equal("jobs after the last one", &0, &page.jobs.len())?;
    ensure(page.next_token.is_none(), "no NextToken", format_args!("{:?}", page.next_token))
}

async fn every_job_once(bench: &Bench) -> Verdict {
    let ours = bench.create_several(5).await?;
    let all = all_ids(bench).await?;
    let expected: Vec<&JobId> = all.iter().filter(|id| ours.contains(id)).collect();
    equal("own jobs in large pages", &ours.len(), &expected.len())?;
    let start = all.iter().position(|id| id == expected[0]).unwrap_or_default();
    let before = start.checked_sub(1).map(|index| &all[index]);
    let pages = near(bench, from(before, 2)?, &ours).await?;
    let found: Vec<&JobId> =
        pages.iter().flat_map(|page| &page.jobs).map(|row| &row.job_id).filter(|id| ours.contains(id)).collect();
    equal("own jobs in small pages", &expected, &found)
}

async fn status_filter(bench: &Bench) -> Verdict {
    let (jobs, status) = resting(bench, 1).await?;
    let others: Vec<JobStatus> = JobStatus::ALL.iter().copied().filter(|other| *other != status).collect();
    let both = if status == JobStatus::Complete { JobStatus::Failed } else { JobStatus::Complete };
    for (filter, wanted) in [(vec![status], true), (vec![both, status], true), (others, false)] {
        let request = ListJobsRequest { job_statuses: filter.clone(), ..ListJobsRequest::default() };
        let pages = bench.walk_as(&bench.setup.account, request, |_| false).await?;
        let mut rows = pages.iter().flat_map(|page| &page.jobs);
        let strange = rows.clone().find(|row| row.status.known().is_none_or(|known| !filter.contains(known)));
        if let Some(strange) = strange {
            return Err(failed(format!("only jobs that are {filter:?}"), format!("one that is {}", strange.status)));
        }
        let listed = rows.any(|row| row.job_id == jobs[0]);
        equal(&format!("whether a job that is {status} is listed for {filter:?}"), &wanted, &listed)?;
    }
    Ok(())
}

async fn filtered_pages(bench: &Bench) -> Verdict {
    let (ours, status) = resting(bench, 3).await?;
    let request = ListJobsRequest { job_statuses: vec![status], ..from(None, MaxResults::MAX)? };
    let pages = bench.walk_as(&bench.setup.account, request, |_| false).await?;
    let all = ids(&pages);
    let mine: Vec<JobId> = all.iter().filter(|id| ours.contains(id)).cloned().collect();
    equal("own jobs in the filtered list", &ours.len(), &mine.len())?;
    let start = all.iter().position(|id| *id == mine[0]).unwrap_or_default();
    let before = start.checked_sub(1).map(|index| &all[index]);
    let pages = near(bench, ListJobsRequest { job_statuses: vec![status], ..from(before, 1)? }, &ours).await?;
    let found: Vec<JobId> = ids(&pages).into_iter().filter(|id| ours.contains(id)).collect();
    equal("own jobs in filtered pages of one", &mine, &found)
}

async fn token_of_deleted(bench: &Bench) -> Verdict {
    let ours = bench.create_several(3).await?;
    let all = all_ids(bench).await?;
    let mine: Vec<JobId> = all.into_iter().filter(|id| ours.contains(id)).collect();
    let [_, middle, last] = &mine[..] else { return Err(failed("3 own jobs in the list", mine.len())) };
    bench.delete(middle).await?;
    let pages = near(bench, from(Some(middle), 2)?, std::slice::from_ref(last)).await?;
    let found = ids(&pages);
    ensure(found.contains(last) && !found.contains(&mine[0]), "the jobs after the deleted one", format!("{found:?}"))
}

/// A request for a page of so many jobs after this one.
fn from(after: Option<&JobId>, max: u16) -> Result<ListJobsRequest, Miss> {
    // Both are strings of 1–64 bytes and the same characters.
    let token = after.map(|id| NextToken::new(id.as_str())).transpose();
    let next_token = token.map_err(|error| failed("an id that can be a NextToken", error))?;
    let max_results = MaxResults::new(max).map_err(|error| failed("1–1000", error))?;
    Ok(ListJobsRequest { max_results: Some(max_results), next_token, ..ListJobsRequest::default() })
}

fn ids(pages: &[ListJobsResult]) -> Vec<JobId> {
    pages.iter().flat_map(|page| &page.jobs).map(|row| row.job_id.clone()).collect()
}

async fn all_ids(bench: &Bench) -> Result<Vec<JobId>, Miss> {
    Ok(ids(&bench.walk().await?))
}

/// Pages until all these jobs were in one, or until they should have been.
async fn near(bench: &Bench, request: ListJobsRequest, wanted: &[JobId]) -> Result<Vec<ListJobsResult>, Miss> {
    let mut left = wanted.to_vec();
    let mut pages = 0;
    let enough = |page: &ListJobsResult| {
        left.retain(|id| page.jobs.iter().all(|row| row.job_id != *id));
        pages += 1;
        left.is_empty() || pages >= NEAR_PAGES_MAX
    };
    bench.walk_as(&bench.setup.account, request, enough).await
}

/// Tries again what somebody else may have disturbed.
async fn tried(bench: &Bench, check: for<'a> fn(&'a Bench) -> BoxFuture<'a, Verdict>) -> Verdict {
    for _ in 1..TRIES {
        if check(bench).await.is_ok() {
            return Ok(());
        }
    }
    check(bench).await
}

/// Jobs that stay in the status that is told.
async fn resting(bench: &Bench, count: usize) -> Result<(Vec<JobId>, JobStatus), Miss> {
    let jobs = bench.create_several(count).await?;
    let mut status = None;
    for id in &jobs {
        let job = if bench.setup.runs_jobs { bench.until_suspended(id).await? } else { bench.describe(id).await? };
        let known = job.status.known().copied().ok_or_else(|| failed("one of the 13 statuses", &job.status))?;
        if status.replace(known).is_some_and(|before| before != known) {
            return Err(skipped("jobs that are the same have different statuses"));
        }
    }
    Ok((jobs, status.unwrap_or(JobStatus::New)))
}
