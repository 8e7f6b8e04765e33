//! HEAD, PUT and DELETE Bucket.

use cos_batch_objectstore::{ErrorKind, StoreError};
use http::{HeaderName, StatusCode};

use super::{Answer, Call, empty};
use crate::{
    body::RequestBody,
    error::{Code, Failure},
    headers,
};

/// Headers of PUT Bucket that ask for what is not here.
const REFUSED: [&str; 5] =
    ["x-cos-grant-read", "x-cos-grant-write", "x-cos-grant-full-control", "x-cos-tagging", "x-cos-bucket-encryption"];

/// Refuses a bucket that is not there.
pub(super) async fn must_exist(call: &Call<'_>) -> Result<(), Failure> {
    let bucket = call.bucket.to_owned();
    let exists = call.store.call(|store| async move { store.bucket_exists(&bucket).await }).await?;
    if !exists {
        return Err(
            StoreError::new(ErrorKind::NoSuchBucket, format!("no such bucket (bucket {:?})", call.bucket)).into()
        );
    }
    Ok(())
}

pub(super) async fn head(call: &Call<'_>) -> Answer {
    must_exist(call).await?;
    let mut response = empty(StatusCode::OK);
    headers::put(response.headers_mut(), HeaderName::from_static("x-cos-bucket-region"), call.region);
    Ok(response)
}

pub(super) async fn put(call: &Call<'_>, body: &mut RequestBody) -> Answer {
    if let Some(name) = REFUSED.iter().find(|name| call.headers.contains_key(**name)) {
        return Err(Failure::new(Code::NotImplemented, format!("{name} of a bucket is not implemented here")));
    }
    if headers::text(call.headers, "x-cos-acl")?.is_some_and(|acl| acl != "private") {
        return Err(Failure::new(
            Code::NotImplemented,
            "a bucket is private here: access lists of buckets are not kept",
        ));
    }
    // A body says how many zones the bucket spreads over, which means nothing here.
    body.xml().await?;
    let bucket = call.bucket.to_owned();
    let made = call.store.try_call(|store| async move { store.put_bucket(&bucket).await }).await;
    match made {
        Ok(true) => Ok(empty(StatusCode::OK)),
        Ok(false) => Err(Failure::new(Code::BucketAlreadyOwnedByYou, "the bucket exists already, and is yours")),
        Err(error) if error.kind() == ErrorKind::InvalidArgument => {
            Err(Failure::new(Code::InvalidBucketName, error.message()))
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn delete(call: &Call<'_>) -> Answer {
    let bucket = call.bucket.to_owned();
    call.store.call(|store| async move { store.delete_bucket(&bucket).await }).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
