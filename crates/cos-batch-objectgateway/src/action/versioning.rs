//! GET and PUT Bucket versioning.

use cos_batch_objectstore::BucketVersioning;
use http::StatusCode;

use super::{Answer, Call, document, empty, expect, malformed, read_xml};
use crate::{body::RequestBody, xml::Document};

pub(super) async fn get(call: &Call<'_>) -> Answer {
    let bucket = call.bucket.to_owned();
    let state = call.store.call(|store| async move { store.get_versioning(&bucket).await }).await?;
    Ok(document(Document::whole("VersioningConfiguration", |configuration| match state {
        Some(BucketVersioning::Enabled) => configuration.text("Status", "Enabled"),
        Some(BucketVersioning::Suspended) => configuration.text("Status", "Suspended"),
        None => {}
    })))
}

pub(super) async fn put(call: &Call<'_>, body: &mut RequestBody) -> Answer {
    let root = read_xml(body, "VersioningConfiguration").await?;
    expect(&root, &["Status"], &[])?;
    let state = match root.text_of("Status").map(str::trim) {
        Some("Enabled") => BucketVersioning::Enabled,
        Some("Suspended") => BucketVersioning::Suspended,
        _ => return Err(malformed("Status must be Enabled or Suspended")),
    };
    let bucket = call.bucket.to_owned();
    call.store.call(|store| async move { store.put_versioning(&bucket, state).await }).await?;
    Ok(empty(StatusCode::OK))
}
