//! Some of a job's rows and what they mean, for somebody who is about to confirm it.

use cos_batch_model::{ApiError, RequestContext};
use serde::{Deserialize, Serialize};

use crate::{
    checks::{self, SampleRow},
    engine::Engine,
    runtime::survey,
};

/// Rows shown, spread over the part of the manifest that is read.
const ROWS: usize = 8;

/// A row and what is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PreviewRow {
    /// Its number, from 1.
    pub number: u64,
    /// The object's bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Its version, if the row names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// The key of its copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_key: Option<String>,
    /// Its size in bytes; none: it is not there, or could not be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Why there is no size: an error code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// There is an object where the copy goes.
    pub replaces: bool,
}

/// What confirming a job will do, by example.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Preview {
    /// Some rows, in their order.
    pub rows: Vec<PreviewRow>,
    /// Bytes of all objects together, guessed from these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_bytes: Option<u64>,
    /// Requests to the object store for all tasks, if none has to be tried again.
    pub requests: u64,
}

impl Engine {
    /// Some rows of a job whose manifest is prepared, with what is known of their objects; no rows before that, and
    /// where the manifest cannot be read now. Rows in buckets that the tenant may not read are left out.
    ///
    /// # Errors
    /// NoSuchJob; those of the job store.
    pub async fn preview(&self, context: &RequestContext, id: &str) -> Result<Preview, ApiError> {
        let job = self.find(context, id).await?;
        let mut preview = Preview::default();
        let Some(manifest) = &job.state.manifest else { return Ok(preview) };
        let rows = job.progress.total;
        preview.requests = rows.saturating_mul(checks::requests_per_task(&job.spec));
        let sample = survey::sample(&self.core, &job, manifest).await;
        let sample = thinned(checks::visible(sample, &self.core.access, context.appid.as_str()));
        let looked = survey::look(&self.core, &job.spec, sample, survey::OUTLOOK_TIME).await;
        preview.object_bytes = checks::judge(&job.spec, &looked).estimate(looked.len(), rows);
        preview.rows = looked
            .into_iter()
            .map(|looked| PreviewRow {
                number: looked.row.number,
                bucket: looked.row.bucket,
                key: looked.row.key,
                version_id: looked.row.version,
                target_key: looked.row.target_key,
                bytes: looked.object.as_ref().ok().map(|meta| meta.size),
                error: looked.object.err().map(|error| error.kind().code().to_owned()),
                replaces: looked.target_exists == Some(true),
            })
            .collect();
        Ok(preview)
    }
}

/// As many rows as are shown, evenly spread.
fn thinned(mut rows: Vec<SampleRow>) -> Vec<SampleRow> {
    let step = rows.len().div_ceil(ROWS).max(1);
    let mut number = 0_usize;
    rows.retain(|_| {
        number += 1;
        (number - 1).is_multiple_of(step)
    });
    rows
}
