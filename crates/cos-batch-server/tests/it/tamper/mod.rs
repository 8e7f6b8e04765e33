//! Whatever is changed on the way between client and server is refused in strict mode, unless it provably means the
//! same.
//!
//! The cases are generated: for each action, in each form of signature, every part of the request is altered, dropped,
//! repeated, renamed or added to. A case that is let in must be listed with its reason, and the backend must be asked
//! exactly what the untouched request asks.

mod authorization;
mod bits;
mod headers;
mod message;
mod path;
mod query;

use std::collections::BTreeMap;

use cos_batch_server::{BatchService, Key};
use http::Request;
use http_body_util::Full;

use crate::support::*;
use message::{Form, Message, messages};

/// A changed request.
struct Case {
    what: String,
    message: Message,
    /// Why it is let in all the same, where it is.
    same_because: Option<&'static str>,
}

impl Case {
    fn refused(what: impl Into<String>, message: Message) -> Self {
        Self { what: what.into(), message, same_because: None }
    }

    fn same(what: impl Into<String>, message: Message, because: &'static str) -> Self {
        Self { what: what.into(), message, same_because: Some(because) }
    }
}

/// The server's side of a form of signature.
fn service(form: Form, recorder: &Recorder) -> BatchService {
    let security_token = form.is_temporary().then(|| message::TOKEN.to_owned());
    with_key(recorder.clone(), Key { security_token, ..key() })
}

/// What the backend is asked, if it is.
async fn asked(service: &BatchService, recorder: &Recorder, message: Message) -> Option<String> {
    let Ok(request) = Request::<Full<bytes::Bytes>>::try_from(message) else { return None };
    send(service, request).await;
    let mut calls = recorder.take();
    assert!(calls.len() <= 1);
    calls.pop().map(|(context, request)| format!("{} {:?} {request}", context.appid, context.uin))
}

/// Runs the cases that `make` derives from the requests of all actions in all forms, and counts them.
async fn run(make: impl Fn(&Message) -> Vec<Case>) -> usize {
    let mut count = 0;
    for form in Form::ALL {
        let recorder = Recorder::default();
        let service = service(form, &recorder);
        for message in messages(form) {
            let original = asked(&service, &recorder, message.clone()).await;
            assert!(original.is_some(), "the request as it is signed is let in: {message:?}");
            let mut names = BTreeMap::new();
            for Case { what, message: changed, same_because } in make(&message) {
                let what = format!("{form:?} {} {}: {what}", message.method, message.path);
                assert!(changed != message, "{what}: nothing is changed");
                assert_eq!(names.insert(what.clone(), ()), None, "two cases have one name: {what}");
                let found = asked(&service, &recorder, changed.clone()).await;
                match same_because {
                    None => assert_eq!(found, None, "{what}: let in\n{changed:#?}"),
                    Some(reason) => assert_eq!(found, original, "{what}: means the same, since {reason}\n{changed:#?}"),
                }
                count += 1;
            }
        }
    }
    count
}

#[tokio::test]
async fn paths_and_methods() {
    let count = run(path::cases).await;
    assert!(count > 4_000, "{count}");
}

#[tokio::test]
async fn query_parameters() {
    let count = run(query::cases).await;
    assert!(count > 1_000, "{count}");
}

#[tokio::test]
async fn header_fields() {
    let count = run(headers::cases).await;
    assert!(count > 1_000, "{count}");
}

#[tokio::test]
async fn the_signature_itself() {
    let count = run(authorization::cases).await;
    assert!(count > 1_000, "{count}");
}
