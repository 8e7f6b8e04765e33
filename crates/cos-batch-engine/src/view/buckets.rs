//! Which buckets somebody may look into.

use std::collections::BTreeSet;

use cos_batch_model::{ApiError, RequestContext};
use cos_batch_objectstore::ErrorKind;
use serde::{Deserialize, Serialize};

use super::object_error;
use crate::{access::Right, engine::Engine, runtime::offload};

/// Most buckets that are listed: more than anybody looks through.
pub const BUCKETS_MAX: usize = 1000;

/// A bucket and what the caller may do in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct BucketLine {
    /// Its name.
    pub name: String,
    /// The caller may write objects into it.
    pub writable: bool,
}

impl Engine {
    /// The buckets that the tenant may read, by name, at most [`BUCKETS_MAX`]: those that are configured one by one, and
    /// those of the store behind all others where it can list them.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn buckets(&self, context: &RequestContext) -> Result<Vec<BucketLine>, ApiError> {
        let store = self.core.buckets.default_store();
        let listing = async move { store.list_buckets().await };
        let mut names: BTreeSet<String> = match offload(self.core.buckets.default_store().execution(), listing).await {
            Ok(found) => found.into_iter().map(|bucket| bucket.name).collect(),
            Err(error) if error.kind() == ErrorKind::NotImplemented => BTreeSet::new(),
            Err(error) => return Err(object_error(&error)),
        };
        names.extend(self.core.buckets.configured().map(str::to_owned));
        let (tenant, access) = (context.appid.as_str(), &self.core.access);
        let readable = names.into_iter().filter(|name| access.allows(tenant, name, Right::Read)).take(BUCKETS_MAX);
        Ok(readable.map(|name| BucketLine { writable: access.allows(tenant, &name, Right::Write), name }).collect())
    }

    /// Whether the tenant may write objects into a bucket: by the rights it has, whether the bucket is listed or not.
    #[must_use]
    pub fn may_write(&self, context: &RequestContext, bucket: &str) -> bool {
        self.core.access.allows(context.appid.as_str(), bucket, Right::Write)
    }
}
