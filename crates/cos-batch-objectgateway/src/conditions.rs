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
        let names = [header::IF_MATCH, header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE, header::IF_UNMODIFIED_SINCE];
        let mut given = Self::lists(headers, &names);
        // HTTP has it that a time that is none counts as not given.
        given.modified_since = text(headers, &names[2]).as_deref().and_then(time::parse_http);
        given.unmodified_since = text(headers, &names[3]).as_deref().and_then(time::parse_http);
        given
    }

    /// Of a copy, about its source.
    pub(crate) fn of_source(headers: &HeaderMap) -> Result<Self, Failure> {
        let names = [
            HeaderName::from_static("x-cos-copy-source-if-match"),
            HeaderName::from_static("x-cos-copy-source-if-none-match"),
            HeaderName::from_static("x-cos-copy-source-if-modified-since"),
            HeaderName::from_static("x-cos-copy-source-if-unmodified-since"),
        ];
        // A copy that goes ahead because its condition was not understood is worse than none.
        let when = |name: &HeaderName| {
            let Some(text) = text(headers, name) else { return Ok(None) };
            time::parse_http(text.trim()).map(Some).ok_or_else(|| {
                let message = format!("{name} must be a time as in Sun, 06 Nov 1994 08:49:37 GMT, and is {text:?}");
                Failure::new(Code::InvalidArgument, message)
            })
        };
        let (modified_since, unmodified_since) = (when(&names[2])?, when(&names[3])?);
        Ok(Self { modified_since, unmodified_since, ..Self::lists(headers, &names) })
    }

    fn lists(headers: &HeaderMap, [matches, none_match, _, _]: &[HeaderName; 4]) -> Self {
        Self { matches: text(headers, matches), none_match: text(headers, none_match), ..Self::default() }
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

/// Whether `If-Range`, where it is given, names this object: only then the range that goes with it counts. Tags must be the
/// same and strong, a time must be the object's own (RFC 9110, 13.1.5).
pub(crate) fn range_holds(headers: &HeaderMap, etag: &str, last_modified: i64) -> bool {
    let Some(text) = text(headers, &header::IF_RANGE) else { return true };
    let text = text.trim();
    if let Some(time) = time::parse_http(text) {
        return time == last_modified;
    }
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text) == etag
}

/// All values of a header, as the one list that they are.
fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    (!values.is_empty()).then(|| values.join(","))
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
    fn if_range() {
        let (same, other) = (time::http(200), time::http(201));
        for (text, holds) in [
            ("\"e\"", true),
            ("e", true),
            ("\"x\"", false),
            ("W/\"e\"", false),
            (&*same, true),
            (&*other, false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::IF_RANGE, text.parse().unwrap())]);
            assert_eq!(range_holds(&headers, "e", 200), holds, "{text}");
        }
        assert!(range_holds(&HeaderMap::new(), "e", 200));
    }

    #[test]
    fn lists_in_several_headers_and_times_that_are_none() {
        let mut headers = HeaderMap::new();
        for etag in ["\"x\"", "\"e\""] {
            headers.append("if-match", etag.parse().unwrap());
            headers.append("x-cos-copy-source-if-none-match", etag.parse().unwrap());
        }
        assert_eq!(Conditions::of(&headers).verdict("e", 200), Verdict::Met);
        assert!(Conditions::of_source(&headers).unwrap().check_source("e", 200).is_err());
        headers.insert("x-cos-copy-source-if-modified-since", "yesterday".parse().unwrap());
        assert_eq!(Conditions::of_source(&headers).unwrap_err().code, "InvalidArgument");
    }

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
