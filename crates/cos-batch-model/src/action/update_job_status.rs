//! UpdateJobStatus: `POST /jobs/{JobId}/status?requestedJobStatus=…&statusUpdateReason=…`

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use serde::Serialize;

use super::message::{self, escape};
use super::query::{once, parameters};
use super::{Action, ActionName, ActionOutput};
use crate::xml::{Decoder, Encoder, FromXml, Slot, ToXml, XmlElement, tags};
use crate::{
    ApiError, AppId, DecodeError, JobId, JobStatus, Lenient, RequestedJobStatus, ResponseError, StatusUpdateReason,
    ValidationError,
};

/// Confirm or cancel a job.
///
/// Source: COS Batch API, UpdateJobStatus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateJobStatusRequest {
    /// The job.
    pub job_id: JobId,
    /// What is asked for.
    pub requested_job_status: RequestedJobStatus,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_update_reason: Option<StatusUpdateReason>,
}

/// The change was accepted.
///
/// Source: COS Batch API, UpdateJobStatus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateJobStatusResult {
    /// The job.
    pub job_id: JobId,
    /// Where it stands now.
    pub status: Lenient<JobStatus>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_update_reason: Option<StatusUpdateReason>,
}

/// What follows the job in the path.
const PART: &str = "/status";

impl Action for UpdateJobStatusRequest {
    const NAME: ActionName = ActionName::UpdateJobStatus;
    type Output = UpdateJobStatusResult;

    fn to_http(&self, appid: &AppId) -> Request<Bytes> {
        let job = message::job_path(&self.job_id);
        let mut address = format!("{job}{PART}?requestedJobStatus={}", self.requested_job_status);
        let reason = self.status_update_reason.as_ref().map(|reason| reason.as_str());
        if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
            address.push_str("&statusUpdateReason=");
            address.push_str(&escape(reason).to_string());
        }
        message::request(Method::POST, address, appid, None)
    }

    fn from_http(head: &Parts, _body: &[u8]) -> Result<Self, ApiError> {
        let job_id = message::expect_job(head, &Method::POST, PART)?;
        let mut requested = None;
        let mut reason = None;
        for parameter in parameters(head) {
            let (name, value) = parameter?;
            match &*name {
                "requestedJobStatus" => once(&mut requested, &name, value)?,
                "statusUpdateReason" => once(&mut reason, &name, value)?,
                _ => {}
            }
        }
        let requested = requested.ok_or(ValidationError::Missing { field: "requestedJobStatus" })?;
        let reason = reason.map(StatusUpdateReason::new).transpose();
        Ok(Self {
            job_id,
            requested_job_status: requested.trim().parse()?,
            status_update_reason: reason.map_err(|error| error.about("statusUpdateReason"))?,
        })
    }
}

impl ActionOutput for UpdateJobStatusResult {
    fn to_http(&self) -> Response<Bytes> {
        message::respond(StatusCode::OK, self)
    }

    fn from_http(response: &Response<Bytes>) -> Result<Self, ResponseError> {
        message::body(response)
    }
}

impl XmlElement for UpdateJobStatusResult {
    const ELEMENT: &'static str = "UpdateJobStatusResult";
}

impl ToXml for UpdateJobStatusResult {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder
            .scalar(tags!("JobId"), &self.job_id)
            .choice(tags!("Status"), &self.status)
            .optional_scalar(tags!("StatusUpdateReason"), self.status_update_reason.as_ref())
    }
}

impl FromXml for UpdateJobStatusResult {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut job_id = Slot::Absent;
        let mut status = Slot::Absent;
        let mut status_update_reason = Slot::Absent;
        while let Some(child) = decoder.child()? {
            match child.name() {
                "JobId" => decoder.text(&mut job_id, &child)?,
                "Status" => decoder.choice(&mut status, &child, "Status")?,
                "StatusUpdateReason" => decoder.text(&mut status_update_reason, &child)?,
                _ => decoder.unknown(&child)?,
            }
        }
        Ok(Self {
            job_id: job_id.required(decoder, "JobId")?,
            status: status.required(decoder, "Status")?,
            status_update_reason: status_update_reason.optional_text(),
        })
    }
}
