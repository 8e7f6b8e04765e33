//! From method and path to an action.

use cos_batch_model::{ActionName, ApiError, ErrorCode};
use http::{HeaderValue, Method, request::Parts};
use percent_encoding::percent_decode_str;

use crate::extension::EXTENSION_PREFIX;

/// Who answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// An action of the API.
    Action(ActionName),
    /// The server's extension.
    Extension,
}

/// The methods that a path knows.
pub(crate) type Methods = &'static [(Method, ActionName)];

const JOBS: Methods = &[(Method::GET, ActionName::ListJobs), (Method::POST, ActionName::CreateJob)];
const JOB: Methods = &[(Method::GET, ActionName::DescribeJob), (Method::DELETE, ActionName::DeleteJob)];
const PRIORITY: Methods = &[(Method::POST, ActionName::UpdateJobPriority)];
const STATUS: Methods = &[(Method::POST, ActionName::UpdateJobStatus)];

/// Why no action answers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NoRoute {
    /// There is no such path.
    UnknownPath,
    /// The path has an empty place where the id of a job belongs.
    NoJobId,
    /// The path knows only these methods.
    OtherMethods(Methods),
}

impl NoRoute {
    /// The methods that the path knows, for the header `Allow`.
    pub(crate) fn allow(self) -> Option<HeaderValue> {
        let Self::OtherMethods(methods) = self else { return None };
        Some(HeaderValue::try_from(names(methods)).expect("names of methods are legal in a header"))
    }
}

impl From<NoRoute> for ApiError {
    fn from(reason: NoRoute) -> Self {
        let (code, message) = match reason {
            NoRoute::UnknownPath => {
                (ErrorCode::InvalidUri, "this path does not exist; jobs are at /jobs and /jobs/<JobId>".to_owned())
            }
            NoRoute::NoJobId => (ErrorCode::InvalidRequest, "no job id is given: the path is /jobs/<JobId>".to_owned()),
            NoRoute::OtherMethods(methods) => {
                (ErrorCode::MethodNotAllowed, format!("the method must be one of: {}", names(methods)))
            }
        };
        Self::new(code, message)
    }
}

fn names(methods: Methods) -> String {
    methods.iter().map(|(method, _)| method.as_str()).collect::<Vec<_>>().join(", ")
}

/// Who answers a request. Paths are exact: case counts, and a slash at the end is another path.
pub(crate) fn route(head: &Parts) -> Result<Route, NoRoute> {
    if head.uri.path().starts_with(EXTENSION_PREFIX) {
        return Ok(Route::Extension);
    }
    let methods = methods(head.uri.path())?;
    let found = methods.iter().find(|(method, _)| *method == head.method);
    found.map(|(_, action)| Route::Action(*action)).ok_or(NoRoute::OtherMethods(methods))
}

fn methods(path: &str) -> Result<Methods, NoRoute> {
    let rest = path.strip_prefix("/jobs").ok_or(NoRoute::UnknownPath)?;
    if rest.is_empty() {
        return Ok(JOBS);
    }
    let rest = rest.strip_prefix('/').ok_or(NoRoute::UnknownPath)?;
    let (id, methods) = match rest.split_once('/') {
        None => (rest, JOB),
        Some((id, "priority")) => (id, PRIORITY),
        Some((id, "status")) => (id, STATUS),
        Some(_) => return Err(NoRoute::UnknownPath),
    };
    if id.is_empty() { Err(NoRoute::NoJobId) } else { Ok(methods) }
}

/// The query parameters of all actions.
const PARAMETERS: [&str; 6] =
    ["jobStatuses", "maxResults", "nextToken", "priority", "requestedJobStatus", "statusUpdateReason"];

/// Refuses a query parameter that is one of the API's in another case. It would be ignored, and since a signature
/// covers names in lower case only, somebody between client and server could take a parameter out of effect so.
pub(crate) fn check_parameter_names(head: &Parts) -> Result<(), ApiError> {
    for pair in head.uri.query().unwrap_or_default().split('&') {
        let name = percent_decode_str(pair.split('=').next().unwrap_or_default()).decode_utf8_lossy();
        let known = PARAMETERS.iter().find(|known| known.eq_ignore_ascii_case(&name));
        if let Some(known) = known.filter(|known| **known != name) {
            let message = format!("the query parameter is spelled {known}, and case counts");
            return Err(ApiError::new(ErrorCode::InvalidArgument, message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(method: &str, path: &str) -> Result<Route, NoRoute> {
        route(&http::Request::builder().method(method).uri(path).body(()).unwrap().into_parts().0)
    }

    #[test]
    fn every_action_has_its_route() {
        let routes = [
            ("GET", "/jobs", ActionName::ListJobs),
            ("GET", "/jobs?maxResults=2", ActionName::ListJobs),
            ("POST", "/jobs", ActionName::CreateJob),
            ("GET", "/jobs/j", ActionName::DescribeJob),
            ("DELETE", "/jobs/j", ActionName::DeleteJob),
            ("POST", "/jobs/j/priority?priority=1", ActionName::UpdateJobPriority),
            ("POST", "/jobs/j/status", ActionName::UpdateJobStatus),
            ("GET", "http://host/jobs/status", ActionName::DescribeJob),
        ];
        for (method, path, action) in routes {
            assert_eq!(ask(method, path).ok(), Some(Route::Action(action)), "{method} {path}");
        }
        for action in ActionName::ALL {
            assert!(routes.iter().any(|(_, _, routed)| routed == action), "{action}");
        }
    }

    #[test]
    fn what_begins_like_an_extension_is_one() {
        for (method, path) in [("GET", "/-/"), ("PUT", "/-/a/b?c=d"), ("OPTIONS", "http://host/-/jobs")] {
            assert_eq!(ask(method, path).ok(), Some(Route::Extension), "{method} {path}");
        }
        for path in ["/-", "/jobs/-/", "//-/", "/%2D/", "/-jobs"] {
            assert_ne!(ask("GET", path).ok(), Some(Route::Extension), "{path}");
        }
    }

    #[test]
    fn what_has_no_route_is_told_why() {
        let cases = [
            ("GET", "/", ErrorCode::InvalidUri, None),
            ("GET", "/job", ErrorCode::InvalidUri, None),
            ("GET", "/jobsx", ErrorCode::InvalidUri, None),
            ("GET", "/Jobs", ErrorCode::InvalidUri, None),
            ("OPTIONS", "*", ErrorCode::InvalidUri, None),
            ("POST", "/jobs/j/other", ErrorCode::InvalidUri, None),
            ("POST", "/jobs/j/status/", ErrorCode::InvalidUri, None),
            ("GET", "/jobs/", ErrorCode::InvalidRequest, None),
            ("POST", "/jobs//status", ErrorCode::InvalidRequest, None),
            ("HEAD", "/jobs", ErrorCode::MethodNotAllowed, Some("GET, POST")),
            ("OPTIONS", "/jobs/j", ErrorCode::MethodNotAllowed, Some("GET, DELETE")),
            ("POST", "/jobs/j", ErrorCode::MethodNotAllowed, Some("GET, DELETE")),
            ("GET", "/jobs/j/status", ErrorCode::MethodNotAllowed, Some("POST")),
            ("get", "/jobs/j/priority", ErrorCode::MethodNotAllowed, Some("POST")),
        ];
        for (method, path, code, allow) in cases {
            let refused = ask(method, path).unwrap_err();
            assert_eq!(ApiError::from(refused).code, code, "{method} {path}");
            assert_eq!(refused.allow().as_ref().map(|value| value.to_str().unwrap()), allow, "{method} {path}");
        }
    }

    #[test]
    fn the_case_of_parameters_counts() {
        let check = |query: &str| {
            let request = http::Request::get(format!("/jobs?{query}")).body(()).unwrap();
            check_parameter_names(&request.into_parts().0).map_err(|error| error.message)
        };
        for query in ["", "maxResults=2&nextToken", "max%52esults=2", "other=MAXRESULTS", "Other", "&&="] {
            assert_eq!(check(query), Ok(()), "{query}");
        }
        for query in ["maxresults=2", "a=1&MAXRESULTS", "max%72esults=2"] {
            let message = "the query parameter is spelled maxResults, and case counts";
            assert_eq!(check(query), Err(message.to_owned()), "{query}");
        }
    }
}
