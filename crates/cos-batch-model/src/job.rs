//! A job as it is described, and as it is listed.

use serde::Serialize;

use crate::xml::{Decoder, Encoder, FromXml, Slot, ToXml, XmlElement, tags};
use crate::{
    ClientRequestToken, DecodeError, Description, FailureCode, FailureReason, JobId, JobStatus, Lenient, Manifest,
    Operation, OperationKind, Priority, Report, RoleArn, StatusUpdateReason, SuspendedCause, Timestamp,
};

/// A job with all its parts (COS Batch API, DescribeJob, `Job`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Job {
    /// The caller's token; the API's table has it, its samples do not. The first child on the
    /// wire, since the documented order is alphabetical.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_request_token: Option<ClientRequestToken>,
    /// Whether the job waits for a person before it runs. Always on the wire: there are clients
    /// that fail without it.
    pub confirmation_required: bool,
    /// When the job was accepted.
    pub creation_time: Timestamp,
    /// A person's words about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// What made the job fail as a whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failure_reasons: Vec<JobFailure>,
    /// Its id.
    pub job_id: JobId,
    /// The list of its objects.
    pub manifest: Manifest,
    /// What it does to each of them.
    pub operation: Operation,
    /// How urgent it is.
    pub priority: Priority,
    /// How far it is.
    pub progress_summary: ProgressSummary,
    /// Its completion report.
    pub report: Report,
    /// The role under which it touches objects.
    pub role_arn: RoleArn,
    /// Where it stands.
    pub status: Lenient<JobStatus>,
    /// Why that last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_update_reason: Option<StatusUpdateReason>,
    /// Why it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspended_cause: Option<SuspendedCause>,
    /// Since when it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspended_date: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination_date: Option<Timestamp>,
}

/// How many of a job's tasks are done (`ProgressSummary`).
///
/// Source: COS Batch API, DescribeJob and ListJobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProgressSummary {
    /// Tasks that were tried in vain.
    pub number_of_tasks_failed: u64,
    /// Tasks that succeeded.
    pub number_of_tasks_succeeded: u64,
    /// Tasks of the job; 0 while the manifest has not been read.
    pub total_number_of_tasks: u64,
}

/// One thing that made a job fail as a whole (`JobFailure`).
///
/// Source: COS Batch API, DescribeJob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct JobFailure {
    /// For programs.
    pub failure_code: FailureCode,
    /// For people.
    pub failure_reason: FailureReason,
}

/// A job as one row of a list (COS Batch API, ListJobs, `member`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct JobListMember {
    /// When the job was accepted.
    pub creation_time: Timestamp,
    /// A person's words about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// Its id.
    pub job_id: JobId,
    /// What it does to each of its objects.
    pub operation: Lenient<OperationKind>,
    /// How urgent it is.
    pub priority: Priority,
    /// How far it is.
    pub progress_summary: ProgressSummary,
    /// Where it stands.
    pub status: Lenient<JobStatus>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination_date: Option<Timestamp>,
}

impl XmlElement for Job {
    const ELEMENT: &'static str = "Job";
}

impl ToXml for Job {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder
            .optional_scalar(tags!("ClientRequestToken"), self.client_request_token.as_ref())
            .value(tags!("ConfirmationRequired"), self.confirmation_required)
            .value(tags!("CreationTime"), self.creation_time)
            .optional_scalar(tags!("Description"), self.description.as_ref())
            .optional_list(tags!("FailureReasons"), tags!("JobFailure"), &self.failure_reasons)
            .scalar(tags!("JobId"), &self.job_id)
            .nested(tags!("Manifest"), &self.manifest)
            .nested(tags!("Operation"), &self.operation)
            .value(tags!("Priority"), self.priority)
            .nested(tags!("ProgressSummary"), &self.progress_summary)
            .nested(tags!("Report"), &self.report)
            .scalar(tags!("RoleArn"), &self.role_arn)
            .choice(tags!("Status"), &self.status)
            .optional_scalar(tags!("StatusUpdateReason"), self.status_update_reason.as_ref())
            .optional_scalar(tags!("SuspendedCause"), self.suspended_cause.as_ref())
            .optional_value(tags!("SuspendedDate"), self.suspended_date)
            .optional_value(tags!("TerminationDate"), self.termination_date)
    }
}

impl FromXml for Job {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut client_request_token = Slot::Absent;
        let mut confirmation_required = Slot::Absent;
        let mut creation_time = Slot::Absent;
        let mut description = Slot::Absent;
        let mut failure_reasons = Slot::Absent;
        let mut job_id = Slot::Absent;
        let mut manifest = Slot::Absent;
        let mut operation = Slot::Absent;
        let mut priority = Slot::Absent;
        let mut progress_summary = Slot::Absent;
        let mut report = Slot::Absent;
        let mut role_arn = Slot::Absent;
        let mut status = Slot::Absent;
        let mut status_update_reason = Slot::Absent;
        let mut suspended_cause = Slot::Absent;
        let mut suspended_date = Slot::Absent;
        let mut termination_date = Slot::Absent;
        while let Some(child) = decoder.child()? {
            match child.name() {
                "ClientRequestToken" => decoder.text(&mut client_request_token, &child)?,
                "ConfirmationRequired" => {
                    decoder.flag(&mut confirmation_required, &child, "ConfirmationRequired")?;
                }
                "CreationTime" => decoder.time(&mut creation_time, &child, "CreationTime")?,
                "Description" => decoder.text(&mut description, &child)?,
                "FailureReasons" => decoder.list(&mut failure_reasons, &child, "FailureReasons")?,
                "JobId" => decoder.text(&mut job_id, &child)?,
                "Manifest" => decoder.element(&mut manifest, &child)?,
                "Operation" => decoder.element(&mut operation, &child)?,
                "Priority" => decoder.number(&mut priority, &child)?,
                "ProgressSummary" => decoder.element(&mut progress_summary, &child)?,
                "Report" => decoder.element(&mut report, &child)?,
                "RoleArn" => decoder.text(&mut role_arn, &child)?,
                "Status" => decoder.choice(&mut status, &child, "Status")?,
                "StatusUpdateReason" => decoder.text(&mut status_update_reason, &child)?,
                "SuspendedCause" => decoder.text(&mut suspended_cause, &child)?,
                "SuspendedDate" => decoder.time(&mut suspended_date, &child, "SuspendedDate")?,
                "TerminationDate" => decoder.time(&mut termination_date, &child, "TerminationDate")?,
                _ => decoder.unknown(&child)?,
            }
        }
        Ok(Self {
            client_request_token: client_request_token.optional(),
            // The oldest description of the answer does not have it.
            confirmation_required: confirmation_required.optional().unwrap_or_default(),
            creation_time: creation_time.required(decoder, "CreationTime")?,
            description: description.optional(),
            failure_reasons: failure_reasons.optional().unwrap_or_default(),
            job_id: job_id.required(decoder, "JobId")?,
            manifest: manifest.required(decoder, "Manifest")?,
            operation: operation.required(decoder, "Operation")?,
            priority: priority.required(decoder, "Priority")?,
            progress_summary: progress_summary.required(decoder, "ProgressSummary")?,
            report: report.required(decoder, "Report")?,
            role_arn: role_arn.required(decoder, "RoleArn")?,
            status: status.required(decoder, "Status")?,
            status_update_reason: status_update_reason.optional_text(),
            suspended_cause: suspended_cause.optional_text(),
            suspended_date: suspended_date.optional(),
            termination_date: termination_date.optional(),
        })
    }
}

impl XmlElement for ProgressSummary {
    const ELEMENT: &'static str = "ProgressSummary";
}

impl ToXml for ProgressSummary {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder
            .value(tags!("NumberOfTasksFailed"), self.number_of_tasks_failed)
            .value(tags!("NumberOfTasksSucceeded"), self.number_of_tasks_succeeded)
            .value(tags!("TotalNumberOfTasks"), self.total_number_of_tasks)
    }
}

impl FromXml for ProgressSummary {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut failed = Slot::Absent;
        let mut succeeded = Slot::Absent;
        let mut total = Slot::Absent;
        while let Some(child) = decoder.child()? {
            match child.name() {
                "NumberOfTasksFailed" => {
                    decoder.count(&mut failed, &child, "NumberOfTasksFailed")?;
                }
                "NumberOfTasksSucceeded" => {
                    decoder.count(&mut succeeded, &child, "NumberOfTasksSucceeded")?;
                }
                "TotalNumberOfTasks" => decoder.count(&mut total, &child, "TotalNumberOfTasks")?,
                _ => decoder.unknown(&child)?,
            }
        }
        Ok(Self {
            number_of_tasks_failed: failed.required(decoder, "NumberOfTasksFailed")?,
            number_of_tasks_succeeded: succeeded.required(decoder, "NumberOfTasksSucceeded")?,
            total_number_of_tasks: total.required(decoder, "TotalNumberOfTasks")?,
        })
    }
}

impl XmlElement for JobFailure {
    const ELEMENT: &'static str = "JobFailure";
}

impl ToXml for JobFailure {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder.scalar(tags!("FailureCode"), &self.failure_code).scalar(tags!("FailureReason"), &self.failure_reason)
    }
}

impl FromXml for JobFailure {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut failure_code = Slot::Absent;
        let mut failure_reason = Slot::Absent;
        while let Some(child) = decoder.child()? {
            match child.name() {
                "FailureCode" => decoder.text(&mut failure_code, &child)?,
                "FailureReason" => decoder.text(&mut failure_reason, &child)?,
                _ => decoder.unknown(&child)?,
            }
        }
        Ok(Self {
            failure_code: failure_code.required(decoder, "FailureCode")?,
            failure_reason: failure_reason.required(decoder, "FailureReason")?,
        })
    }
}

impl XmlElement for JobListMember {
    const ELEMENT: &'static str = "member";
}

impl ToXml for JobListMember {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder
            .value(tags!("CreationTime"), self.creation_time)
            .optional_scalar(tags!("Description"), self.description.as_ref())
            .scalar(tags!("JobId"), &self.job_id)
            .choice(tags!("Operation"), &self.operation)
            .value(tags!("Priority"), self.priority)
            .nested(tags!("ProgressSummary"), &self.progress_summary)
            .choice(tags!("Status"), &self.status)
            .optional_value(tags!("TerminationDate"), self.termination_date)
    }
}

impl FromXml for JobListMember {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut creation_time = Slot::Absent;
        let mut description = Slot::Absent;
        let mut job_id = Slot::Absent;
        let mut operation = Slot::Absent;
        let mut priority = Slot::Absent;
        let mut progress_summary = Slot::Absent;
        let mut status = Slot::Absent;
        let mut termination_date = Slot::Absent;
        while let Some(child) = decoder.child()? {
            match child.name() {
                "CreationTime" => decoder.time(&mut creation_time, &child, "CreationTime")?,
                "Description" => decoder.text(&mut description, &child)?,
                "JobId" => decoder.text(&mut job_id, &child)?,
                "Operation" => decoder.choice(&mut operation, &child, "Operation")?,
                "Priority" => decoder.number(&mut priority, &child)?,
                "ProgressSummary" => decoder.element(&mut progress_summary, &child)?,
                "Status" => decoder.choice(&mut status, &child, "Status")?,
                "TerminationDate" => decoder.time(&mut termination_date, &child, "TerminationDate")?,
                _ => decoder.unknown(&child)?,
            }
        }
        Ok(Self {
            creation_time: creation_time.required(decoder, "CreationTime")?,
            description: description.optional(),
            job_id: job_id.required(decoder, "JobId")?,
            operation: operation.required(decoder, "Operation")?,
            priority: priority.required(decoder, "Priority")?,
            progress_summary: progress_summary.required(decoder, "ProgressSummary")?,
            status: status.required(decoder, "Status")?,
            termination_date: termination_date.optional(),
        })
    }
}
