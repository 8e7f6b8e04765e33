//! Parameters of a request. COS takes their names in any case: its own pages show `versionId` and `VersionId`.

use http::request::Parts;
use percent_encoding::percent_decode_str;

use crate::error::{Code, Failure};

/// Most parameters; the longest request of the API has 6, and a signature 8.
const PARAMETERS_MAX: usize = 64;

/// The parameters of a request, decoded, by name in lower case.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn of(head: &Parts) -> Result<Self, Failure> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let query = head.uri.query().unwrap_or_default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?.to_ascii_lowercase(), decoded(value)?);
            if pairs.iter().any(|(other, _)| *other == name) {
                let message = format!("the parameter {name:?} is given more than once");
                return Err(Failure::new(Code::InvalidArgument, message));
            }
            if pairs.len() == PARAMETERS_MAX {
                let message = format!("a request has at most {PARAMETERS_MAX} parameters");
                return Err(Failure::new(Code::InvalidArgument, message));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// Value of a parameter, named in lower case.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The same, unless it is empty: the Python SDK sends all it knows, with nothing in them.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// All parameters: names and values.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A whole number between two others.
    pub(crate) fn number(&self, name: &str, min: usize, max: usize) -> Result<Option<usize>, Failure> {
        let Some(text) = self.filled(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (min..=max).contains(number));
        number.map(Some).ok_or_else(|| {
            Failure::new(Code::InvalidArgument, format!("{name} must be a number from {min} to {max}, not {text:?}"))
        })
    }

    /// How much a page has at most: what is asked for, but not more than `most`, which is also what is meant where nothing
    /// is asked for.
    pub(crate) fn page(&self, name: &str, min: usize, most: usize) -> Result<usize, Failure> {
        Ok(self.number(name, min, usize::MAX)?.unwrap_or(most).min(most))
    }

    /// Whether names in the answer are to be percent-encoded.
    pub(crate) fn encoding(&self) -> Result<bool, Failure> {
        match self.filled("encoding-type") {
            None => Ok(false),
            Some("url") => Ok(true),
            Some(other) => {
                Err(Failure::new(Code::InvalidArgument, format!("encoding-type must be url, not {other:?}")))
            }
        }
    }
}

fn decoded(text: &str) -> Result<String, Failure> {
    let spaced = text.replace('+', " ");
    let bytes: Vec<u8> = percent_decode_str(&spaced).collect();
    String::from_utf8(bytes).map_err(|_| Failure::new(Code::InvalidUri, "the query is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Result<Query, Failure> {
        Query::of(&http::Request::get(format!("http://h/?{text}")).body(()).unwrap().into_parts().0)
    }

    #[test]
    fn names_in_any_case_and_values_decoded() {
        let query = query("VersionId=a%2Bb+c&acl&max-keys=&&prefix=%E4%B8%AD").unwrap();
        assert_eq!(query.get("versionid"), Some("a+b c"));
        assert!(query.has("acl") && !query.has("max"));
        assert_eq!((query.get("max-keys"), query.filled("max-keys")), (Some(""), None));
        assert_eq!(query.get("prefix"), Some("中"));
    }

    #[test]
    fn what_is_ambiguous_or_too_much_is_refused() {
        assert!(query("a=1&A=2").is_err());
        assert!(query("a=%ff").is_err());
        let many = |n: usize| (0..n).map(|i| format!("p{i}=1")).collect::<Vec<_>>().join("&");
        assert!(query(&many(64)).is_ok());
        assert!(query(&many(65)).is_err());
        for (text, number) in [("n=0", None), ("n=1", Some(1)), ("n=10", Some(10)), ("n=11", None), ("n=x", None)] {
            assert_eq!(query(text).unwrap().number("n", 1, 10).ok().flatten(), number, "{text}");
        }
    }
}
