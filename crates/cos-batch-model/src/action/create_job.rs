//! CreateJob: `POST /jobs`

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use serde::Serialize;

use super::message::{self, JOBS_PATH};
use super::{Action, ActionName, ActionOutput};
use crate::xml::{self, Decoder, Encoder, FromXml, MAX_REQUEST_BYTES, Mode, Slot, ToXml, XmlElement, tags};
use crate::{
    ApiError, AppId, ClientRequestToken, DecodeError, DecodeErrorKind, Description, ErrorCode, JobId, Manifest,
    Operation, Priority, Report, ResponseError, RoleArn,
};

/// Make a job.
///
/// Source: COS Batch API, CreateJob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateJobRequest {
    /// A token of the caller's choice that keeps the same job from being made twice.
    pub client_request_token: ClientRequestToken,
    /// Whether the job waits for a person before it runs; `false` if not given.
    pub confirmation_required: bool,
    /// A person's words about the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// The list of objects.
    pub manifest: Manifest,
    /// What to do to each of them.
    pub operation: Operation,
    /// How urgent it is.
    pub priority: Priority,
    /// Whether and where the completion report goes.
    pub report: Report,
    /// The role under which objects are touched.
    pub role_arn: RoleArn,
}

/// The job was made.
///
/// Source: COS Batch API, CreateJob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateJobResult {
    /// Its id.
    pub job_id: JobId,
}

impl Action for CreateJobRequest {
    const NAME: ActionName = ActionName::CreateJob;
    type Output = CreateJobResult;

    fn to_http(&self, appid: &AppId) -> Request<Bytes> {
        message::request(Method::POST, JOBS_PATH.to_owned(), appid, Some(xml::to_bytes(self)))
    }

    fn from_http(head: &Parts, body: &[u8]) -> Result<Self, ApiError> {
        message::expect_jobs(head, &Method::POST)?;
        if body.trim_ascii().is_empty() {
            let message = "the request body is empty; it must be a CreateJobRequest";
            return Err(ApiError::new(ErrorCode::InvalidRequest, message));
        }
        if body.len() > MAX_REQUEST_BYTES {
            let kind = DecodeErrorKind::DocumentTooLarge { max: MAX_REQUEST_BYTES, actual: body.len() };
            return Err(ApiError::new(ErrorCode::XmlSizeLimit, kind.to_string()));
        }
        let request: Self = xml::from_slice(body, Mode::Strict)?;
        request.validate()?;
        Ok(request)
    }
}

impl ActionOutput for CreateJobResult {
    fn to_http(&self) -> Response<Bytes> {
        message::respond(StatusCode::OK, self)
    }

    fn from_http(response: &Response<Bytes>) -> Result<Self, ResponseError> {
        message::body(response)
    }
}

impl XmlElement for CreateJobRequest {
    const ELEMENT: &'static str = "CreateJobRequest";
}

impl ToXml for CreateJobRequest {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder
            .scalar(tags!("ClientRequestToken"), &self.client_request_token)
            .optional_value(tags!("ConfirmationRequired"), self.confirmation_required.then_some(true))
            .optional_scalar(tags!("Description"), self.description.as_ref())
            .nested(tags!("Manifest"), &self.manifest)
            .nested(tags!("Operation"), &self.operation)
            .value(tags!("Priority"), self.priority)
            .nested(tags!("Report"), &self.report)
            .scalar(tags!("RoleArn"), &self.role_arn)
    }
}

impl FromXml for CreateJobRequest {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut client_request_token = Slot::Absent;
        let mut confirmation_required = Slot::Absent;
        let mut description = Slot::Absent;
        let mut manifest = Slot::Absent;
        let mut operation = Slot::Absent;
        let mut priority = Slot::Absent;
        let mut report = Slot::Absent;
        let mut role_arn = Slot::Absent;
        while let Some(child) = decoder.child()? {
            match child.name() {
                "ClientRequestToken" => decoder.text(&mut client_request_token, &child)?,
                "ConfirmationRequired" => decoder.flag(&mut confirmation_required, &child, "ConfirmationRequired")?,
                "Description" => decoder.text(&mut description, &child)?,
                "Manifest" => decoder.element(&mut manifest, &child)?,
                "Operation" => decoder.element(&mut operation, &child)?,
                "Priority" => decoder.number(&mut priority, &child)?,
                "Report" => decoder.element(&mut report, &child)?,
                "RoleArn" => decoder.text(&mut role_arn, &child)?,
                _ => decoder.unknown(&child)?,
            }
        }
        Ok(Self {
            client_request_token: client_request_token.required(decoder, "ClientRequestToken")?,
            confirmation_required: confirmation_required.optional().unwrap_or_default(),
            description: description.optional(),
            manifest: manifest.required(decoder, "Manifest")?,
            operation: operation.required(decoder, "Operation")?,
            priority: priority.required(decoder, "Priority")?,
            report: report.required(decoder, "Report")?,
            role_arn: role_arn.required(decoder, "RoleArn")?,
        })
    }
}

impl XmlElement for CreateJobResult {
    const ELEMENT: &'static str = "CreateJobResult";
}

impl ToXml for CreateJobResult {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder.scalar(tags!("JobId"), &self.job_id)
    }
}

impl FromXml for CreateJobResult {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut job_id = Slot::Absent;
        while let Some(child) = decoder.child()? {
            match child.name() {
                "JobId" => decoder.text(&mut job_id, &child)?,
                _ => decoder.unknown(&child)?,
            }
        }
        Ok(Self { job_id: job_id.required(decoder, "JobId")? })
    }
}
