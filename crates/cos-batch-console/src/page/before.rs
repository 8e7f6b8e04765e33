//! What a job will do, before somebody lets it run.

use askama::Template;
use cos_batch_engine::{checks::Level, view::PreviewRow};
use cos_batch_model::ApiError;
use http::StatusCode;

use super::{
    bar::{is_over, tone},
    job::level,
};
use crate::{
    answer::{Answer, page},
    format::{bytes, number},
    frame::Frame,
    visit::Visit,
};

#[derive(Template)]
#[template(path = "before.html")]
struct Before {
    f: Frame,
    id: String,
    will: String,
    from: String,
    to: Option<String>,
    manifest: String,
    report: Option<String>,
    word: String,
    tone: &'static str,
    /// The manifest is still looked at.
    preparing: bool,
    /// It waits to be confirmed.
    waits: bool,
    rows: String,
    size: Option<String>,
    requests: String,
    warnings: Vec<(&'static str, String)>,
    sample: Vec<Sample>,
}

/// A row of the manifest.
struct Sample {
    number: String,
    object: String,
    becomes: String,
    state: String,
    bad: bool,
    replaces: bool,
}

impl From<PreviewRow> for Sample {
    fn from(row: PreviewRow) -> Self {
        let version = row.version_id.map(|id| format!(" ({id})")).unwrap_or_default();
        Self {
            number: number(row.number),
            object: format!("{}{version}", row.key),
            becomes: row.target_key.unwrap_or_default(),
            bad: row.error.is_some(),
            state: row.bytes.map(bytes).or(row.error).unwrap_or_default(),
            replaces: row.replaces,
        }
    }
}

impl Visit {
    pub(crate) async fn before(mut self, id: &str) -> Result<Answer, ApiError> {
        let engine = &self.engine;
        let details = engine.details(&self.context, id).await?;
        let preview = engine.preview(&self.context, id).await?;
        let w = self.frame.w;
        let preparing = matches!(details.status.as_str(), "New" | "Preparing");
        let waits = details.status == "Suspended";
        self.frame.nav = "jobs";
        self.frame.every = if preparing { 1 } else { 0 };
        let warnings = details.findings.into_iter().filter(|finding| finding.level > Level::Ok);
        let template = Before {
            will: w.will(&details.operation).to_owned(),
            from: details.source_bucket.unwrap_or_else(|| details.manifest.bucket.clone()),
            to: details.target_bucket,
            manifest: format!("{}/{}", details.manifest.bucket, details.manifest.key),
            report: details.report.map(|at| format!("{}/{}", at.bucket, at.key)),
            word: w.status(&details.status).to_owned(),
            tone: if is_over(&details.status) { tone(&details.status) } else { "ask" },
            preparing,
            waits,
            rows: number(details.progress_summary.total_number_of_tasks),
            size: preview.object_bytes.map(|size| w.about(&bytes(size))),
            requests: number(preview.requests),
            warnings: warnings.map(|finding| (level(finding.level), finding.text)).collect(),
            sample: preview.rows.into_iter().map(Sample::from).collect(),
            id: details.job_id,
            f: self.frame,
        };
        page(&template, StatusCode::OK)
    }
}
