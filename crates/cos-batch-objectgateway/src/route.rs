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

/// Parameters that choose an action of a bucket, and of an object.
const OF_BUCKETS: [&str; 4] = ["delete", "uploads", "versioning", "versions"];
const OF_OBJECTS: [&str; 4] = ["acl", "restore", "tagging", "uploads"];

/// Parameters that choose an action of COS which is not here, whatever their value. On a GET or HEAD of an object others
/// that are not known mean nothing, as in COS: people put some there against caches.
const OTHER_ACTIONS: [&str; 20] = [
    "accelerate",
    "append",
    "attributes",
    "ci-process",
    "cors",
    "domain",
    "encryption",
    "intelligenttiering",
    "inventory",
    "lifecycle",
    "logging",
    "object-lock",
    "origin",
    "policy",
    "position",
    "referer",
    "replication",
    "retention",
    "select",
    "website",
];

/// Parameters of GET and HEAD Object.
const OF_READS: [&str; 7] = [
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "versionid",
];

/// Methods that have an action somewhere.
const METHODS: [&str; 5] = ["GET", "HEAD", "PUT", "POST", "DELETE"];

impl Action {
    pub(crate) fn of(method: &Method, target: &Target, query: &Query, headers: &HeaderMap) -> Result<Self, Failure> {
        let flags = flags(target);
        let mut chosen = flags.iter().filter(|name| query.has(name));
        let flag = chosen.next().copied().unwrap_or_default();
        if let Some(second) = chosen.next() {
            return Err(Failure::new(Code::InvalidArgument, format!("?{flag} and ?{second} exclude each other")));
        }
        let choose = |method: &str| {
            let part = target.key.is_some() && query.has("uploadid");
            choose(method, target, flag, part, headers.contains_key("x-cos-copy-source"))
        };
        choose(method.as_str()).ok_or_else(|| {
            let others = |(name, value): &(&str, &str)| {
                value.is_empty() && !flags.contains(name) && !is_known(name) && !goes_anywhere(name)
            };
            if let Some((name, _)) = query.pairs().find(others) {
                return not_here(name);
            }
            let message = format!("the method {method} is not allowed against this resource");
            let allow: Vec<_> = METHODS.into_iter().filter(|method| choose(method).is_some()).collect();
            Failure { allow: Some(allow.join(", ")), ..Failure::new(Code::MethodNotAllowed, message) }
        })
    }

    /// Refuses parameters that do not go with this action: another action must not be taken for it.
    pub(crate) fn check(self, target: &Target, query: &Query) -> Result<(), Failure> {
        let others = query.pairs().filter(|(name, _)| !flags(target).contains(name) && !goes_anywhere(name));
        for (name, value) in others {
            if self.parameters().contains(&name) || (is_known(name) && value.is_empty()) {
                // The Python SDK sends all it knows, with nothing in them.
                continue;
            }
            if is_known(name) {
                let message = format!("the parameter {name} does not go with this request");
                return Err(Failure::new(Code::InvalidArgument, message));
            }
            let reads = matches!(self, Self::GetObject | Self::HeadObject);
            let is_action = OTHER_ACTIONS.contains(&name) || OF_BUCKETS.contains(&name) || OF_OBJECTS.contains(&name);
            if !reads || value.is_empty() || is_action {
                return Err(not_here(name));
            }
        }
        Ok(())
    }

    /// Parameters that go with it, in lower case.
    fn parameters(self) -> &'static [&'static str] {
        match self {
            // Buckets are in whatever region they are asked for in.
            Self::ListBuckets => &["marker", "max-keys", "region"],
            Self::ListObjects => &["delimiter", "encoding-type", "marker", "max-keys", "prefix"],
            Self::ListVersions => {
                &["delimiter", "encoding-type", "key-marker", "max-keys", "prefix", "version-id-marker"]
            }
            Self::ListUploads => {
                &["delimiter", "encoding-type", "key-marker", "max-uploads", "prefix", "upload-id-marker"]
            }
            Self::GetObject | Self::HeadObject => &OF_READS,
            Self::DeleteObject
            | Self::GetTagging
            | Self::PutTagging
            | Self::DeleteTagging
            | Self::GetAcl
            | Self::PutAcl
            | Self::Restore => &["versionid"],
            Self::UploadPart | Self::CopyPart => &["partnumber", "uploadid"],
            Self::CompleteUpload | Self::AbortUpload => &["uploadid"],
            Self::ListParts => &["encoding-type", "max-parts", "part-number-marker", "uploadid"],
            Self::InitiateUpload => &["encoding-type"],
            Self::HeadBucket
            | Self::PutBucket
            | Self::DeleteBucket
            | Self::GetVersioning
            | Self::PutVersioning
            | Self::DeleteMultiple
            | Self::PutObject
            | Self::CopyObject => &[],
        }
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

/// Parameters that choose an action of this resource.
fn flags(target: &Target) -> &'static [&'static str] {
    match (&target.bucket, &target.key) {
        (None, _) => &[],
        (Some(_), None) => &OF_BUCKETS,
        (Some(_), Some(_)) => &OF_OBJECTS,
    }
}

fn choose(method: &str, target: &Target, flag: &str, part: bool, copies: bool) -> Option<Action> {
    Some(match (&target.bucket, &target.key, method, flag) {
        (None, _, "GET", "") => Action::ListBuckets,
        (Some(_), None, "HEAD", "") => Action::HeadBucket,
        (Some(_), None, "PUT", "") => Action::PutBucket,
        (Some(_), None, "DELETE", "") => Action::DeleteBucket,
        (Some(_), None, "GET", "") => Action::ListObjects,
        (Some(_), None, "GET", "versions") => Action::ListVersions,
        (Some(_), None, "GET", "uploads") => Action::ListUploads,
        (Some(_), None, "GET", "versioning") => Action::GetVersioning,
        (Some(_), None, "PUT", "versioning") => Action::PutVersioning,
        (Some(_), None, "POST", "delete") => Action::DeleteMultiple,
        (Some(_), Some(_), "GET", "") if part => Action::ListParts,
        (Some(_), Some(_), "PUT", "") if part && copies => Action::CopyPart,
        (Some(_), Some(_), "PUT", "") if part => Action::UploadPart,
        (Some(_), Some(_), "POST", "") if part => Action::CompleteUpload,
        (Some(_), Some(_), "DELETE", "") if part => Action::AbortUpload,
        (Some(_), Some(_), "GET", "") => Action::GetObject,
        (Some(_), Some(_), "HEAD", "") => Action::HeadObject,
        (Some(_), Some(_), "PUT", "") if copies => Action::CopyObject,
        (Some(_), Some(_), "PUT", "") => Action::PutObject,
        (Some(_), Some(_), "DELETE", "") => Action::DeleteObject,
        (Some(_), Some(_), "GET", "tagging") => Action::GetTagging,
        (Some(_), Some(_), "PUT", "tagging") => Action::PutTagging,
        (Some(_), Some(_), "DELETE", "tagging") => Action::DeleteTagging,
        (Some(_), Some(_), "GET", "acl") => Action::GetAcl,
        (Some(_), Some(_), "PUT", "acl") => Action::PutAcl,
        (Some(_), Some(_), "POST", "restore") => Action::Restore,
        (Some(_), Some(_), "POST", "uploads") => Action::InitiateUpload,
        _ => return None,
    })
}

/// A signature in the query, with what goes with it, and how fast the answer may be sent.
fn goes_anywhere(name: &str) -> bool {
    name.starts_with("q-") || matches!(name, "x-cos-security-token" | "x-cos-traffic-limit")
}

/// Whether some action has a parameter of this name.
fn is_known(name: &str) -> bool {
    const WITH_PARAMETERS: [Action; 8] = [
        Action::ListBuckets,
        Action::ListObjects,
        Action::ListVersions,
        Action::ListUploads,
        Action::GetObject,
        Action::UploadPart,
        Action::ListParts,
        Action::DeleteObject,
    ];
    name != "region" && WITH_PARAMETERS.iter().any(|action| action.parameters().contains(&name))
}

fn not_here(name: &str) -> Failure {
    Failure::new(Code::NotImplemented, format!("?{name} is not implemented here"))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn route(method: &str, path: &str, copies: bool) -> Result<Action, &'static str> {
        let mut request = Request::builder().method(method).uri(path).header("host", "b-1.localhost");
        if path.starts_with("/service") {
            request = Request::builder().method(method).uri(path.replace("/service", "/")).header("host", "localhost");
        }
        if copies {
            request = request.header("x-cos-copy-source", "b-1.localhost/k");
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let target = Target::of(&head).unwrap();
        let query = Query::of(&head).unwrap();
        let action = Action::of(&head.method, &target, &query, &head.headers);
        action.and_then(|action| action.check(&target, &query).map(|()| action)).map_err(|failure| failure.code)
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

    #[test]
    fn parameters_with_a_value_count_as_well() {
        for (method, path) in [
            ("DELETE", "/?lifecycle=1"),
            ("PUT", "/?policy=x"),
            ("GET", "/?list-type=2"),
            ("GET", "/?policy=1"),
            ("GET", "/service?tagkey=a"),
            ("PUT", "/k?append=1&position=0"),
            ("PUT", "/k?v=1"),
            ("DELETE", "/k?v=1"),
            ("GET", "/k?ci-process=x"),
            ("GET", "/k?versioning=1"),
        ] {
            assert_eq!(route(method, path, false), Err("NotImplemented"), "{method} {path}");
        }
        for (method, path) in [
            ("PUT", "/k?partNumber=1"),
            ("GET", "/k?partNumber=1"),
            ("PUT", "/k?versionId=x"),
            ("DELETE", "/?uploadId=u"),
            ("DELETE", "/?versionId=x"),
            ("DELETE", "/?prefix=a"),
            ("HEAD", "/k?uploadId=u&partNumber=1"),
            ("DELETE", "/k?uploadId=u&versionId=x"),
        ] {
            let refused = route(method, path, false);
            assert!(matches!(refused, Err("InvalidArgument" | "MethodNotAllowed")), "{method} {path} {refused:?}");
        }
        assert_eq!(route("GET", "/k?v=20261101&_=3", false), Ok(Action::GetObject), "what is put there against caches");
        assert_eq!(route("GET", "/service?region=ap-guangzhou&marker=&max-keys=9", false), Ok(Action::ListBuckets));
        assert_eq!(route("DELETE", "/?prefix=&marker=", false), Ok(Action::DeleteBucket), "empty is not given");
    }

    #[test]
    fn a_method_that_is_not_there_is_told_which_are() {
        let allowed = |method: &str, path: &str| {
            let request = Request::builder().method(method).uri(path).header("host", "b-1.localhost");
            let (head, ()) = request.body(()).unwrap().into_parts();
            let target = Target::of(&head).unwrap();
            Action::of(&head.method, &target, &Query::of(&head).unwrap(), &head.headers).unwrap_err().allow
        };
        assert_eq!(allowed("PATCH", "/k").as_deref(), Some("GET, HEAD, PUT, DELETE"));
        assert_eq!(allowed("GET", "/k?uploads").as_deref(), Some("POST"));
        assert_eq!(allowed("POST", "/").as_deref(), Some("GET, HEAD, PUT, DELETE"));
        assert_eq!(allowed("PATCH", "/?lifecycle"), None, "that one is not here");
    }
}
