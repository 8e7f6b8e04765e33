//! If-Match and its siblings, in the order of RFC 9110.

use http::{HeaderMap, HeaderName, header};

use crate::{
    error::{Code, Failure},
    time,
};

/// Conditions of a request, as it gives them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    matches: Option<String>,
    none_match: Option<String>,
    modified_since: Option<i64>,
    unmodified_since: Option<i64>,
}

/// What conditions say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Go on.
    Met,
    /// The client has this object: 304.
    NotModified,
    /// 412.
    Failed,
}

impl Conditions {
    /// Of a GET or HEAD.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self::read(
            headers,
            &[header::IF_MATCH, header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE, header::IF_UNMODIFIED_SINCE],
        )
    }

    /// Of a copy, about its source.
    pub(crate) fn of_source(headers: &HeaderMap) -> Self {
        Self::read(
            headers,
            &[
                HeaderName::from_static("x-cos-copy-source-if-match"),
                HeaderName::from_static("x-cos-copy-source-if-none-match"),
                HeaderName::from_static("x-cos-copy-source-if-modified-since"),
                HeaderName::from_static("x-cos-copy-source-if-unmodified-since"),
            ],
        )
    }

    fn read(headers: &HeaderMap, names: &[HeaderName; 4]) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let [matches, none_match, modified_since, unmodified_since] = names;
        Self {
            matches: text(matches).map(str::to_owned),
            none_match: text(none_match).map(str::to_owned),
            modified_since: text(modified_since).and_then(time::parse_http),
            unmodified_since: text(unmodified_since).and_then(time::parse_http),
        }
    }

    /// Are there any?
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn verdict(&self, etag: &str, last_modified: i64) -> Verdict {
        if let Some(list) = &self.matches {
            if !names(list, etag) {
                return Verdict::Failed;
            }
        } else if self.unmodified_since.is_some_and(|time| last_modified > time) {
            return Verdict::Failed;
        }
        if let Some(list) = &self.none_match {
            if names(list, etag) {
                return Verdict::NotModified;
            }
        } else if self.modified_since.is_some_and(|time| last_modified <= time) {
            return Verdict::NotModified;
        }
        Verdict::Met
    }

    /// On the source of a copy whatever is not met is a failure.
    pub(crate) fn check_source(&self, etag: &str, last_modified: i64) -> Result<(), Failure> {
        match self.verdict(etag, last_modified) {
            Verdict::Met => Ok(()),
            Verdict::NotModified | Verdict::Failed => Err(failed()),
        }
    }
}

pub(crate) fn failed() -> Failure {
    Failure::new(Code::PreconditionFailed, "a condition of the request is not met")
}

fn names(list: &str, etag: &str) -> bool {
    list.split(',').map(str::trim).any(|one| {
        let one = one.strip_prefix("W/").unwrap_or(one);
        one == "*" || one.trim_matches('"') == etag
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence() {
        let (early, late) = (time::http(100), time::http(300));
        for (pairs, verdict) in [
            (vec![], Verdict::Met),
            (vec![("if-match", "\"e\"")], Verdict::Met),
            (vec![("if-match", "x, e")], Verdict::Met),
            (vec![("if-match", "\"x\"")], Verdict::Failed),
            (vec![("if-none-match", "*")], Verdict::NotModified),
            (vec![("if-none-match", "\"x\"")], Verdict::Met),
            (vec![("if-modified-since", &*early)], Verdict::Met),
            (vec![("if-modified-since", &*late)], Verdict::NotModified),
            (vec![("if-unmodified-since", &*early)], Verdict::Failed),
            (vec![("if-unmodified-since", &*late)], Verdict::Met),
            (vec![("if-match", "e"), ("if-unmodified-since", &*early)], Verdict::Met),
            (vec![("if-none-match", "x"), ("if-modified-since", &*late)], Verdict::Met),
            (vec![("if-modified-since", "nonsense")], Verdict::Met),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in &pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            assert_eq!(Conditions::of(&headers).verdict("e", 200), verdict, "{pairs:?}");
        }
    }
}
