//! UpdateJobStatus: `POST /v20180820/jobs/{id}/status?requestedJobStatus=…`.

use cos_batch_model::{
    RequestedJobStatus, ValidationError,
    xml::{Encoder, ToXml, XmlElement},
};

use super::query::Query;
use crate::shape::{Form, check_text};

/// What the query may ask for.
const REQUESTED: &[&str] = &["Cancelled", "Ready"];

/// What a job is to become, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateJobStatusRequest {
    /// The status.
    pub status: RequestedJobStatus,
    /// The user's reason.
    pub reason: Option<String>,
}

impl UpdateJobStatusRequest {
    /// Reads a query.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn read(query: Option<&str>) -> Result<Self, ValidationError> {
        let mut query = Query::new(query)?;
        let field = "requestedJobStatus";
        let text = query.one(field)?.ok_or(ValidationError::Missing { field })?;
        let status = match text.as_str() {
            "Cancelled" => RequestedJobStatus::Cancelled,
            "Ready" => RequestedJobStatus::Ready,
            other => {
                let actual = other.chars().take(64).collect();
                return Err(ValidationError::OneOf { field, allowed: REQUESTED, actual });
            }
        };
        let reason = query.one("statusUpdateReason")?;
        if let Some(reason) = &reason {
            check_text("statusUpdateReason", 1, 256, Form::Any, reason)?;
        }
        query.end()?;
        Ok(Self { status, reason })
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateJobStatusResult<'a> {
    /// The job's id.
    pub job_id: &'a str,
    /// Its status now.
    pub status: &'a str,
    /// The reason that was given.
    pub reason: Option<&'a str>,
}

impl XmlElement for UpdateJobStatusResult<'_> {
    const ELEMENT: &'static str = "UpdateJobStatusResult";
}

impl ToXml for UpdateJobStatusResult<'_> {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        let encoder = encoder.text("JobId", self.job_id).text("Status", self.status);
        encoder.optional_text("StatusUpdateReason", self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        let request =
            UpdateJobStatusRequest::read(Some("requestedJobStatus=Ready&statusUpdateReason=go%20on")).unwrap();
        assert_eq!((request.status, request.reason.as_deref()), (RequestedJobStatus::Ready, Some("go on")));
        let long = format!("requestedJobStatus=Ready&statusUpdateReason={}", "é".repeat(256));
        assert!(UpdateJobStatusRequest::read(Some(&long)).is_ok(), "the limit counts characters");
        for query in [
            String::new(),
            "requestedJobStatus=Bogus".into(),
            "requestedJobStatus=Ready&statusUpdateReason=".into(),
            format!("{long}x"),
        ] {
            assert!(UpdateJobStatusRequest::read(Some(&query)).is_err(), "{query}");
        }
    }
}
