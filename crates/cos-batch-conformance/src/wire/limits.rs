//! Lengths and ranges: what just fits is taken, one more is refused. Lengths are in bytes of UTF-8.

use cos_batch_model::{ApiError, ErrorCode, JobId};
use http::Method;

use super::{
    body::{self, with_inner},
    exchange::{accepted, refused_with},
    line::WireBench,
};
use crate::{
    check::{Check, checks},
    verdict::{Miss, Verdict, equal, refused, succeeds},
};

const ARGUMENT: &[ErrorCode] = &[ErrorCode::InvalidArgument];

/// Where pages disagree, or where the fault is in a body.
const BAD: &[ErrorCode] = &[ErrorCode::InvalidArgument, ErrorCode::InvalidRequest, ErrorCode::MalformedXml];

pub(super) const CHECKS: &[Check<WireBench>] = checks! {
    "limits/token", Documented "CreateJob",
    "a ClientRequestToken has 1–64 bytes" => token;
    "limits/description", Documented "DescribeJob",
    "a Description has at most 256 bytes" => description;
    "limits/bytes-not-characters", Documented "lengths are given in bytes",
    "lengths count bytes of UTF-8, not characters" => bytes_not_characters;
    "limits/priority", Documented "CreateJob",
    "a priority is at most 2147483647" => priority;
    "limits/role-arn", Documented "DescribeJob",
    "a RoleArn has at most 1024 bytes" => role_arn;
    "limits/etag", Documented "common elements",
    "a manifest's ETag has at most 1024 bytes" => etag;
    "limits/object-arn", Documented "common elements",
    "a manifest's ObjectArn has at most 1024 bytes" => object_arn;
    "limits/report-prefix", Documented "common elements",
    "a report's Prefix has at most 256 bytes" => report_prefix;
    "limits/update-reason", Documented "UpdateJobStatus",
    "a statusUpdateReason has at most 256 bytes" => update_reason;
    "limits/max-results", Documented "ListJobs",
    "maxResults is 1–1000" => max_results;
    "limits/next-token", Documented "ListJobs",
    "a nextToken has at most 64 bytes" => next_token;
    "limits/job-id", Documented "DescribeJob",
    "a job's id has at most 64 bytes" => job_id;
};

/// The job of a CreateJob with this inside an element; the element comes from `base`.
async fn create(wire: &WireBench, base: &str, name: &str, inner: &str) -> Result<Result<JobId, ApiError>, Miss> {
    wire.create_raw(with_inner(base, name, inner)?).await
}

/// A CreateJob whose element has this many bytes is refused.
async fn too_long(wire: &WireBench, name: &str, inner: &str) -> Verdict {
    let base = with_prefix(wire);
    let what = format!("{name} of {} bytes", inner.len());
    refused(&what, BAD, create(wire, &base, name, inner).await?).map(drop)
}

fn with_prefix(wire: &WireBench) -> String {
    let prefix = cos_batch_model::ReportPrefix::new("p").ok();
    body::create_with(wire, |request| request.report.prefix = prefix)
}

async fn token(wire: &WireBench) -> Verdict {
    let run = &wire.bench.setup.run;
    let longest = format!("{run:x<64}");
    succeeds("a token of 64 bytes", create(wire, &body::create(wire), "ClientRequestToken", &longest).await?)?;
    too_long(wire, "ClientRequestToken", &format!("{longest}x")).await?;
    refused("an empty token", BAD, create(wire, &body::create(wire), "ClientRequestToken", "").await?).map(drop)
}

async fn description(wire: &WireBench) -> Verdict {
    let longest = "d".repeat(256);
    let job = create(wire, &body::create(wire), "Description", &longest).await?;
    let job = wire.bench.describe(&succeeds("a description of 256 bytes", job)?).await?;
    equal("Description", &Some(longest.as_str()), &job.description.as_ref().map(|text| text.as_str()))?;
    too_long(wire, "Description", &format!("{longest}d")).await
}

async fn bytes_not_characters(wire: &WireBench) -> Verdict {
    for (character, fits) in [("é", 128), ("好", 85), ("🗄", 64)] {
        let longest = character.repeat(fits);
        let job = create(wire, &body::create(wire), "Description", &longest).await?;
        succeeds(&format!("a description of {fits} characters and {} bytes", longest.len()), job)?;
        too_long(wire, "Description", &character.repeat(fits + 1)).await?;
    }
    Ok(())
}

async fn priority(wire: &WireBench) -> Verdict {
    let job = create(wire, &body::create(wire), "Priority", "2147483647").await?;
    let job = succeeds("priority 2147483647", job)?;
    refused("priority 2147483648", BAD, create(wire, &body::create(wire), "Priority", "2147483648").await?)?;
    let address = format!("/jobs/{job}/priority?priority=");
    accepted("priority 0", &wire.ask(&Method::POST, &format!("{address}0"), "").await?)?;
    let answer = wire.ask(&Method::POST, &format!("{address}2147483648"), "").await?;
    refused_with("priority 2147483648", BAD, &answer).map(drop)
}

async fn role_arn(wire: &WireBench) -> Verdict {
    let start = "qcs::cam::uin/100000000001:roleName/";
    too_long(wire, "RoleArn", &format!("{start:r<1025}")).await
}

async fn etag(wire: &WireBench) -> Verdict {
    too_long(wire, "ETag", &"e".repeat(1025)).await
}

async fn object_arn(wire: &WireBench) -> Verdict {
    let arn = wire.bench.request().manifest.location.object_arn.into_string();
    too_long(wire, "ObjectArn", &format!("{arn:k<1025}")).await
}

async fn report_prefix(wire: &WireBench) -> Verdict {
    let longest = "p".repeat(256);
    succeeds("a prefix of 256 bytes", create(wire, &with_prefix(wire), "Prefix", &longest).await?)?;
    too_long(wire, "Prefix", &format!("{longest}p")).await
}

async fn update_reason(wire: &WireBench) -> Verdict {
    let job = wire.bench.create(|_| {}).await?.id;
    let address = format!("/jobs/{job}/status?requestedJobStatus=Cancelled&statusUpdateReason=");
    for reason in ["r".repeat(257), "%C3%A9".repeat(129)] {
        let answer = wire.ask(&Method::POST, &format!("{address}{reason}"), "").await?;
        refused_with("a reason of more than 256 bytes", ARGUMENT, &answer)?;
    }
    let answer = wire.ask(&Method::POST, &format!("{address}{}", "%C3%A9".repeat(128)), "").await?;
    accepted("a reason of 256 bytes", &answer)
}

async fn max_results(wire: &WireBench) -> Verdict {
    for (number, fits) in [(0, false), (1, true), (1000, true), (1001, false)] {
        let what = format!("maxResults={number}");
        let answer = wire.ask(&Method::GET, &format!("/jobs?{what}"), "").await?;
        if fits {
            accepted(&what, &answer)?;
        } else {
            refused_with(&what, ARGUMENT, &answer)?;
        }
    }
    Ok(())
}

async fn next_token(wire: &WireBench) -> Verdict {
    let answer = wire.ask(&Method::GET, &format!("/jobs?nextToken={}", "a".repeat(65)), "").await?;
    refused_with("a nextToken of 65 bytes", ARGUMENT, &answer).map(drop)
}

async fn job_id(wire: &WireBench) -> Verdict {
    // No job can have such an id, so that not finding it is right as well.
    let codes = &[ErrorCode::InvalidArgument, ErrorCode::InvalidRequest, ErrorCode::NoSuchJob];
    let answer = wire.ask(&Method::GET, &format!("/jobs/{}", "a".repeat(65)), "").await?;
    refused_with("an id of 65 bytes", codes, &answer).map(drop)
}
