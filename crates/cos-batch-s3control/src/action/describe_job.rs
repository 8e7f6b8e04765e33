//! DescribeJob: `GET /v20180820/jobs/{id}`.

use cos_batch_engine::JobRecord;
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

impl XmlElement for DescribeJobResult<'_> {
    const ELEMENT: &'static str = "DescribeJobResult";
}

impl ToXml for DescribeJobResult<'_> {
    fn write(&self, encoder: &mut Encoder) {
        let (job, spec, state) = (self.job, &self.job.spec, &self.job.state);
        let time = |encoder: &mut Encoder, name: &str, at: Option<i64>| {
            if let Some(at) = at {
                encoder.plain(name, cos_batch_engine::wire::timestamp(at));
            }
        };
        let text = |encoder: &mut Encoder, name: &str, text: Option<&str>, max: usize| {
            // The model has no empty texts here.
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                encoder.text(name, shown::cut(text, max));
            }
        };
        encoder.element("Job", |encoder| {
            encoder.plain("JobId", job.id);
            encoder.plain("ConfirmationRequired", spec.confirmation_required);
            text(encoder, "Description", spec.description.as_deref(), 256);
            encoder.text("JobArn", &self.owner.job_arn(&job.id.to_string()));
            encoder.plain("Status", state.status);
            shown::write_manifest(encoder, self.job, &self.shown);
            shown::write_operation(encoder, self.job, &self.shown);
            encoder.plain("Priority", job.priority);
            encoder.element("ProgressSummary", |encoder| {
                encoder.plain("TotalNumberOfTasks", job.progress.total);
                encoder.plain("NumberOfTasksSucceeded", job.progress.succeeded);
                encoder.plain("NumberOfTasksFailed", job.progress.failed);
                encoder.element("Timers", |encoder| encoder.plain("ElapsedTimeInActiveSeconds", self.active_seconds));
            });
            text(encoder, "StatusUpdateReason", state.reason.as_deref(), 256);
            if !state.failures.is_empty() {
                encoder.element("FailureReasons", |encoder| {
                    for failure in &state.failures {
                        encoder.element("member", |encoder| {
                            text(encoder, "FailureCode", Some(&failure.code), 64);
                            text(encoder, "FailureReason", Some(&failure.reason), 256);
                        });
                    }
                });
            }
            shown::write_report(encoder, self.job, &self.shown);
            time(encoder, "CreationTime", Some(job.created_at));
            time(encoder, "TerminationDate", state.terminated_at);
            encoder.text("RoleArn", &spec.role_arn);
            time(encoder, "SuspendedDate", state.suspended_at);
            text(encoder, "SuspendedCause", state.suspended_cause.as_deref(), 1024);
        });
    }

    fn size_hint(&self) -> usize {
        2048 + self.job.spec.request.len()
    }
}
