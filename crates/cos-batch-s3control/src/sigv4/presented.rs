//! The signature that a request presents, before anybody knows whether it is right.

use cos_batch_model::Timestamp;
use cos_signature::sigv4::{ALGORITHM, CONTENT_SHA256, DATE, SECURITY_TOKEN, UNSIGNED_PAYLOAD};
use http::{HeaderMap, header, request::Parts};
use percent_encoding::percent_decode_str;

use super::{SERVICE, SignatureError};

/// Bytes of a signature.
pub(super) const SIGNATURE_BYTES: usize = 32;

/// What the signature says of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Its SHA-256, in lower-case hex.
    Hash(String),
    /// Nothing.
    Unsigned,
}

impl Payload {
    /// As it stands in the canonical request.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Hash(hash) => hash,
            Self::Unsigned => UNSIGNED_PAYLOAD,
        }
    }
}

/// A signature as it stands in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// Id of the key.
    pub secret_id: String,
    /// Day of the scope, as in `20260102`.
    pub day: String,
    /// Region of the scope.
    pub region: String,
    /// Names of the signed headers with `;` between.
    pub signed_headers: String,
    /// The signature itself.
    pub signature: [u8; SIGNATURE_BYTES],
    /// When it was made, in Unix seconds.
    pub time: i64,
    /// For how many seconds it is good, where it stands in the query.
    pub expires: Option<i64>,
    /// What it says of the body.
    pub payload: Payload,
    /// The token of a temporary key.
    pub security_token: Option<String>,
}

const fn malformed(what: &'static str, rule: &'static str) -> SignatureError {
    SignatureError::Malformed { what, rule }
}

impl Presented {
    /// Finds the signature of a request.
    ///
    /// # Errors
    /// [`SignatureError`] where there is none, or more than one, or one that cannot be read.
    pub fn from_parts(head: &Parts) -> Result<Self, SignatureError> {
        let in_query = Query::of(head)?;
        match (one(&head.headers, header::AUTHORIZATION.as_str(), "the header Authorization")?, in_query) {
            (None, None) => Err(SignatureError::NotSigned),
            (Some(_), Some(_)) => Err(SignatureError::Twice),
            (Some(value), None) => Self::from_header(head, value),
            (None, Some(query)) => Self::from_query(head, query),
        }
    }

    fn from_header(head: &Parts, value: &str) -> Result<Self, SignatureError> {
        const WHAT: &str = "the header Authorization";
        let rule = "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=… is expected";
        let rest =
            value.strip_prefix(ALGORITHM).filter(|rest| rest.starts_with([' ', '\t'])).ok_or(malformed(WHAT, rule))?;
        let (mut credential, mut names, mut signature) = (None, None, None);
        for part in rest.split(',') {
            let (name, value) = part.trim().split_once('=').ok_or(malformed(WHAT, rule))?;
            let place = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut names,
                "Signature" => &mut signature,
                _ => return Err(malformed(WHAT, rule)),
            };
            if place.replace(value).is_some() {
                return Err(malformed(WHAT, "a part is given twice"));
            }
        }
        let (Some(credential), Some(names), Some(signature)) = (credential, names, signature) else {
            return Err(malformed(WHAT, rule));
        };
        let date = one(&head.headers, DATE, "the header x-amz-date")?
            .ok_or(malformed("the header x-amz-date", "is missing"))?;
        let payload = payload(&head.headers)?;
        let payload = payload.ok_or(malformed("the header x-amz-content-sha256", "is missing"))?;
        let token = one(&head.headers, SECURITY_TOKEN, "the header x-amz-security-token")?;
        Self::new(credential, names, signature, time("the header x-amz-date", date)?, None, payload, token)
    }

    fn from_query(head: &Parts, query: Query) -> Result<Self, SignatureError> {
        let [algorithm, credential, date, expires, names, signature, token] = query.values;
        let needed = |value: Option<String>, what| value.ok_or(malformed(what, "is missing"));
        if needed(algorithm, "X-Amz-Algorithm")? != ALGORITHM {
            return Err(malformed("X-Amz-Algorithm", "must be AWS4-HMAC-SHA256"));
        }
        let expires = needed(expires, "X-Amz-Expires")?;
        let digits = !expires.is_empty() && expires.bytes().all(|b| b.is_ascii_digit());
        let expires = expires.parse().ok().filter(|_| digits).ok_or(malformed("X-Amz-Expires", "must be a number"))?;
        let date = time("X-Amz-Date", &needed(date, "X-Amz-Date")?)?;
        Self::new(
            &needed(credential, "X-Amz-Credential")?,
            &needed(names, "X-Amz-SignedHeaders")?,
            &needed(signature, "X-Amz-Signature")?,
            date,
            Some(expires),
            payload(&head.headers)?.unwrap_or(Payload::Unsigned),
            token.as_deref(),
        )
    }

    fn new(
        credential: &str,
        names: &str,
        signature: &str,
        time: i64,
        expires: Option<i64>,
        payload: Payload,
        token: Option<&str>,
    ) -> Result<Self, SignatureError> {
        let rule = "<key id>/<day>/<region>/s3/aws4_request is expected";
        // Ids of keys may have a slash.
        let mut parts = credential.rsplitn(5, '/');
        let (end, service, region, day, id) = (parts.next(), parts.next(), parts.next(), parts.next(), parts.next());
        let (Some("aws4_request"), Some(SERVICE), Some(region), Some(day), Some(id)) = (end, service, region, day, id)
        else {
            return Err(malformed("Credential", rule));
        };
        if region.is_empty() || id.is_empty() {
            return Err(malformed("Credential", rule));
        }
        let lower = signature.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let mut bytes = [0; SIGNATURE_BYTES];
        if !lower || hex::decode_to_slice(signature, &mut bytes).is_err() {
            return Err(malformed("Signature", "must be 64 digits of lower-case hex"));
        }
        Ok(Self {
            secret_id: id.to_owned(),
            day: day.to_owned(),
            region: region.to_owned(),
            signed_headers: names.to_owned(),
            signature: bytes,
            time,
            expires,
            payload,
            security_token: token.map(str::to_owned),
        })
    }
}

/// The parameters of a signature in the query, in the order of [`PARAMETERS`].
struct Query {
    values: [Option<String>; 7],
}

const PARAMETERS: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
    "X-Amz-Security-Token",
];

impl Query {
    fn of(head: &Parts) -> Result<Option<Self>, SignatureError> {
        let mut values: [Option<String>; 7] = Default::default();
        let mut any = false;
        for pair in head.uri.query().unwrap_or_default().split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |text: &str| percent_decode_str(text).decode_utf8().map(|text| text.into_owned());
            let Ok(name) = decode(name) else { continue };
            let Some(place) = PARAMETERS.iter().position(|known| *known == name) else { continue };
            let value = decode(value).map_err(|_| malformed(PARAMETERS[place], "must be UTF-8"))?;
            any = true;
            if values[place].replace(value).is_some() {
                return Err(malformed(PARAMETERS[place], "is given twice"));
            }
        }
        Ok(any.then_some(Self { values }))
    }
}

/// A header that may come once.
fn one<'a>(headers: &'a HeaderMap, name: &str, what: &'static str) -> Result<Option<&'a str>, SignatureError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(malformed(what, "is given twice"));
    }
    value.to_str().map(|text| Some(text.trim())).map_err(|_| malformed(what, "must be visible ASCII"))
}

fn payload(headers: &HeaderMap) -> Result<Option<Payload>, SignatureError> {
    const WHAT: &str = "the header x-amz-content-sha256";
    Ok(match one(headers, CONTENT_SHA256, WHAT)? {
        None => None,
        Some(UNSIGNED_PAYLOAD) => Some(Payload::Unsigned),
        Some(hash) if hash.len() == 64 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) => {
            Some(Payload::Hash(hash.to_owned()))
        }
        Some(_) => {
            return Err(malformed(WHAT, "must be the SHA-256 of the body in lower-case hex, or UNSIGNED-PAYLOAD"));
        }
    })
}

/// A time as in `20260102T030405Z`.
fn time(what: &'static str, text: &str) -> Result<i64, SignatureError> {
    let rule = malformed(what, "must look like 20260102T030405Z");
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| bytes[range].iter().all(u8::is_ascii_digit);
    if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' || !digits(0..8) || !digits(9..15) {
        return Err(rule);
    }
    // All ASCII, as was just seen.
    let (date, clock) = (&text[..8], &text[9..15]);
    let usual =
        format!("{}-{}-{}T{}:{}:{}Z", &date[..4], &date[4..6], &date[6..], &clock[..2], &clock[2..4], &clock[4..]);
    usual.parse::<Timestamp>().map(Timestamp::unix_seconds).map_err(|_| rule)
}
