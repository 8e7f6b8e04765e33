//! POST Object restore.

use cos_batch_objectstore::{RestoreOutcome, RestoreRequest, RestoreTier};
use http::StatusCode;

use super::{Answer, Call, empty, expect, malformed, read_xml};
use crate::{
    body::RequestBody,
    error::{Code, Failure},
};

pub(super) async fn run(call: &Call<'_>, body: &mut RequestBody) -> Answer {
    let root = read_xml(body, "RestoreRequest").await?;
    expect(&root, &["Days", "CASJobParameters"], &[])?;
    let days = root.text_of("Days").and_then(|days| days.trim().parse::<u16>().ok());
    let days = days.ok_or_else(|| malformed("Days must be a whole number"))?;
    let parameters = root.child("CASJobParameters");
    parameters.map_or(Ok(()), |parameters| expect(parameters, &["Tier"], &[]))?;
    let tier = match parameters.and_then(|parameters| parameters.text_of("Tier")).map(str::trim) {
        Some("Bulk") => RestoreTier::Bulk,
        // The fastest tier, where there is one, takes no longer than the one below it.
        None | Some("Standard") => RestoreTier::Standard,
        Some("Expedited") => {
            let class = call.head_of(call.version()).await?.storage_class.0;
            if class == "DEEP_ARCHIVE" {
                return Err(Failure::new(Code::InvalidArgument, "the tier Expedited is not for DEEP_ARCHIVE"));
            }
            RestoreTier::Standard
        }
        Some(other) => {
            return Err(malformed(format!("Tier must be Expedited, Standard or Bulk, not {other:?}")));
        }
    };
    let (bucket, key) = call.object();
    let version = call.version();
    let outcome = call
        .store
        .call(|store| async move {
            store.restore(RestoreRequest { bucket: &bucket, key: &key, version: &version, days, tier }).await
        })
        .await?;
    Ok(empty(match outcome {
        RestoreOutcome::Started => StatusCode::ACCEPTED,
        RestoreOutcome::Extended => StatusCode::OK,
    }))
}
