//! The form on which a job is made.

use askama::Template;
use cos_batch_engine::view::Validation;
use cos_batch_model::{ApiError, BatchApi as _, ErrorCode, StorageClass, WireEnum as _, xml};
use http::StatusCode;

use super::{
    draft::{Draft, manifest_of, read},
    job::level,
};
use crate::{
    answer::{Answer, page, see},
    form::Fields,
    format::{bytes, indented},
    frame::Frame,
    visit::{Visit, random},
};

#[derive(Template)]
#[template(path = "create.html")]
struct CreatePage<'a> {
    f: Frame,
    fields: &'a Fields,
    operation: &'a str,
    draft: Draft,
    /// Something was typed: what is wrong is said.
    touched: bool,
    /// It was to be made, and cannot be.
    refused: bool,
    /// ETag of the manifest, and of which.
    etag: String,
    etag_of: String,
    xml: Option<String>,
    checked: Option<Checked>,
    buckets: Vec<String>,
    classes: &'static [&'static str],
    token: &'a str,
}

/// What a look around found.
struct Checked {
    findings: Vec<(&'static str, String, String)>,
    summary: Option<String>,
}

impl CreatePage<'_> {
    /// What is wrong with a field, if anything was typed.
    fn wrong(&self, field: &str) -> &str {
        let said = self.draft.wrong.iter().find(|(name, _)| self.touched && *name == field);
        said.map_or("", |(_, why)| why.as_str())
    }
}

fn checked(found: Validation, frame: &Frame) -> Checked {
    let summary = found.rows.map(|rows| frame.w.extent(rows, found.rows_are_exact, found.object_bytes.map(bytes)));
    let findings = found.findings.into_iter().map(|finding| (level(finding.level), finding.check, finding.text));
    Checked { findings: findings.collect(), summary }
}

impl Visit {
    /// The empty form, or one that begins with a manifest.
    pub(crate) async fn blank_job(self) -> Result<Answer, ApiError> {
        let fields = self.query.clone();
        self.form(&fields, false, None).await
    }

    /// The form as it was sent: to be looked at while it is typed, to be checked, or to become a job.
    pub(crate) async fn new_job(self, fields: &Fields) -> Result<Answer, ApiError> {
        match fields.text("do") {
            "create" => {
                let (draft, ..) = self.draft(fields).await;
                let Some(request) = draft.request else { return self.form(fields, true, None).await };
                match self.engine.create_job(&self.context, request).await {
                    Ok(made) => see(&format!("/console/jobs/{}/confirm?done=created", made.job_id)),
                    Err(error) if error.status.is_client_error() => self.form(fields, true, Some(error)).await,
                    Err(error) => Err(error),
                }
            }
            _ => self.form(fields, true, None).await,
        }
    }

    /// What the form says, with the ETag of its manifest: the one that was found before, or one looked up now.
    async fn draft(&self, fields: &Fields) -> (Draft, String, String) {
        let named = manifest_of(fields);
        let of = named.map(|(bucket, key)| format!("{bucket}/{key}")).unwrap_or_default();
        let etag = match named {
            None => Err(String::new()),
            Some(_) if fields.text("etag_of") == of && !fields.text("etag").is_empty() => {
                Ok(fields.text("etag").to_owned())
            }
            Some((bucket, key)) => {
                let found = self.engine.object_attributes(&self.context, bucket, key, None).await;
                found.map(|attributes| attributes.etag).map_err(|error| error.message)
            }
        };
        let draft = read(fields, &etag, self.frame.w);
        (draft, etag.unwrap_or_default(), of)
    }

    async fn form(mut self, fields: &Fields, touched: bool, error: Option<ApiError>) -> Result<Answer, ApiError> {
        let mut fields = fields.clone();
        fields.or_else("operation", || "copy".to_owned());
        // A token for each form: one that is sent twice makes one job.
        let token = random::<16>().map_err(|_| ApiError::new(ErrorCode::InternalError, "no random numbers"))?;
        fields.or_else("token", || token);
        let fields = &fields;
        let (mut draft, etag, etag_of) = self.draft(fields).await;
        let refused = fields.text("do") == "create" && (draft.request.is_none() || error.is_some());
        let checked = match &draft.request {
            Some(request) if fields.text("do") == "check" => {
                let found = self.engine.validate(&self.context, request).await?;
                Some(checked(found, &self.frame))
            }
            _ => None,
        };
        draft.wrong.extend(error.map(|error| ("", error.message)));
        let document =
            draft.request.as_ref().map(|request| String::from_utf8_lossy(&xml::to_bytes(request)).into_owned());
        // While it is typed, the page has its list of buckets already.
        let buckets = match fields.text("do") {
            "look" => Vec::new(),
            _ => self.engine.buckets(&self.context).await.unwrap_or_default(),
        };
        self.frame.nav = "new";
        let template = CreatePage {
            operation: fields.text("operation"),
            token: fields.text("token"),
            fields,
            touched,
            refused,
            etag,
            etag_of,
            xml: document.map(|text| indented(&text)),
            checked,
            buckets: buckets.into_iter().map(|bucket| bucket.name).collect(),
            classes: StorageClass::ALLOWED,
            draft,
            f: self.frame,
        };
        page(&template, if refused { StatusCode::BAD_REQUEST } else { StatusCode::OK })
    }
}
