//! Names of buckets and objects: `qcs::cos:<region>:uid/<appid>:<bucket-appid>[/<key>]`.

use std::borrow::Cow;

use super::held::Held;
use super::rules::{Charset, TextScalar, check};
use crate::ValidationError;
use crate::validation::shorten;

/// The APPID that ends a bucket's name: what follows the last `-`.
///
/// ```
/// use cos_batch_model::bucket_appid;
///
/// assert_eq!(bucket_appid("my-photos-1250000000"), Some("1250000000"));
/// assert_eq!(bucket_appid("photos"), None);
/// ```
pub fn bucket_appid(bucket: &str) -> Option<&str> {
    match bucket.rsplit_once('-') {
        Some((name, appid)) if !name.is_empty() && !appid.is_empty() => Some(appid),
        _ => None,
    }
}

/// Most bytes of a name (COS Batch API, common elements).
const MAX_ARN_BYTES: usize = 1024;
/// Most bytes of a bucket's name with its APPID: it is one label of a host name.
const MAX_BUCKET_BYTES: usize = 63;
const SCHEME: &str = "qcs::cos:";

/// Where the parts of a name end. Offsets fit: a name has at most [`MAX_ARN_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Parts {
    region_end: u16,
    owner_end: u16,
    bucket_end: u16,
}

/// The parts of a name, and whether it [stands in XML as it is](TextScalar::is_plain).
fn parse(field: &'static str, text: &str) -> Result<(Parts, bool), ValidationError> {
    let is_plain = check(field, 1, MAX_ARN_BYTES, Charset::Xml, text)?;
    let refused = |rule| ValidationError::Format { field, rule, actual: shorten(text) };
    let Some(rest) = text.strip_prefix(SCHEME) else {
        return Err(refused("a name that starts with qcs::cos:"));
    };
    let parts = cut(rest, b':').and_then(|(region, rest)| Some((region, cut(rest, b':')?)));
    let Some((region, (owner, resource))) = parts else {
        return Err(refused("of the form qcs::cos:<region>:uid/<appid>:<bucket-appid>"));
    };
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if region.is_empty() || !region.bytes().all(plain) {
        return Err(refused("a qcs name with a region of a-z, 0-9 and -"));
    }
    let owner_is_valid = owner.is_empty()
        || owner.strip_prefix("uid/").is_some_and(|appid| {
            let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            !appid.is_empty() && appid.bytes().all(legal)
        });
    if !owner_is_valid {
        return Err(refused("a qcs name with an owner that is empty or uid/<appid>"));
    }
    let bucket = cut(resource, b'/').map_or(resource, |(bucket, _)| bucket);
    if bucket.len() > MAX_BUCKET_BYTES
        || !bucket.bytes().all(plain)
        || bucket.starts_with('-')
        || bucket_appid(bucket).is_none()
    {
        return Err(refused("a qcs name with a bucket of 1 to 63 of a-z, 0-9 and - that ends with -<appid>"));
    }
    let region_end = SCHEME.len() + region.len();
    let owner_end = region_end + 1 + owner.len();
    let bucket_end = owner_end + 1 + bucket.len();
    let narrow = |offset: usize| u16::try_from(offset).map_err(|_| refused("shorter"));
    let ends = [narrow(region_end)?, narrow(owner_end)?, narrow(bucket_end)?];
    let [region_end, owner_end, bucket_end] = ends;
    Ok((Parts { region_end, owner_end, bucket_end }, is_plain))
}

/// What comes before and after the first of this ASCII character. Parts are so short that looking at byte after byte is
/// quicker than what the library does for long texts.
fn cut(text: &str, at: u8) -> Option<(&str, &str)> {
    let place = text.bytes().position(|byte| byte == at)?;
    Some((&text[..place], &text[place + 1..]))
}

macro_rules! arn {
    ($(#[$meta:meta])* $name:ident, $field:literal, $form:path) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            text: Held,
            parts: Parts,
        }

        impl $name {
            /// Name of the field, as errors give it.
            pub const FIELD: &'static str = $field;
            /// Fewest bytes of UTF-8 allowed.
            pub const MIN_BYTES: usize = 1;
            /// Most bytes of UTF-8 allowed.
            pub const MAX_BYTES: usize = MAX_ARN_BYTES;

            /// Checks and keeps a name.
            ///
            /// # Errors
            ///
            /// [`ValidationError::Length`], [`ValidationError::Characters`] or
            /// [`ValidationError::Format`], which says what part is wrong.
            pub fn new(text: impl Into<String>) -> Result<Self, ValidationError> {
                Self::from_cow(Cow::Owned(text.into()))
            }

            /// The name as it was given.
            pub fn as_str(&self) -> &str {
                self.text.as_str()
            }

            /// The name as it was given, owned.
            pub fn into_string(self) -> String {
                self.text.into_string()
            }

            /// The region, for example `ap-guangzhou`.
            pub fn region(&self) -> &str {
                &self.as_str()[SCHEME.len()..usize::from(self.parts.region_end)]
            }

            /// The APPID after `uid/`, if the name gives an owner.
            pub fn owner(&self) -> Option<&str> {
                let from = usize::from(self.parts.region_end) + 1;
                self.as_str()[from..usize::from(self.parts.owner_end)].strip_prefix("uid/")
            }

            /// The bucket with its APPID, for example `photos-1250000000`.
            pub fn bucket(&self) -> &str {
                let from = usize::from(self.parts.owner_end) + 1;
                &self.as_str()[from..usize::from(self.parts.bucket_end)]
            }

            /// What follows the bucket, its `/` included.
            fn tail(text: &str, parts: Parts) -> &str {
                &text[usize::from(parts.bucket_end)..]
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.text).finish()
            }
        }

        impl TextScalar for $name {
            const MIN: usize = Self::MIN_BYTES;

            fn from_cow(text: Cow<'_, str>) -> Result<Self, ValidationError> {
                let (parts, is_plain) = parse(Self::FIELD, &text)?;
                $form(Self::FIELD, &text, Self::tail(&text, parts))?;
                Ok(Self { text: Held::checked(text, is_plain), parts })
            }

            fn text(&self) -> &str {
                self.text.as_str()
            }

            fn is_plain(&self) -> bool {
                self.text.is_plain()
            }
        }

        impl std::str::FromStr for $name {
            type Err = ValidationError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::from_cow(Cow::Borrowed(text))
            }
        }

        impl TryFrom<String> for $name {
            type Error = ValidationError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = ValidationError;

            fn try_from(text: &str) -> Result<Self, Self::Error> {
                Self::from_cow(Cow::Borrowed(text))
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.text.as_str()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.text.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.text.as_str())
            }
        }
    };
}

fn no_key(field: &'static str, text: &str, tail: &str) -> Result<(), ValidationError> {
    if tail.is_empty() {
        return Ok(());
    }
    Err(ValidationError::Format {
        field,
        rule: "the name of a bucket, without anything after it",
        actual: shorten(text),
    })
}

fn with_key(field: &'static str, text: &str, tail: &str) -> Result<(), ValidationError> {
    if tail.len() > 1 {
        return Ok(());
    }
    Err(ValidationError::Format {
        field,
        rule: "the name of an object, with a key after the bucket's /",
        actual: shorten(text),
    })
}

arn! {
    /// Name of a bucket: `qcs::cos:<region>:uid/<appid>:<bucket-appid>`, 1–1024 bytes; the owner
    /// `uid/<appid>` may be empty (COS Batch API, common elements). Echoed as sent.
    BucketArn, "BucketArn", no_key
}

arn! {
    /// Name of an object: `qcs::cos:<region>:uid/<appid>:<bucket-appid>/<key>`, 1–1024 bytes;
    /// the owner `uid/<appid>` may be empty (COS Batch API, common elements). Echoed as sent.
    ObjectArn, "ObjectArn", with_key
}

impl BucketArn {
    /// The name of a bucket, owner left empty.
    ///
    /// # Errors
    ///
    /// As [`BucketArn::new`].
    pub fn for_bucket(region: &str, bucket: &str) -> Result<Self, ValidationError> {
        Self::new(format!("{SCHEME}{region}::{bucket}"))
    }
}

impl ObjectArn {
    /// The name of an object, owner left empty.
    ///
    /// # Errors
    ///
    /// As [`ObjectArn::new`].
    pub fn for_object(region: &str, bucket: &str, key: &str) -> Result<Self, ValidationError> {
        Self::new(format!("{SCHEME}{region}::{bucket}/{key}"))
    }

    /// The object's key: everything after the first `/` behind the bucket, as written.
    pub fn key(&self) -> &str {
        &Self::tail(self.text.as_str(), self.parts)[1..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_names() {
        let arn = ObjectArn::new("qcs::cos:ap-gz:uid/125:a-b-125/lists/x:y/../week 42.csv").unwrap();
        assert_eq!(arn.region(), "ap-gz");
        assert_eq!(arn.owner(), Some("125"));
        assert_eq!(arn.bucket(), "a-b-125");
        assert_eq!(arn.key(), "lists/x:y/../week 42.csv");
        let arn = BucketArn::for_bucket("ap-gz", "a-125").unwrap();
        assert_eq!(arn.as_str(), "qcs::cos:ap-gz::a-125");
        assert_eq!(arn.owner(), None);
        let arn = ObjectArn::for_object("ap-gz", "a-125", "/").unwrap();
        assert_eq!(arn.key(), "/");
    }

    #[test]
    fn refused_names() {
        let mut lines = String::new();
        for text in [
            "",
            "cos:ap-gz::a-125",
            "qcs::cos:ap-gz:a-125",
            "qcs::cos:::a-125",
            "qcs::cos:AP::a-125",
            "qcs::cos:ap-gz:125:a-125",
            "qcs::cos:ap-gz:uid/:a-125",
            "qcs::cos:ap-gz:uid/1 2:a-125",
            "qcs::cos:ap-gz::",
            "qcs::cos:ap-gz::a",
            "qcs::cos:ap-gz::a-",
            "qcs::cos:ap-gz::-125",
            "qcs::cos:ap-gz::-a-125",
            "qcs::cos:ap-gz::A-125",
            "qcs::cos:ap-gz::a_b-125",
            "qcs::cos:ap-gz::a-125/",
            "qcs::cos:ap-gz::a-125/*",
        ] {
            let error = BucketArn::new(text).unwrap_err();
            lines.push_str(&format!("{error}\n"));
        }
        for text in ["qcs::cos:ap-gz::a-125", "qcs::cos:ap-gz::a-125/"] {
            let error = ObjectArn::new(text).unwrap_err();
            lines.push_str(&format!("{error}\n"));
        }
        insta::assert_snapshot!(lines);
    }

    #[test]
    fn lengths_of_names_and_buckets() {
        let prefix = "qcs::cos:ap-gz::a-1/";
        for (bytes, fits) in [(1023, true), (1024, true), (1025, false)] {
            let text = format!("{prefix}{}", "k".repeat(bytes - prefix.len()));
            assert_eq!(ObjectArn::new(text).is_ok(), fits, "{bytes}");
        }
        for (bytes, fits) in [(62, true), (63, true), (64, false)] {
            let bucket = format!("{}-1", "b".repeat(bytes - 2));
            assert_eq!(BucketArn::for_bucket("r", &bucket).is_ok(), fits, "{bytes}");
        }
    }

    #[test]
    fn appid_of_a_bucket() {
        assert_eq!(bucket_appid("a-b-125"), Some("125"));
        assert_eq!(bucket_appid("a"), None);
        assert_eq!(bucket_appid("a-"), None);
        assert_eq!(bucket_appid("-125"), None);
    }
}
