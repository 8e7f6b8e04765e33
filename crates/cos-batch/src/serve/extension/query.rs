//! The query of a request to the extension.

use std::{collections::BTreeMap, ops::RangeInclusive};

use cos_batch_model::{ApiError, ErrorCode};
use percent_encoding::percent_decode_str;

/// Parameters that were not taken yet.
#[derive(Debug)]
pub(super) struct Query(BTreeMap<String, String>);

fn refused(message: String) -> ApiError {
    ApiError::new(ErrorCode::InvalidArgument, message)
}

/// Undoes percent-encoding.
pub(super) fn decode(text: &str) -> Result<String, ApiError> {
    let decoded = percent_decode_str(text).decode_utf8();
    let wrong = |_| ApiError::new(ErrorCode::InvalidUri, "the address is not UTF-8 when decoded");
    decoded.map(std::borrow::Cow::into_owned).map_err(wrong)
}

impl Query {
    pub(super) fn parse(query: &str) -> Result<Self, ApiError> {
        let mut parameters = BTreeMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // In a query a plus stands for a space, as for the API.
            let (name, value) = (decode(&name.replace('+', " "))?, decode(&value.replace('+', " "))?);
            if parameters.insert(name.clone(), value).is_some() {
                return Err(refused(format!("parameter {name:?} is given more than once")));
            }
        }
        Ok(Self(parameters))
    }

    /// A text; an empty one counts as absent.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.0.remove(name).filter(|text| !text.is_empty())
    }

    /// A text that must be there.
    pub(super) fn needed(&mut self, name: &str) -> Result<String, ApiError> {
        self.text(name).ok_or_else(|| refused(format!("parameter {name} is missing")))
    }

    pub(super) fn number(&mut self, name: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| range.contains(number));
        let wrong =
            || refused(format!("{name} must be a number from {} to {}, not {text:?}", range.start(), range.end()));
        number.map(Some).ok_or_else(wrong)
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<bool, ApiError> {
        match self.text(name).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(refused(format!("{name} must be true or false, not {other:?}"))),
        }
    }

    /// Nothing may be left: a parameter that is not known would be ignored, and the caller would not know.
    pub(super) fn end(&mut self) -> Result<(), ApiError> {
        match self.0.keys().next() {
            Some(name) => Err(refused(format!("parameter {name:?} is not known here"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_taken_once_and_none_is_left() {
        let mut query = Query::parse("bucket=a-1&key=a%2Fb+c%2B&limit=7&all=true&empty=").unwrap();
        assert_eq!(query.needed("bucket").unwrap(), "a-1");
        assert_eq!(query.needed("key").unwrap(), "a/b c+");
        assert_eq!(query.text("empty"), None);
        assert!(query.end().unwrap_err().message.contains("\"all\""));
        assert!(query.flag("all").unwrap() && !query.flag("all").unwrap());
        assert_eq!(query.number("limit", 1..=7).unwrap(), Some(7));
        query.end().unwrap();
        assert!(query.needed("bucket").is_err());
    }

    #[test]
    fn wrong_queries_are_refused() {
        assert!(Query::parse("a=1&a=2").is_err());
        assert!(Query::parse("a=%FF").is_err());
        for (text, range) in [("8", 1..=7), ("0", 1..=7), ("-1", 0..=7), ("x", 0..=7), ("99999999999999999999", 0..=7)]
        {
            assert!(Query::parse(&format!("n={text}")).unwrap().number("n", range).is_err(), "{text}");
        }
        assert!(Query::parse("f=yes").unwrap().flag("f").is_err());
    }
}
