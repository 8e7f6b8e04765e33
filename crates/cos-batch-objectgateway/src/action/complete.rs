//! Complete Multipart Upload.

use cos_batch_objectstore::{CompleteRequest, CompletedPart, UploadId, VersionSelector};

use super::{Answer, Call, document, encoded, malformed, read_xml, tell_content, tell_version, upload};
use crate::{
    body::{ObjectBody, RequestBody},
    crc::Checksum,
    error::{Code, Failure},
    headers,
    xml::{Document, Node},
};

/// The one answer of this API with a namespace.
const NAMESPACE: &str = " xmlns=\"http://www.qcloud.com/document/product/436/7751\"";

pub(super) async fn run(call: &Call<'_>, body: &mut RequestBody) -> Answer {
    let root = read_xml(body, "CompleteMultipartUpload").await?;
    let parts = root.children("Part").map(part).collect::<Result<Vec<_>, _>>()?;
    if parts.is_empty() {
        return Err(malformed("a CompleteMultipartUpload has at least one Part"));
    }
    // COS wants numbers without a gap, where S3 does not mind.
    if let Some(two) = parts.windows(2).find(|two| two[1].number > two[0].number.saturating_add(1)) {
        let message = format!("part {} is followed by part {}: numbers have no gaps", two[0].number, two[1].number);
        return Err(Failure::new(Code::InvalidPart, message));
    }
    let id = upload::id(call)?;
    let (bucket, key) = call.object();
    let outcome = call
        .store
        .call(|store| async move {
            let upload = UploadId { bucket: &bucket, key: &key, id: &id };
            store.complete_multipart(CompleteRequest { upload, parts: &parts }).await
        })
        .await?;
    let version = outcome.version_id.clone().map_or(VersionSelector::Latest, VersionSelector::Id);
    let checksum = checksum(call, version, &outcome.etag).await;
    let bytes = Document::with_attributes("CompleteMultipartUploadResult", NAMESPACE, |result| {
        result.text("Location", &format!("http://{}/{}", call.host, encoded(call.key)));
        result.text("Bucket", call.bucket);
        result.text("Key", call.key);
        result.text("ETag", &headers::quoted(&outcome.etag));
    });
    let mut response = document(bytes);
    if let Some(checksum) = checksum {
        tell_content(&mut response, &outcome.etag, &checksum);
    }
    tell_version(&mut response, outcome.version_id.as_deref());
    Ok(response)
}

fn part(part: &Node) -> Result<CompletedPart, Failure> {
    let number = part.text_of("PartNumber").and_then(|number| number.trim().parse().ok());
    let etag = part.text_of("ETag").map(|etag| etag.trim().trim_matches('"').to_owned());
    match (number, etag) {
        (Some(number), Some(etag)) => Ok(CompletedPart { number, etag }),
        _ => Err(malformed("each Part needs one PartNumber and one ETag")),
    }
}

/// The checksum of the object, which the official Go SDK compares: the object is read back, since the parts came one by
/// one. If somebody else has replaced it already, none is told; the upload is complete all the same.
async fn checksum(call: &Call<'_>, version: VersionSelector, etag: &str) -> Option<String> {
    let meta = call.head_of(version.clone()).await.ok().filter(|meta| meta.etag == etag)?;
    let (bucket, key) = call.object();
    let store = call.store.clone();
    let mut object = ObjectBody { store, bucket, key, version, pin: meta.pin, range: 0..meta.size };
    let mut checksum = Checksum::new();
    while !object.range.is_empty() {
        let piece = object.next().await.ok().filter(|piece| !piece.is_empty())?;
        checksum.add(&piece);
    }
    Some(checksum.end())
}
