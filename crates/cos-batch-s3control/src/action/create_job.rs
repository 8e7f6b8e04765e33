//! CreateJob: `POST /v20180820/jobs`. Its request is a [body](crate::request::CreateJobRequest).

use cos_batch_model::xml::{Encoder, ToXml, XmlElement};

/// The answer: the job's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateJobResult {
    /// Its id.
    pub job_id: String,
}

impl XmlElement for CreateJobResult {
    const ELEMENT: &'static str = "CreateJobResult";
}

impl ToXml for CreateJobResult {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder.text("JobId", &self.job_id)
    }
}
