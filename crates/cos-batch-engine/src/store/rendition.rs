//! What is shown of a job, written once and kept for as long as it is true.

use bytes::Bytes;
use cos_batch_model::ApiError;
use uuid::Uuid;

use crate::job::JobRecord;

/// Writes what is shown of a job. It depends on the record and on nothing else, so that what it wrote is true for as long
/// as the record is; it looks at nothing of it that is changed by other methods than
/// [`create`](super::JobStore::create), [`transition`](super::JobStore::transition),
/// [`checkpoint`](super::JobStore::checkpoint) and [`purge`](super::JobStore::purge): not at
/// [`JobRecord::shards`], that is.
pub type Render = fn(&JobRecord) -> Result<Bytes, ApiError>;

/// A job as it is shown, and who may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendition {
    tenant: Box<str>,
    deleted: bool,
    document: Result<Bytes, ApiError>,
}

impl Rendition {
    /// Writes what is shown of a job.
    #[must_use]
    pub fn new(job: &JobRecord, render: Render) -> Self {
        // Exactly as long as it is, so that `bytes` tells what it takes.
        let document = render(job).map(|document| Bytes::copy_from_slice(&document));
        Self { tenant: job.tenant.as_str().into(), deleted: job.deleted, document }
    }

    /// What is shown, if the job is this tenant's and was not deleted.
    #[must_use]
    pub fn shown_to(&self, tenant: &str) -> Option<&Result<Bytes, ApiError>> {
        (*self.tenant == *tenant && !self.deleted).then_some(&self.document)
    }

    /// How much memory it takes, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let document = match &self.document {
            Ok(document) => document.len(),
            Err(error) => size_of::<ApiError>() + error.message.len(),
        };
        size_of::<Uuid>() + size_of::<Self>() + self.tenant.len() + document
    }
}

#[cfg(test)]
mod tests {
    use cos_batch_model::ErrorCode;

    use super::*;
    use crate::job::{JobState, Progress, ShardTally};

    fn job() -> JobRecord {
        let spec = serde_json::json!({
            "version": 1, "confirmation_required": false, "operation": "Delete", "role_arn": "r", "request": "<r/>",
            "manifest": { "bucket": "b", "key": "k", "etag": "e", "format": "Inventory" },
        });
        JobRecord {
            id: Uuid::nil(),
            tenant: "1250000000".to_owned(),
            token: "t".to_owned(),
            spec: std::sync::Arc::new(serde_json::from_value(spec).unwrap()),
            priority: 7,
            state: JobState::new(),
            version: 0,
            created_at: 0,
            progress: Progress::default(),
            shards: ShardTally::default(),
            deleted: false,
        }
    }

    #[test]
    fn only_the_owner_is_shown_what_is_there() {
        let mut job = job();
        let render: Render = |job| Ok(Bytes::from(format!("priority {}", job.priority)));
        let shown = Rendition::new(&job, render);
        assert_eq!(shown.shown_to("1250000000"), Some(&Ok(Bytes::from("priority 7"))));
        assert_eq!(shown.shown_to("1250000001"), None);
        job.deleted = true;
        assert_eq!(Rendition::new(&job, render).shown_to("1250000000"), None);
    }

    #[test]
    fn its_size_grows_with_what_it_holds() {
        let job = job();
        let small = Rendition::new(&job, |_| Ok(Bytes::new())).bytes();
        assert_eq!(Rendition::new(&job, |_| Ok(Bytes::from(vec![0; 1000]))).bytes(), small + 1000);
        let failed = Rendition::new(&job, |_| Err(ApiError::new(ErrorCode::InternalError, "x".repeat(1000))));
        assert!(failed.bytes() >= small + 1000);
    }
}
