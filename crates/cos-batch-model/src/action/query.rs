//! Reading query strings.

use std::borrow::Cow;

use http::request::Parts;

use crate::validation::shorten;
use crate::{ApiError, ErrorCode};

/// The parameters of a request in order, decoded. Names count upper and lower case apart.
pub(super) fn parameters(head: &Parts) -> impl Iterator<Item = Result<(Cow<'_, str>, Cow<'_, str>), ApiError>> {
    let query = head.uri.query().unwrap_or_default();
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((percent_decode(name, true)?, percent_decode(value, true)?))
    })
}

/// Puts a parameter that may come once into its place; an empty one counts as absent.
pub(super) fn once<'q>(place: &mut Option<Cow<'q, str>>, name: &str, value: Cow<'q, str>) -> Result<(), ApiError> {
    if place.is_some() {
        let message = format!("parameter {name} is given more than once");
        return Err(ApiError::new(ErrorCode::InvalidRequest, message));
    }
    if !value.is_empty() {
        *place = Some(value);
    }
    Ok(())
}

/// Undoes percent-encoding. In a query a plus stands for a space: the official Go SDK writes
/// one so.
pub(super) fn percent_decode(text: &str, is_query: bool) -> Result<Cow<'_, str>, ApiError> {
    let plus = is_query && text.contains('+');
    let spaced = if plus { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    if !spaced.contains('%') {
        return Ok(spaced);
    }
    let refused = |rule: &str| {
        let message = format!("`{}` in the address {rule}", shorten(text));
        ApiError::new(ErrorCode::InvalidUri, message)
    };
    for (at, _) in spaced.match_indices('%') {
        let digits = spaced.as_bytes().get(at + 1..at + 3);
        if !digits.is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit)) {
            return Err(refused("has a % without two hexadecimal digits"));
        }
    }
    let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8();
    let decoded = decoded.map_err(|_| refused("is not UTF-8 when decoded"))?;
    Ok(Cow::Owned(decoded.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding() {
        for (text, query, path) in
            [("a", "a", "a"), ("a+b%2Bc%20d", "a b+c d", "a+b+c d"), ("%E5%A5%BD", "好", "好"), ("", "", "")]
        {
            assert_eq!(percent_decode(text, true).unwrap(), query);
            assert_eq!(percent_decode(text, false).unwrap(), path);
        }
    }

    #[test]
    fn what_cannot_be_decoded_names_the_rule() {
        for (text, rule) in [
            ("%", "two hexadecimal digits"),
            ("a%2", "two hexadecimal digits"),
            ("%zz", "two hexadecimal digits"),
            ("%+1", "two hexadecimal digits"),
            ("%FF", "not UTF-8"),
        ] {
            let error = percent_decode(text, true).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidUri);
            assert!(error.message.contains(rule), "{text}: {error}");
        }
    }
}
