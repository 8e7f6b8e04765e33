//! DeleteJob: `DELETE /jobs/{JobId}`

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use serde::Serialize;

use super::{Action, ActionName, ActionOutput, message};
use crate::{ApiError, AppId, JobId, ResponseError};

/// Remove a job. Known from the official Go SDK; the documentation does not mention it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteJobRequest {
    /// The job.
    pub job_id: JobId,
}

/// The job was removed.
///
/// Source: the official Go SDK; no page describes the action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DeleteJobResult;

impl Action for DeleteJobRequest {
    const NAME: ActionName = ActionName::DeleteJob;
    type Output = DeleteJobResult;

    fn to_http(&self, appid: &AppId) -> Request<Bytes> {
        message::request(Method::DELETE, message::job_path(&self.job_id), appid, None)
    }

    fn from_http(head: &Parts, _body: &[u8]) -> Result<Self, ApiError> {
        Ok(Self { job_id: message::expect_job(head, &Method::DELETE, "")? })
    }
}

impl ActionOutput for DeleteJobResult {
    /// 204 without a body: the true status is not documented, and the official Go SDK takes
    /// every 2xx.
    fn to_http(&self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
    }

    fn from_http(response: &Response<Bytes>) -> Result<Self, ResponseError> {
        message::expect_success(response)?;
        Ok(Self)
    }
}
