//! Copying an object.

use http::Method;

use super::{check_version, document, made_version};
use crate::{
    CopyOutcome, CopyRequest, CopySource, Directive, ErrorKind, Metadata, ObjectMeta, StorageClass, StoreError,
    VersionSelector, attributes,
    fail::Fail,
    http::{Inner, call::Call, encoding},
    rules,
};

/// How often a copy begins anew whose source changed between two requests. A source that changes all the time is better told.
const CHANGED_MAX: u32 = 3;

impl Inner {
    /// One request where the store can do it by itself. Where metadata or tags are added to, the source is read first and the copy
    /// bound to what was read.
    pub(crate) async fn copy(&self, request: &CopyRequest<'_>) -> Result<CopyOutcome, StoreError> {
        let source = &request.source;
        let (bucket, key) = (source.bucket, source.key);
        let named = |fail: Fail| fail.about(bucket, key);
        check_version(source.version)?;
        if !rules::is_bucket_name(bucket) {
            return Err(named(Fail::new(ErrorKind::NoSuchBucket, "no bucket can have this name")));
        }
        self.check_key(key).map_err(named)?;
        if let Directive::Replace(new) | Directive::Add(new) = request.metadata {
            rules::check_metadata(new).map_err(named)?;
        }
        let onto_itself = self.wire_bucket(bucket) == self.wire_bucket(request.target_bucket)
            && key == request.target_key
            && *source.version == VersionSelector::Latest;
        if onto_itself && !attributes::changes_something(request) {
            // Where there is no object, that is what is wrong.
            self.head(bucket, key, source.version).await?;
            return Err(named(attributes::changes_nothing()));
        }
        let conditions = request.conditions;
        let two_conditions = conditions.modified_since.is_some() && conditions.unmodified_since.is_some();
        let reads_first = matches!(request.metadata, Directive::Add(_))
            || matches!(request.tags, Directive::Add(_))
            || onto_itself && request.metadata == Directive::Copy
            || two_conditions && !self.dialect.may_combine_conditions();
        let mut changed = 0;
        loop {
            let seen = match reads_first {
                true => Some(self.head(bucket, key, source.version).await?),
                false => None,
            };
            if let Some(seen) = &seen {
                rules::check_conditions(conditions, seen.last_modified).map_err(named)?;
            }
            match self.copy_once(request, seen.as_ref(), onto_itself).await {
                Err(error) if error.kind() == ErrorKind::PreconditionFailed && reads_first && changed < CHANGED_MAX => {
                    changed += 1;
                }
                result => return result,
            }
        }
    }

    async fn copy_once(
        &self,
        request: &CopyRequest<'_>,
        seen: Option<&ObjectMeta>,
        onto_itself: bool,
    ) -> Result<CopyOutcome, StoreError> {
        let names = self.dialect.names();
        let named = |fail: Fail| fail.about(request.target_bucket, request.target_key);
        let mut call = Call::object(Method::PUT, request.target_bucket, request.target_key).with_work();
        self.write_source(&mut call, &request.source)?;
        match seen {
            // The times were compared with what was seen.
            Some(seen) => call.header(&names.copy_source_if_match, &format!("\"{}\"", seen.etag))?,
            None => self.write_conditions(&mut call, request)?,
        }
        let merged;
        let metadata: Option<&Metadata> = match (&request.metadata, seen) {
            (Directive::Replace(new), _) => Some(new),
            (Directive::Add(new), Some(seen)) => {
                // Names are those of headers, which have no case: what is written in another one is the same.
                let mut old = seen.metadata.clone();
                old.user.retain(|name, _| !new.user.keys().any(|other| other.eq_ignore_ascii_case(name)));
                merged = attributes::merged(&old, new);
                rules::check_metadata(&merged).map_err(named)?;
                Some(&merged)
            }
            // A copy onto itself must set metadata, so it sets what is there; the encryption is reset as by any copy.
            (Directive::Copy, Some(seen)) if onto_itself => {
                merged = Metadata { server_side_encryption: None, ..seen.metadata.clone() };
                Some(&merged)
            }
            _ => None,
        };
        if let Some(metadata) = metadata {
            call.lines.add_word(&names.metadata_directive, self.dialect.replace_directive());
            self.write_metadata(&mut call, metadata)?;
        }
        match self.copied_tags(&request.tags, &request.source).await? {
            Some(tags) => {
                call.lines.add_word(&names.tagging_directive, self.dialect.replace_directive());
                self.write_tags(&mut call, &tags)?;
            }
            // A store without tags may refuse the very header.
            None if self.capabilities.tagging => {
                call.lines.add_word(&names.tagging_directive, self.dialect.copy_directive());
            }
            None => {}
        }
        match &request.storage_class {
            Some(class) if !class.is_standard() => self.write_class(&mut call, class).map_err(named)?,
            _ if self.dialect.copies_name_standard_class() => {
                call.lines.add_word(&names.storage_class, StorageClass::STANDARD);
            }
            _ => {}
        }
        self.write_copied_acl(&mut call, &request.grants, request.canned_acl, &request.source).await?;
        let answer = self.send(call).await?;
        let mut etag = false;
        let mut version = None;
        document(&answer, "CopyObjectResult", |path, text| match path {
            "CopyObjectResult/ETag" => etag = !text.is_empty(),
            "CopyObjectResult/VersionId" => version = Some(text.to_owned()),
            _ => {}
        })
        .map_err(|error| self.of_copy(error, request))?;
        if !etag {
            return Err(self.of_copy(answer.nonsense("a copy without an ETag"), request));
        }
        let version = version.as_deref().or_else(|| answer.header(&names.version_id));
        Ok(CopyOutcome { version_id: made_version(version) })
    }

    /// An error that stands in an answer of success, with the names of the object.
    fn of_copy(&self, error: StoreError, request: &CopyRequest<'_>) -> StoreError {
        let named = Fail::new(error.kind(), error.message().to_owned());
        let named = named.about(request.target_bucket, request.target_key);
        error.with_message(named.message())
    }

    /// Names the source of a copy, or of a part.
    pub(crate) fn write_source(&self, call: &mut Call<'_>, source: &CopySource<'_>) -> Result<(), StoreError> {
        let version = match source.version {
            VersionSelector::Latest => None,
            VersionSelector::Id(id) => Some(id.as_str()),
        };
        let bucket = self.wire_bucket(source.bucket);
        let value = self.dialect.copy_source(self.endpoint.host(), bucket, source.key, version);
        call.header(&self.dialect.names().copy_source, &value)
    }

    fn write_conditions(&self, call: &mut Call<'_>, request: &CopyRequest<'_>) -> Result<(), StoreError> {
        let names = self.dialect.names();
        let conditions = request.conditions;
        for (name, time) in [
            (&names.copy_source_if_modified_since, conditions.modified_since),
            (&names.copy_source_if_unmodified_since, conditions.unmodified_since),
        ] {
            let Some(time) = time else { continue };
            let Some(text) = encoding::http_time(time) else {
                let reason = format!("the time {time} of a condition is out of the calendar's range");
                return Err(StoreError::new(ErrorKind::InvalidArgument, reason));
            };
            call.header(name, &text)?;
        }
        Ok(())
    }
}
