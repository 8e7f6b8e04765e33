//! The signature that a request presents.

use std::{borrow::Cow, fmt};

use http::{HeaderName, HeaderValue, header, request::Parts};
use memchr::memchr;

use crate::{
    KeyTime, NameList, SECURITY_TOKEN, VerifyError,
    canonical::query_pairs,
    credentials::is_secret_id,
    error::shown,
    header_name,
    hex::{self, MAC_BYTES},
    percent::decode_form,
    sigv4,
};

/// Longest signature that is read, in bytes of its header or of one of its query values. Real ones have some 400; the
/// names of 100 headers fit.
///
/// Source: ours.
pub const PRESENTED_BYTES_MAX: usize = 8 * 1024;

const TOKEN_NAME: HeaderName = HeaderName::from_static(SECURITY_TOKEN);

/// Where a signature stands.
///
/// Source: COS documentation, request signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the `Authorization` header.
    Header,
    /// In parameters of the query, as in a presigned URL.
    Query,
}

/// The signature that a request presents: read, but not verified yet. It borrows from the request.
///
/// ```
/// use cos_signature::{Place, Presented, VerifyError};
///
/// let request = http::Request::get("/jobs").header(
///     "authorization",
///     "q-sign-algorithm=sha1&q-ak=AKIDEXAMPLE&q-sign-time=1;2&q-key-time=1;2&q-header-list=host&q-url-param-list=\
///      &q-signature=0123456789abcdef0123456789abcdef01234567",
/// );
/// let parts = request.body(())?.into_parts().0;
/// let presented = Presented::from_parts(&parts)?;
/// assert_eq!((presented.secret_id.as_ref(), presented.place), ("AKIDEXAMPLE", Place::Header));
/// let kept: Presented<'static> = presented.into_owned();
/// assert!(kept.signs_header("host") && !kept.signs_header("x-cos-appid"));
///
/// let unsigned = http::Request::get("/jobs").body(())?.into_parts().0;
/// assert_eq!(Presented::from_parts(&unsigned).unwrap_err(), VerifyError::Missing);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Presented<'a> {
    /// Id of the key that signed (`q-ak`).
    pub secret_id: Cow<'a, str>,
    /// The window of the derived key (`q-key-time`).
    pub key_time: KeyTime,
    /// The window of the signature (`q-sign-time`); every known client sends the same as `key_time`.
    pub sign_time: KeyTime,
    /// Names of the signed headers (`q-header-list`).
    pub header_list: NameList<'a>,
    /// Names of the signed query parameters (`q-url-param-list`).
    pub url_param_list: NameList<'a>,
    /// The signature itself (`q-signature`).
    pub signature: [u8; MAC_BYTES],
    /// The token of a temporary key (`x-cos-security-token`).
    pub security_token: Option<Cow<'a, str>>,
    /// Where the signature stands.
    pub place: Place,
}

impl<'a> Presented<'a> {
    /// Reads the signature of a request.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Missing`] if there is none, [`VerifyError::UnsupportedAlgorithm`] if it is not `sha1`,
    /// [`VerifyError::DuplicateHeader`] if a header of it stands there twice, [`VerifyError::Malformed`] if it cannot
    /// be read otherwise or stands in both places.
    pub fn from_parts(parts: &'a Parts) -> Result<Self, VerifyError> {
        let (mut value, mut token) = (None, None);
        for (name, given) in &parts.headers {
            let place = match name {
                name if *name == header::AUTHORIZATION => &mut value,
                name if *name == TOKEN_NAME => &mut token,
                _ => continue,
            };
            if place.replace(ascii(given)?).is_some() {
                return Err(VerifyError::DuplicateHeader { name: shown(name.as_str().as_bytes()) });
            }
        }
        let token = token.map(Cow::Borrowed);
        let query = parts.uri.query();
        let in_query = query.filter(|query| query_pairs(query).any(|(name, _)| name == "q-signature"));
        match (value, in_query) {
            (Some(_), Some(_)) => Err(malformed("it stands in the header and in the query")),
            (Some(value), None) => Self::from_header(value, token),
            (None, Some(query)) => Self::from_query(query, token),
            (None, None) => Err(VerifyError::Missing),
        }
    }

    /// Whether this header, named in lower case, is among the signed ones.
    pub fn signs_header(&self, name: &str) -> bool {
        self.header_list.contains(&header_name::canonical(name))
    }

    /// The same, of its own: for whoever keeps it for longer than the request.
    ///
    /// See [`Presented`] for an example.
    pub fn into_owned(self) -> Presented<'static> {
        Presented {
            secret_id: Cow::Owned(self.secret_id.into_owned()),
            header_list: self.header_list.into_owned(),
            url_param_list: self.url_param_list.into_owned(),
            security_token: self.security_token.map(|token| Cow::Owned(token.into_owned())),
            key_time: self.key_time,
            sign_time: self.sign_time,
            signature: self.signature,
            place: self.place,
        }
    }

    #[inline]
    fn from_header(value: &'a str, security_token: Option<Cow<'a, str>>) -> Result<Self, VerifyError> {
        if value.len() > PRESENTED_BYTES_MAX {
            return Err(malformed("it is longer than 8 KiB"));
        }
        let Some(Usual { secret_id, time, header_list, url_param_list, signature }) = Usual::of(value) else {
            return Self::unusual(value, security_token);
        };
        // Put together where it is returned to: it is long, and moving it takes as long as reading a part of it.
        Ok(Self {
            secret_id: Cow::Borrowed(secret_id),
            key_time: time,
            sign_time: time,
            header_list: NameList::parse(header_list),
            url_param_list: NameList::parse(url_param_list),
            signature,
            security_token,
            place: Place::Header,
        })
    }

    /// Reads fields in any order.
    fn unusual(text: &'a str, security_token: Option<Cow<'a, str>>) -> Result<Self, VerifyError> {
        let text = text.trim();
        if text.starts_with(sigv4::ALGORITHM) {
            return Err(VerifyError::UnsupportedAlgorithm);
        }
        let mut fields = Fields::default();
        for pair in text.split('&') {
            let (name, value) = pair.split_once('=').ok_or(malformed("it is not a list of name=value"))?;
            if !fields.take(name, Cow::Borrowed(value))? {
                return Err(malformed("it has a field that signatures do not have"));
            }
        }
        fields.presented(security_token, Place::Header)
    }

    fn from_query(query: &str, mut token: Option<Cow<'a, str>>) -> Result<Self, VerifyError> {
        let mut fields = Fields::default();
        for (name, value) in query_pairs(query) {
            let is_token = name == SECURITY_TOKEN;
            if !is_token && field(name.as_bytes()).is_none() {
                continue;
            }
            if value.len() > PRESENTED_BYTES_MAX {
                return Err(malformed("a query parameter of it is longer than 8 KiB"));
            }
            let value = String::from_utf8(decode_form(value)).map_err(|_| malformed("it is not UTF-8"))?;
            if !is_token {
                fields.take(name, Cow::Owned(value))?;
            } else if token.replace(Cow::Owned(value)).is_some() {
                return Err(malformed("x-cos-security-token stands there twice"));
            }
        }
        fields.presented(token, Place::Query)
    }
}

/// A signature that is written as nearly everybody writes it: its fields in their usual order, both times the same.
struct Usual<'a> {
    secret_id: &'a str,
    time: KeyTime,
    header_list: &'a str,
    url_param_list: &'a str,
    signature: [u8; MAC_BYTES],
}

impl<'a> Usual<'a> {
    /// None if anything is otherwise, or wrong.
    #[inline]
    fn of(text: &'a str) -> Option<Self> {
        let until = |text: &'a str| text.split_at_checked(memchr(b'&', text.as_bytes())?);
        let (secret_id, rest) = until(text.strip_prefix("q-sign-algorithm=sha1&q-ak=")?)?;
        let (time, rest) = until(rest.strip_prefix("&q-sign-time=")?)?;
        let rest = rest.strip_prefix("&q-key-time=")?.strip_prefix(time)?;
        let (header_list, rest) = until(rest.strip_prefix("&q-header-list=")?)?;
        let (url_param_list, rest) = until(rest.strip_prefix("&q-url-param-list=")?)?;
        let signature = hex::decode(rest.strip_prefix("&q-signature=")?.as_bytes())?;
        let time = time.parse().ok()?;
        is_secret_id(secret_id).then_some(Self { secret_id, time, header_list, url_param_list, signature })
    }
}

impl fmt::Debug for Presented<'_> {
    /// Without signature and token, which are good for use as long as the window is open.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented")
            .field("secret_id", &self.secret_id)
            .field("key_time", &self.key_time)
            .field("sign_time", &self.sign_time)
            .field("header_list", &self.header_list)
            .field("url_param_list", &self.url_param_list)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// Which field of a signature this is, if it is one.
pub(crate) fn field(name: &[u8]) -> Option<usize> {
    FIELDS.iter().position(|field| field.as_bytes() == name)
}

/// How many fields a signature has.
pub(crate) const FIELD_COUNT: usize = 7;

/// The fields of a signature, in their usual order.
const FIELDS: [&str; FIELD_COUNT] =
    ["q-sign-algorithm", "q-ak", "q-sign-time", "q-key-time", "q-header-list", "q-url-param-list", "q-signature"];

#[derive(Default)]
struct Fields<'a>([Option<Cow<'a, str>>; FIELD_COUNT]);

impl<'a> Fields<'a> {
    /// Keeps the field; false if there is none of this name.
    fn take(&mut self, name: &str, value: Cow<'a, str>) -> Result<bool, VerifyError> {
        let Some(index) = field(name.as_bytes()) else { return Ok(false) };
        match self.0[index].replace(value) {
            None => Ok(true),
            Some(_) => Err(malformed("one of its fields stands there twice")),
        }
    }

    fn presented(self, security_token: Option<Cow<'a, str>>, place: Place) -> Result<Presented<'a>, VerifyError> {
        let [algorithm, secret_id, sign_time, key_time, header_list, url_param_list, signature] = self.0;
        let algorithm = algorithm.ok_or(malformed("q-sign-algorithm is missing"))?;
        if algorithm != "sha1" {
            return Err(VerifyError::UnsupportedAlgorithm);
        }
        let secret_id = secret_id.ok_or(malformed("q-ak is missing"))?;
        if !is_secret_id(&secret_id) {
            return Err(malformed("q-ak must be 1 to 128 visible ASCII characters"));
        }
        let sign_time = sign_time.ok_or(malformed("q-sign-time is missing"))?;
        let key_time = key_time.ok_or(malformed("q-key-time is missing"))?;
        let header_list = header_list.ok_or(malformed("q-header-list is missing"))?;
        let url_param_list = url_param_list.ok_or(malformed("q-url-param-list is missing"))?;
        let signature = signature.ok_or(malformed("q-signature is missing"))?;
        let read_key_time =
            key_time.parse().map_err(|_| malformed("q-key-time must be `start;end` in Unix seconds"))?;
        let read_sign_time = if sign_time == key_time {
            read_key_time
        } else {
            sign_time.parse().map_err(|_| malformed("q-sign-time must be `start;end` in Unix seconds"))?
        };
        Ok(Presented {
            secret_id,
            key_time: read_key_time,
            sign_time: read_sign_time,
            header_list: NameList::of(header_list),
            url_param_list: NameList::of(url_param_list),
            signature: hex::decode(signature.as_bytes())
                .ok_or(malformed("q-signature must be 40 lower-case hex digits"))?,
            security_token,
            place,
        })
    }
}

/// The text of a header that has nothing but ASCII.
fn ascii(value: &HeaderValue) -> Result<&str, VerifyError> {
    let text = str::from_utf8(value.as_bytes()).ok().filter(|text| text.is_ascii());
    text.ok_or(malformed("a header of it is not ASCII"))
}

fn malformed(what: &'static str) -> VerifyError {
    VerifyError::Malformed { what }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(presented: &Presented<'_>) -> String {
        format!("{presented:?} {:?}", presented.signature)
    }

    proptest! {
        /// What the short way reads, the long way reads as well, and as the same.
        #[test]
        fn the_short_way_reads_what_the_long_way_does(
            fields in prop::sample::subsequence((0..FIELD_COUNT).collect::<Vec<_>>(), 5..=FIELD_COUNT),
            swapped in prop::option::weighted(0.2, (0..FIELD_COUNT, 0..FIELD_COUNT)),
            id in "[A-Za-z0-9&;= ]{0,40}|AKID[0-9]{0,4}",
            times in prop::array::uniform2("(0|1|17)[0-9]{0,2};(2|18|0)[0-9]{0,19}|1;2"),
            lists in prop::array::uniform2("|host|[Ha-c%;&=]{0,12}"),
            signature in "[0-9a-f]{40}|[0-9a-fA-F]{39,41}",
            algorithm in "sha1|sha256",
        ) {
            let [same, other] = &times;
            let values = [&algorithm, &id, same, if swapped.is_some() { other } else { same }, &lists[0], &lists[1], &signature];
            let mut fields: Vec<_> = if swapped.is_some() { fields } else { (0..FIELD_COUNT).collect() };
            if let Some((left, right)) = swapped {
                let count = fields.len();
                fields.swap(left % count, right % count);
            }
            let text = fields.iter().map(|field| format!("{}={}", FIELDS[*field], values[*field])).collect::<Vec<_>>().join("&");
            if Usual::of(&text).is_some() {
                let read = |presented: Result<Presented<'_>, _>| presented.map(|presented| shown(&presented));
                let unusual = read(Presented::unusual(&text, None));
                prop_assert!(unusual.is_ok());
                prop_assert_eq!(read(Presented::from_header(&text, None)), unusual, "{}", text);
            }
        }
    }

    #[test]
    fn the_short_way_is_the_one_of_our_own_signatures() {
        let text = "q-sign-algorithm=sha1&q-ak=AKID&q-sign-time=1;2&q-key-time=1;2&q-header-list=host;x-cos-appid\
                    &q-url-param-list=&q-signature=0123456789abcdef0123456789abcdef01234567";
        assert_eq!(
            Presented::from_header(text, None).as_ref().map(shown).ok(),
            Presented::unusual(text, None).as_ref().map(shown).ok()
        );
        assert!(Usual::of(text).is_some());
        for (from, to) in
            [("1;2&q-key", "1;3&q-key"), ("sha1", "sha2"), ("AKID", "A D"), ("0123", "012"), ("1;2", "2;1")]
        {
            assert!(Usual::of(&text.replace(from, to)).is_none(), "{to}");
        }
    }
}
