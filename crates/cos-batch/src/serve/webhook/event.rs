//! What is said of a change: a CloudEvent in its JSON form, signed as Standard Webhooks have it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cos_batch_engine::{JobRecord, UnixMillis};
use cos_batch_model::{FailureCode, FailureReason, StatusUpdateReason, Timestamp};
use cos_signature::SecretKey;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;
use uuid::Uuid;

/// The type of every event.
pub(super) const TYPE: &str = "cos-batch.job.status";

/// An event, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Of this job.
    pub(super) job: Uuid,
    /// The same for the same change, however often it is sent.
    pub(super) id: String,
    pub(super) body: String,
}

impl Event {
    /// Of a job that has just become so. Its texts are as short as in an answer of DescribeJob.
    pub(super) fn of(job: &JobRecord, now: UnixMillis) -> Self {
        let id = format!("{}-{}", job.id, job.version);
        let time = Timestamp::from_unix_seconds(now.div_euclid(1000)).map(|time| time.to_string()).ok();
        let failures: Vec<_> = job
            .state
            .failures
            .iter()
            .map(|failure| {
                let (code, reason) = (FailureCode::truncate(&failure.code), FailureReason::truncate(&failure.reason));
                json!({"FailureCode": code.as_str(), "FailureReason": reason.as_str()})
            })
            .collect();
        let reason = job.state.reason.as_deref().map(StatusUpdateReason::truncate);
        let body = json!({
            "specversion": "1.0",
            "id": id,
            "source": "/cos-batch/jobs",
            "type": TYPE,
            "subject": job.id.to_string(),
            "time": time,
            "datacontenttype": "application/json",
            "data": {
                "JobId": job.id.to_string(),
                "AppId": job.tenant,
                "Status": job.state.status.as_str(),
                "StatusUpdateReason": reason.as_ref().map(StatusUpdateReason::as_str),
                "FailureReasons": failures,
                "ProgressSummary": {
                    "NumberOfTasksSucceeded": job.progress.succeeded,
                    "NumberOfTasksFailed": job.progress.failed,
                    "TotalNumberOfTasks": job.progress.total,
                },
            },
        });
        Self { job: job.id, id, body: body.to_string() }
    }

    /// The value of the header `webhook-signature`, for a message that is sent at this second.
    pub(super) fn signature(&self, secret: &SecretKey, seconds: i64) -> String {
        // A key of any length is good for HMAC.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else { return String::new() };
        for part in [self.id.as_str(), ".", &seconds.to_string(), ".", &self.body] {
            mac.update(part.as_bytes());
        }
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worked out with `openssl dgst -sha256 -hmac` over the same bytes.
    #[test]
    fn the_signature_covers_the_id_the_time_and_the_body() {
        let event = Event { job: Uuid::nil(), id: "a-1".to_owned(), body: "{}".to_owned() };
        let secret = SecretKey::new("example".to_owned());
        assert_eq!(event.signature(&secret, 1_700_000_000), "v1,Nj/657d/6bp8BjlFeuN7yJJqOh+cUTD4pUoZfh4S9f4=");
        let other = Event { body: "{ }".to_owned(), ..event.clone() };
        assert_ne!(other.signature(&secret, 1_700_000_000), event.signature(&secret, 1_700_000_000));
        assert_ne!(event.signature(&secret, 1_700_000_001), event.signature(&secret, 1_700_000_000));
    }
}
