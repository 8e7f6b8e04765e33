//! All jobs as a stream.

use std::vec;

use cos_batch_model::{JobListMember, JobStatus, ListJobsRequest, NextToken};
use futures_core::Stream;
use futures_util::stream;

use crate::{Client, Error, Transport};

impl<S: Transport> Client<S> {
    /// All jobs in these statuses, or all jobs if there are none: goes from page to page (COS Batch API, ListJobs) as
    /// the stream is read, and holds one page at a time.
    ///
    /// The stream ends with its first error. It also ends, without one, where the server repeats a token: such a server
    /// would be asked for ever. A job that comes or changes meanwhile may be missing or appear twice.
    pub fn jobs(
        &self,
        statuses: Vec<JobStatus>,
    ) -> impl Stream<Item = Result<JobListMember, Error>> + Send + Unpin + use<S> {
        let request = ListJobsRequest { job_statuses: statuses, ..ListJobsRequest::default() };
        let pages = Pages {
            client: self.clone(),
            page: Vec::new().into_iter(),
            next: Some(request),
            tokens: Tokens::default(),
        };
        Box::pin(stream::try_unfold(pages, |mut pages| async move {
            let job = pages.next_job().await?;
            Ok(job.map(|job| (job, pages)))
        }))
    }
}

struct Pages<S> {
    client: Client<S>,
    /// What is left of the page.
    page: vec::IntoIter<JobListMember>,
    /// The request for the page after it; none after the last.
    next: Option<ListJobsRequest>,
    tokens: Tokens,
}

impl<S: Transport> Pages<S> {
    async fn next_job(&mut self) -> Result<Option<JobListMember>, Error> {
        loop {
            if let Some(job) = self.page.next() {
                return Ok(Some(job));
            }
            let Some(mut request) = self.next.take() else { return Ok(None) };
            let page = self.client.list_jobs(request.clone()).await?;
            if let Some(token) = page.next_token {
                if self.tokens.is_repeated(&token) {
                    // The page that brings a token again has been here before.
                    return Ok(None);
                }
                request.next_token = Some(token);
                self.next = Some(request);
            }
            self.page = page.jobs.into_iter();
        }
    }
}

/// Finds out when tokens go round in a circle, however long, and remembers only one of them: one is kept, then replaced
/// after 1, 2, 4, … others (Brent's way).
#[derive(Default)]
struct Tokens {
    kept: Option<NextToken>,
    since: u64,
    until: u64,
}

impl Tokens {
    fn is_repeated(&mut self, token: &NextToken) -> bool {
        if self.kept.as_ref() == Some(token) {
            return true;
        }
        if self.since == self.until {
            self.kept = Some(token.clone());
            self.until = (2 * self.until).max(1);
            self.since = 0;
        }
        self.since += 1;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many tokens are taken before the circle is found: `lead` different ones, then `round` in a circle.
    fn taken(lead: usize, round: usize) -> usize {
        let mut tokens = Tokens::default();
        let token = |index: usize| {
            let index = if index < lead { index } else { lead + (index - lead) % round };
            NextToken::new(format!("token-{index}")).unwrap()
        };
        (0..100_000).position(|index| tokens.is_repeated(&token(index))).unwrap()
    }

    #[test]
    fn every_circle_of_tokens_is_found() {
        assert_eq!(taken(0, 1), 1, "the same again is seen at once");
        for lead in 0..20 {
            for round in 1..20 {
                let found = taken(lead, round);
                assert!(found >= lead + round, "{lead} {round}: not before it is there");
                assert!(found <= 3 * (lead + round) + 3, "{lead} {round}: {found}");
            }
        }
    }

    #[test]
    fn different_tokens_are_no_circle() {
        let mut tokens = Tokens::default();
        assert!((0..10_000).all(|index| !tokens.is_repeated(&NextToken::new(format!("{index}")).unwrap())));
    }
}
