//! UpdateJobPriority: `POST /jobs/{JobId}/priority?priority=…`

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use serde::Serialize;

use super::query::{once, parameters};
use super::{Action, ActionName, ActionOutput, message};
use crate::xml::{Decoder, Encoder, FromXml, Slot, ToXml, XmlElement, tags};
use crate::{ApiError, AppId, DecodeError, ErrorCode, JobId, Priority, ResponseError, ValidationError};

/// Change how urgent a job is.
///
/// Source: COS Batch API, UpdateJobPriority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateJobPriorityRequest {
    /// The job.
    pub job_id: JobId,
    /// Its new priority.
    pub priority: Priority,
}

/// The priority was changed.
///
/// Source: COS Batch API, UpdateJobPriority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateJobPriorityResult {
    /// The job.
    pub job_id: JobId,
    /// Its priority now.
    pub priority: Priority,
}

/// What follows the job in the path.
const PART: &str = "/priority";

impl Action for UpdateJobPriorityRequest {
    const NAME: ActionName = ActionName::UpdateJobPriority;
    type Output = UpdateJobPriorityResult;

    fn to_http(&self, appid: &AppId) -> Request<Bytes> {
        let address = format!("{}{PART}?priority={}", message::job_path(&self.job_id), self.priority);
        message::request(Method::POST, address, appid, None)
    }

    fn from_http(head: &Parts, _body: &[u8]) -> Result<Self, ApiError> {
        let job_id = message::expect_job(head, &Method::POST, PART)?;
        let mut priority = None;
        for parameter in parameters(head) {
            let (name, value) = parameter?;
            if name == "priority" {
                once(&mut priority, &name, value)?;
            }
        }
        let Some(priority) = priority else {
            let message = "no priority is given; parameter priority is required";
            return Err(ApiError::new(ErrorCode::InvalidRequest, message));
        };
        let priority: Result<Priority, ValidationError> = priority.parse();
        Ok(Self { job_id, priority: priority.map_err(|error| error.about("priority"))? })
    }
}

impl ActionOutput for UpdateJobPriorityResult {
    fn to_http(&self) -> Response<Bytes> {
        message::respond(StatusCode::OK, self)
    }

    fn from_http(response: &Response<Bytes>) -> Result<Self, ResponseError> {
        message::body(response)
    }
}

impl XmlElement for UpdateJobPriorityResult {
    const ELEMENT: &'static str = "UpdateJobPriorityResult";
}

impl ToXml for UpdateJobPriorityResult {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder.scalar(tags!("JobId"), &self.job_id).value(tags!("Priority"), self.priority)
    }
}

impl FromXml for UpdateJobPriorityResult {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut job_id = Slot::Absent;
        let mut priority = Slot::Absent;
        while let Some(child) = decoder.child()? {
            match child.name() {
                "JobId" => decoder.text(&mut job_id, &child)?,
                "Priority" => decoder.number(&mut priority, &child)?,
                _ => decoder.unknown(&child)?,
            }
        }
        Ok(Self { job_id: job_id.required(decoder, "JobId")?, priority: priority.required(decoder, "Priority")? })
    }
}
