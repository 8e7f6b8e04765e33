//! Where buckets and the spool are, as far as a single setting says it.

use serde::Deserialize;

use super::settings::{Origin, boolean, plain, settings, text};
use crate::exit::Error;

settings! {
    LocalGiven, LocalOrigins;
    local_buckets: bool, "COS_BATCH_LOCAL_BUCKETS", boolean, "plain";
}

settings! {
    SpoolGiven, SpoolOrigins;
    store: String, "COS_BATCH_SPOOL_STORE", text, "plain";
    bucket: String, "COS_BATCH_SPOOL_BUCKET", text, "plain";
}

impl SpoolGiven {
    /// Its store and its bucket, if it is anywhere; or what is missing.
    pub(super) fn place(&self) -> Result<Option<(&str, &str)>, String> {
        match (self.store.as_deref(), self.bucket.as_deref()) {
            (Some(store), Some(bucket)) => Ok(Some((store, bucket))),
            (None, None) => Ok(None),
            (None, Some(_)) => Err("spool: `store` is missing: a [[store]] by its name".to_owned()),
            (Some(_), None) => Err("spool: `bucket` is missing, as its store calls it".to_owned()),
        }
    }
}
