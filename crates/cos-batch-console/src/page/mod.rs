//! The pages: what each asks the engine, and what its template is given.

mod bar;
mod before;
mod buckets;
mod create;
mod draft;
mod facts;
mod job;
mod jobs;
mod report;
mod rows;
mod sign_in;

use askama::Template;
use cos_batch_model::{ApiError, ErrorCode, JobId};
use http::StatusCode;

use crate::{
    answer::{Answer, page, whole},
    frame::Frame,
};

pub(crate) use sign_in::sign_in;

/// Something went wrong.
#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    f: Frame,
    title: &'a str,
    code: &'a str,
    /// What it means, where the message is in another language.
    explained: Option<&'static str>,
    message: &'a str,
    id: &'a str,
}

/// A page that says what went wrong.
pub(crate) fn error(frame: Frame, error: &ApiError, id: &str) -> Answer {
    let title = if error.status == StatusCode::NOT_FOUND { frame.w.not_found } else { frame.w.oops };
    let (code, w) = (error.code.as_str(), frame.w);
    let message = w.said(&error.message);
    let explained = w.explained(code).filter(|_| message == error.message);
    let template = ErrorPage { title, code, explained, message: &message, id, f: frame };
    page(&template, error.status).unwrap_or_else(|_| whole("the page cannot be written", "text/plain"))
}

/// There is no such page.
pub(crate) fn nothing_here() -> ApiError {
    let mut error = ApiError::new(ErrorCode::InvalidUri, "the console has no such page");
    error.status = StatusCode::NOT_FOUND;
    error
}

/// The id of a job in an address; what cannot be one is no job.
fn job_id(id: &str) -> Result<JobId, ApiError> {
    JobId::new(id).map_err(|_| ApiError::new(ErrorCode::NoSuchJob, "there is no job with this id"))
}
