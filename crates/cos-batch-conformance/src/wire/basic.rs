//! What bodies and headers look like, both ways.

use cos_batch_model::{Description, Job, JobId, Operation, Timestamp};
use http::Method;

use super::{
    body::{self, has_element},
    exchange::{accepted, has_form},
    line::WireBench,
};
use crate::{
    check::{Check, checks},
    verdict::{Miss, Verdict, ensure, equal, skipped, succeeds},
};

pub(super) const CHECKS: &[Check<WireBench>] = checks! {
    "basic/form-of-answers", Documented "common response headers",
    "answers have x-cos-request-id, and those with a body Content-Type application/xml" => form_of_answers;
    "basic/request-ids-differ", Documented "common response headers",
    "each answer has a request id of its own" => request_ids_differ;
    "basic/elements-clients-rely-on", Documented "clients of the API",
    "DescribeJob always has ConfirmationRequired and ProgressSummary, and ListJobs always has Jobs" => relied_on;
    "basic/constraints-are-integers", Documented "official Go SDK",
    "DescribeJob gives the times of ModifiedSinceConstraint as integers" => constraints_are_integers;
    "basic/times-have-whole-seconds", Documented "every sample",
    "times are written like 2026-11-01T08:30:00Z" => whole_seconds;
    "basic/delete-has-no-body", Settled "DeleteJob has no page; its client takes every 2xx",
    "DeleteJob answers 2xx without a body" => delete_has_no_body;
    "basic/takes-declarations", Documented "CreateJob samples and clients",
    "a CreateJob is taken with an XML declaration, in either kind of quotes" => declarations;
    "basic/takes-a-namespace", Settled "clients of similar APIs send one",
    "a CreateJob is taken with an xmlns on its root" => namespace;
    "basic/takes-any-order", Documented "the official Go SDK's order is not the documented one",
    "the order of the children does not matter" => any_order;
    "basic/takes-white-space", Documented "CreateJob, outline",
    "white space between elements, and around booleans, numbers and enum values, does not matter" => white_space;
    "basic/takes-entities-and-cdata", Documented "XML 1.0",
    "text may be written with references and CDATA" => entities_and_cdata;
    "basic/takes-empty-elements", Documented "clients of the API",
    "an optional element that is empty counts as absent" => empty_elements;
    "basic/takes-explicit-false", Documented "official Go SDK",
    "ConfirmationRequired may be given as false" => explicit_false;
};

async fn form_of_answers(wire: &WireBench) -> Verdict {
    let created = wire.ask(&Method::POST, "/jobs", body::create(wire)).await?;
    has_form("CreateJob", &created)?;
    let job = succeeds("CreateJob", wire.created(&created))?;
    for (what, method, address) in [
        ("ListJobs", Method::GET, "/jobs".to_owned()),
        ("DescribeJob", Method::GET, format!("/jobs/{job}")),
        ("UpdateJobPriority", Method::POST, format!("/jobs/{job}/priority?priority=5")),
        ("UpdateJobStatus", Method::POST, format!("/jobs/{job}/status?requestedJobStatus=Cancelled")),
        ("an error", Method::GET, "/jobs?maxResults=0".to_owned()),
    ] {
        has_form(what, &wire.ask(&method, &address, "").await?)?;
    }
    Ok(())
}

async fn request_ids_differ(wire: &WireBench) -> Verdict {
    let mut ids = Vec::new();
    for _ in 0..3 {
        let answer = wire.ask(&Method::GET, "/jobs?maxResults=1", "").await?;
        ids.push(answer.headers().get("x-cos-request-id").cloned());
    }
    let differ = ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2];
    ensure(differ, "three different ids", format_args!("{ids:?}"))
}

async fn relied_on(wire: &WireBench) -> Verdict {
    let job = wire.bench.create(|_| {}).await?.id;
    let description = raw_describe(wire, &job).await?;
    for name in ["ConfirmationRequired", "ProgressSummary", "TotalNumberOfTasks", "Manifest", "Operation"] {
        ensure(has_element(description.as_bytes(), name), format_args!("DescribeJob with {name}"), &description)?;
    }
    let list = wire.ask(&Method::GET, "/jobs?maxResults=1", "").await?;
    let text = String::from_utf8_lossy(list.body());
    ensure(has_element(list.body(), "Jobs"), "ListJobs with Jobs", &text)?;
    ensure(has_element(list.body(), "ProgressSummary"), "members of ListJobs with ProgressSummary", &text)
}

async fn constraints_are_integers(wire: &WireBench) -> Verdict {
    let Operation::PutObjectCopy(mut copy) = wire.bench.request().operation else {
        return Err(skipped("the setup's job is not a copy"));
    };
    copy.modified_since_constraint = Timestamp::from_unix_seconds(1_500_000_000).ok();
    let job = wire.bench.create(|request| request.operation = Operation::PutObjectCopy(copy)).await?.id;
    let description = raw_describe(wire, &job).await?;
    let expected = "<ModifiedSinceConstraint>1500000000</ModifiedSinceConstraint>";
    ensure(description.contains(expected), expected, &description)
}

async fn whole_seconds(wire: &WireBench) -> Verdict {
    let job = wire.bench.create(|_| {}).await?.id;
    let description = raw_describe(wire, &job).await?;
    let time = description.split_once("<CreationTime>").and_then(|(_, rest)| rest.split_once('<'));
    let time = time.map(|(time, _)| time).unwrap_or_default();
    let parsed = time.parse::<Timestamp>().map(|time| time.to_string());
    equal("CreationTime as it is written", &parsed, &Ok(time.to_owned()))
}

async fn delete_has_no_body(wire: &WireBench) -> Verdict {
    let job = wire.bench.create(|_| {}).await?.id;
    let answer = wire.ask(&Method::DELETE, &format!("/jobs/{job}"), "").await?;
    if answer.status().as_u16() == 501 {
        return Err(skipped("the system does not offer DeleteJob, which no documentation asks for"));
    }
    accepted("DeleteJob", &answer)?;
    ensure(answer.body().is_empty(), "no body", String::from_utf8_lossy(answer.body()))
}

async fn declarations(wire: &WireBench) -> Verdict {
    for declaration in [r#"<?xml version="1.0" encoding="UTF-8"?>"#, "<?xml version='1.0' encoding='utf-8' ?>\n"] {
        taken(wire, declaration, [declaration, &body::create(wire)].concat()).await?;
    }
    Ok(())
}

async fn namespace(wire: &WireBench) -> Verdict {
    let root = r#"<CreateJobRequest xmlns="http://batch.example/doc/2020-01-01/">"#;
    taken(wire, "a root with xmlns", body::create(wire).replacen(body::ROOT, root, 1)).await.map(drop)
}

async fn any_order(wire: &WireBench) -> Verdict {
    for name in ["RoleArn", "Report", "Priority", "Manifest"] {
        let document = body::in_front(&body::create(wire), name)?;
        taken(wire, &format!("a CreateJob that begins with {name}"), document).await?;
    }
    Ok(())
}

async fn white_space(wire: &WireBench) -> Verdict {
    let mut document = body::create(wire).replace("><", ">\r\n\t<");
    for (name, padded) in [("Priority", " 12 "), ("ConfirmationRequired", "\n true ")] {
        document = body::with_inner(&document, name, padded)?;
    }
    let job = taken(wire, "a CreateJob with white space", document).await?;
    equal("Priority", &12, &job.priority.get())?;
    equal("ConfirmationRequired", &true, &job.confirmation_required)
}

async fn entities_and_cdata(wire: &WireBench) -> Verdict {
    let written = "a &lt;b&gt; &amp; &quot;c&apos; &#65;&#x42;<![CDATA[ <d> & ]]><!-- no text -->e";
    let document = body::with_inner(&body::create(wire), "Description", written)?;
    let job = taken(wire, "a description with references and CDATA", document).await?;
    equal("Description", &Description::new("a <b> & \"c' AB <d> & e").ok(), &job.description)
}

async fn empty_elements(wire: &WireBench) -> Verdict {
    for empty in ["<Description></Description>", "<Description/>"] {
        let document = body::create_with(wire, |request| request.description = None);
        let document = document.replacen(body::ROOT, &[body::ROOT, empty].concat(), 1);
        let job = taken(wire, empty, document).await?;
        equal("Description", &None, &job.description)?;
    }
    Ok(())
}

async fn explicit_false(wire: &WireBench) -> Verdict {
    let document = body::with_inner(&body::create(wire), "ConfirmationRequired", "false")?;
    let job = taken(wire, "ConfirmationRequired false", document).await?;
    equal("ConfirmationRequired", &false, &job.confirmation_required)
}

/// The job that a document makes.
async fn taken(wire: &WireBench, what: &str, document: String) -> Result<Job, Miss> {
    let job = succeeds(&format!("CreateJob ({what})"), wire.create_raw(document).await?)?;
    wire.bench.describe(&job).await
}

/// The text of DescribeJob.
async fn raw_describe(wire: &WireBench, job: &JobId) -> Result<String, Miss> {
    let answer = wire.ask(&Method::GET, &format!("/jobs/{job}"), "").await?;
    accepted("DescribeJob", &answer)?;
    Ok(String::from_utf8_lossy(answer.body()).into_owned())
}
