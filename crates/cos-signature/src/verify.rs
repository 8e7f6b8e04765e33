//! Verifying a signature.

use std::sync::LazyLock;

use http::request::Parts;
use subtle::{Choice, ConstantTimeEq};

use crate::{
    Place, Presented, SecretKey, SigningKey, VerifyError,
    canonical::HttpString,
    error::shown,
    header_line::{HOST, HeaderLine},
    header_name,
    hex::MAC_BYTES,
    host,
    presented::{FIELD_COUNT, field},
};

/// How far a client's clock may run ahead of the verifier's, seconds: the 15 minutes of the COS documentation.
pub const CLOCK_SKEW_SECONDS: i64 = 900;

/// Longest window of time that strict verifying accepts, seconds. The official Go SDK asks for an hour, the Python SDK
/// for not quite three; a stolen request can be replayed for as long as this.
pub const WINDOW_SECONDS_MAX: i64 = 24 * 3600;

/// How much of a request must be signed.
///
/// Source: ours, for what the COS documentation leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Strictness {
    /// The host, every `x-cos-` header and every query parameter must be signed, each signed header must stand there
    /// once and each listed name at all, both times must be the same, and the window at most 24 hours long. What the
    /// official Go SDK sends satisfies this.
    #[default]
    Strict,
    /// Verifies what the client chose to sign and nothing else. This gives up: protection of headers and parameters
    /// that are not listed (who sees a request may add or alter them, the account in `x-cos-appid` included), the
    /// binding to one host, the bound on how long a request can be replayed. A listed name that is absent is left
    /// out.
    CosCompatible,
}

/// Verifies the signature of a request at the time `now` (Unix seconds).
///
/// `secret` is the key that belongs to [`Presented::secret_id`]. Without one the same work is done, and the answer is
/// [`VerifyError::UnknownKey`]: how long it takes does not tell whether a key exists. The signatures are compared in
/// constant time. A host with a port is tried as it came and then without its port, since clients differ in this.
///
/// The body is not looked at: whoever reads it checks `Content-MD5`, and asks [`Presented::signs_header`] whether
/// that header was signed. Nor is [`Presented::security_token`] compared with the key's own.
///
/// ```
/// use cos_signature::{Credentials, KeyTime, Presented, Strictness, VerifyError, sign, verify};
///
/// let credentials = Credentials::new("AKIDEXAMPLE", "exampleSecret");
/// let mut request = http::Request::get("/jobs").header("host", "127.0.0.1:8080").body(())?;
/// sign(&mut request, &credentials, KeyTime::new(1_700_000_000, 1_700_003_600)?)?;
/// let mut parts = request.into_parts().0;
/// let presented = Presented::from_parts(&parts)?.into_owned();
/// let key = Some(&credentials.secret_key);
/// assert_eq!(verify(&parts, &presented, key, 1_700_000_001, Strictness::Strict), Ok(()));
/// assert_eq!(verify(&parts, &presented, None, 1_700_000_001, Strictness::Strict), Err(VerifyError::UnknownKey));
///
/// // Added on the way, and not signed.
/// parts.headers.insert("x-cos-appid", "1250000009".parse()?);
/// let altered = verify(&parts, &presented, key, 1_700_000_001, Strictness::Strict);
/// assert_eq!(altered, Err(VerifyError::UnsignedHeader { name: "x-cos-appid".to_owned() }));
/// assert_eq!(verify(&parts, &presented, key, 1_700_000_001, Strictness::CosCompatible), Ok(()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// One [`VerifyError`] for each rule; the rules that need no key are looked at first.
pub fn verify(
    parts: &Parts,
    presented: &Presented<'_>,
    secret: Option<&SecretKey>,
    now: i64,
    strictness: Strictness,
) -> Result<(), VerifyError> {
    times(presented, now, strictness)?;
    let mut unsigned = None;
    let mut headers = HeaderLine::listed(&parts.uri, &parts.headers, &presented.header_list, |name| {
        if name.starts_with("x-cos-") && unsigned.is_none() {
            unsigned = Some(name);
        }
    });
    let mut text = http_string(parts, presented, &headers);
    match strictness {
        Strictness::Strict => everything_signed(parts, presented, &headers, &text, unsigned)?,
        Strictness::CosCompatible => {}
    }

    let secret_key = secret.unwrap_or(&NOBODY);
    let signature = |text: &[u8]| SigningKey::signature_once(secret_key, presented.key_time, text);
    let mut matches = equal(&signature(text.as_bytes()), &presented.signature);
    if !bool::from(matches)
        && let Some(host) = headers.host()
        && let Some(bare) = host::without_port(host)
    {
        *host = bare;
        text = http_string(parts, presented, &headers);
        matches = equal(&signature(text.as_bytes()), &presented.signature);
    }
    // Both are known before one is looked at: whether there is such a key is no step more or less.
    match (secret.is_none(), bool::from(matches)) {
        (true, _) => Err(VerifyError::UnknownKey),
        (false, true) => Ok(()),
        (false, false) => Err(VerifyError::Mismatch),
    }
}

/// Whether two signatures are the same, in a time that does not depend on where they differ.
fn equal(left: &[u8; MAC_BYTES], right: &[u8; MAC_BYTES]) -> Choice {
    // Words: as safe as bytes, and a quarter of the steps.
    let (left, right) = (left.as_chunks().0, right.as_chunks().0);
    let words = left.iter().zip(right).map(|(left, right)| u32::from_ne_bytes(*left) ^ u32::from_ne_bytes(*right));
    words.fold(0, |differences, word| differences | word).ct_eq(&0)
}

/// Whether the time lies in the window; both windows, where they may differ.
fn times(presented: &Presented<'_>, now: i64, strictness: Strictness) -> Result<(), VerifyError> {
    let (key_time, sign_time) = (presented.key_time, presented.sign_time);
    if strictness == Strictness::Strict {
        if key_time != sign_time {
            return Err(VerifyError::TimesDiffer);
        }
        if key_time.seconds() > WINDOW_SECONDS_MAX {
            return Err(VerifyError::WindowTooLong { seconds: key_time.seconds(), max: WINDOW_SECONDS_MAX });
        }
    }
    let start = key_time.start().max(sign_time.start());
    let end = key_time.end().min(sign_time.end());
    if now < start - CLOCK_SKEW_SECONDS {
        return Err(VerifyError::NotYetValid { start, now });
    }
    if now > end {
        return Err(VerifyError::Expired { end, now });
    }
    Ok(())
}

/// What is signed when nobody has the key that is named, so that it takes as long as for any other key.
static NOBODY: LazyLock<SecretKey> = LazyLock::new(|| SecretKey::new(String::new()));

/// The HttpString with these headers and the parameters that the signature lists.
#[inline]
fn http_string(parts: &Parts, presented: &Presented<'_>, headers: &HeaderLine<'_>) -> HttpString {
    let mut text = HttpString::new(parts.method.as_str(), parts.uri.path());
    text.parameters(parts.uri.query().unwrap_or_default(), |name| presented.url_param_list.has(name));
    text.headers(headers);
    text
}

/// The rules of strict verifying about what is signed.
///
/// `unsigned` is a header whose name begins with `x-cos-` and which is not signed.
fn everything_signed(
    parts: &Parts,
    presented: &Presented<'_>,
    headers: &HeaderLine<'_>,
    signed: &HttpString,
    unsigned: Option<&str>,
) -> Result<(), VerifyError> {
    if !headers.names().any(|name| name == HOST) && !presented.header_list.contains(HOST) {
        return Err(VerifyError::UnsignedHeader { name: HOST.to_owned() });
    }
    if let Some(name) = unsigned {
        return Err(VerifyError::UnsignedHeader { name: shown(header_name::canonical(name).as_bytes()) });
    }
    if headers.hosts > 1 {
        return Err(VerifyError::DuplicateHeader { name: HOST.to_owned() });
    }
    if let Some(name) = headers.duplicate() {
        return Err(VerifyError::DuplicateHeader { name: shown(name.as_bytes()) });
    }
    // Each of them is listed, and once: where there are as many, none is absent.
    if headers.len() < presented.header_list.len() {
        let absent = presented.header_list.iter().find(|name| !headers.names().any(|other| other == *name));
        return Err(VerifyError::AbsentHeader { name: shown(absent.unwrap_or_default().as_bytes()) });
    }

    // The fields of a signature in the query are read once each, in their exact spelling. What only comes down to such
    // a name when it is decoded and put in lower case is a parameter like any other.
    let mut fields_left = [presented.place == Place::Query; FIELD_COUNT];
    if let Some(query) = parts.uri.query() {
        let mut unsigned = HttpString::new(parts.method.as_str(), parts.uri.path());
        unsigned.parameters(query, |name| {
            let own = field(name).is_some_and(|field| std::mem::take(&mut fields_left[field]));
            !own && !presented.url_param_list.has(name)
        });
        if let Some(name) = unsigned.parameter_names().next() {
            return Err(VerifyError::UnsignedParameter { name: shown(name) });
        }
    }
    let mut listed = presented.url_param_list.iter();
    let mut previous = None;
    for name in signed.parameter_names().filter(|name| previous.replace(*name) != Some(*name)) {
        absent_before(name, &mut listed).map_or(Ok(()), |name| Err(VerifyError::AbsentParameter { name }))?;
    }
    if let Some(name) = listed.next() {
        return Err(VerifyError::AbsentParameter { name: shown(name.as_bytes()) });
    }
    Ok(())
}

/// Takes the next listed name, which must be the next signed one; both are sorted and without repetitions. Gives the
/// listed name back if it is another.
fn absent_before<'a>(signed: &[u8], listed: &mut impl Iterator<Item = &'a str>) -> Option<String> {
    listed.next().filter(|name| name.as_bytes() != signed).map(|name| shown(name.as_bytes()))
}
