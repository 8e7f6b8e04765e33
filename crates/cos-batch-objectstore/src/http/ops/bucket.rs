//! Buckets.

use http::Method;

use super::document;
use crate::{
    BucketInfo, BucketVersioning, ErrorKind, StoreError,
    http::{
        Inner,
        call::{Call, PAGE_BYTES_MAX},
        encoding,
        xml::Writer,
    },
    rules,
};

impl Inner {
    pub(crate) async fn bucket_exists(&self, bucket: &str) -> Result<bool, StoreError> {
        // A name that no bucket can have is that of none.
        if !rules::is_bucket_name(bucket) {
            return Ok(false);
        }
        match self.send(Call::bucket(Method::HEAD, bucket)).await {
            Ok(_) => Ok(true),
            // An answer without a body does not tell who it is from; one to GET does.
            Err(error) if error.status() == 404 => {
                match self.send(Call::bucket(Method::GET, bucket).parameter("max-keys", "1")).await {
                    Ok(_) => Ok(true),
                    Err(error) if error.kind() == ErrorKind::NoSuchBucket => Ok(false),
                    Err(error) => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// The buckets of the account; where buckets have other names in the store, those alone.
    pub(crate) async fn list_buckets(&self) -> Result<Vec<BucketInfo>, StoreError> {
        let answer = self.send(Call::service(Method::GET).answer_max(PAGE_BYTES_MAX)).await?;
        let (mut found, mut name, mut created) = (Vec::new(), String::new(), None);
        document(&answer, "ListAllMyBucketsResult", |path, text| match path {
            "ListAllMyBucketsResult/Buckets/Bucket/Name" => text.clone_into(&mut name),
            "ListAllMyBucketsResult/Buckets/Bucket/CreationDate" => created = encoding::parse_iso_time(text.trim()),
            "ListAllMyBucketsResult/Buckets/Bucket" => {
                found.push((std::mem::take(&mut name), created.take().unwrap_or_default()));
            }
            _ => {}
        })?;
        let mut buckets: Vec<BucketInfo> = Vec::with_capacity(found.len());
        for (there, created) in found {
            if self.names.is_empty() {
                buckets.push(BucketInfo { name: there, created });
                continue;
            }
            let here = self.names.iter().filter(|(_, other)| **other == there);
            buckets.extend(here.map(|(name, _)| BucketInfo { name: name.clone(), created }));
        }
        buckets.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(buckets)
    }

    pub(crate) async fn put_bucket(&self, bucket: &str) -> Result<bool, StoreError> {
        rules::check_new_bucket(bucket).map_err(|fail| fail.about_bucket(bucket))?;
        // Not every store tells making from finding.
        if self.bucket_exists(bucket).await? {
            return Ok(false);
        }
        let mut call = Call::bucket(Method::PUT, bucket);
        if let Some(location) = &self.location {
            let namespace = self.dialect.namespace();
            call = call.document(Writer::document("CreateBucketConfiguration", namespace, |root| {
                root.text("LocationConstraint", location);
            }));
        }
        match self.order(call).await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == "BucketAlreadyOwnedByYou" => Ok(false),
            Err(error) if error.code() == "BucketAlreadyExists" => Err(error.with_kind(ErrorKind::AccessDenied)),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn delete_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        self.order(Call::bucket(Method::DELETE, bucket)).await.map(drop)
    }

    pub(crate) async fn get_versioning(&self, bucket: &str) -> Result<Option<BucketVersioning>, StoreError> {
        let answer = self.send(Call::bucket(Method::GET, bucket).flag("versioning")).await?;
        let mut state = None;
        document(&answer, "VersioningConfiguration", |path, text| {
            if path == "VersioningConfiguration/Status" {
                state = match text.trim() {
                    "Enabled" => Some(BucketVersioning::Enabled),
                    "Suspended" => Some(BucketVersioning::Suspended),
                    _ => None,
                };
            }
        })?;
        Ok(state)
    }

    pub(crate) async fn put_versioning(&self, bucket: &str, state: BucketVersioning) -> Result<(), StoreError> {
        let status = match state {
            BucketVersioning::Enabled => "Enabled",
            // Stores would note that versions are suspended that never were kept.
            BucketVersioning::Suspended if self.get_versioning(bucket).await?.is_none() => return Ok(()),
            BucketVersioning::Suspended => "Suspended",
        };
        let namespace = self.dialect.namespace();
        let body = Writer::document("VersioningConfiguration", namespace, |root| root.text("Status", status));
        let call = Call::bucket(Method::PUT, bucket).flag("versioning").document(body).repeatable();
        self.order(call).await.map(drop)
    }
}
