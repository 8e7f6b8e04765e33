//! DeleteJob: `DELETE /jobs/{JobId}`

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use serde::Serialize;

use super::{Action, ActionName, ActionOutput, message};
use crate::{ApiError, AppId, DecodeError, DecodeErrorKind, JobId, ResponseError};

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

    /// Every 2xx, except with the page of a web server: whatever is asked for, one that knows nothing of the API may
    /// answer it with its front page.
    fn from_http(response: &Response<Bytes>) -> Result<Self, ResponseError> {
        message::expect_success(response)?;
        let body = response.body().trim_ascii_start();
        let begins = |with: &[u8]| body.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with));
        if begins(b"<!doctype html") || begins(b"<html") {
            let kind = DecodeErrorKind::WrongRoot { expected: "DeleteJobResult", found: "html".to_owned() };
            return Err(DecodeError { path: String::new(), offset: 0, kind }.into());
        }
        Ok(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_a_web_server_says_nothing_of_the_job() {
        let read = |body: &'static str| DeleteJobResult::from_http(&Response::new(Bytes::from_static(body.as_bytes())));
        for body in ["<!DOCTYPE html><html></html>", "\n<!doctype HTML>", "<html lang=\"en\">", "<HTML>"] {
            assert!(matches!(read(body), Err(ResponseError::Decode(_))), "{body}");
        }
        for body in ["", "ok", "<DeleteJobResult/>", "<?xml version=\"1.0\"?><DeleteJobResult/>"] {
            assert!(read(body).is_ok(), "{body}");
        }
    }
}
