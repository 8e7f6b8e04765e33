//! Whole requests through a strict service.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use cos_batch_model::{
    ApiError, AppId, BatchApi, BoxFuture, CreateJobRequest, CreateJobResult, DeleteJobRequest, DeleteJobResult,
    DescribeJobRequest, DescribeJobResult, ErrorCode, ListJobsRequest, ListJobsResult, RequestContext,
    UpdateJobPriorityRequest, UpdateJobPriorityResult, UpdateJobStatusRequest, UpdateJobStatusResult,
};
use cos_batch_server::{BatchService, Key, StaticKeys};
use cos_signature::{Presented, SecretKey, Strictness, verify};
use http::{Request, StatusCode, request::Parts};
use http_body_util::Full;
use tower::ServiceExt as _;

use crate::head;

pub(crate) const PROPERTY: &str = "a strict service answers 4xx unless the signature holds, and asks its backend only \
                                   in the name of the account that the key belongs to; it never panics";

/// The keys of the captured requests and the fixtures, and a second account's.
const KEYS: [(&str, &str, &str); 2] = [
    ("AKIDEXAMPLEONLYNOTREAL0001", "exampleSecretKeyNotReal0001", "1250000000"),
    ("AKIDEXAMPLEONLYNOTREAL0002", "exampleSecretKeyNotReal0002", "1250000001"),
];

/// When requests come that have no readable signature, Unix seconds.
const NOW: i64 = 1_700_000_000;

/// Offers nothing, and keeps in whose name it was asked.
#[derive(Default)]
struct Backend(Mutex<Vec<AppId>>);

impl Backend {
    fn asked<'a, T: Send + 'a>(&'a self, context: &RequestContext) -> BoxFuture<'a, Result<T, ApiError>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(context.appid.clone());
        Box::pin(std::future::ready(Err(ApiError::new(ErrorCode::NotImplemented, "nothing is offered"))))
    }
}

impl BatchApi for Backend {
    fn create_job<'a>(
        &'a self,
        context: &'a RequestContext,
        _: CreateJobRequest,
    ) -> BoxFuture<'a, Result<CreateJobResult, ApiError>> {
        self.asked(context)
    }

    fn describe_job<'a>(
        &'a self,
        context: &'a RequestContext,
        _: DescribeJobRequest,
    ) -> BoxFuture<'a, Result<DescribeJobResult, ApiError>> {
        self.asked(context)
    }

    fn list_jobs<'a>(
        &'a self,
        context: &'a RequestContext,
        _: ListJobsRequest,
    ) -> BoxFuture<'a, Result<ListJobsResult, ApiError>> {
        self.asked(context)
    }

    fn update_job_priority<'a>(
        &'a self,
        context: &'a RequestContext,
        _: UpdateJobPriorityRequest,
    ) -> BoxFuture<'a, Result<UpdateJobPriorityResult, ApiError>> {
        self.asked(context)
    }

    fn update_job_status<'a>(
        &'a self,
        context: &'a RequestContext,
        _: UpdateJobStatusRequest,
    ) -> BoxFuture<'a, Result<UpdateJobStatusResult, ApiError>> {
        self.asked(context)
    }

    fn delete_job<'a>(
        &'a self,
        context: &'a RequestContext,
        _: DeleteJobRequest,
    ) -> BoxFuture<'a, Result<DeleteJobResult, ApiError>> {
        self.asked(context)
    }
}

pub(crate) fn target(input: &[u8]) {
    let Some((parts, body)) = head::parse(input) else { return };
    let presented = Presented::from_parts(&parts).ok();
    let now = presented.as_ref().map_or(NOW, |presented| presented.key_time.start());
    let owner = presented.and_then(|presented| owner(&parts, &presented, now));
    let Some((status, asked)) = served(parts, body, now) else { return };

    // A panic is an InternalError; NotImplemented is what the backend says, and what is said of an extension.
    assert!(status.is_client_error() || status == StatusCode::NOT_IMPLEMENTED, "{status}");
    match owner {
        None => {
            assert!(status.is_client_error(), "{status} without a signature that holds");
            assert!(asked.is_empty(), "the backend is asked without a signature that holds");
        }
        Some(owner) => {
            assert!(asked.iter().all(|appid| appid.as_str() == owner), "asked in the name of {asked:?}, not {owner}");
        }
    }
}

/// The status of a strict service's answer, and in whose name its backend was asked.
fn served(parts: Parts, body: &[u8], now: i64) -> Option<(StatusCode, Vec<AppId>)> {
    let backend = Arc::new(Backend::default());
    let mut keys = StaticKeys::new();
    for (id, secret, appid) in KEYS {
        keys = keys.with(id, Key::new(SecretKey::new(secret), AppId::new(appid).ok()?));
    }
    let service = BatchService::builder(backend.clone()).authenticate(keys).clock(move || now).build().ok()?;
    let request = Request::from_parts(parts, Full::new(Bytes::copy_from_slice(body)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().ok()?;
    let Ok(answer) = runtime.block_on(service.oneshot(request));
    let asked = std::mem::take(&mut *backend.0.lock().unwrap_or_else(PoisonError::into_inner));
    Some((answer.status(), asked))
}

/// Whose key signed the request, if one did.
fn owner(parts: &Parts, presented: &Presented<'_>, now: i64) -> Option<&'static str> {
    let (_, secret, appid) = KEYS.iter().find(|(id, ..)| *id == presented.secret_id)?;
    let holds = verify(parts, presented, Some(&SecretKey::new(*secret)), now, Strictness::Strict).is_ok();
    holds.then_some(appid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_captured_request_reaches_the_backend_and_another_accounts_does_not() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/headers/");
        let served = |name: &str| {
            let input = std::fs::read(format!("{corpus}{name}.http")).unwrap();
            let (parts, body) = head::parse(&input).unwrap();
            let now = Presented::from_parts(&parts).unwrap().key_time.start();
            served(parts, body, now).unwrap()
        };
        let own = AppId::new("1250000000").unwrap();
        for name in ["captured-01-create-copy", "captured-05-describe", "captured-09-status-confirm"] {
            assert_eq!(served(name), (StatusCode::NOT_IMPLEMENTED, vec![own.clone()]), "{name}");
        }
        for name in ["another-account", "account-twice", "account-missing", "extension", "lengths-differ"] {
            let (status, asked) = served(name);
            assert!(status.is_client_error() && asked.is_empty(), "{name}: {status} {asked:?}");
        }
    }
}
