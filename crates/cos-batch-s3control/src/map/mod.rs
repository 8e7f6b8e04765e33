//! Between the shapes of S3 Control and the engine's own words. What one dialect cannot say in the other is decided in
//! `docs/s3control.md`.

mod call;
mod copy;
mod generator;
mod keeping;
pub mod shown;
mod spec;

use cos_batch_model::{ApiError, ErrorCode};
use cos_batch_objectstore::{Grant, Tag};

pub use self::spec::spec;
pub(crate) use self::spec::too_many_tags;
use crate::shape::Structure;

/// The tags of a list.
pub(crate) fn tags(structure: &Structure, list: &str) -> Vec<Tag> {
    let text = |tag: &Structure, name: &str| tag.text(name).unwrap_or_default().to_owned();
    structure.structures(list).map(|tag| Tag { key: text(tag, "Key"), value: text(tag, "Value") }).collect()
}

/// The tags of a list that an object is to have: at most as many as a store takes.
fn object_tags(structure: &Structure, list: &str) -> Result<Vec<Tag>, ApiError> {
    let tags = tags(structure, list);
    let max = cos_batch_model::Tag::MAX_PER_OBJECT;
    if tags.len() > max {
        return Err(invalid(format!("{list}: an object has at most {max} tags, these are {}", tags.len())));
    }
    let mut keys: Vec<&str> = tags.iter().map(|tag| tag.key.as_str()).collect();
    keys.sort_unstable();
    match keys.windows(2).find(|two| two[0] == two[1]) {
        Some(twice) => Err(invalid(format!("{list}: the key {:?} is there twice", twice[0]))),
        None => Ok(tags),
    }
}

/// The grants of a list. The engine knows the three kinds of grantees by their looks, so an identifier must look like its kind.
fn grants(structure: &Structure, list: &str) -> Result<Vec<Grant>, ApiError> {
    let grant = |grant: &Structure| {
        let grantee = grant.structure("Grantee");
        let (Some(grantee), Some(permission)) = (grantee, grant.text("Permission")) else {
            return Err(invalid(format!("{list}: a grant has a Grantee and a Permission")));
        };
        let (Some(kind), Some(identifier)) = (grantee.text("TypeIdentifier"), grantee.text("Identifier")) else {
            return Err(invalid(format!("{list}: a Grantee has a TypeIdentifier and an Identifier")));
        };
        if grantee_kind(identifier) != kind {
            return Err(invalid(format!("{list}: {identifier:?} is no {kind}")));
        }
        Ok(Grant { grantee: identifier.to_owned(), permission: permission.to_owned() })
    };
    structure.structures(list).map(grant).collect()
}

/// What kind of grantee looks so.
fn grantee_kind(identifier: &str) -> &'static str {
    match identifier {
        uri if uri.starts_with("http://") || uri.starts_with("https://") => "uri",
        address if address.contains('@') => "emailAddress",
        _ => "id",
    }
}

/// The request breaks a rule.
fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidArgument, message)
}

/// The request is legal, and this server cannot do what it asks for.
fn missing(what: impl std::fmt::Display) -> ApiError {
    ApiError::new(ErrorCode::NotImplemented, format!("this server does not offer {what}"))
}

/// The bucket that an ARN names, and what follows its slash.
fn arn<'a>(field: &str, arn: &'a str) -> Result<(&'a str, Option<&'a str>), ApiError> {
    // Whatever is in a key says nothing of what the name is.
    let Some(plain) = arn.splitn(3, ':').nth(2).and_then(|rest| rest.strip_prefix("s3:::")) else {
        return Err(missing(format!(
            "access points, directory buckets and other names than arn:aws:s3:::<bucket> ({field} is {arn})"
        )));
    };
    let (bucket, key) = plain.split_once('/').map_or((plain, None), |(bucket, key)| (bucket, Some(key)));
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if bucket.is_empty() || bucket.len() > BUCKET_BYTES_MAX || !bucket.bytes().all(legal) || bucket.starts_with('.') {
        return Err(invalid(format!("{field}: {bucket:?} is not the name of a bucket")));
    }
    Ok((bucket, key))
}

/// Longest name of a bucket, as S3 has it.
const BUCKET_BYTES_MAX: usize = 63;

/// The bucket that the ARN of a bucket names.
fn bucket(field: &str, text: &str) -> Result<String, ApiError> {
    match arn(field, text)? {
        (bucket, None) => Ok(bucket.to_owned()),
        (bucket, Some(_)) => Err(invalid(format!("{field}: {text} names more than the bucket {bucket}"))),
    }
}

/// Who asks, and what is known of him.
#[derive(Clone, Copy)]
pub struct Asker<'a> {
    /// His account.
    pub account: &'a str,
    /// Whether a bucket is his own.
    pub owns: &'a dyn Fn(&str) -> bool,
}

impl Asker<'_> {
    /// Who owns the bucket, where the request says whom it expects. Of other accounts nothing is known but that a bucket is not
    /// this one's: whoever expects one of them gets what S3 answers for a bucket of somebody else.
    fn expect_owner(&self, structure: &Structure, bucket: &str) -> Result<(), ApiError> {
        let Some(expected) = structure.text(EXPECTED_OWNER) else { return Ok(()) };
        if expected == self.account && (self.owns)(bucket) {
            return Ok(());
        }
        let message = format!("{EXPECTED_OWNER}: bucket {bucket} is not known to belong to account {expected}");
        Err(ApiError::new(ErrorCode::AccessDenied, message))
    }
}

/// The member in which a request says whom a bucket must belong to.
const EXPECTED_OWNER: &str = "ExpectedBucketOwner";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_buckets_and_objects() {
        assert_eq!(arn("F", "arn:aws:s3:::b.c-1/a/b:c").unwrap(), ("b.c-1", Some("a/b:c")));
        assert_eq!(bucket("F", "arn:aws-cn:s3:::b").unwrap(), "b");
        assert_eq!(arn("F", "arn:aws:s3:::b/a:s3express:c:::d").unwrap(), ("b", Some("a:s3express:c:::d")));
        for (text, code) in [
            ("arn:aws:s3:::b/", ErrorCode::InvalidArgument),
            ("arn:aws:s3:::", ErrorCode::InvalidArgument),
            ("arn:aws:s3:::..", ErrorCode::InvalidArgument),
            ("arn:aws:s3:::a b", ErrorCode::InvalidArgument),
            ("arn:aws:s3:us-east-1:123456789012:accesspoint/x", ErrorCode::NotImplemented),
            ("arn:aws:s3express:us-east-1:123456789012:bucket/b--x", ErrorCode::NotImplemented),
            ("arn:aws:s3express:::b", ErrorCode::NotImplemented),
            ("arn:aws:s3-outposts:::b", ErrorCode::NotImplemented),
        ] {
            assert_eq!(bucket("F", text).unwrap_err().code, code, "{text}");
        }
    }
}
