//! Parameters in the query.

use cos_batch_model::ValidationError;
use percent_encoding::percent_decode_str;

/// A query, of which every parameter must be asked for: one that nobody knows is refused, and so is one that comes twice where
/// it may come once.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn new(query: Option<&str>) -> Result<Self, ValidationError> {
        let invalid = |_| ValidationError::Rule { field: "the query", rule: "is not UTF-8" };
        let decoded = |text: &str| {
            let text = text.replace('+', " ");
            percent_decode_str(&text).decode_utf8().map(|text| text.into_owned()).map_err(invalid)
        };
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decoded(name)?, decoded(value)?))
        });
        // Of a signature in the query, whoever verified it has taken care.
        let own = |pair: &Result<(String, String), _>| !pair.as_ref().is_ok_and(|(name, _)| name.starts_with("X-Amz-"));
        Ok(Self(pairs.filter(own).collect::<Result<_, _>>()?))
    }

    /// All values of a parameter.
    pub(super) fn all(&mut self, name: &'static str) -> Vec<String> {
        let (found, rest) = std::mem::take(&mut self.0).into_iter().partition(|(named, _)| named == name);
        self.0 = rest;
        let found: Vec<(String, String)> = found;
        found.into_iter().map(|(_, value)| value).collect()
    }

    /// The value of a parameter that may come once.
    pub(super) fn one(&mut self, name: &'static str) -> Result<Option<String>, ValidationError> {
        let mut values = self.all(name);
        if values.len() > 1 {
            return Err(ValidationError::Rule { field: name, rule: "is given more than once" });
        }
        Ok(values.pop())
    }

    /// Nothing else may be there.
    pub(super) fn end(self) -> Result<(), ValidationError> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(ValidationError::Format {
                field: "the query",
                rule: "without parameters that this action does not know",
                actual: name.chars().take(64).collect(),
            }),
        }
    }
}

/// A whole number in this range.
pub(super) fn number(field: &'static str, min: i64, max: i64, text: &str) -> Result<i64, ValidationError> {
    let number = if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None };
    number.filter(|number| (min..=max).contains(number)).ok_or_else(|| ValidationError::Range {
        field,
        min,
        max,
        actual: text.chars().take(64).collect(),
    })
}
