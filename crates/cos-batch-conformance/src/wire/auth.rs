//! Only who signs gets in: keys, times, accounts.

use bytes::Bytes;
use cos_batch_model::{ApiError, AppId, ErrorCode};
use cos_signature::{CLOCK_SKEW_SECONDS, Credentials, KeyTime, WINDOW_SECONDS_MAX};
use http::{HeaderValue, Method, Request, Response, header};

use super::{
    body,
    exchange::accepted,
    line::{APPID, CONTENT_MD5, WireBench, md5},
    signing::{Signature, window},
};
use crate::{
    check::{Check, checks},
    verdict::{Miss, Verdict, ensure, equal, failed, refused, skipped, succeeds},
};

/// Seconds by which clocks may differ without that a check of times fails by chance.
const MARGIN: i64 = 120;

pub(super) const CHECKS: &[Check<WireBench>] = checks! {
    "auth/unsigned", Documented "request signing",
    "a request without a signature is 403" => unsigned;
    "auth/unknown-key", Documented "general COS codes",
    "a signature with an unknown key is 403 InvalidAccessKeyId" => unknown_key;
    "auth/wrong-secret", Documented "general COS codes",
    "a signature with a wrong secret is 403 SignatureDoesNotMatch" => wrong_secret;
    "auth/expired-signature", Documented "request signing",
    "a signature whose time is over is 403" => expired;
    "auth/early-signature", Documented "general COS codes",
    "a signature that begins more than 15 minutes from now is 403" => early;
    "auth/clock-ahead", Documented "general COS codes, 15 minutes",
    "a client's clock may be ahead by some minutes" => clock_ahead;
    "auth/malformed-signature", Documented "request signing",
    "a signature that cannot be read is 403" => malformed;
    "auth/signature-in-query", Documented "request signing",
    "the signature may stand in the query" => in_query;
    "auth/host-without-port", Settled "the official Python SDK signs so",
    "a host with a port may be signed without it" => host_without_port;
    "auth/other-account", Documented "x-cos-appid",
    "x-cos-appid must be the account that the key belongs to, else 403" => other_account;
    "auth/altered-body", Documented "Content-MD5",
    "a body that is not the one of Content-MD5 is 400 BadDigest" => altered_body;
    "auth/bad-digest", Documented "Content-MD5",
    "a Content-MD5 that is not the Base64 of 16 bytes is 400 InvalidDigest" => bad_digest;
    "auth/body-without-digest", Settled "otherwise a body could be exchanged",
    "a CreateJob without a signed Content-MD5 is 403" => body_without_digest;
    "auth/different-times", Settled "no client sends them",
    "q-sign-time and q-key-time must be the same, else 403" => different_times;
    "auth/long-window", Settled "a stolen request can be replayed as long",
    "a signature that is valid for more than 24 hours is 403" => long_window;
    "auth/replayed-create", Documented "CreateJob, ClientRequestToken",
    "a CreateJob that somebody repeats makes no second job" => replayed_create;
    "auth/answer-without-signature", Settled "who may not sign must not learn how",
    "a refusal does not tell the signature that would have been right" => no_signature_told;
};

/// What a refused signature may be answered with, where the documentation leaves the code open.
pub(super) fn forbidden(what: &str, response: &Response<Bytes>) -> Result<ApiError, Miss> {
    let error = ApiError::from_http(response);
    if response.status().as_u16() == 403 {
        return Ok(error);
    }
    let found = if response.status().is_success() { "it succeeds".to_owned() } else { error.to_string() };
    Err(failed(format_args!("{what} is refused with 403"), found))
}

fn coded(what: &str, code: ErrorCode, response: &Response<Bytes>) -> Verdict {
    let error = forbidden(what, response)?;
    refused::<()>(what, &[code], Err(error)).map(drop)
}

/// A request that reads and changes nothing, unsigned.
fn reading(wire: &WireBench) -> Result<Request<Bytes>, Miss> {
    wire.plain(&Method::GET, "/jobs?maxResults=1", "")
}

async fn unsigned(wire: &WireBench) -> Verdict {
    wire.needs_key()?;
    for (method, address, body) in [
        (Method::GET, "/jobs", String::new()),
        (Method::GET, "/jobs/a", String::new()),
        (Method::POST, "/jobs", body::create(wire)),
        (Method::POST, "/jobs/a/priority?priority=1", String::new()),
        (Method::POST, "/jobs/a/status?requestedJobStatus=Ready", String::new()),
        (Method::DELETE, "/jobs/a", String::new()),
    ] {
        let answer = wire.send(wire.plain(&method, address, body)?).await?;
        if address == "/jobs" && method == Method::POST {
            // Should it have made a job, that is to be removed.
            let _ = wire.created(&answer);
        }
        forbidden(&format!("{method} {address} without a signature"), &answer)?;
    }
    Ok(())
}

async fn unknown_key(wire: &WireBench) -> Verdict {
    let key = wire.needs_key()?;
    let stranger = Credentials { secret_id: "AKIDNOBODYHASTHISKEY0000000000000000".to_owned(), ..key.clone() };
    let request = reading(wire)?;
    let signature = Signature::of(&request, window(wire.bench.setup.now()));
    let answer = wire.send(signature.sign(request, &stranger)?).await?;
    coded("a request with an unknown key", ErrorCode::InvalidAccessKeyId, &answer)
}

async fn wrong_secret(wire: &WireBench) -> Verdict {
    let key = wire.needs_key()?;
    let secret = format!("{}x", key.secret_key.expose());
    let liar = Credentials { secret_key: cos_signature::SecretKey::new(secret), ..key.clone() };
    let request = reading(wire)?;
    let signature = Signature::of(&request, window(wire.bench.setup.now()));
    let answer = wire.send(signature.sign(request, &liar)?).await?;
    coded("a request with a wrong secret", ErrorCode::SignatureDoesNotMatch, &answer)
}

/// The answer to a request that is signed for this window, in seconds from now.
async fn at(wire: &WireBench, start: i64, end: i64) -> Result<Response<Bytes>, Miss> {
    let key = wire.needs_key()?;
    let now = wire.bench.setup.now();
    let window = KeyTime::new((now + start).max(0), (now + end).max(0));
    let window = window.map_err(|error| failed("a window", error))?;
    let request = reading(wire)?;
    wire.send(Signature::of(&request, window).sign(request, key)?).await
}

async fn expired(wire: &WireBench) -> Verdict {
    for end in [-MARGIN, -86_400] {
        forbidden(&format!("a signature that ended {} s ago", -end), &at(wire, end - 3600, end).await?)?;
    }
    Ok(())
}

async fn early(wire: &WireBench) -> Verdict {
    for start in [CLOCK_SKEW_SECONDS + MARGIN, 86_400] {
        forbidden(&format!("a signature that begins in {start} s"), &at(wire, start, start + 3600).await?)?;
    }
    Ok(())
}

async fn clock_ahead(wire: &WireBench) -> Verdict {
    let start = CLOCK_SKEW_SECONDS - 2 * MARGIN;
    accepted(&format!("a request of a client whose clock is {start} s ahead"), &at(wire, start, start + 3600).await?)
}

async fn malformed(wire: &WireBench) -> Verdict {
    wire.needs_key()?;
    let good = wire.line.signed(wire.account(), reading(wire)?);
    let text = good.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let cut = text.len().saturating_sub(2);
    for bad in [
        "Bearer abc".to_owned(),
        "q-sign-algorithm=sha1".to_owned(),
        text[..cut].to_owned(),
        text.replace("sha1", "md5"),
        text.replace("q-signature=", "q-signature=00"),
        format!("{text}&q-ak=other"),
    ] {
        let mut request = reading(wire)?;
        let value = HeaderValue::try_from(bad.as_str()).map_err(|error| failed("a header", error))?;
        request.headers_mut().insert(header::AUTHORIZATION, value);
        // Which field is wrong is told, the values are nobody's business.
        forbidden("a signature that cannot be read", &wire.send(request).await?)?;
    }
    Ok(())
}

async fn in_query(wire: &WireBench) -> Verdict {
    let key = wire.needs_key()?;
    let request = reading(wire)?;
    let signature = Signature::of(&request, window(wire.bench.setup.now()));
    accepted("a request with its signature in the query", &wire.send(signature.sign_in_query(request, key)?).await?)
}

async fn host_without_port(wire: &WireBench) -> Verdict {
    let key = wire.needs_key()?;
    let host = &wire.bench.setup.host;
    let bare = host.rsplit_once(':').map(|(bare, _)| bare).filter(|bare| !bare.ends_with(':'));
    let bare = bare.ok_or_else(|| skipped("the setup's host has no port"))?;
    let mut request = reading(wire)?;
    let sent = HeaderValue::try_from(host).map_err(|error| failed("a host", error))?;
    let signed = HeaderValue::try_from(bare).map_err(|error| failed("a host", error))?;
    request.headers_mut().insert(header::HOST, signed);
    let signature = Signature::of(&request, window(wire.bench.setup.now()));
    let mut request = signature.sign(request, key)?;
    request.headers_mut().insert(header::HOST, sent);
    accepted("a request whose host is signed without its port", &wire.send(request).await?)
}

async fn other_account(wire: &WireBench) -> Verdict {
    wire.needs_key()?;
    let own = wire.account();
    let made_up = AppId::new(format!("9{:.32}", own.appid)).map_err(|error| failed("an APPID", error))?;
    let others = wire.bench.setup.other.iter().map(|other| other.appid.clone());
    for appid in others.chain([made_up]) {
        let mut request = reading(wire)?;
        let value = HeaderValue::try_from(appid.as_str()).map_err(|error| failed("a header", error))?;
        request.headers_mut().insert(APPID, value);
        let answer = wire.send(wire.line.signed(own, request)).await?;
        forbidden("a request in another account's name, properly signed", &answer)?;
    }
    Ok(())
}

async fn altered_body(wire: &WireBench) -> Verdict {
    let good = wire.request(&Method::POST, "/jobs", body::create(wire))?;
    let text = String::from_utf8_lossy(good.body()).replace("made to be", "Made to be");
    let altered = good.map(|_| Bytes::from(text));
    let made = wire.created(&wire.send(altered).await?);
    refused("a CreateJob whose body was exchanged", &[ErrorCode::BadDigest], made).map(drop)
}

async fn bad_digest(wire: &WireBench) -> Verdict {
    for digest in ["", "x", "AAAA", "1B2M2Y8AsgTpgAmY7PhCfg", "1B2M2Y8AsgTpgAmY7PhCfg==x"] {
        let mut request = wire.plain(&Method::POST, "/jobs", body::create(wire))?;
        request.headers_mut().insert(CONTENT_MD5, HeaderValue::from_static(digest));
        let made = wire.created(&wire.send(wire.line.signed(wire.account(), request)).await?);
        refused(&format!("Content-MD5 `{digest}`"), &[ErrorCode::InvalidDigest], made)?;
    }
    Ok(())
}

async fn body_without_digest(wire: &WireBench) -> Verdict {
    let key = wire.needs_strict()?;
    for unsigned in [false, true] {
        let mut request = wire.plain(&Method::POST, "/jobs", body::create(wire))?;
        let digest = md5(request.body());
        request.headers_mut().remove(CONTENT_MD5);
        let signature = Signature::of(&request, window(wire.bench.setup.now()));
        let mut request = signature.sign(request, key)?;
        if unsigned {
            request.headers_mut().insert(CONTENT_MD5, digest);
        }
        let answer = wire.send(request).await?;
        let _ = wire.created(&answer);
        forbidden("a CreateJob without a signed Content-MD5", &answer)?;
    }
    Ok(())
}

async fn different_times(wire: &WireBench) -> Verdict {
    let key = wire.needs_strict()?;
    let request = reading(wire)?;
    let now = wire.bench.setup.now();
    let sign_time = window(now - 1).to_string();
    let signature = Signature { sign_time, ..Signature::of(&request, window(now)) };
    forbidden("a signature with different times", &wire.send(signature.sign(request, key)?).await?).map(drop)
}

async fn long_window(wire: &WireBench) -> Verdict {
    wire.needs_strict()?;
    accepted("a signature for 24 hours", &at(wire, -MARGIN, WINDOW_SECONDS_MAX - MARGIN).await?)?;
    forbidden("a signature for longer", &at(wire, -MARGIN, WINDOW_SECONDS_MAX + 1).await?).map(drop)
}

async fn replayed_create(wire: &WireBench) -> Verdict {
    let request = wire.request(&Method::POST, "/jobs", body::create(wire))?;
    let first = succeeds("CreateJob", wire.created(&wire.send(request.clone()).await?))?;
    let again = wire.created(&wire.send(request).await?);
    refused("the same CreateJob once more", &[ErrorCode::InvalidRequest], again)?;
    equal("JobId", &first, &wire.bench.describe(&first).await?.job_id)
}

async fn no_signature_told(wire: &WireBench) -> Verdict {
    wire.needs_key()?;
    let good = wire.line.signed(wire.account(), reading(wire)?);
    let text = good.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (head, right) = text.rsplit_once("q-signature=").unwrap_or_default();
    let mut request = good.clone();
    let wrong = HeaderValue::try_from(format!("{head}q-signature={}", "0".repeat(right.len())));
    request.headers_mut().insert(header::AUTHORIZATION, wrong.map_err(|error| failed("a header", error))?);
    let answer = wire.send(request).await?;
    forbidden("a signature of zeros", &answer)?;
    let told = answer.headers().values().any(|value| value.as_bytes().windows(40).any(|part| part == right.as_bytes()));
    let told = told || String::from_utf8_lossy(answer.body()).contains(right);
    ensure(!told, "an answer without the right signature", "it is in the answer")
}
