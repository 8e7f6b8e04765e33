//! ListJobs: `GET /v20180820/jobs`.

use cos_batch_engine::{JobRecord, wire};
use cos_batch_model::{
    JobStatus, ValidationError, WireEnum,
    xml::{Encoder, ToXml, XmlElement},
};
use uuid::Uuid;

use super::query::{Query, number};
use crate::{
    map::shown,
    shape::{Form, check_text},
};

/// Jobs of a page where the request does not say how many. The model names no number.
const PAGE_DEFAULT: usize = 100;

/// What a list must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListJobsRequest {
    /// Only jobs in one of these statuses; empty: all.
    pub statuses: Vec<JobStatus>,
    /// Only those after this one.
    pub after: Option<Uuid>,
    /// At most so many.
    pub limit: usize,
}

/// Why a request for a list is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListRefusal {
    /// A parameter breaks a rule.
    #[error(transparent)]
    Invalid(#[from] ValidationError),
    /// The token is not one that was given out here.
    #[error("nextToken is not one that this server gave out")]
    NextToken,
}

impl ListJobsRequest {
    /// Reads a query.
    ///
    /// # Errors
    /// [`ListRefusal`].
    pub fn read(query: Option<&str>) -> Result<Self, ListRefusal> {
        let mut query = Query::new(query)?;
        let status = |text: String| {
            JobStatus::from_wire_name(&text).ok_or_else(|| ValidationError::OneOf {
                field: "jobStatuses",
                allowed: JobStatus::ALLOWED,
                actual: text.chars().take(64).collect(),
            })
        };
        let statuses = query.all("jobStatuses").into_iter().map(status).collect::<Result<_, _>>()?;
        let limit = match query.one("maxResults")? {
            None => PAGE_DEFAULT,
            Some(text) => usize::try_from(number("maxResults", 0, 1000, &text)?).unwrap_or(PAGE_DEFAULT),
        };
        let after = match query.one("nextToken")? {
            None => None,
            Some(text) => {
                check_text("nextToken", 1, 1024, Form::NextToken, &text).map_err(|_| ListRefusal::NextToken)?;
                Some(wire::uuid(&text).ok_or(ListRefusal::NextToken)?)
            }
        };
        query.end()?;
        // No page is empty that has something behind it: a client that counts on a token would never end.
        Ok(Self { statuses, after, limit: if limit == 0 { PAGE_DEFAULT } else { limit } })
    }
}

/// The answer: a page of jobs.
#[derive(Debug)]
pub struct ListJobsResult {
    /// The jobs.
    pub jobs: Vec<JobRecord>,
    /// More of them are behind.
    pub more: bool,
}

impl XmlElement for ListJobsResult {
    const ELEMENT: &'static str = "ListJobsResult";
}

impl ToXml for ListJobsResult {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        let last = self.jobs.last().filter(|_| self.more);
        encoder.optional_plain("NextToken", last.map(|job| job.id)).element("Jobs", |encoder| {
            encoder.each(&self.jobs, |encoder, job| encoder.element("member", |encoder| member(encoder, job)))
        })
    }
}

fn member<'a>(encoder: Encoder<'a>, job: &JobRecord) -> Encoder<'a> {
    encoder
        .plain("JobId", job.id)
        .optional_text("Description", job.spec.description.as_deref().filter(|text| !text.is_empty()))
        .text("Operation", shown::operation_name(job))
        .plain("Priority", job.priority)
        .plain("Status", job.state.status)
        .plain("CreationTime", wire::timestamp(job.created_at))
        .optional_plain("TerminationDate", job.state.terminated_at.map(wire::timestamp))
        .element("ProgressSummary", |encoder| shown::write_counts(encoder, job))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries() {
        let plain = ListJobsRequest { statuses: vec![], after: None, limit: 100 };
        assert_eq!(ListJobsRequest::read(None), Ok(plain.clone()));
        assert_eq!(ListJobsRequest::read(Some("maxResults=0")), Ok(plain));
        let id = "0193a1b2-c3d4-7e5f-8a6b-0c1d2e3f4a5b";
        let query = format!("jobStatuses=Active&maxResults=1000&jobStatuses=Complete&nextToken={id}&X-Amz-Date=1");
        let request = ListJobsRequest::read(Some(&query)).unwrap();
        assert_eq!(request.statuses, [JobStatus::Active, JobStatus::Complete]);
        assert_eq!((request.limit, request.after), (1000, Uuid::try_parse(id).ok()));
        for (query, message) in [
            ("jobStatuses=active", "jobStatuses must be one of"),
            ("maxResults=1001", "maxResults must be a whole number in 0"),
            ("maxResults=-1", "maxResults must be a whole number in 0"),
            ("maxResults=1&maxResults=1", "maxResults is given more than once"),
            ("maxresults=1", "the query must be without parameters that this action does not know"),
            ("nextToken=t%2B%2F%3D", "nextToken is not one"),
            ("nextToken=", "nextToken is not one"),
            ("jobStatuses=%FF", "the query is not UTF-8"),
        ] {
            let error = ListJobsRequest::read(Some(query)).unwrap_err().to_string();
            assert!(error.starts_with(message), "{query}: {error}");
        }
    }
}
