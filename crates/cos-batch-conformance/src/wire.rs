//! Checks over HTTP: of a service in process, or of whatever answers at a URL.
//!
//! The checks of [`api`] run here too, each call as an HTTP request; further ones look at what no
//! [`BatchApi`](cos_batch_model::BatchApi) can show or send.

mod attack;
mod auth;
mod basic;
mod body;
mod errors;
mod exchange;
mod hostile;
mod lifecycle;
mod limits;
mod line;
mod paging;
mod signing;
mod tamper;
mod temporary;

use std::sync::Arc;

use bytes::Bytes;
use cos_batch_model::BoxFuture;
use http::{Request, Response};

use crate::{
    api,
    bench::Bench,
    check::{self, Check},
    report::{CheckInfo, Group, Report},
    setup::Setup,
};
use line::{Line, WireBench};

/// What carries requests to the system under test. A seam for the caller's own HTTP client, or for a service in the same
/// process, so that this crate needs neither runtime nor connection.
///
/// ```
/// use bytes::Bytes;
/// use cos_batch_conformance::Wire;
/// use cos_batch_model::BoxFuture;
/// use http::{Request, Response, StatusCode};
///
/// /// A server that is never ready.
/// struct Unready;
///
/// impl Wire for Unready {
///     fn call(&self, _: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, String>> {
///         let mut answer = Response::new(Bytes::new());
///         *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
///         Box::pin(async { Ok(answer) })
///     }
/// }
/// ```
pub trait Wire: Send + Sync {
    /// Sends a request and takes in its whole answer.
    ///
    /// The request's address has path and query only. It has a `host` header, and `content-length` where a client sends
    /// one; nothing may be added, left out or changed, since it is signed as it is. A time limit is the wire's own
    /// business: a call that never ends holds the run up. Redirects are not to be followed.
    ///
    /// # Errors
    ///
    /// There is no answer: a sentence that says why.
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, String>>;
}

impl<T: Wire + ?Sized> Wire for Arc<T> {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, String>> {
        (**self).call(request)
    }
}

/// The checks that the wire has beyond those of the API, group by group.
const CHECKS: [&[Check<WireBench>]; 9] = [
    basic::CHECKS,
    errors::CHECKS,
    paging::CHECKS,
    lifecycle::CHECKS,
    auth::CHECKS,
    tamper::CHECKS,
    temporary::CHECKS,
    limits::CHECKS,
    hostile::CHECKS,
];

/// What is checked.
///
/// See [`CheckInfo`] for an example. Source: each check names its own.
pub fn checks() -> Vec<CheckInfo> {
    let shared = api::CHECKS.into_iter().flatten().map(Check::info);
    let mut checks: Vec<_> = shared.chain(CHECKS.into_iter().flatten().map(Check::info)).collect();
    // Stable: within a group, those of the API come first.
    checks.sort_by_key(CheckInfo::group);
    checks
}

/// Runs the checks of these groups, one after the other.
///
/// As [`api::run`] with a [`Wire`] in place of a backend. Source: each check names its own.
pub async fn run(wire: Arc<dyn Wire>, setup: &Setup, groups: &[Group]) -> Report {
    let line = Arc::new(Line::new(wire, setup));
    let bench = WireBench { bench: Bench::new(Arc::<Line>::clone(&line), setup), line };
    let mut report = Report::new("wire");
    for group in Group::ALL.iter().filter(|group| groups.contains(group)) {
        for checks in api::CHECKS {
            check::run(checks, &bench.bench, &bench.bench, &[*group], &mut report).await;
        }
        for checks in CHECKS {
            check::run(checks, &bench, &bench.bench, &[*group], &mut report).await;
        }
    }
    report
}
