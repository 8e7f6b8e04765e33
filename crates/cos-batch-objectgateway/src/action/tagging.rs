//! PUT, GET and DELETE Object tagging.

use cos_batch_objectstore::{Directive, Tag, TagRequest};
use http::StatusCode;

use super::{Answer, Call, document, empty, expect, malformed, read_xml};
use crate::{body::RequestBody, error::Failure, xml::Document};

pub(super) async fn put(call: &Call<'_>, body: &mut RequestBody) -> Answer {
    let root = read_xml(body, "Tagging").await?;
    expect(&root, &["TagSet"], &[])?;
    let set = root.child("TagSet").ok_or_else(|| malformed("a Tagging needs one TagSet"))?;
    expect(set, &[], &["Tag"])?;
    let tag = |tag: &crate::xml::Node| {
        expect(tag, &["Key", "Value"], &[])?;
        match (tag.text_of("Key"), tag.text_of("Value")) {
            (Some(key), Some(value)) => Ok(Tag { key: key.to_owned(), value: value.to_owned() }),
            _ => Err(malformed("each Tag needs one Key and one Value")),
        }
    };
    let tags = set.children("Tag").map(tag).collect::<Result<Vec<_>, Failure>>()?;
    replace(call, tags).await?;
    Ok(empty(StatusCode::OK))
}

pub(super) async fn get(call: &Call<'_>) -> Answer {
    let (bucket, key) = call.object();
    let version = call.version();
    let tags = call.store.call(|store| async move { store.get_tags(&bucket, &key, &version).await }).await?;
    Ok(document(Document::whole("Tagging", |tagging| {
        tagging.element("TagSet", |set| {
            for tag in &tags {
                set.element("Tag", |inner| {
                    inner.text("Key", &tag.key);
                    inner.text("Value", &tag.value);
                });
            }
        });
    })))
}

pub(super) async fn delete(call: &Call<'_>) -> Answer {
    replace(call, Vec::new()).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

async fn replace(call: &Call<'_>, tags: Vec<Tag>) -> Result<(), Failure> {
    let (bucket, key) = call.object();
    let version = call.version();
    let put = |store: std::sync::Arc<dyn cos_batch_objectstore::ObjectStore>| async move {
        let tags = Directive::Replace(&tags[..]);
        store.put_tags(TagRequest { bucket: &bucket, key: &key, version: &version, tags }).await
    };
    call.store.call(put).await
}
