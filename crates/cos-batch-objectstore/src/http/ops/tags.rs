//! Tags.

use http::Method;

use super::{check_version, document, with_read_version};
use crate::{
    Directive, StoreError, Tag, TagRequest, VersionSelector, attributes,
    http::{Inner, call::Call, encoding, xml::Writer},
};

impl Inner {
    pub(crate) async fn get_tags(
        &self,
        bucket: &str,
        key: &str,
        version: &VersionSelector,
    ) -> Result<Vec<Tag>, StoreError> {
        check_version(version)?;
        let call = Call::object(Method::GET, bucket, key).flag("tagging").version(version);
        let answer = match self.send(call).await {
            Ok(answer) => answer,
            // COS may answer so for an object without tags.
            Err(error) if error.code() == "NoSuchTagSet" => return Ok(Vec::new()),
            Err(error) => return Err(with_read_version(error, version)),
        };
        let mut tags = Vec::new();
        let (mut tag_key, mut tag_value) = (String::new(), String::new());
        document(&answer, "Tagging", |path, text| match path {
            "Tagging/TagSet/Tag/Key" => text.clone_into(&mut tag_key),
            "Tagging/TagSet/Tag/Value" => text.clone_into(&mut tag_value),
            "Tagging/TagSet/Tag" => {
                tags.push(Tag { key: std::mem::take(&mut tag_key), value: std::mem::take(&mut tag_value) });
            }
            _ => {}
        })?;
        tags.sort();
        Ok(tags)
    }

    /// With `Add` the set is read and written as a whole: of two such requests at the same time one may undo what the other did.
    /// Neither dialect can bind the one to the other.
    pub(crate) async fn put_tags(&self, request: &TagRequest<'_>) -> Result<(), StoreError> {
        let TagRequest { bucket, key, version, tags } = request;
        check_version(version)?;
        let old = match tags {
            Directive::Replace(_) => Vec::new(),
            // Keeping the set as it is still tells whether there is an object.
            Directive::Copy | Directive::Add(_) => self.get_tags(bucket, key, version).await?,
        };
        let tags_now = attributes::changed_tags(&old, tags).map_err(|fail| fail.about(bucket, key))?;
        if matches!(tags, Directive::Copy) {
            return Ok(());
        }
        if tags_now.is_empty() {
            // Both dialects have a request for it; whether an empty set may be written is said by neither.
            let call = Call::object(Method::DELETE, bucket, key).flag("tagging").version(version).repeatable();
            return self.order(call).await.map(drop).map_err(|error| with_read_version(error, version));
        }
        let body = Writer::document("Tagging", self.dialect.namespace(), |root| {
            root.element("TagSet", |set| {
                for Tag { key, value } in &tags_now {
                    set.element("Tag", |tag| {
                        tag.text("Key", key);
                        tag.text("Value", value);
                    });
                }
            });
        });
        let call = Call::object(Method::PUT, bucket, key).flag("tagging").version(version).document(body).repeatable();
        match self.order(call).await {
            Ok(_) => Ok(()),
            Err(error) => Err(with_read_version(error, version)),
        }
    }

    /// Writes tags into the header that sets them together with an object.
    pub(crate) fn write_tags(&self, call: &mut Call<'_>, tags: &[Tag]) -> Result<(), StoreError> {
        if tags.is_empty() {
            return Ok(());
        }
        let mut text = String::with_capacity(64);
        for Tag { key, value } in tags {
            if !text.is_empty() {
                text.push('&');
            }
            encoding::write_value(&mut text, key);
            text.push('=');
            encoding::write_value(&mut text, value);
        }
        call.header(&self.dialect.names().tagging, &text)
    }

    /// The tags that the target of a copy gets; none: those of the source, which the store takes over by itself.
    pub(crate) async fn copied_tags(
        &self,
        tags: &Directive<&[Tag]>,
        source: &crate::CopySource<'_>,
    ) -> Result<Option<Vec<Tag>>, StoreError> {
        let old = match tags {
            Directive::Copy => return Ok(None),
            Directive::Replace(_) => Vec::new(),
            Directive::Add(_) => self.get_tags(source.bucket, source.key, source.version).await?,
        };
        let new = attributes::changed_tags(&old, tags).map_err(|fail| fail.about(source.bucket, source.key))?;
        Ok(Some(new))
    }
}
