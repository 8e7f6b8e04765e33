//! Which action a request is.

use http::{HeaderMap, Method};

use crate::{
    Right,
    error::{Code, Failure},
    query::Query,
    target::Target,
};

/// An action of the object API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    ListBuckets,
    HeadBucket,
    PutBucket,
    DeleteBucket,
    ListObjects,
    ListVersions,
    ListUploads,
    GetVersioning,
    PutVersioning,
    DeleteMultiple,
    GetObject,
    HeadObject,
    PutObject,
    CopyObject,
    DeleteObject,
    GetTagging,
    PutTagging,
    DeleteTagging,
    GetAcl,
    PutAcl,
    Restore,
    InitiateUpload,
    UploadPart,
    CopyPart,
    CompleteUpload,
    AbortUpload,
    ListParts,
}

/// Parameters that choose no action: they go with one.
const PLAIN_PARAMETERS: [&str; 22] = [
    "delimiter",
    "encoding-type",
    "key-marker",
    "marker",
    "max-keys",
    "max-parts",
    "max-uploads",
    "part-number-marker",
    "partnumber",
    "prefix",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "upload-id-marker",
    "uploadid",
    "version-id-marker",
    "versionid",
    "x-cos-security-token",
    "x-cos-traffic-limit",
];
/// Parameters that choose an action of a bucket, and of an object.
const OF_BUCKETS: [&str; 4] = ["delete", "uploads", "versioning", "versions"];
const OF_OBJECTS: [&str; 4] = ["acl", "restore", "tagging", "uploads"];

impl Action {
    pub(crate) fn of(method: &Method, target: &Target, query: &Query, headers: &HeaderMap) -> Result<Self, Failure> {
        let flags: &[&str] = match (&target.bucket, &target.key) {
            (None, _) => &[],
            (Some(_), None) => &OF_BUCKETS,
            (Some(_), Some(_)) => &OF_OBJECTS,
        };
        // What is no parameter of an action is another action, which must not be taken for one of these.
        // A signature in the query has fields that may be empty.
        let known = |name: &&str| flags.contains(name) || PLAIN_PARAMETERS.contains(name) || name.starts_with("q-");
        if let Some(other) = query.flags().find(|name| !known(name)) {
            return Err(Failure::new(Code::NotImplemented, format!("?{other} is not implemented here")));
        }
        let mut chosen = flags.iter().filter(|name| query.has(name));
        let flag = chosen.next().copied().unwrap_or_default();
        if let Some(second) = chosen.next() {
            return Err(Failure::new(Code::InvalidArgument, format!("?{flag} and ?{second} exclude each other")));
        }
        let part = query.has("uploadid");
        let copies = headers.contains_key("x-cos-copy-source");
        let action = match (&target.bucket, &target.key, method.as_str(), flag) {
            (None, _, "GET", "") => Self::ListBuckets,
            (Some(_), None, "HEAD", "") => Self::HeadBucket,
            (Some(_), None, "PUT", "") => Self::PutBucket,
            (Some(_), None, "DELETE", "") => Self::DeleteBucket,
            (Some(_), None, "GET", "") => Self::ListObjects,
            (Some(_), None, "GET", "versions") => Self::ListVersions,
            (Some(_), None, "GET", "uploads") => Self::ListUploads,
            (Some(_), None, "GET", "versioning") => Self::GetVersioning,
            (Some(_), None, "PUT", "versioning") => Self::PutVersioning,
            (Some(_), None, "POST", "delete") => Self::DeleteMultiple,
            (Some(_), Some(_), "GET", "") if part => Self::ListParts,
            (Some(_), Some(_), "PUT", "") if part && copies => Self::CopyPart,
            (Some(_), Some(_), "PUT", "") if part => Self::UploadPart,
            (Some(_), Some(_), "POST", "") if part => Self::CompleteUpload,
            (Some(_), Some(_), "DELETE", "") if part => Self::AbortUpload,
            (Some(_), Some(_), "GET", "") => Self::GetObject,
            (Some(_), Some(_), "HEAD", "") => Self::HeadObject,
            (Some(_), Some(_), "PUT", "") if copies => Self::CopyObject,
            (Some(_), Some(_), "PUT", "") => Self::PutObject,
            (Some(_), Some(_), "DELETE", "") => Self::DeleteObject,
            (Some(_), Some(_), "GET", "tagging") => Self::GetTagging,
            (Some(_), Some(_), "PUT", "tagging") => Self::PutTagging,
            (Some(_), Some(_), "DELETE", "tagging") => Self::DeleteTagging,
            (Some(_), Some(_), "GET", "acl") => Self::GetAcl,
            (Some(_), Some(_), "PUT", "acl") => Self::PutAcl,
            (Some(_), Some(_), "POST", "restore") => Self::Restore,
            (Some(_), Some(_), "POST", "uploads") => Self::InitiateUpload,
            _ => {
                let message = format!("the method {method} is not allowed against this resource");
                return Err(Failure::new(Code::MethodNotAllowed, message));
            }
        };
        Ok(action)
    }

    /// What the caller must be allowed to do in the bucket; none: the action looks at each by itself.
    pub(crate) fn right(self) -> Option<Right> {
        match self {
            Self::ListBuckets => None,
            Self::PutBucket | Self::DeleteBucket | Self::PutVersioning => Some(Right::Own),
            Self::HeadBucket
            | Self::ListObjects
            | Self::ListVersions
            | Self::ListUploads
            | Self::GetVersioning
            | Self::GetObject
            | Self::HeadObject
            | Self::GetTagging
            | Self::GetAcl
            | Self::ListParts => Some(Right::Read),
            Self::PutObject
            | Self::CopyObject
            | Self::PutTagging
            | Self::DeleteTagging
            | Self::PutAcl
            | Self::Restore
            | Self::InitiateUpload
            | Self::UploadPart
            | Self::CopyPart
            | Self::CompleteUpload
            | Self::AbortUpload => Some(Right::Write),
            Self::DeleteObject | Self::DeleteMultiple => Some(Right::Delete),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn route(method: &str, path: &str, copies: bool) -> Result<Action, &'static str> {
        let mut request = Request::builder().method(method).uri(path).header("host", "b-1.localhost");
        if path == "/service" {
            request = Request::builder().method(method).uri("/").header("host", "localhost");
        }
        if copies {
            request = request.header("x-cos-copy-source", "b-1.localhost/k");
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let target = Target::of(&head).unwrap();
        Action::of(&head.method, &target, &Query::of(&head).unwrap(), &head.headers).map_err(|failure| failure.code)
    }

    #[test]
    fn every_action_has_its_request() {
        for (method, path, copies, action) in [
            ("GET", "/service", false, Action::ListBuckets),
            ("HEAD", "/", false, Action::HeadBucket),
            ("PUT", "/", false, Action::PutBucket),
            ("DELETE", "/", false, Action::DeleteBucket),
            ("GET", "/?prefix=&delimiter=", false, Action::ListObjects),
            ("GET", "/?versions=", false, Action::ListVersions),
            ("GET", "/?uploads", false, Action::ListUploads),
            ("GET", "/?versioning", false, Action::GetVersioning),
            ("PUT", "/?versioning", false, Action::PutVersioning),
            ("POST", "/?delete=", false, Action::DeleteMultiple),
            ("GET", "/k?response-expires=x", false, Action::GetObject),
            ("HEAD", "/k?versionId=x", false, Action::HeadObject),
            ("PUT", "/k", false, Action::PutObject),
            ("PUT", "/k", true, Action::CopyObject),
            ("DELETE", "/k", false, Action::DeleteObject),
            ("GET", "/k?tagging", false, Action::GetTagging),
            ("PUT", "/k?tagging", false, Action::PutTagging),
            ("DELETE", "/k?tagging", false, Action::DeleteTagging),
            ("GET", "/k?acl", false, Action::GetAcl),
            ("PUT", "/k?acl", false, Action::PutAcl),
            ("POST", "/k?restore", false, Action::Restore),
            ("POST", "/k?uploads", false, Action::InitiateUpload),
            ("PUT", "/k?partNumber=1&uploadId=u", false, Action::UploadPart),
            ("PUT", "/k?partNumber=1&uploadId=u", true, Action::CopyPart),
            ("POST", "/k?uploadId=u", false, Action::CompleteUpload),
            ("DELETE", "/k?uploadId=u", false, Action::AbortUpload),
            ("GET", "/k?uploadId=u", false, Action::ListParts),
            ("GET", "/k?q-sign-algorithm=sha1&q-url-param-list=", false, Action::GetObject),
        ] {
            assert_eq!(route(method, path, copies), Ok(action), "{method} {path}");
        }
    }

    #[test]
    fn another_action_is_not_taken_for_one_of_these() {
        for path in ["/?lifecycle", "/?cors=", "/?tagging", "/?acl", "/k?append", "/k?versioning", "/k?select"] {
            assert_eq!(route("PUT", path, false), Err("NotImplemented"), "{path}");
        }
        for (method, path) in [("POST", "/"), ("PATCH", "/k"), ("OPTIONS", "/k"), ("POST", "/k"), ("PUT", "/k?restore")]
        {
            assert_eq!(route(method, path, false), Err("MethodNotAllowed"), "{method} {path}");
        }
        assert_eq!(route("GET", "/k?acl&tagging", false), Err("InvalidArgument"));
    }
}
