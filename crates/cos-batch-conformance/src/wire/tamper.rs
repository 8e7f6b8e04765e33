//! Requests that somebody changed between client and server.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri, header};

use super::{
    auth::forbidden,
    line::{APPID, CONTENT_MD5, WireBench},
    signing::{Signature, window},
};
use crate::{
    check::{Check, checks},
    verdict::{Miss, Verdict, failed},
};

pub(super) const CHECKS: &[Check<WireBench>] = checks! {
    "auth/tampered-method", Documented "request signing",
    "a request that was given another method is 403" => method;
    "auth/tampered-path", Documented "request signing",
    "a request that was given another path is 403" => path;
    "auth/tampered-parameter", Documented "request signing",
    "a request whose query parameter was altered or dropped is 403" => parameter;
    "auth/added-parameter", Settled "what is not signed could be added by anybody",
    "a request with a query parameter that is not signed is 403" => added_parameter;
    "auth/tampered-header", Documented "request signing",
    "a request whose signed header was altered is 403 or, for a digest, 400" => altered_header;
    "auth/dropped-header", Settled "a listed name that is absent hides a change",
    "a request that lacks a header that its signature lists is refused" => dropped_header;
    "auth/unsigned-appid", Settled "otherwise anybody could choose the account",
    "a request whose x-cos-appid is not signed is 403" => unsigned_appid;
    "auth/unsigned-header", Settled "headers that steer the server must not be added by anybody",
    "a request with an x-cos- header that is not signed is 403" => unsigned_header;
    "auth/unsigned-host", Settled "otherwise a request is good for any server",
    "a request whose host is not signed is 403" => unsigned_host;
    "auth/doubled-header", Settled "which of two would count is not documented",
    "a request with x-cos-appid twice is refused" => doubled_header;
};

/// A signed request of each action, about a job that does not exist: were it let through, nothing would happen.
fn each_action(wire: &WireBench) -> Result<Vec<(&'static str, Request<Bytes>)>, Miss> {
    let id = crate::bench::Bench::unknown_job();
    // A body that no server takes: getting as far as reading it is getting too far.
    let body = "<CreateJobRequest></CreateJobRequest>";
    [
        ("CreateJob", Method::POST, "/jobs".to_owned(), body),
        ("DescribeJob", Method::GET, format!("/jobs/{id}"), ""),
        ("ListJobs", Method::GET, "/jobs?jobStatuses=Failed&maxResults=1".to_owned(), ""),
        ("UpdateJobPriority", Method::POST, format!("/jobs/{id}/priority?priority=1"), ""),
        ("UpdateJobStatus", Method::POST, format!("/jobs/{id}/status?requestedJobStatus=Ready"), ""),
        ("DeleteJob", Method::DELETE, format!("/jobs/{id}"), ""),
    ]
    .into_iter()
    .map(|(action, method, address, body)| Ok((action, wire.request(&method, &address, body)?)))
    .collect()
}

async fn method(wire: &WireBench) -> Verdict {
    wire.needs_key()?;
    let id = crate::bench::Bench::unknown_job();
    for (from, to) in [(Method::GET, Method::DELETE), (Method::DELETE, Method::GET)] {
        let mut request = wire.request(&from, &format!("/jobs/{id}"), "")?;
        *request.method_mut() = to.clone();
        forbidden(&format!("a {to} that was signed as {from}"), &wire.send(request).await?)?;
    }
    Ok(())
}

async fn path(wire: &WireBench) -> Verdict {
    wire.needs_key()?;
    for (action, mut request) in each_action(wire)? {
        let address = request.uri().to_string();
        let other = match address.split_once('/') {
            Some(_) if address.starts_with("/jobs/") => address.replacen("/jobs/0", "/jobs/1", 1),
            _ => continue,
        };
        *request.uri_mut() = uri(&other)?;
        forbidden(&format!("{action} with another job's id"), &wire.send(request).await?)?;
    }
    Ok(())
}

async fn parameter(wire: &WireBench) -> Verdict {
    wire.needs_key()?;
    for (action, request) in each_action(wire)? {
        let address = request.uri().to_string();
        let Some((path, query)) = address.split_once('?') else { continue };
        let pairs: Vec<&str> = query.split('&').collect();
        for index in 0..pairs.len() {
            let mut altered = pairs.clone();
            let longer = format!("{}1", pairs[index]);
            altered[index] = &longer;
            let mut dropped = pairs.clone();
            dropped.remove(index);
            for (what, pairs) in [("altered", altered), ("dropped", dropped)] {
                let separator = if pairs.is_empty() { "" } else { "?" };
                let mut request = request.clone();
                *request.uri_mut() = uri(&format!("{path}{separator}{}", pairs.join("&")))?;
                let what = format!("{action} whose parameter `{}` was {what}", pairs_name(query, index));
                forbidden(&what, &wire.send(request).await?)?;
            }
        }
    }
    Ok(())
}

async fn added_parameter(wire: &WireBench) -> Verdict {
    wire.needs_strict()?;
    for (action, request) in each_action(wire)? {
        for added in ["x=1", "statusUpdateReason=x", "nextToken=a"] {
            let address = request.uri().to_string();
            let separator = if address.contains('?') { '&' } else { '?' };
            let mut request = request.clone();
            *request.uri_mut() = uri(&format!("{address}{separator}{added}"))?;
            forbidden(&format!("{action} with `{added}` added"), &wire.send(request).await?)?;
        }
    }
    Ok(())
}

async fn altered_header(wire: &WireBench) -> Verdict {
    wire.needs_key()?;
    for (action, request) in each_action(wire)? {
        for (name, value) in [
            (APPID, "1"),
            (header::HOST, "elsewhere.example"),
            (header::CONTENT_TYPE, "text/plain"),
            (CONTENT_MD5, "1B2M2Y8AsgTpgAmY7PhCfg=="),
        ] {
            if !request.headers().contains_key(&name) {
                continue;
            }
            let mut request = request.clone();
            request.headers_mut().insert(&name, HeaderValue::from_static(value));
            forbidden(&format!("{action} whose {name} was altered"), &wire.send(request).await?)?;
        }
    }
    Ok(())
}

async fn dropped_header(wire: &WireBench) -> Verdict {
    wire.needs_strict()?;
    for (action, request) in each_action(wire)? {
        for name in [APPID, header::CONTENT_TYPE, CONTENT_MD5, header::AUTHORIZATION] {
            if !request.headers().contains_key(&name) {
                continue;
            }
            let mut request = request.clone();
            request.headers_mut().remove(&name);
            let answer = wire.send(request).await?;
            // Without an APPID there is nobody to check the signature for: 400, as the error table has it.
            if name == APPID && answer.status().as_u16() == 400 {
                continue;
            }
            forbidden(&format!("{action} whose {name} was dropped"), &answer)?;
        }
    }
    Ok(())
}

/// Each action, signed without naming this header, and sent with `extra` where that is given.
async fn without_signing(wire: &WireBench, name: &HeaderName, extra: Option<&'static str>) -> Verdict {
    let key = wire.needs_strict()?;
    for (action, mut request) in each_action(wire)? {
        request.headers_mut().remove(header::AUTHORIZATION);
        let mut signature = Signature::of(&request, window(wire.bench.setup.now()));
        signature.header_list.retain(|listed| listed != name.as_str());
        let mut request = signature.sign(request, key)?;
        if let Some(extra) = extra {
            request.headers_mut().insert(name, HeaderValue::from_static(extra));
        }
        forbidden(&format!("{action} whose {name} is not signed"), &wire.send(request).await?)?;
    }
    Ok(())
}

async fn unsigned_appid(wire: &WireBench) -> Verdict {
    without_signing(wire, &APPID, None).await
}

async fn unsigned_header(wire: &WireBench) -> Verdict {
    without_signing(wire, &HeaderName::from_static("x-cos-conformance"), Some("1")).await
}

async fn unsigned_host(wire: &WireBench) -> Verdict {
    without_signing(wire, &header::HOST, None).await
}

async fn doubled_header(wire: &WireBench) -> Verdict {
    wire.needs_key()?;
    for (action, mut request) in each_action(wire)? {
        request.headers_mut().append(APPID, HeaderValue::from_static("1"));
        let answer = wire.send(request).await?;
        if answer.status().as_u16() != 400 {
            forbidden(&format!("{action} with x-cos-appid twice"), &answer)?;
        }
    }
    Ok(())
}

fn uri(address: &str) -> Result<Uri, Miss> {
    address.parse().map_err(|error| failed("an address", error))
}

fn pairs_name(query: &str, index: usize) -> &str {
    query.split('&').nth(index).and_then(|pair| pair.split('=').next()).unwrap_or_default()
}
