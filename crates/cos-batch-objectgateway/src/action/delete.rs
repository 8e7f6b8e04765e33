//! DELETE Object.

use cos_batch_objectstore::{DeleteOutcome, DeleteRequest, StoreError, VersionSelector};
use http::{HeaderValue, StatusCode};

use super::{Answer, Call, empty, tell_version};
use crate::offload::Store;

pub(super) async fn run(call: &Call<'_>) -> Answer {
    let (bucket, key) = call.object();
    let outcome = delete(call.store, bucket, key, call.version()).await?;
    let mut response = empty(StatusCode::NO_CONTENT);
    if outcome.delete_marker {
        response.headers_mut().insert("x-cos-delete-marker", HeaderValue::from_static("true"));
    }
    tell_version(&mut response, outcome.version_id.as_deref());
    Ok(response)
}

pub(super) async fn delete(
    store: &Store,
    bucket: String,
    key: String,
    version: VersionSelector,
) -> Result<DeleteOutcome, StoreError> {
    let delete = |store: std::sync::Arc<dyn cos_batch_objectstore::ObjectStore>| async move {
        store.delete(DeleteRequest { bucket: &bucket, key: &key, version: &version, operation: None }).await
    };
    store.try_call(delete).await
}
