//! What every hostile request must come to: a refusal, and a server that goes on.

use bytes::Bytes;
use cos_batch_model::{ApiError, CreateJobResult};
use http::{Method, Request, StatusCode};

use super::{
    exchange::accepted,
    line::{WireBench, read},
};
use crate::verdict::{Verdict, ensure, failed};

/// Sends a request; it must be refused as the client's fault, and an honest one must be answered afterwards.
///
/// A server may as well end the connection over `unbounded` ones, before it has read them to their end.
pub(super) async fn repelled(wire: &WireBench, what: &str, request: Request<Bytes>, unbounded: bool) -> Verdict {
    match wire.try_send(request).await {
        Ok(answer) => {
            // Should it have made a job, that is to be removed.
            if let Ok(CreateJobResult { job_id }) = read(&answer)
                && answer.status().is_success()
            {
                wire.bench.remember(wire.account(), &job_id);
            }
            let error = ApiError::from_http(&answer);
            let found = if answer.status().is_success() { "it succeeds".to_owned() } else { error.to_string() };
            ensure(answer.status().is_client_error(), format_args!("{what} is refused with a 4xx status"), found)?;
        }
        Err(_) if unbounded => {}
        Err(error) => return Err(failed(format_args!("{what} is refused with a 4xx status"), error)),
    }
    let honest = wire.ask(&Method::GET, "/jobs?maxResults=1", "").await?;
    if honest.status() == StatusCode::NOT_IMPLEMENTED {
        // Other checks say that the system offers no ListJobs; here it is enough that it answers.
        return Ok(());
    }
    accepted("an honest request afterwards", &honest)
}

/// The same for a CreateJob with this body.
pub(super) async fn body_repelled(wire: &WireBench, what: &str, body: impl Into<Bytes>, unbounded: bool) -> Verdict {
    let request = wire.request(&Method::POST, "/jobs", body)?;
    repelled(wire, what, request, unbounded).await
}
