//! DescribeJob: `GET /v20180820/jobs/{id}`.

use cos_batch_engine::{JobRecord, wire::timestamp};
use cos_batch_model::xml::{Encoder, ToXml, XmlElement};

use crate::{
    Owner,
    map::shown::{self, Shown},
};

/// The answer: a job with all its parts.
#[derive(Debug)]
pub struct DescribeJobResult<'a> {
    /// The job.
    pub job: &'a JobRecord,
    /// What of it comes from its request.
    pub shown: Shown,
    /// Whose job it is, for its ARN.
    pub owner: &'a Owner,
    /// For how long it has been Active, in seconds.
    pub active_seconds: u64,
}

/// As many characters of a text as its field takes, if there is a text: the model has no empty ones here.
fn cut(text: Option<&str>, characters: usize) -> Option<&str> {
    text.filter(|text| !text.is_empty()).map(|text| shown::cut(text, characters))
}

impl XmlElement for DescribeJobResult<'_> {
    const ELEMENT: &'static str = "DescribeJobResult";
}

impl ToXml for DescribeJobResult<'_> {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        let (job, spec, state) = (self.job, &self.job.spec, &self.job.state);
        let failures = |encoder: Encoder<'a>| {
            if state.failures.is_empty() {
                return encoder;
            }
            encoder.element("FailureReasons", |encoder| {
                encoder.each(&state.failures, |encoder, failure| {
                    encoder.element("member", |encoder| {
                        let code = cut(Some(&failure.code), 64);
                        let reason = cut(Some(&failure.reason), 256);
                        encoder.optional_text("FailureCode", code).optional_text("FailureReason", reason)
                    })
                })
            })
        };
        encoder.element("Job", |encoder| {
            let encoder = encoder
                .plain("JobId", job.id)
                .plain("ConfirmationRequired", spec.confirmation_required)
                .optional_text("Description", cut(spec.description.as_deref(), 256))
                .text("JobArn", &self.owner.job_arn(&job.id.to_string()))
                .plain("Status", state.status);
            let encoder = shown::write_manifest(encoder, self.job, &self.shown);
            let encoder = shown::write_operation(encoder, self.job, &self.shown)
                .plain("Priority", job.priority)
                .element("ProgressSummary", |encoder| {
                    shown::write_counts(encoder, job)
                        .element("Timers", |encoder| encoder.plain("ElapsedTimeInActiveSeconds", self.active_seconds))
                })
                .optional_text("StatusUpdateReason", cut(state.reason.as_deref(), 256));
            shown::write_report(failures(encoder), self.job, &self.shown)
                .plain("CreationTime", timestamp(job.created_at))
                .optional_plain("TerminationDate", state.terminated_at.map(timestamp))
                .text("RoleArn", &spec.role_arn)
                .optional_plain("SuspendedDate", state.suspended_at.map(timestamp))
                .optional_text("SuspendedCause", cut(state.suspended_cause.as_deref(), 1024))
        })
    }
}
