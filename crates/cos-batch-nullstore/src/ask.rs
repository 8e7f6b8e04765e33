//! What a request asks for.

use std::borrow::Cow;

use http::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// A copy, a delete, a tag set, a restore: counted, and open to faults.
    Operation(Operation),
    /// Content of an object.
    Get,
    /// Attributes of an object.
    Head,
    /// Tags of an object.
    Tags,
    /// An object to keep.
    Put,
    /// Is there such a bucket?
    HeadBucket,
    /// Kept objects of a bucket.
    List,
    /// What the store saw.
    Seen,
    /// Anything else.
    Unknown,
}

/// The operations of a batch job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Copy,
    Delete,
    Tag,
    Restore,
}

/// Names of the header that makes a PUT a copy.
const COPY_SOURCE: [&str; 2] = ["x-cos-copy-source", "x-amz-copy-source"];

/// What this request asks for.
pub(crate) fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Ask {
    if uri.path() == crate::SEEN_PATH {
        return Ask::Seen;
    }
    let flag = |name: &str| parameter(uri, name).is_some();
    let object = uri.path().trim_start_matches('/').split_once('/').is_some_and(|(_, key)| !key.is_empty());
    match (method, object) {
        (&Method::PUT, true) if COPY_SOURCE.iter().any(|name| headers.contains_key(*name)) => {
            Ask::Operation(Operation::Copy)
        }
        (&Method::PUT, true) if flag("tagging") => Ask::Operation(Operation::Tag),
        (&Method::PUT, true) => Ask::Put,
        (&Method::DELETE, true) => Ask::Operation(Operation::Delete),
        (&Method::POST, true) if flag("restore") => Ask::Operation(Operation::Restore),
        (&Method::GET, true) if flag("tagging") => Ask::Tags,
        (&Method::GET, true) => Ask::Get,
        (&Method::HEAD, true) => Ask::Head,
        (&Method::HEAD, false) => Ask::HeadBucket,
        (&Method::GET, false) => Ask::List,
        _ => Ask::Unknown,
    }
}

/// `bucket/key`, decoded.
pub(crate) fn name(uri: &Uri) -> String {
    percent_decode_str(uri.path().trim_start_matches('/')).decode_utf8_lossy().into_owned()
}

/// The bucket, whose name needs no decoding.
pub(crate) fn bucket(uri: &Uri) -> &str {
    let path = uri.path().trim_start_matches('/');
    path.split_once('/').map_or(path, |(bucket, _)| bucket)
}

/// The value of a parameter, decoded; empty for a parameter without one.
pub(crate) fn parameter<'a>(uri: &'a Uri, name: &str) -> Option<Cow<'a, str>> {
    uri.query()?.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name).then(|| percent_decode_str(value).decode_utf8_lossy())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &Method, uri: &str, header: Option<&'static str>) -> Ask {
        let mut headers = HeaderMap::new();
        if let Some(name) = header {
            headers.insert(name, http::HeaderValue::from_static("src-1/a"));
        }
        of(method, &uri.parse().unwrap(), &headers)
    }

    #[test]
    fn requests_of_both_dialects_are_told_apart() {
        assert_eq!(asked(&Method::PUT, "/b-1/k", Some("x-cos-copy-source")), Ask::Operation(Operation::Copy));
        assert_eq!(asked(&Method::PUT, "/b-1/k", Some("x-amz-copy-source")), Ask::Operation(Operation::Copy));
        assert_eq!(asked(&Method::PUT, "/b-1/k", None), Ask::Put);
        assert_eq!(asked(&Method::PUT, "/b-1/k?tagging=", None), Ask::Operation(Operation::Tag));
        assert_eq!(asked(&Method::DELETE, "/b-1/k?versionId=v", None), Ask::Operation(Operation::Delete));
        assert_eq!(asked(&Method::POST, "/b-1/k?restore", None), Ask::Operation(Operation::Restore));
        assert_eq!(asked(&Method::GET, "/b-1/?prefix=a", None), Ask::List);
        assert_eq!(asked(&Method::GET, "/b-1?list-type=2", None), Ask::List);
        assert_eq!(asked(&Method::HEAD, "/b-1", None), Ask::HeadBucket);
        assert_eq!(asked(&Method::HEAD, "/b-1/k", None), Ask::Head);
        assert_eq!(asked(&Method::GET, "/-/seen", None), Ask::Seen);
        assert_eq!(asked(&Method::PATCH, "/b-1/k", None), Ask::Unknown);
    }

    #[test]
    fn names_and_parameters_are_decoded() {
        let uri: Uri = "/b-1/a%20b%2Fc?prefix=x%2Fy&tagging".parse().unwrap();
        assert_eq!(name(&uri), "b-1/a b/c");
        assert_eq!(parameter(&uri, "prefix").unwrap(), "x/y");
        assert_eq!(parameter(&uri, "tagging").unwrap(), "");
        assert_eq!(parameter(&uri, "marker"), None);
    }
}
