//! Temporary keys, which are good only together with their token.

use bytes::Bytes;
use cos_signature::{Credentials, SECURITY_TOKEN};
use http::{HeaderName, HeaderValue, Method, Request, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    auth::forbidden,
    exchange::accepted,
    line::WireBench,
    signing::{Signature, window},
};
use crate::{
    check::{Check, checks},
    verdict::{Miss, Verdict, failed, skipped},
};

const TOKEN: HeaderName = HeaderName::from_static(SECURITY_TOKEN);

pub(super) const CHECKS: &[Check<WireBench>] = checks! {
    "auth/temporary-key", Documented "x-cos-security-token",
    "a request that is signed with a temporary key and has its token is carried out" => in_header;
    "auth/temporary-key-in-query", Documented "request signing",
    "signature and token of a temporary key may stand in the query" => in_query;
    "auth/missing-token", Documented "x-cos-security-token",
    "a temporary key without its token is 403" => missing;
    "auth/altered-token", Documented "x-cos-security-token",
    "a temporary key with another token is 403, whether or not that one is signed" => altered;
    "auth/dropped-token", Documented "request signing",
    "a request whose signed token was dropped is 403" => dropped;
    "auth/unsigned-token", Settled "what is not signed could be exchanged by anybody",
    "a token that is not signed is 403" => unsigned;
    "auth/token-of-a-permanent-key", Settled "who sends one takes the key for another",
    "a permanent key with a token is 403" => of_a_permanent_key;
};

/// Where a signature and its token stand.
#[derive(Clone, Copy, Debug)]
enum Place {
    Header,
    Query,
}

const PLACES: [Place; 2] = [Place::Header, Place::Query];

/// The temporary key of the setup, and its token.
fn key(wire: &WireBench) -> Result<(&Credentials, &str), Miss> {
    wire.needs_key()?;
    let key = wire.bench.setup.temporary.as_ref().ok_or_else(|| skipped("the setup has no temporary key"))?;
    let token = key.security_token.as_deref().ok_or_else(|| skipped("the setup's temporary key has no token"))?;
    Ok((key, token))
}

fn header_value(token: &str) -> Result<HeaderValue, Miss> {
    HeaderValue::try_from(token).map_err(|error| failed("a token that a header can carry", error))
}

/// A request that reads and changes nothing, with this token in this place, unsigned.
fn reading(wire: &WireBench, place: Place, token: Option<&str>) -> Result<Request<Bytes>, Miss> {
    let address = "/jobs?maxResults=1";
    let Some(token) = token else { return wire.plain(&Method::GET, address, "") };
    match place {
        Place::Header => {
            let mut request = wire.plain(&Method::GET, address, "")?;
            request.headers_mut().insert(TOKEN, header_value(token)?);
            Ok(request)
        }
        Place::Query => {
            let token = utf8_percent_encode(token, NON_ALPHANUMERIC);
            wire.plain(&Method::GET, &format!("{address}&{SECURITY_TOKEN}={token}"), "")
        }
    }
}

fn signature(wire: &WireBench, request: &Request<Bytes>) -> Signature {
    Signature::of(request, window(wire.bench.setup.now()))
}

fn sign(
    signature: &Signature,
    request: Request<Bytes>,
    place: Place,
    key: &Credentials,
) -> Result<Request<Bytes>, Miss> {
    match place {
        Place::Header => signature.sign(request, key),
        Place::Query => signature.sign_in_query(request, key),
    }
}

/// The signed request with this token.
fn signed(wire: &WireBench, place: Place, key: &Credentials, token: Option<&str>) -> Result<Request<Bytes>, Miss> {
    let request = reading(wire, place, token)?;
    sign(&signature(wire, &request), request, place, key)
}

async fn taken(wire: &WireBench, place: Place) -> Verdict {
    let (key, token) = key(wire)?;
    let answer = wire.send(signed(wire, place, key, Some(token))?).await?;
    accepted(&format!("a request with a temporary key ({place:?})"), &answer)
}

async fn in_header(wire: &WireBench) -> Verdict {
    taken(wire, Place::Header).await
}

async fn in_query(wire: &WireBench) -> Verdict {
    taken(wire, Place::Query).await
}

fn refused(what: &str, place: Place, answer: &Response<Bytes>) -> Verdict {
    forbidden(&format!("{what} ({place:?})"), answer).map(drop)
}

async fn missing(wire: &WireBench) -> Verdict {
    let (key, _) = key(wire)?;
    for place in PLACES {
        let answer = wire.send(signed(wire, place, key, None)?).await?;
        refused("a temporary key without its token", place, &answer)?;
    }
    Ok(())
}

/// The request with this token in place of the one that it has, or without any.
fn exchanged(mut request: Request<Bytes>, place: Place, token: Option<&str>) -> Result<Request<Bytes>, Miss> {
    match (place, token) {
        (Place::Header, Some(token)) => {
            request.headers_mut().insert(TOKEN, header_value(token)?);
        }
        (Place::Header, None) => {
            request.headers_mut().remove(TOKEN);
        }
        (Place::Query, token) => {
            let address = request.uri().to_string();
            let own = format!("&{SECURITY_TOKEN}=");
            let (before, rest) = address.split_once(&own).unwrap_or((&address, ""));
            let after = rest.find('&').map_or("", |end| &rest[end..]);
            let other = token.map(|token| format!("{own}{}", utf8_percent_encode(token, NON_ALPHANUMERIC)));
            let address = format!("{before}{}{after}", other.unwrap_or_default());
            *request.uri_mut() = address.parse().map_err(|error| failed("an address", error))?;
        }
    }
    Ok(request)
}

async fn altered(wire: &WireBench) -> Verdict {
    let (key, token) = key(wire)?;
    let other = format!("{token}x");
    for place in PLACES {
        let answer = wire.send(signed(wire, place, key, Some(&other))?).await?;
        refused("a temporary key with another token, properly signed", place, &answer)?;
        let request = exchanged(signed(wire, place, key, Some(token))?, place, Some(&other))?;
        refused("a token that was altered on its way", place, &wire.send(request).await?)?;
    }
    Ok(())
}

async fn dropped(wire: &WireBench) -> Verdict {
    let (key, token) = key(wire)?;
    for place in PLACES {
        let request = exchanged(signed(wire, place, key, Some(token))?, place, None)?;
        refused("a token that was dropped on its way", place, &wire.send(request).await?)?;
    }
    Ok(())
}

async fn unsigned(wire: &WireBench) -> Verdict {
    let (key, token) = key(wire)?;
    wire.needs_strict()?;
    for place in PLACES {
        let request = reading(wire, place, Some(token))?;
        let mut signature = signature(wire, &request);
        signature.header_list.retain(|name| name != SECURITY_TOKEN);
        signature.param_list.retain(|name| name != SECURITY_TOKEN);
        let answer = wire.send(sign(&signature, request, place, key)?).await?;
        refused("a token that is not signed", place, &answer)?;
    }
    Ok(())
}

async fn of_a_permanent_key(wire: &WireBench) -> Verdict {
    let key = wire.needs_key()?;
    if key.security_token.is_some() {
        return Err(skipped("the account's own key is a temporary one"));
    }
    for place in PLACES {
        let answer = wire.send(signed(wire, place, key, Some("token"))?).await?;
        refused("a permanent key with a token", place, &answer)?;
    }
    Ok(())
}
