//! Whether a signature is right.

use std::borrow::Cow;

use cos_signature::{
    NameList, SecretKey,
    sigv4::{SigningKey, basic_time, canonical},
};
use http::{Uri, request::Parts, uri::PathAndQuery};
use percent_encoding::percent_decode_str;
use subtle::ConstantTimeEq;

use super::{Presented, SERVICE, SignatureError};

/// How far the time of a signature may be from the server's, in seconds.
///
/// Source: Amazon S3 API Reference, *Authenticating Requests*: fifteen minutes.
pub const SKEW_SECONDS_MAX: u64 = 15 * 60;

/// For how long a signature in the query may be good, in seconds.
///
/// Source: Amazon S3 API Reference, *Authenticating Requests: Using Query Parameters*: seven days.
pub const EXPIRES_SECONDS_MAX: i64 = 7 * 24 * 60 * 60;

/// Verifies the signature of a request. Without a secret, which means that nobody has the key, as much is computed as with one.
///
/// The body is not looked at: whoever reads it holds it against [`Presented::payload`].
///
/// # Errors
/// [`SignatureError`].
pub fn verify(head: &Parts, presented: &Presented, secret: Option<&SecretKey>, now: i64) -> Result<(), SignatureError> {
    let signed: Vec<&str> = presented.signed_headers.split(';').collect();
    let in_order = signed.windows(2).all(|two| two[0] < two[1]);
    let lower = signed.iter().all(|name| !name.is_empty() && !name.bytes().any(|b| b.is_ascii_uppercase()));
    if !in_order || !lower {
        let rule = "names must be in lower case, in order, and each be there once";
        return Err(SignatureError::Malformed { what: "SignedHeaders", rule });
    }
    if !signed.contains(&"host") {
        return Err(SignatureError::HeaderNotSigned("host".to_owned()));
    }
    let bound = |name: &str| name.starts_with("x-amz-");
    if let Some(bare) = head.headers.keys().find(|name| bound(name.as_str()) && !signed.contains(&name.as_str())) {
        return Err(SignatureError::HeaderNotSigned(bare.to_string()));
    }
    let is_there = |name: &str| head.headers.contains_key(name) || name == "host" && head.uri.host().is_some();
    if let Some(missing) = signed.iter().find(|name| !is_there(name)) {
        return Err(SignatureError::HeaderMissing((*missing).to_owned()));
    }
    check_time(presented, now)?;
    let nobody = SecretKey::new("nobody has this key");
    let key = SigningKey::derive(secret.unwrap_or(&nobody), presented.time, &presented.region, SERVICE);
    let head = if presented.expires.is_some() { Cow::Owned(without_signature(head)) } else { Cow::Borrowed(head) };
    let text = canonical::request(&head, &NameList::parse(&presented.signed_headers), presented.payload.as_str());
    let right: bool = key.signature(presented.time, &text).ct_eq(&presented.signature).into();
    match (secret, right) {
        (None, _) => Err(SignatureError::UnknownKey),
        (Some(_), false) => Err(SignatureError::Mismatch),
        (Some(_), true) => Ok(()),
    }
}

fn check_time(presented: &Presented, now: i64) -> Result<(), SignatureError> {
    if !basic_time(presented.time).starts_with(presented.day.as_str()) || presented.day.len() != "20260102".len() {
        return Err(SignatureError::Malformed {
            what: "Credential",
            rule: "its day must be that of the signature's time",
        });
    }
    let most = SKEW_SECONDS_MAX;
    let ahead = presented.time.saturating_sub(now);
    match presented.expires {
        None if ahead.unsigned_abs() > most => {
            let direction = if ahead > 0 { "after" } else { "before" };
            Err(SignatureError::Skewed { seconds: ahead.unsigned_abs(), direction, most })
        }
        Some(expires) if !(1..=EXPIRES_SECONDS_MAX).contains(&expires) => {
            Err(SignatureError::Malformed { what: "X-Amz-Expires", rule: "must be 1 to 604800" })
        }
        Some(_) if ahead > 0 && ahead.unsigned_abs() > most => {
            Err(SignatureError::Skewed { seconds: ahead.unsigned_abs(), direction: "after", most })
        }
        Some(expires) => match now.saturating_sub(presented.time.saturating_add(expires)) {
            late if late > 0 => Err(SignatureError::Expired { seconds: late.unsigned_abs() }),
            _ => Ok(()),
        },
        None => Ok(()),
    }
}

/// The head without the one parameter that a signature in the query cannot cover.
fn without_signature(head: &Parts) -> Parts {
    let mut head = head.clone();
    let is_signature = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        percent_decode_str(name).decode_utf8().is_ok_and(|name| name == "X-Amz-Signature")
    };
    let kept: Vec<&str> = head.uri.query().unwrap_or_default().split('&').filter(|pair| !is_signature(pair)).collect();
    let target = format!("{}?{}", head.uri.path(), kept.join("&"));
    let mut parts = std::mem::take(&mut head.uri).into_parts();
    // A part of what was a legal address is one.
    parts.path_and_query = target.parse::<PathAndQuery>().ok();
    head.uri = Uri::from_parts(parts).unwrap_or_default();
    head
}
