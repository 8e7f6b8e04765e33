//! Requests that no typed client can make, and what errors look like.

use cos_batch_model::{ApiError, ErrorCode, action::REQUEST_ID_HEADER};
use http::{HeaderName, Method};

use super::{
    body::{self, doubled, with_inner, without},
    exchange::{has_form, refused_with},
    line::{APPID, WireBench},
};
use crate::{
    bench::Bench,
    check::{Check, checks},
    verdict::{Miss, Verdict, ensure, equal, failed, refused, skipped},
};

const ARGUMENT: &[ErrorCode] = &[ErrorCode::InvalidArgument];
const REQUEST: &[ErrorCode] = &[ErrorCode::InvalidRequest];
const MALFORMED: &[ErrorCode] = &[ErrorCode::MalformedXml];
/// Where pages disagree: one calls a bad priority the one, another the other.
const EITHER: &[ErrorCode] = &[ErrorCode::InvalidArgument, ErrorCode::InvalidRequest];
/// What the table calls "badly formed" for parts, and "invalid" for parameters.
const BAD_BODY: &[ErrorCode] = &[ErrorCode::MalformedXml, ErrorCode::InvalidArgument, ErrorCode::InvalidRequest];

pub(super) const CHECKS: &[Check<WireBench>] = checks! {
    "errors/form-of-errors", Documented "ErrorResponse",
    "an error has Code, Message, Resource and RequestId, the last as in the header x-cos-request-id" => form_of_errors;
    "errors/create-priority-out-of-range", Documented "error table",
    "a CreateJob whose priority is not a whole number in 0–2147483647 is 400" => create_priority;
    "errors/update-priority-out-of-range", Settled "listed for CreateJob only",
    "an UpdateJobPriority whose priority is not a whole number in 0–2147483647 is 400" => update_priority;
    "errors/no-priority", Documented "error table",
    "an UpdateJobPriority without priority is 400 InvalidRequest" => no_priority;
    "errors/other-requested-status", Documented "error table",
    "a requestedJobStatus that is neither Cancelled nor Ready is 400 InvalidArgument" => other_status;
    "errors/no-requested-status", Documented "UpdateJobStatus",
    "an UpdateJobStatus without requestedJobStatus is 400" => no_status;
    "errors/bad-job-statuses", Documented "error table",
    "a jobStatuses with an unknown status is 400 InvalidArgument" => bad_statuses;
    "errors/bad-max-results", Documented "error table",
    "a maxResults that is not a positive integer is 400 InvalidArgument" => bad_max_results;
    "errors/bad-next-token", Documented "error table",
    "a nextToken that cannot be a job's id is 400 InvalidArgument" => bad_next_token;
    "errors/empty-body", Documented "error table",
    "a CreateJob without a body is 400 InvalidRequest" => empty_body;
    "errors/not-xml", Documented "error table",
    "a CreateJob whose body is not the expected document is 400 MalformedXML" => not_xml;
    "errors/missing-element", Documented "CreateJob",
    "a CreateJob without a required element is 400" => missing_element;
    "errors/empty-element", Documented "error table",
    "a CreateJob whose required element is empty is 400" => empty_element;
    "errors/bad-enum", Documented "common elements",
    "a CreateJob with a value that its element does not have is 400" => bad_enum;
    "errors/two-operations", Documented "common elements, Operation",
    "a CreateJob with two operations is 400" => two_operations;
    "errors/repeated-element", Settled "which of two would count is not documented",
    "a CreateJob that has an element twice is 400" => repeated_element;
    "errors/unknown-element", Settled "a misspelled element must not be ignored silently",
    "a CreateJob with an element that the API does not have is 400" => unknown_element;
    "errors/no-job-id", Documented "error table",
    "a request for a job without its id is 400 InvalidRequest" => no_job_id;
    "errors/no-appid", Documented "error table",
    "a request without x-cos-appid, or with an empty one, is 400 InvalidArgument" => no_appid;
    "errors/other-method", Documented "general COS codes",
    "a method that a path does not have is 405 MethodNotAllowed" => other_method;
    "errors/refused-create-makes-no-job", Documented "CreateJob",
    "a CreateJob that was refused leaves its token unused" => refused_makes_none;
};

async fn form_of_errors(wire: &WireBench) -> Verdict {
    let path = format!("/jobs/{}", Bench::unknown_job());
    for (address, resource, code) in
        [(&*path, &*path, ErrorCode::NoSuchJob), ("/jobs?maxResults=0", "/jobs", ErrorCode::InvalidArgument)]
    {
        let answer = wire.ask(&Method::GET, address, "").await?;
        refused_with(address, &[code], &answer)?;
        has_form(address, &answer)?;
        let error = ApiError::from_http(&answer);
        for name in ["Error", "Code", "Message", "Resource", "RequestId"] {
            let text = String::from_utf8_lossy(answer.body());
            ensure(body::has_element(answer.body(), name), format_args!("an error with {name}"), text)?;
        }
        ensure(!error.message.trim().is_empty(), "a Message", "an empty one")?;
        let header = answer.headers().get(REQUEST_ID_HEADER).and_then(|id| id.to_str().ok());
        equal("RequestId", &header, &error.request_id.as_deref())?;
        equal("Resource", &Some(resource), &error.resource.as_deref())?;
    }
    Ok(())
}

const BAD_PRIORITIES: [&str; 6] = ["-1", "2147483648", "1.5", "high", "0x10", "99999999999999999999"];

async fn create_priority(wire: &WireBench) -> Verdict {
    for text in BAD_PRIORITIES {
        bad_create(wire, EITHER, &format!("Priority {text}"), with_inner(&body::create(wire), "Priority", text)?)
            .await?;
    }
    Ok(())
}

async fn update_priority(wire: &WireBench) -> Verdict {
    let job = wire.bench.create(|_| {}).await?.id;
    for text in BAD_PRIORITIES {
        ask_refused(wire, EITHER, &Method::POST, &format!("/jobs/{job}/priority?priority={text}")).await?;
    }
    Ok(())
}

async fn no_priority(wire: &WireBench) -> Verdict {
    let job = wire.bench.create(|_| {}).await?.id;
    for query in ["", "?priority="] {
        ask_refused(wire, REQUEST, &Method::POST, &format!("/jobs/{job}/priority{query}")).await?;
    }
    Ok(())
}

async fn other_status(wire: &WireBench) -> Verdict {
    let job = wire.bench.create(|_| {}).await?.id;
    for status in ["Paused", "Active", "Complete", "ready", "Canceled", "x"] {
        let address = format!("/jobs/{job}/status?requestedJobStatus={status}");
        ask_refused(wire, ARGUMENT, &Method::POST, &address).await?;
    }
    Ok(())
}

async fn no_status(wire: &WireBench) -> Verdict {
    let job = wire.bench.create(|_| {}).await?.id;
    ask_refused(wire, EITHER, &Method::POST, &format!("/jobs/{job}/status")).await
}

async fn bad_statuses(wire: &WireBench) -> Verdict {
    for list in ["Idle", "active", "Active%2CIdle", "Canceled"] {
        ask_refused(wire, ARGUMENT, &Method::GET, &format!("/jobs?jobStatuses={list}")).await?;
    }
    Ok(())
}

async fn bad_max_results(wire: &WireBench) -> Verdict {
    for number in ["0", "-1", "x", "1.0"] {
        ask_refused(wire, ARGUMENT, &Method::GET, &format!("/jobs?maxResults={number}")).await?;
    }
    Ok(())
}

async fn bad_next_token(wire: &WireBench) -> Verdict {
    let long = "a".repeat(65);
    for token in [long.as_str(), "%00"] {
        ask_refused(wire, ARGUMENT, &Method::GET, &format!("/jobs?nextToken={token}")).await?;
    }
    Ok(())
}

async fn empty_body(wire: &WireBench) -> Verdict {
    let request = wire.plain(&Method::POST, "/jobs", "")?;
    // A strict server wants a digest of every CreateJob, of an empty one too.
    let request = wire.digested(request);
    let answer = wire.send(request).await?;
    refused_with("a CreateJob without a body", REQUEST, &answer).map(drop)
}

async fn not_xml(wire: &WireBench) -> Verdict {
    let whole = body::create(wire);
    let unclosed = whole.replace("</CreateJobRequest>", "");
    for document in ["{\"Priority\": 1}", "text", "<Other></Other>", &unclosed, &format!("{whole}{whole}")] {
        bad_create(wire, MALFORMED, "a body that is no CreateJobRequest", document.to_owned()).await?;
    }
    Ok(())
}

async fn missing_element(wire: &WireBench) -> Verdict {
    for name in
        ["ClientRequestToken", "Manifest", "Location", "ETag", "Spec", "Operation", "Priority", "Report", "RoleArn"]
    {
        bad_create(wire, BAD_BODY, &format!("no {name}"), without(&body::create(wire), name)?).await?;
    }
    Ok(())
}

async fn empty_element(wire: &WireBench) -> Verdict {
    for name in ["ClientRequestToken", "Manifest", "ObjectArn", "ETag", "Operation", "Priority", "Enabled", "RoleArn"] {
        bad_create(wire, BAD_BODY, &format!("an empty {name}"), with_inner(&body::create(wire), name, "")?).await?;
    }
    Ok(())
}

async fn bad_enum(wire: &WireBench) -> Verdict {
    for (name, value) in [("Format", "CSV"), ("Enabled", "maybe"), ("ConfirmationRequired", "2")] {
        let document = with_inner(&body::create(wire), name, value)?;
        bad_create(wire, BAD_BODY, &format!("{name} `{value}`"), document).await?;
    }
    Ok(())
}

async fn two_operations(wire: &WireBench) -> Verdict {
    let two = "<COSDeleteObject></COSDeleteObject><COSInitiateRestoreObject><ExpirationInDays>1</ExpirationInDays>\
               <JobTier>Bulk</JobTier></COSInitiateRestoreObject>";
    bad_create(wire, BAD_BODY, "two operations", with_inner(&body::create(wire), "Operation", two)?).await
}

async fn repeated_element(wire: &WireBench) -> Verdict {
    for name in ["Priority", "RoleArn", "Manifest"] {
        bad_create(wire, BAD_BODY, &format!("{name} twice"), doubled(&body::create(wire), name)?).await?;
    }
    Ok(())
}

async fn unknown_element(wire: &WireBench) -> Verdict {
    let document = body::create(wire).replacen(body::ROOT, &format!("{}<Piority>1</Piority>", body::ROOT), 1);
    bad_create(wire, BAD_BODY, "an element Piority", document).await
}

async fn no_job_id(wire: &WireBench) -> Verdict {
    for (method, address) in [
        (Method::GET, "/jobs/"),
        (Method::POST, "/jobs//priority?priority=1"),
        (Method::POST, "/jobs//status?requestedJobStatus=Ready"),
    ] {
        ask_refused(wire, REQUEST, &method, address).await?;
    }
    Ok(())
}

async fn no_appid(wire: &WireBench) -> Verdict {
    if wire.account().credentials.is_none() {
        return Err(skipped("a system that serves everybody may take a request without APPID for its own account's"));
    }
    let name: HeaderName = APPID;
    for value in [None, Some("")] {
        let mut request = wire.plain(&Method::GET, "/jobs", "")?;
        request.headers_mut().remove(&name);
        if let Some(value) = value {
            request.headers_mut().insert(&name, http::HeaderValue::from_static(value));
        }
        let answer = wire.send(wire.line.signed(wire.account(), request)).await?;
        refused_with("a request without an APPID", ARGUMENT, &answer)?;
    }
    Ok(())
}

async fn other_method(wire: &WireBench) -> Verdict {
    for (method, address) in [(Method::PUT, "/jobs"), (Method::PATCH, "/jobs/a"), (Method::GET, "/jobs/a/priority")] {
        let answer = wire.ask(&method, address, "").await?;
        refused_with(&format!("{method} {address}"), &[ErrorCode::MethodNotAllowed], &answer)?;
    }
    Ok(())
}

async fn refused_makes_none(wire: &WireBench) -> Verdict {
    let good = body::create(wire);
    bad_create(wire, BAD_BODY, "no RoleArn", without(&good, "RoleArn")?).await?;
    let made = wire.create_raw(good).await?;
    made.map(drop).map_err(|error| failed("the token is free after a refused CreateJob", error))
}

async fn bad_create(wire: &WireBench, codes: &[ErrorCode], what: &str, document: String) -> Verdict {
    let made = wire.create_raw(document).await?;
    refused(&format!("a CreateJob with {what}"), codes, made).map(drop)
}

async fn ask_refused(wire: &WireBench, codes: &[ErrorCode], method: &Method, address: &str) -> Result<(), Miss> {
    let answer = wire.ask(method, address, "").await?;
    refused_with(&format!("{method} {address}"), codes, &answer).map(drop)
}
