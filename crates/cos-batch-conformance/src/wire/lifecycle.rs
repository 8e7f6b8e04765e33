//! Changes of status as addresses.

use cos_batch_model::UpdateJobStatusResult;
use http::Method;

use super::line::{WireBench, read};
use crate::{
    check::{Check, checks},
    verdict::{Miss, Verdict, equal, succeeds},
};

pub(super) const CHECKS: &[Check<WireBench>] = checks! {
    "lifecycle/plus-is-a-space", Documented "official Go SDK",
    "in a query a plus stands for a space, and is signed as one; %2B is a plus" => plus_is_space;
    "lifecycle/reason-in-utf-8", Documented "UpdateJobStatus",
    "a percent-encoded statusUpdateReason comes back in UTF-8" => reason_in_utf8;
    "lifecycle/no-reason", Documented "UpdateJobStatus",
    "statusUpdateReason may be empty or absent" => no_reason;
};

/// Cancels a job with this written reason, and gives the reason of the answer.
async fn cancel(wire: &WireBench, reason: &str) -> Result<Option<String>, Miss> {
    let job = wire.bench.create(|_| {}).await?.id;
    let address = format!("/jobs/{job}/status?requestedJobStatus=Cancelled{reason}");
    let answer = wire.ask(&Method::POST, &address, "").await?;
    let answer: UpdateJobStatusResult = succeeds(&format!("POST {address}"), read(&answer))?;
    Ok(answer.status_update_reason.map(|reason| reason.into_string()).filter(|reason| !reason.is_empty()))
}

async fn plus_is_space(wire: &WireBench) -> Verdict {
    let reason = cancel(wire, "&statusUpdateReason=to+do%20%28now%29+%2A~%27%21%2B").await?;
    equal("StatusUpdateReason", &Some("to do (now) *~'!+".to_owned()), &reason)
}

async fn reason_in_utf8(wire: &WireBench) -> Verdict {
    let reason = cancel(wire, "&statusUpdateReason=%E5%A5%BD%20%26%20%C3%A9").await?;
    equal("StatusUpdateReason", &Some("好 & é".to_owned()), &reason)
}

async fn no_reason(wire: &WireBench) -> Verdict {
    for written in ["", "&statusUpdateReason="] {
        equal("StatusUpdateReason", &None, &cancel(wire, written).await?)?;
    }
    Ok(())
}
