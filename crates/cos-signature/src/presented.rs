//! The signature that a request presents.

use std::{borrow::Cow, fmt};

use http::{HeaderMap, HeaderName, header, request::Parts};
use memchr::memchr_iter;

use crate::{
    KeyTime, NameList, SECURITY_TOKEN, VerifyError,
    canonical::{decode_form, header_name, query_pairs},
    credentials::is_secret_id,
    error::shown,
    hex::{self, MAC_BYTES},
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

/// The signature that a request presents: read, but not verified yet.
///
/// ```
/// use cos_signature::{Place, Presented, VerifyError};
///
/// let request = http::Request::get("/jobs").header(
///     "authorization",
///     "q-sign-algorithm=sha1&q-ak=AKIDEXAMPLE&q-sign-time=1;2&q-key-time=1;2&q-header-list=host&q-url-param-list=\
///      &q-signature=0123456789abcdef0123456789abcdef01234567",
/// );
/// let presented = Presented::from_parts(&request.body(())?.into_parts().0)?;
/// assert_eq!((presented.secret_id.as_str(), presented.place), ("AKIDEXAMPLE", Place::Header));
/// assert!(presented.signs_header("host") && !presented.signs_header("x-cos-appid"));
///
/// let unsigned = http::Request::get("/jobs").body(())?.into_parts().0;
/// assert_eq!(Presented::from_parts(&unsigned).unwrap_err(), VerifyError::Missing);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Presented {
    /// Id of the key that signed (`q-ak`).
    pub secret_id: String,
    /// The window of the derived key (`q-key-time`).
    pub key_time: KeyTime,
    /// The window of the signature (`q-sign-time`); every known client sends the same as `key_time`.
    pub sign_time: KeyTime,
    /// Names of the signed headers (`q-header-list`).
    pub header_list: NameList,
    /// Names of the signed query parameters (`q-url-param-list`).
    pub url_param_list: NameList,
    /// The signature itself (`q-signature`).
    pub signature: [u8; MAC_BYTES],
    /// The token of a temporary key (`x-cos-security-token`).
    pub security_token: Option<String>,
    /// Where the signature stands.
    pub place: Place,
}

impl Presented {
    /// Reads the signature of a request.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Missing`] if there is none, [`VerifyError::UnsupportedAlgorithm`] if it is not `sha1`,
    /// [`VerifyError::DuplicateHeader`] if a header of it stands there twice, [`VerifyError::Malformed`] if it cannot
    /// be read otherwise or stands in both places.
    pub fn from_parts(parts: &Parts) -> Result<Self, VerifyError> {
        let header = single(&parts.headers, &header::AUTHORIZATION)?;
        let query = parts.uri.query().unwrap_or_default();
        let in_query = query_pairs(query).any(|(name, _)| name == "q-signature");
        match header {
            Some(_) if in_query => Err(malformed("it stands in the header and in the query")),
            Some(value) => Self::from_header(value, &parts.headers),
            None if in_query => Self::from_query(query, &parts.headers),
            None => Err(VerifyError::Missing),
        }
    }

    /// Whether this header, named in lower case, is among the signed ones.
    pub fn signs_header(&self, name: &str) -> bool {
        self.header_list.contains(&header_name(name))
    }

    pub(crate) fn signs_host(&self) -> bool {
        self.header_list.has(header::HOST.as_str().as_bytes())
    }

    fn from_header(value: &str, headers: &HeaderMap) -> Result<Self, VerifyError> {
        if value.len() > PRESENTED_BYTES_MAX {
            return Err(malformed("it is longer than 8 KiB"));
        }
        let text = value.trim();
        if text.starts_with(sigv4::ALGORITHM) {
            return Err(VerifyError::UnsupportedAlgorithm);
        }
        let mut fields = Fields::default();
        let mut start = 0;
        for (index, end) in memchr_iter(b'&', text.as_bytes()).chain([text.len()]).enumerate() {
            let pair = &text[start..end];
            start = end + 1;
            if fields.take_usual(index, pair) {
                continue;
            }
            let (name, value) = pair.split_once('=').ok_or(malformed("it is not a list of name=value"))?;
            if !fields.take(name, Cow::Borrowed(value))? {
                return Err(malformed("it has a field that signatures do not have"));
            }
        }
        let token = single(headers, &TOKEN_NAME)?.map(str::to_owned);
        fields.presented(token, Place::Header)
    }

    fn from_query(query: &str, headers: &HeaderMap) -> Result<Self, VerifyError> {
        let mut fields = Fields::default();
        let mut token = single(headers, &TOKEN_NAME)?.map(str::to_owned);
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
            } else if token.replace(value).is_some() {
                return Err(malformed("x-cos-security-token stands there twice"));
            }
        }
        fields.presented(token, Place::Query)
    }
}

impl fmt::Debug for Presented {
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
    /// Takes a field that stands where nearly everybody writes it, the first time that it is there.
    fn take_usual(&mut self, index: usize, pair: &'a str) -> bool {
        let Some(name) = FIELDS.get(index) else { return false };
        let value = pair.strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
        match (value, &mut self.0[index]) {
            (Some(value), free @ None) => {
                *free = Some(Cow::Borrowed(value));
                true
            }
            _ => false,
        }
    }

    /// Keeps the field; false if there is none of this name.
    fn take(&mut self, name: &str, value: Cow<'a, str>) -> Result<bool, VerifyError> {
        let Some(index) = field(name.as_bytes()) else { return Ok(false) };
        match self.0[index].replace(value) {
            None => Ok(true),
            Some(_) => Err(malformed("one of its fields stands there twice")),
        }
    }

    fn presented(self, security_token: Option<String>, place: Place) -> Result<Presented, VerifyError> {
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
            secret_id: secret_id.into_owned(),
            key_time: read_key_time,
            sign_time: read_sign_time,
            header_list: NameList::parse(&header_list),
            url_param_list: NameList::parse(&url_param_list),
            signature: hex::decode(&signature).ok_or(malformed("q-signature must be 40 lower-case hex digits"))?,
            security_token,
            place,
        })
    }
}

/// The value of a header that may stand there once.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, VerifyError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(VerifyError::DuplicateHeader { name: shown(name.as_str().as_bytes()) });
    }
    value.to_str().map(Some).map_err(|_| malformed("a header of it is not ASCII"))
}

fn malformed(what: &'static str) -> VerifyError {
    VerifyError::Malformed { what }
}
