//! ListJobs: `GET /jobs?jobStatuses=…&maxResults=…&nextToken=…`

use std::fmt::Write as _;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use serde::Serialize;

use super::message::{self, JOBS_PATH, escape};
use super::query::{once, parameters};
use super::{Action, ActionName, ActionOutput};
use crate::xml::{Decoder, Encoder, FromXml, Slot, ToXml, XmlElement, tags};
use crate::{
    ApiError, AppId, DecodeError, JobListMember, JobStatus, MaxResults, NextToken, ResponseError, ValidationError,
};

/// List jobs of the last 90 days.
///
/// ```
/// use cos_batch_model::{Action, JobStatus, ListJobsRequest, MaxResults};
///
/// let request = ListJobsRequest {
///     job_statuses: vec![JobStatus::Active, JobStatus::Ready],
///     max_results: Some(MaxResults::new(2)?),
///     next_token: None,
/// };
/// let message = request.to_http(&"1250000000".parse()?);
/// assert_eq!(message.uri(), "/jobs?jobStatuses=Active%2CReady&maxResults=2");
/// let (head, body) = message.into_parts();
/// assert_eq!(ListJobsRequest::from_http(&head, &body), Ok(request));
/// # Ok::<(), cos_batch_model::ValidationError>(())
/// ```
///
/// Source: COS Batch API, ListJobs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListJobsRequest {
    /// Only jobs in one of these statuses; all jobs if empty. Decoding drops repeats.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub job_statuses: Vec<JobStatus>,
    /// Most jobs on this page; 1000 if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_results: Option<MaxResults>,
    /// Where the page begins: the token of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<NextToken>,
}

/// One page of jobs.
///
/// Source: COS Batch API, ListJobs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListJobsResult {
    /// The jobs.
    pub jobs: Vec<JobListMember>,
    /// Where the next page begins; none on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<NextToken>,
}

impl Action for ListJobsRequest {
    const NAME: ActionName = ActionName::ListJobs;
    type Output = ListJobsResult;

    fn to_http(&self, appid: &AppId) -> Request<Bytes> {
        let mut address = JOBS_PATH.to_owned();
        let mut separator = '?';
        let mut add = |name: &str, value: &str| {
            // Writing to a string does not fail.
            let _ = write!(address, "{separator}{name}={}", escape(value));
            separator = '&';
        };
        if !self.job_statuses.is_empty() {
            let statuses: Vec<&str> = self.job_statuses.iter().map(|status| status.as_str()).collect();
            add("jobStatuses", &statuses.join(","));
        }
        if let Some(max_results) = self.max_results {
            add("maxResults", &max_results.to_string());
        }
        if let Some(next_token) = &self.next_token {
            add("nextToken", next_token.as_str());
        }
        message::request(Method::GET, address, appid, None)
    }

    /// Takes both a comma list and repeats of `jobStatuses`: how several are joined is not
    /// documented.
    fn from_http(head: &Parts, _body: &[u8]) -> Result<Self, ApiError> {
        message::expect_jobs(head, &Method::GET)?;
        let mut job_statuses = Vec::new();
        let mut max_results = None;
        let mut next_token = None;
        for parameter in parameters(head) {
            let (name, value) = parameter?;
            match &*name {
                "jobStatuses" => add_statuses(&mut job_statuses, &value)?,
                "maxResults" => once(&mut max_results, &name, value)?,
                "nextToken" => once(&mut next_token, &name, value)?,
                _ => {}
            }
        }
        let next_token = next_token.map(NextToken::new).transpose();
        Ok(Self {
            job_statuses,
            max_results: max_results.map(|text| text.parse()).transpose()?,
            next_token: next_token.map_err(|error| error.about("nextToken"))?,
        })
    }
}

fn add_statuses(statuses: &mut Vec<JobStatus>, list: &str) -> Result<(), ValidationError> {
    for text in list.split(',').map(str::trim).filter(|text| !text.is_empty()) {
        let status: JobStatus = text.parse().map_err(|error: ValidationError| error.about("jobStatuses"))?;
        if !statuses.contains(&status) {
            statuses.push(status);
        }
    }
    Ok(())
}

impl ActionOutput for ListJobsResult {
    fn to_http(&self) -> Response<Bytes> {
        message::respond(StatusCode::OK, self)
    }

    fn from_http(response: &Response<Bytes>) -> Result<Self, ResponseError> {
        message::body(response)
    }
}

impl XmlElement for ListJobsResult {
    const ELEMENT: &'static str = "ListJobsResult";
}

impl ToXml for ListJobsResult {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        // The list is present even when there is nothing in it: there are clients that rely on it.
        encoder.list("Jobs", &self.jobs).optional_scalar(tags!("NextToken"), self.next_token.as_ref())
    }
}

impl FromXml for ListJobsResult {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut jobs = Slot::Absent;
        let mut next_token = Slot::Absent;
        while let Some(child) = decoder.child()? {
            match child.name() {
                "Jobs" => decoder.list(&mut jobs, &child, "Jobs")?,
                "NextToken" => decoder.text(&mut next_token, &child)?,
                _ => decoder.unknown(&child)?,
            }
        }
        Ok(Self { jobs: jobs.required(decoder, "Jobs")?, next_token: next_token.optional() })
    }
}
