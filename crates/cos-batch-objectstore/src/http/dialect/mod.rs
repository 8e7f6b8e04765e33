//! How COS and S3 differ: names of headers, words, and the forms of a few messages. Everything that knows of one of the two
//! by name is below this module.

mod cos;
mod s3;

use std::fmt;

use http::HeaderName;

use crate::{ErrorKind, RestoreTier};

pub(crate) use self::{cos::Cos, s3::S3};

/// Names of the headers that both dialects have.
#[derive(Debug)]
pub(crate) struct Names {
    /// What user metadata begins with.
    pub(crate) user_metadata: &'static str,
    pub(crate) acl: HeaderName,
    pub(crate) copy_source: HeaderName,
    pub(crate) copy_source_if_match: HeaderName,
    pub(crate) copy_source_if_modified_since: HeaderName,
    pub(crate) copy_source_if_unmodified_since: HeaderName,
    pub(crate) copy_source_range: HeaderName,
    pub(crate) delete_marker: HeaderName,
    pub(crate) encryption: HeaderName,
    pub(crate) grant_full_control: HeaderName,
    pub(crate) grant_read: HeaderName,
    pub(crate) grant_read_acp: HeaderName,
    pub(crate) grant_write_acp: HeaderName,
    pub(crate) metadata_directive: HeaderName,
    pub(crate) restore: HeaderName,
    pub(crate) storage_class: HeaderName,
    pub(crate) tagging: HeaderName,
    pub(crate) tagging_directive: HeaderName,
    pub(crate) version_id: HeaderName,
}

/// One of the two dialects.
pub(crate) trait Dialect: Send + Sync + fmt::Debug {
    fn names(&self) -> &'static Names;

    /// Bytes of a key at most.
    fn key_bytes_max(&self) -> usize;

    /// Adds a key to a path, percent-encoded.
    fn write_key(&self, path: &mut String, key: &str);

    /// The value that names the source of a copy. `host` is where the store is reached, without a bucket.
    fn copy_source(&self, host: &str, bucket: &str, key: &str, version: Option<&str>) -> String;

    /// The word for taking metadata or tags over from the source.
    fn copy_directive(&self) -> &'static str;

    /// The word for setting them anew.
    fn replace_directive(&self) -> &'static str;

    /// Whether a copy may ask for a match of the ETag and for a change since some time in one request.
    fn may_combine_conditions(&self) -> bool;

    /// A storage class by the store's name for it.
    fn class_on_wire<'a>(&self, class: &'a str) -> &'a str;

    /// Whether a copy that is to have the class STANDARD says so: a plain copy has it, but not in all stores.
    fn copies_name_standard_class(&self) -> bool;

    /// The class that the store calls so.
    fn class_from_wire<'a>(&self, class: &'a str) -> &'a str;

    /// An encryption by the store's name for it.
    fn encryption_on_wire<'a>(&self, name: &'a str) -> &'a str;

    /// The encryption that the store calls so; none: what every object has there, whatever is asked for.
    fn encryption_from_wire<'a>(&self, name: &'a str) -> Option<&'a str>;

    /// The content type that an object has for which none was given. It is sent, since servers guess one from the key
    /// otherwise, and read as none.
    fn default_content_type(&self) -> &'static str;

    /// The canned list of an object for which none was given.
    fn default_acl(&self) -> &'static str;

    /// Whether headers can grant something to a group.
    fn grants_to_groups(&self) -> bool;

    /// Namespace of the messages that are sent.
    fn namespace(&self) -> Option<&'static str>;

    /// Element around the tier of a restore.
    fn restore_parameters(&self) -> &'static str;

    /// Name and value of the parameter that chooses the form of listing, where there is a choice.
    fn list_type(&self) -> Option<(&'static str, &'static str)>;

    /// Name of the parameter for where a listing goes on.
    fn list_after(&self) -> &'static str;

    /// The text that stands in a listing in the encoding of URLs.
    fn decode_listed(&self, text: &str) -> Option<String>;

    /// What an answer to a restore means that would mean something else otherwise.
    fn restore_refusal(&self, status: u16, code: &str) -> Option<ErrorKind>;
}

/// The tier's name in both dialects.
pub(crate) fn tier(tier: RestoreTier) -> &'static str {
    match tier {
        RestoreTier::Bulk => "Bulk",
        RestoreTier::Standard => "Standard",
    }
}

/// Undoes percent-encoding; none where the result is not UTF-8.
fn percent_decoded(text: &str) -> Option<String> {
    percent_encoding::percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}
