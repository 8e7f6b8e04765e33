//! DescribeJob: `GET /jobs/{JobId}`

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use serde::Serialize;

use super::{Action, ActionName, ActionOutput, message};
use crate::xml::{self, Decoder, Encoder, FromXml, Slot, ToXml, XmlElement, tags};
use crate::{ApiError, AppId, DecodeError, Job, JobId, ResponseError};

/// Look at one job.
///
/// Source: COS Batch API, DescribeJob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeJobRequest {
    /// Its id.
    pub job_id: JobId,
}

/// The job.
///
/// Source: COS Batch API, DescribeJob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeJobResult {
    /// The job.
    pub job: Job,
}

impl DescribeJobResult {
    /// The body of the answer, for [`BatchApi::describe_job_document`](crate::BatchApi::describe_job_document).
    ///
    /// Source: COS Batch API, DescribeJob.
    pub fn document(&self) -> Bytes {
        xml::to_bytes_declared(self)
    }

    /// The answer with a body that was [written](Self::document) before.
    ///
    /// Source: ours.
    pub fn respond(document: Bytes) -> Response<Bytes> {
        message::respond_written(StatusCode::OK, document)
    }
}

impl Action for DescribeJobRequest {
    const NAME: ActionName = ActionName::DescribeJob;
    type Output = DescribeJobResult;

    fn to_http(&self, appid: &AppId) -> Request<Bytes> {
        message::request(Method::GET, message::job_path(&self.job_id), appid, None)
    }

    fn from_http(head: &Parts, _body: &[u8]) -> Result<Self, ApiError> {
        Ok(Self { job_id: message::expect_job(head, &Method::GET, "")? })
    }
}

impl ActionOutput for DescribeJobResult {
    fn to_http(&self) -> Response<Bytes> {
        Self::respond(self.document())
    }

    fn from_http(response: &Response<Bytes>) -> Result<Self, ResponseError> {
        message::body(response)
    }
}

impl XmlElement for DescribeJobResult {
    const ELEMENT: &'static str = "DescribeJobResult";
}

impl ToXml for DescribeJobResult {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder.nested(tags!("Job"), &self.job)
    }
}

impl FromXml for DescribeJobResult {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut job = Slot::Absent;
        while let Some(child) = decoder.child()? {
            match child.name() {
                "Job" => decoder.element(&mut job, &child)?,
                _ => decoder.unknown(&child)?,
            }
        }
        Ok(Self { job: job.required(decoder, "Job")? })
    }
}
