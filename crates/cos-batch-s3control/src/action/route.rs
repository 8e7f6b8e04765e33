//! From method and path to an action. The host does not count: clients put the account before it.

use http::Method;

/// What the paths of the API begin with.
pub const PATH_PREFIX: &str = "/v20180820/";

/// An action of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionName {
    /// `POST /jobs`
    CreateJob,
    /// `GET /jobs`
    ListJobs,
    /// `GET /jobs/{id}`
    DescribeJob,
    /// `POST /jobs/{id}/priority`
    UpdateJobPriority,
    /// `POST /jobs/{id}/status`
    UpdateJobStatus,
    /// `GET /jobs/{id}/tagging`
    GetJobTagging,
    /// `PUT /jobs/{id}/tagging`
    PutJobTagging,
    /// `DELETE /jobs/{id}/tagging`
    DeleteJobTagging,
}

impl ActionName {
    /// Its name in the service model.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateJob => "CreateJob",
            Self::ListJobs => "ListJobs",
            Self::DescribeJob => "DescribeJob",
            Self::UpdateJobPriority => "UpdateJobPriority",
            Self::UpdateJobStatus => "UpdateJobStatus",
            Self::GetJobTagging => "GetJobTagging",
            Self::PutJobTagging => "PutJobTagging",
            Self::DeleteJobTagging => "DeleteJobTagging",
        }
    }

    /// Whether a request has a body.
    #[must_use]
    pub fn has_body(self) -> bool {
        matches!(self, Self::CreateJob | Self::PutJobTagging)
    }
}

/// Why no action answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoute {
    /// Some other part of S3 Control, or nothing.
    #[error("of S3 Control only jobs are here: /v20180820/jobs, and what is below")]
    UnknownPath,
    /// The path knows other methods.
    #[error("this path does not know the method")]
    OtherMethods,
}

/// The action, and the id of the job where one is named.
///
/// # Errors
/// [`NoRoute`].
pub fn route<'a>(method: &Method, path: &'a str) -> Result<(ActionName, Option<&'a str>), NoRoute> {
    let rest = path.strip_prefix(PATH_PREFIX).and_then(|rest| rest.strip_prefix("jobs")).ok_or(NoRoute::UnknownPath)?;
    if rest.is_empty() {
        return match *method {
            Method::GET => Ok((ActionName::ListJobs, None)),
            Method::POST => Ok((ActionName::CreateJob, None)),
            _ => Err(NoRoute::OtherMethods),
        };
    }
    let rest = rest.strip_prefix('/').ok_or(NoRoute::UnknownPath)?;
    let (id, what) = rest.split_once('/').map_or((rest, None), |(id, what)| (id, Some(what)));
    let action = match (what, method.as_str()) {
        (None, "GET") => ActionName::DescribeJob,
        (Some("priority"), "POST") => ActionName::UpdateJobPriority,
        (Some("status"), "POST") => ActionName::UpdateJobStatus,
        (Some("tagging"), "GET") => ActionName::GetJobTagging,
        (Some("tagging"), "PUT") => ActionName::PutJobTagging,
        (Some("tagging"), "DELETE") => ActionName::DeleteJobTagging,
        (None | Some("priority" | "status" | "tagging"), _) => return Err(NoRoute::OtherMethods),
        _ => return Err(NoRoute::UnknownPath),
    };
    Ok((action, Some(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_methods() {
        let ask = |method: &str, path| route(&Method::from_bytes(method.as_bytes()).unwrap(), path);
        for (method, path, action, id) in [
            ("GET", "/v20180820/jobs", ActionName::ListJobs, None),
            ("POST", "/v20180820/jobs", ActionName::CreateJob, None),
            ("GET", "/v20180820/jobs/a", ActionName::DescribeJob, Some("a")),
            ("POST", "/v20180820/jobs/a/priority", ActionName::UpdateJobPriority, Some("a")),
            ("POST", "/v20180820/jobs/a/status", ActionName::UpdateJobStatus, Some("a")),
            ("GET", "/v20180820/jobs/a/tagging", ActionName::GetJobTagging, Some("a")),
            ("PUT", "/v20180820/jobs/a/tagging", ActionName::PutJobTagging, Some("a")),
            ("DELETE", "/v20180820/jobs/a/tagging", ActionName::DeleteJobTagging, Some("a")),
        ] {
            assert_eq!(ask(method, path), Ok((action, id)), "{method} {path}");
        }
        for path in ["/jobs", "/v20180820/", "/v20180820/jobsx", "/v20180820/jobs/a/b", "/v20180820/accesspoint"] {
            assert_eq!(ask("GET", path), Err(NoRoute::UnknownPath), "{path}");
        }
        for (method, path) in
            [("DELETE", "/v20180820/jobs/a"), ("PUT", "/v20180820/jobs"), ("GET", "/v20180820/jobs/a/status")]
        {
            assert_eq!(ask(method, path), Err(NoRoute::OtherMethods), "{method} {path}");
        }
    }
}
